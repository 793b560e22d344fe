"""The CT viewer as an ipywidget: what is changed by hand can be read here, and what is set here is shown.

The kernel carries the traits, and the slices of arrays that only it has; the slices of governed scans are fetched by
the browser through the Jupyter server, which asks the gateway, which decides on each of them.

Runs in: kernel
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from workbench.errors import InvalidInput, WorkbenchError
from workbench.viewer.answering import Answerer
from workbench.viewer.arrangements import still_of
from workbench.viewer.candidates import judgement_table, read_threshold
from workbench.viewer.compare import Compared, compared, read_compare
from workbench.viewer.label_trait import LabelShelf
from workbench.viewer.marks import BoxMark, read_boxes, read_position
from workbench.viewer.marks_table import marks_table
from workbench.viewer.picture import Scene, draw_picture
from workbench.viewer.reading import NO_READING, read_reading
from workbench.viewer.saving import load_marks, save_marks
from workbench.viewer.shown_volume import ShownVolume
from workbench.viewer.trait_readers import READERS
from workbench.viewer.view_marks import marks_of, show_marks
from workbench.viewer.windows import presets_for, read_window

STATIC = Path(__file__).parent / "static"
ARRANGEMENTS = ("planes", "axial", "coronal", "sagittal", "montage", "side-by-side", "volume")
START = ("position_mm", "window", "inverted", "slab_mm", "slab_mode")


def _built(name: str) -> str:
    path = STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _code_name() -> str:
    """Name the build of the browser's code, so that no browser keeps an older one."""
    path = STATIC / "viewer.js"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


@dataclass(frozen=True)
class Opened:
    """A volume, and how the browser gets at its slices.

    Parameters
    ----------
    volume : ShownVolume
        What is shown.
    view_id : str
        The view the gateway opened; of an array made from a governed scan, that scan's; or empty.
    from_kernel : bool
        Whether the slices come from the kernel.
    scan : Volume, optional
        The scan of that view.
    """

    volume: ShownVolume
    view_id: str = ""
    from_kernel: bool = False
    scan: Any = None

    def facts(self, name: str) -> dict[str, Any]:
        """Give what the browser must know of it."""
        shown = self.volume
        return {
            "id": name, "kind": "kernel" if self.from_kernel else "view", "view_id": self.view_id, "title": shown.title,
            **shown.geometry.as_dict(), "levels": shown.levels, "modality": shown.modality, "unit": shown.unit,
            "slope": shown.slope, "intercept": shown.intercept,
        }  # fmt: skip


