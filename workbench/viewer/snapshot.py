"""`wb.snapshot(scan)`: a still picture of a scan for a figure, with all that a reader needs to make it again.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.imaging.slabs import check_mode, slab_reach
from workbench.viewer.contours import read_contours
from workbench.viewer.label_layers import read_layers
from workbench.viewer.marks import BoxMark, Position, centre_of, read_boxes, read_position
from workbench.viewer.measurements import read_measurements
from workbench.viewer.outputs import Picture, check_path
from workbench.viewer.picture import SIZE, draw_planes, encode_png
from workbench.viewer.planes import AXES, Plane, lay_planes
from workbench.viewer.scene import Scene, place
from workbench.viewer.shown_volume import ShownVolume, as_shown
from workbench.viewer.windows import is_inverted, presets_for, read_window

WindowGiven = str | tuple[float, float]
Marks = Iterable[object] | None

SMALLEST, LARGEST = 200, 4000
# Letters of smaller pictures could not be read.
SMALLEST_ZOOM = 0.6
GAP = 2
# A single plane is at most this many times as high as wide.
TALLEST = 1.25


class ArrayGrid(TypedDict, total=False):
    """What an array needs beside its numbers: the scan on whose grid it lies, or spacing or grid, and what it is."""

    like: Any
    spacing_mm: float | Sequence[float] | None
    geometry: Geometry | None
    modality: str | None
    unit: str | None
    title: str | None


def snapshot(
    scan: Any, *, window: WindowGiven | None = None, position_mm: Position | None = None,
    plane: str | None = None, planes: Sequence[str] = tuple(AXES), slab_mm: float = 0.0, slab_mode: str = "mean",
    labels: Any = None, boxes: Marks = None, contours: Marks = None, measurements: Marks = None,
    crosshair: bool = True, size: int = 1000, path: str | Path | None = None, **grid: Unpack[ArrayGrid],
) -> Picture:  # fmt: skip
    """Give a still picture of a scan or an array: planes, window, position, spacing, letters and scale bar.

    Parameters
    ----------
    scan : Volume, ndarray, tensor or SimpleITK image, shape (z, y, x)
        A scan of a dataset, or an array with its grid.
    window : str or (level, width), optional
        A preset or level and width in the volume's unit; without it the one that suits the scan.
    position_mm : tuple of 3 float, optional
        Where the planes cross, patient position (x, y, z), LPS, mm; without it the first box, or else the middle.
    plane, planes : str and sequence of str
        Only one of axial, coronal and sagittal, or which of them; without both all three.
    slab_mm, slab_mode : float, default 0, and {"mean", "mip", "minip"}
        Thickness of what each plane shows, mm (0 is one slice), and how it is projected.
    labels : LabelVolume, ndarray of whole numbers or bool, mapping of names to masks, or several of them, optional
        Regions to lay over the scan, on its own or on another grid.
    boxes, contours, measurements : iterable, optional
        Marks as the viewer's traits hold them.
    crosshair : bool, default True
        Whether the position is marked.
    size : int, default 1000
        Width, px, 200 to 4000.
    path : str or Path, optional
        A file to save it in, ending in .png; an older one is replaced.
    **grid : like, spacing_mm, geometry, modality, unit, title
        For arrays: the scan on whose grid they lie, or the spacing (z, y, x) in mm, or the whole grid; what they are.

    Returns
    -------
    Picture
        It shows itself in a notebook; the same call gives the same bytes.

    Raises
    ------
    InvalidInput
        When the scan cannot be shown, or a window, position, plane, mark, size or file name is not usable.
    AccessDenied
        When the scan may not be read; the message says why and how to ask.
    """
    wanted, width = read_planes(plane, planes), read_size(size)
    check_path(path, (".png",))
    shown = as_shown(scan, **grid)
    scene = scene_of(
        shown, window=window, position_mm=position_mm, slab_mm=slab_mm, slab_mode=slab_mode, labels=labels,
        boxes=boxes, contours=contours, measurements=measurements, crosshair=crosshair, title=grid.get("title"),
    )  # fmt: skip
    return _draw(shown, scene, wanted, width).saved(path)


def scene_of(
    shown: ShownVolume, *, window: WindowGiven | None, slab_mm: float, slab_mode: str, labels: Any, boxes: Marks,
    contours: Marks, position_mm: Position | None = None, measurements: Marks = None, crosshair: bool = False,
    title: str | None = None,
) -> Scene:  # fmt: skip
    """Read once what a picture shall show of a volume; what is given wrongly is refused by a sentence."""
    marks = read_boxes(boxes, shown.geometry)
    presets = presets_for(shown)
    window = presets[0]["name"] if window is None else window
    level, width = read_window(window, presets)
    return Scene(
        read_position(position_mm if position_mm is not None else first_place(marks, shown), shown.geometry),
        level, width, marks, title or shown.title, unit=shown.unit,
        slab_mm=read_slab(slab_mm, slab_mode), slab_mode=slab_mode, labels=tuple(read_layers(labels, shown)),
        contours=place(read_contours(contours, shown.geometry), shown.geometry),
        measurements=read_measurements(measurements, shown), inverted=is_inverted(window, presets),
        crosshair=crosshair,
    )  # fmt: skip


def _draw(shown: ShownVolume, scene: Scene, wanted: Sequence[str], width: int) -> Picture:
    zoom = max(SMALLEST_ZOOM, width / SIZE[0])
    image = draw_planes(shown, scene, arrange(shown.geometry, wanted, width), width, zoom).image
    at = ", ".join(f"{name} {mm:.1f}" for name, mm in zip("xyz", scene.position_mm, strict=True))
    words = f"{', '.join(wanted)} of {scene.title} at {at} mm, window level {scene.level:g} width {scene.width:g}"
    return Picture(encode_png(image), image.size, f"{words} {scene.unit}")


def arrange(geometry: Geometry, wanted: Sequence[str], width: int) -> dict[str, tuple[int, int, int, int]]:
    """Give left, top, width and height of each plane: three as in the widget, two side by side, or one."""
    if len(wanted) == 3:
        large = round(width * 384 / 624)
        high = (large - GAP) // 2
        beside = (large + GAP, width - large - GAP)
        first, second, third = wanted
        return {
            first: (0, 0, large, large),
            second: (beside[0], 0, beside[1], high),
            third: (beside[0], large - high, beside[1], high),
        }
    each = (width - GAP * (len(wanted) - 1)) // len(wanted)
    laid = {plane.name: plane for plane in lay_planes(geometry)}
    high = max(_height(geometry, laid[name], each) for name in wanted)
    return {name: (number * (each + GAP), 0, each, high) for number, name in enumerate(wanted)}


def read_planes(plane: str | None, planes: Sequence[str]) -> tuple[str, ...]:
    """Give the names of the wanted planes, each once; refuse others."""
    several = list(planes) if isinstance(planes, Iterable) and not isinstance(planes, str) else [planes]
    names = several if plane is None else [plane]
    wrong = [name for name in names if not isinstance(name, str) or name not in AXES]
    if wrong or not names:
        said = f"There is no plane {wrong[0]!r}" if wrong else "No plane is named"
        raise InvalidInput(f"{said}; the planes are {', '.join(AXES)}.")
    return tuple(dict.fromkeys(str(name) for name in names))


def read_size(size: object, most: int = LARGEST) -> int:
    """Give a width in px, refused unless it is a whole number from 200 to the largest."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not SMALLEST <= size <= most:
        raise InvalidInput(f"size is {size!r}; it must be a whole number of pixels from {SMALLEST} to {most}.")
    return int(size)


def read_slab(slab_mm: object, slab_mode: str) -> float:
    """Give the thickness of a slab, refused unless it is 0 or more and its mode known."""
    check_mode(slab_mode)
    if isinstance(slab_mm, bool) or not isinstance(slab_mm, int | float | np.number):
        raise InvalidInput(f"slab_mm is {slab_mm!r}; it must be a number of millimetres, 0 for one slice.")
    slab_reach(float(slab_mm), 1.0)
    return float(slab_mm)


def first_place(marks: tuple[BoxMark, ...], shown: ShownVolume) -> Position:
    """Give the centre of the first box whose centre lies in the volume, or else the middle."""
    for mark in marks:
        try:
            return read_position(mark.centre_mm, shown.geometry)
        except InvalidInput:
            # A box may reach into the volume with its centre outside.
            continue
    return centre_of(shown.geometry)


def _height(geometry: Geometry, plane: Plane, width: int) -> int:
    extent = [geometry.shape[axis] * geometry.spacing_mm[axis] for axis in (plane.row, plane.column)]
    return round(width * min(max(extent[0] / extent[1], 1 / 3), TALLEST))
