"""What is marked in a view, as marks to save, and saved marks put into a view.

Runs in: kernel
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.viewer.contours import read_contours
from workbench.viewer.label_layer import LabelLayer
from workbench.viewer.mark_set import LabelSet, Marks
from workbench.viewer.marks import read_boxes
from workbench.viewer.shown_volume import ShownVolume, as_shown


def marks_of(view: Any) -> tuple[Marks, ShownVolume]:
    """Give all marks of a view, and what they were made on.

    Labels are those of the visible layers; layers of another grid are taken onto the view's own, nearest voxel. Marks
    on an array that lies on a governed scan belong to that scan.
    """
    opened, geometry = view.opened, view.volume.geometry
    on_scan = opened.scan is not None and opened.scan.geometry == geometry
    sets = tuple(
        _label_set(view.shelf.layers[trait["id"]], trait, geometry) for trait in view.labels if trait["visible"]
    )
    marks = Marks(
        read_boxes(view.boxes, geometry), read_contours(view.contours, geometry), tuple(view.measurements),
        tuple(view.candidates), tuple(view.judgements), sets,
    )  # fmt: skip
    return marks, as_shown(opened.scan) if on_scan else view.volume


def show_marks(view: Any, marks: Marks) -> None:
    """Put marks into a view in place of those of the same kinds; kinds that there are none of stay as they are."""
    if marks.boxes:
        view.boxes = [mark.as_dict() for mark in marks.boxes]
    if marks.contours:
        view.contours = [mark.as_dict() for mark in marks.contours]
    if marks.measurements:
        view.measurements = [dict(one) for one in marks.measurements]
    if marks.candidates:
        view.candidates = [dict(one) for one in marks.candidates]
        # The view sorts candidates by score, so a judgement is told by its place.
        places = [one["position_mm"] for one in marks.candidates]
        view.judgements = [{**one, "position_mm": places[int(one["candidate"])]} for one in marks.judgements]
    if marks.labels:
        view.labels = {one.title: (one.array, dict(one.names)) for one in marks.labels}


def _label_set(layer: LabelLayer, trait: dict[str, Any], geometry: Geometry) -> LabelSet:
    names = {int(one["value"]): str(one["label"]) for one in trait["segments"]}
    return LabelSet(str(trait["title"]), layer if layer.is_on_grid else _OnGrid(layer, geometry), names)


class _OnGrid:
    """A label layer of another grid, taken onto a view's own when it is read."""

    def __init__(self, layer: LabelLayer, geometry: Geometry) -> None:
        self.layer, self.geometry = layer, geometry
        self.shape = geometry.shape

    def __getitem__(self, key: Any) -> NDArray[np.uint16]:
        slices = [self.layer.read_slice("axial", z, self.geometry) for z in range(self.shape[0])]
        chosen: NDArray[np.uint16] = np.stack(slices)[key]
        return chosen
