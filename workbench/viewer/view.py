"""`wb.view(scan)`: the interactive CT viewer of a notebook, and the still picture that stays in the file.

The kernel carries only the traits; the browser fetches the slices through the Jupyter server, which asks the gateway,
which decides on each of them.

Runs in: kernel
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from workbench.connection import connect_from_environment
from workbench.data.volume import Volume
from workbench.errors import InvalidInput, MissingDependency, WorkbenchError
from workbench.imaging.volume import WINDOWS
from workbench.viewer.marks import BoxMark, centre_of, read_boxes, read_position, read_window
from workbench.viewer.picture import ReadableVolume, Scene, draw_picture

STATIC = Path(__file__).parent / "static"
PRESET_SOURCE = "Radiopaedia, “Windowing (CT)”"
# The order of the keys 1 to 5.
PRESETS = [
    {"name": name, "level": preset.level, "width": preset.width, "source": PRESET_SOURCE}
    for name, preset in WINDOWS.items()
]


def _built(name: str) -> str:
    path = STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


class CTView(anywidget.AnyWidget):
    """Three linked planes of a scan; what is changed by hand can be read here, and what is set here is shown.

    Parameters
    ----------
    volume : ReadableVolume
        The scan, for its grid and for the still picture.
    view_id : str
        The view the gateway opened.
    title : str
        What stands above the planes.
    **state : object
        First values of the traits below.

    Attributes
    ----------
    position_mm : tuple of 3 float
        The crosshair, patient position (x, y, z), LPS, mm.
    window : str or (level, width)
        A preset's name, or level and width in HU.
    boxes : list
        Boxes with `centre_mm`, `size_mm` and `label`, as `Dataset.boxes` gives them; kept as plain mappings.
    overlays_visible : bool
        Whether crosshair and boxes are drawn.
    """

    _esm = _built("ct-viewer.js")
    _css = _built("ct-viewer.css")

    view_id = t.Unicode(read_only=True).tag(sync=True)
    title = t.Unicode(read_only=True).tag(sync=True)
    shape = t.Tuple(read_only=True).tag(sync=True)
    spacing_mm = t.Tuple(read_only=True).tag(sync=True)
    origin_mm = t.Tuple(read_only=True).tag(sync=True)
    direction = t.Tuple(read_only=True).tag(sync=True)
    presets = t.List(PRESETS, read_only=True).tag(sync=True)
    start = t.Dict(read_only=True).tag(sync=True)
    position_mm = t.Any().tag(sync=True)
    window = t.Any("lung").tag(sync=True)
    boxes = t.Any().tag(sync=True)
    overlays_visible = t.Bool(True).tag(sync=True)

    def __init__(self, volume: ReadableVolume, view_id: str, title: str, **state: Any) -> None:
        geometry = volume.geometry
        self._volume = volume
        self._picture: tuple[Scene, bytes] | None = None
        fixed = {"view_id": view_id, "title": title, "start": state, **geometry.as_dict()}
        for name, value in fixed.items():
            self.set_trait(name, value)
        super().__init__(**{"boxes": [], **state})

    @property
    def marks(self) -> tuple[BoxMark, ...]:
        """The boxes, read."""
        return read_boxes(self.boxes, self._volume.geometry)

    def picture(self) -> bytes:
        """Give a PNG of what the viewer shows now: the three planes, window, position and boxes."""
        level, width = read_window(self.window)
        scene = Scene(self.position_mm, level, width, self.marks, self.title, self.overlays_visible, self._unit)
        if self._picture is None or self._picture[0] != scene:
            self._picture = scene, draw_picture(self._volume, scene)
        return self._picture[1]

    def __repr__(self) -> str:
        """Say what is shown, and where."""
        x, y, z = self.position_mm
        level, width = read_window(self.window)
        place = f"x {x:.1f}, y {y:.1f}, z {z:.1f} mm (LPS)"
        return f"CTView of {self.title} at {place}, window level {level:g} width {width:g} {self._unit}"

    @property
    def _unit(self) -> str:
        return str(getattr(self._volume, "unit", "HU"))

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

    @t.validate("position_mm")
    def _check_position(self, proposal: dict[str, Any]) -> tuple[float, float, float]:
        return read_position(proposal["value"], self._volume.geometry)

    @t.validate("window")
    def _check_window(self, proposal: dict[str, Any]) -> str | tuple[float, float]:
        level_and_width = read_window(proposal["value"])
        return proposal["value"] if isinstance(proposal["value"], str) else level_and_width

    @t.validate("boxes")
    def _check_boxes(self, proposal: dict[str, Any]) -> list[dict[str, object]]:
        return [mark.as_dict() for mark in read_boxes(proposal["value"], self._volume.geometry)]


def view(
    scan: Volume,
    *,
    window: str | tuple[float, float] | None = None,
    boxes: Iterable[object] | None = None,
    position_mm: tuple[float, float, float] | None = None,
) -> CTView:
    """Show a scan: axial, coronal and sagittal, linked by a crosshair.

    Parameters
    ----------
    scan : Volume
        A scan of a dataset, from `dataset.volume(scan_id)`.
    window : str or (level, width), optional
        A preset (lung, mediastinum, bone, …) or level and width in HU; without it the lung's for CT, else the one
        that suits the scan.
    boxes : iterable, optional
        Findings to mark, for example `dataset.boxes(scan_id)`.
    position_mm : tuple of 3 float, optional
        Where to start, patient position (x, y, z), LPS, mm; without it the first box, or else the middle.

    Returns
    -------
    CTView
        The widget. Its `position_mm`, `window`, `boxes` and `overlays_visible` can be read and set.

    Raises
    ------
    InvalidInput
        When the scan is no Volume, the window unknown, or a box or the position malformed or outside the volume.
    AccessDenied
        When the scan may not be read; the message says why and how to ask.

    Examples
    --------
    >>> ct = wb.dataset("chest-ct")  # doctest: +SKIP
    >>> wb.view(ct.volume("S0001"), boxes=ct.boxes("S0001"))  # doctest: +SKIP
    """
    if not isinstance(scan, Volume):
        raise InvalidInput(
            f"wb.view shows scans, and this is a {type(scan).__name__}. Give a volume of a dataset, as in "
            'wb.view(wb.dataset("chest-ct").volume("S0001")); arrays made in the notebook cannot be shown yet.'
        )
    if not CTView._esm:
        raise MissingDependency(
            "The viewer's browser part is not built, so there is nothing to show the scan with. "
            "Install the package with node present, or run `npm ci && npm run build` in the folder extensions."
        )
    marks = read_boxes(boxes, scan.geometry)
    window = window or ("lung" if scan.modality == "CT" else scan.window)
    read_window(window)
    start = position_mm if position_mm is not None else _first_place(marks, scan)
    start = read_position(start, scan.geometry)
    return CTView(
        scan, _opened(scan), f"{scan.dataset} {scan.scan}",
        position_mm=start, window=window, boxes=[mark.as_dict() for mark in marks],
    )  # fmt: skip


def _opened(scan: Volume) -> str:
    """Have the gateway open a scan for the browser; give the name it answers to."""
    line = connect_from_environment()
    try:
        opened = line.post("/v1/views", {"dataset": scan.dataset, "version": scan.version, "scan": scan.scan})
    finally:
        line.close()
    return str(opened["view"])


def _first_place(marks: tuple[BoxMark, ...], scan: ReadableVolume) -> tuple[float, float, float]:
    for mark in marks:
        try:
            return read_position(mark.centre_mm, scan.geometry)
        except InvalidInput:
            # A box may reach into the volume with its centre outside.
            continue
    return centre_of(scan.geometry)
