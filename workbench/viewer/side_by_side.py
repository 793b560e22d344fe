"""The same plane of two volumes beside each other, at the same patient position and in the same scale.

The same rules as `extensions/ct-viewer/src/side_by_side.ts`, so that the still picture and the widget agree.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.compare import Compared
from workbench.viewer.inks import Pen
from workbench.viewer.overlaid import amount, draw_sentence, is_in, outside_words
from workbench.viewer.overlays import LegendEntry
from workbench.viewer.panes import Held, Pane
from workbench.viewer.picture import Drawn, Parts, compose
from workbench.viewer.planes import Plane, closest_axes, lay_planes
from workbench.viewer.scene import Placed, ReadableVolume, Scene

# What plane and slice take at the upper left, px of a picture of usual size.
NAME_WIDTH = 120

Places = dict[str, tuple[int, int, int, int]]


class SecondPane(Pane):
    """A plane of the second volume that follows one of the first: same middle in the patient, same scale.

    Parameters
    ----------
    leader : Pane
        Of the first volume; already drawn, as its slice says where it lies.
    geometry : Geometry
        Of the second volume.
    """

    is_first = False

    def __init__(self, leader: Pane, geometry: Geometry) -> None:
        plane = same_plane(leader.geometry, leader.plane, geometry)
        super().__init__(plane, geometry, leader.size, leader.zoom, leader.grain)
        self.scale = leader.scale
        down, across = (geometry.spacing_mm[axis] * self.scale for axis in (plane.row, plane.column))
        self.steps = across, down
        index = np.zeros(3)
        index[leader.plane.normal] = leader.index
        index[leader.plane.column], index[leader.plane.row] = leader.middle
        own = geometry.to_index(leader.geometry.to_patient_mm(index))
        self.middle = float(own[plane.column]), float(own[plane.row])

    def _laid(self, slice_picture: Image.Image, block: int, how: Image.Resampling) -> Image.Image:
        """Lay the part of the slice that is seen onto the pane, which may show little of it, or nothing."""
        picture = Image.new(slice_picture.mode, self.size)
        counts = slice_picture.size
        corners = zip(self.place(-0.5, -0.5), self.place(*(n * block - 0.5 for n in counts)), strict=True)
        spans, parts = [], []
        for ends, step, room, count in zip(corners, self.steps, self.size, counts, strict=True):
            low, high = sorted(ends)
            first, last = max(0, round(low)), min(room, round(high))
            spans.append((first, last))
            parts.append([min(max((at - low) / (step * block), 0.0), float(count)) for at in (first, last)])
        (left, right), (top, bottom) = spans
        box = parts[0][0], parts[1][0], parts[0][1], parts[1][1]
        if left >= right or top >= bottom or box[0] >= box[2] or box[1] >= box[3]:
            return picture
        size = right - left, bottom - top
        if self.grain > 1:
            coarse = max(1, size[0] // self.grain), max(1, size[1] // self.grain)
            slice_picture = slice_picture.resize(coarse, how, box=box)
            box = (0.0, 0.0, float(coarse[0]), float(coarse[1]))
        picture.paste(slice_picture.resize(size, how, box=box), (left, top))
        return picture


def same_plane(first: Geometry, plane: Plane, second: Geometry) -> Plane:
    """Give the plane of a second grid that cuts the patient the same way, however its voxels are stored."""
    through = closest_axes(first)[plane.normal]
    axes = closest_axes(second)
    return next(one for one in lay_planes(second) if axes[one.normal] == through)


def draw_pairs(
    volume: ReadableVolume, scene: Scene, places: Sequence[tuple[Places, Places]], width: int, zoom: float = 1.0,
    *, grain: int = 1, held: Held | None = None,
) -> Drawn:  # fmt: skip
    """Draw planes of the first volume, each with the same one of the second beside or below it.

    Parameters
    ----------
    volume : ReadableVolume
        The first.
    scene : Scene
        With a second one.
    places : sequence of pairs of dict of str to (left, top, width, height)
        Where a plane of the first volume lies, and that of the second, px; both of one size.
    width : int
        Of the whole picture, px.
    zoom, grain, held
        As for planes.

    Raises
    ------
    InvalidInput
        When there is no second volume.
    """
    second = scene.compared
    if second is None:
        raise InvalidInput("There is no second volume to stand beside the first; give it as compare=other.")
    held = {} if held is None else held
    parts: Parts = []
    seen: list[LegendEntry] = []
    laid = {plane.name: plane for plane in lay_planes(volume.geometry)}
    for first_place, second_place in places:
        ((name, (left, top, wide, high)),) = first_place.items()
        pane = Pane(laid[name], volume.geometry, (wide, high), zoom, grain)
        drawn, entries = pane.draw(volume, scene, corner=_name_of_first(pane, scene, second), held=held)
        parts.append((drawn, (left, top)))
        seen += entries
        ((left, top, _, _),) = second_place.values()
        drawn, entries = _draw_second(pane, second, scene, held)
        parts.append((drawn, (left, top)))
        seen += entries
    beside = "beside it" if len(places) == 1 else "below it"
    return compose(parts, seen, scene, volume.geometry, width=width, zoom=zoom, beside=beside)


def _name_of_first(pane: Pane, scene: Scene, second: Compared) -> str:
    """Give the first volume's name, and where there is room how much of the second lies over it."""
    pen = Pen(Image.new("RGB", pane.size), pane.zoom)
    words = f"{scene.title}, over it {amount(second)}"
    has_room = pen.width_of(words) + pen.px(NAME_WIDTH) <= pane.size[0]
    return words if second.is_laid_over and has_room else scene.title


def _draw_second(
    leader: Pane, second: Compared, scene: Scene, held: Held
) -> tuple[Image.Image, list[LegendEntry]]:  # fmt: skip
    """Draw the second volume's plane; one that has no slice at the position is black and says so."""
    pane, geometry = SecondPane(leader, second.volume.geometry), second.volume.geometry
    own = replace(
        scene, level=second.level, width=second.width, inverted=second.inverted, unit=second.unit, compared=None,
        contours=tuple(one.mark if isinstance(one, Placed) else one for one in scene.contours), title=second.title,
    )  # fmt: skip
    # The closest slice is read also where it does not lie at the position, so that who may not read gets no picture.
    picture, legend = pane.draw(second.volume, own, corner=second.title, held=held)
    if is_in(geometry, scene.position_mm):
        return picture, legend
    if is_in(geometry, scene.position_mm, pane.plane.normal):
        words = outside_words(second)
    else:
        picture, legend = Image.new("RGB", pane.size), []
        words = f"{second.title} has no slice at this position"
        pane.frame(Pen(picture, pane.zoom), "", second.title)
    pen = Pen(picture, pane.zoom)
    draw_sentence(pen, words, pane.size[1] - pen.px(46))
    return picture, legend