class CTView(anywidget.AnyWidget):
    """Three linked planes of a scan, with what lies on top of them.

    Parameters
    ----------
    opened : Opened
        The scan.
    other : Opened, optional
        The scan it is compared with.
    title : str, optional
        What stands above the planes.
    **state : object
        First values of the traits below.

    Attributes
    ----------
    position_mm : tuple of 3 float
        The crosshair, patient position (x, y, z), LPS, mm.
    window, window_other : str or (level, width)
        A preset's name, or level and width in the volume's unit; of the shown and of the compared volume.
    inverted : bool
        Whether high values are black.
    slab_mm : float
        Thickness of the slab that each plane shows, mm; 0 is one slice.
    slab_mode : {"mean", "mip", "minip"}
        How a slab is projected.
    arrangement : str
        planes | axial | coronal | sagittal | montage | side-by-side | volume.
    overlays_visible : bool
        Whether anything is drawn over the picture.
    boxes : list
        Boxes with `centre_mm`, `size_mm` and `label`.
    contours : list
        Closed polygons with `label`, `plane` and `points_mm`.
    measurements : list
        Distances, angles and regions with `kind`, `points_mm`, `value` and `unit`.
    labels : list
        Label layers with their segments' colours and visibility.
    candidates, operating_points, threshold, judgements
        Places a detector proposes, the false positives per scan at its thresholds, the score below which they are
        hidden, and what was said of them.
    truth, truth_visible
        Boxes of the ground truth, and whether they are shown.
    compare : dict
        `mode` (off, blend, checkerboard), `share` (0 to 1), `square_mm`, `colour` (grey, hot) and `plane` (axial,
        coronal, sagittal, all) for side by side.
    reading : dict
        The clock of a timed read: `state, seconds, paused_seconds`.
    """

    _esm = _built("ct-viewer.js")
    _answerer: Answerer | None = None

    title = t.Unicode(read_only=True).tag(sync=True)
    code = t.Unicode(_code_name(), read_only=True).tag(sync=True)
    volumes = t.List(read_only=True).tag(sync=True)
    presets = t.List(read_only=True).tag(sync=True)
    presets_other = t.List(read_only=True).tag(sync=True)
    start = t.Dict(read_only=True).tag(sync=True)
    position_mm = t.Any().tag(sync=True)
    window = t.Any("lung").tag(sync=True)
    window_other = t.Any().tag(sync=True)
    inverted = t.Bool(False).tag(sync=True)
    slab_mm = t.Float(0.0).tag(sync=True)
    slab_mode = t.Enum(("mean", "mip", "minip"), "mean").tag(sync=True)
    arrangement = t.Unicode("planes").tag(sync=True)
    overlays_visible = t.Bool(True).tag(sync=True)
    boxes = t.Any().tag(sync=True)
    contours = t.Any().tag(sync=True)
    measurements = t.Any().tag(sync=True)
    labels = t.Any().tag(sync=True)
    candidates = t.Any().tag(sync=True)
    operating_points = t.Any().tag(sync=True)
    threshold = t.Float(0.0).tag(sync=True)
    judgements = t.Any().tag(sync=True)
    truth = t.Any().tag(sync=True)
    truth_visible = t.Bool(False).tag(sync=True)
    compare = t.Any().tag(sync=True)
    reading = t.Dict(NO_READING).tag(sync=True)

    def __init__(self, opened: Opened, other: Opened | None = None, *, title: str | None = None, **state: Any) -> None:
        shown = {"v0": opened} | ({"v1": other} if other else {})
        self._opened, self._shelf = shown, LabelShelf()
        presets = presets_for(opened.volume)
        others = presets_for(other.volume) if other else []
        fixed = {
            "title": title or opened.volume.title, "volumes": [one.facts(name) for name, one in shown.items()],
            "presets": presets, "presets_other": others,
        }  # fmt: skip
        for name, value in fixed.items():
            self.set_trait(name, value)
        state["labels"] = READERS["labels"](state.get("labels"), self)
        empty: dict[str, Any] = {name: [] for name in READERS}
        first = {"window_other": others[0]["name"] if others else "", "compare": None}
        # Judgements are read after the candidates that they are about.
        judged = state.pop("judgements", None)
        super().__init__(**{**empty, **first, **state})
        self.set_trait("start", {name: getattr(self, name) for name in START if name in state})
        volumes = {name: one.volume for name, one in shown.items()}
        self._answerer = Answerer(volumes, self._shelf.layers, self.send)
        self.on_msg(self._on_message)
        if judged:
            self.judgements = judged

    @property
    def opened(self) -> Opened:
        """What is shown, and how the browser gets at it."""
        return self._opened["v0"]

    @property
    def shelf(self) -> LabelShelf:
        """The label layers by the names that the trait `labels` has for them."""
        return self._shelf

    @property
    def volume(self) -> ShownVolume:
        """What is shown."""
        return self._opened["v0"].volume

    @property
    def marks(self) -> tuple[BoxMark, ...]:
        """The boxes, read."""
        return read_boxes(self.boxes, self.volume.geometry)

    def picture(self) -> bytes:
        """Give a PNG of what the viewer shows now: window, position, what lies on top, and a second volume.

        It has the three planes, the page of a montage, or two volumes side by side. It is read anew each time:
        a picture that was kept would still be shown when the right to read has ended.
        """
        level, width = read_window(self.window, self.presets)
        scene = Scene(
            self.position_mm, level, width, self.marks, self.title, self.overlays_visible, self.volume.unit,
            slab_mm=self.slab_mm, slab_mode=self.slab_mode, labels=self._shown_layers(), inverted=self.inverted,
            contours=tuple(self.contours), measurements=tuple(self.measurements),
            candidates=tuple(one for one in self.candidates if one["score"] >= self.threshold),
            truth=read_boxes(self.truth, self.volume.geometry) if self.truth_visible else (),
            compared=self._compared(),
        )  # fmt: skip
        draw = still_of(self.arrangement, self.volume.geometry, scene, volumes=len(self._opened))
        return draw_picture(self.volume, scene, draw)

    def judgement_table(self) -> Any:
        """Give what was said of the candidates as a DataFrame; see `candidates.judgement_table`."""
        return judgement_table(self)

    def table(self) -> Any:
        """Give all marks as a DataFrame, one row each; see `marks_table.marks_table`."""
        return marks_table(*marks_of(self))

    def save(
        self, path: str | os.PathLike[str], *, kind: str | None = None, overwrite: bool = False,
        boxes_as_masks: bool = False,
    ) -> Path:  # fmt: skip
        """Save all marks: .csv or .parquet a table, .dcm a segmentation (`kind="seg"`) or a report (`kind="sr"`)."""
        marks, scan = marks_of(self)
        return save_marks(path, marks, scan, kind=kind, overwrite=overwrite, boxes_as_masks=boxes_as_masks)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Show marks that were saved, a DICOM segmentation or RT structure set, in place of those of their kinds."""
        show_marks(self, load_marks(path, marks_of(self)[1]))

    def close(self) -> None:
        """Take the widget away and stop answering for it."""
        # One that was refused while it was made is closed as well.
        if self._answerer is not None:
            self._answerer.close()
        super().close()

    def __repr__(self) -> str:
        """Say what is shown, and where."""
        x, y, z = self.position_mm
        level, width = read_window(self.window, self.presets)
        place = f"x {x:.1f}, y {y:.1f}, z {z:.1f} mm (LPS)"
        second = self._compared()
        shown = f"{self.title} and {second.title}" if second else self.title
        return f"CTView of {shown} at {place}, window level {level:g} width {width:g} {self.volume.unit}"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: tuple[dict[str, Any], dict[str, Any]] = super()._repr_mimebundle_(**kwargs) or ({}, {})
        data, metadata = bundle
        data["text/plain"] = repr(self)
        try:
            data["image/png"] = base64.b64encode(self.picture()).decode("ascii")
        except WorkbenchError as error:
            # Access may have ended since the cell first ran: then no picture, and the widget says the same.
            data["text/plain"] += f"\n{error.message}"
        return data, metadata

    def _compared(self) -> Compared | None:
        """Give the second volume where it is on screen."""
        other = self._opened.get("v1")
        if other is None or (self.compare["mode"] == "off" and self.arrangement != "side-by-side"):
            return None
        return compared(other.volume, self.compare, self.window_other, self.presets_other, self.title)

    def _shown_layers(self) -> tuple[Any, ...]:
        return tuple(self._shelf.layers[trait["id"]].styled(trait) for trait in self.labels if trait["visible"])

    def _on_message(self, _widget: Any, content: object, _buffers: object) -> None:
        if self._answerer is not None:
            self._answerer.take(content)

    @t.validate("position_mm")
    def _check_position(self, proposal: dict[str, Any]) -> tuple[float, float, float]:
        return read_position(proposal["value"], self.volume.geometry)

    @t.validate("window")
    def _check_window(self, proposal: dict[str, Any]) -> str | tuple[float, float]:
        pair = read_window(proposal["value"], self.presets)
        return proposal["value"] if isinstance(proposal["value"], str) else pair

    @t.validate("window_other")
    def _check_window_other(self, proposal: dict[str, Any]) -> str | tuple[float, float]:
        if "v1" not in self._opened:
            return ""
        pair = read_window(proposal["value"], self.presets_other)
        return proposal["value"] if isinstance(proposal["value"], str) else pair

    @t.validate("slab_mm")
    def _check_slab(self, proposal: dict[str, Any]) -> float:
        value = float(proposal["value"])
        if not 0 <= value <= 1000:
            raise InvalidInput(f"slab_mm is {value:g}; it must be from 0 (one slice) to 1000 mm.")
        return value

    @t.validate("arrangement")
    def _check_arrangement(self, proposal: dict[str, Any]) -> str:
        if proposal["value"] not in ARRANGEMENTS:
            known = ", ".join(ARRANGEMENTS)
            raise InvalidInput(f"There is no arrangement {proposal['value']!r}; the arrangements are {known}.")
        return str(proposal["value"])

    @t.validate("threshold")
    def _check_threshold(self, proposal: dict[str, Any]) -> float:
        return read_threshold(proposal["value"])

    @t.observe("candidates")
    def _find_judged_again(self, _change: object) -> None:
        self.judgements = list(self.judgements or [])

    @t.validate("reading")
    def _check_reading(self, proposal: dict[str, Any]) -> dict[str, Any]:
        return read_reading(proposal["value"])

    @t.validate(*READERS)
    def _check_read(self, proposal: dict[str, Any]) -> Any:
        return READERS[proposal["trait"].name](proposal["value"], self)

    @t.validate("compare")
    def _check_compare(self, proposal: dict[str, Any]) -> dict[str, Any]:
        other = self._opened.get("v1")
        return dict(read_compare(proposal["value"], other.volume if other else None))
