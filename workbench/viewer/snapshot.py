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
from workbench.viewer.arrangements import Figure, draw_figure, read_figure
from workbench.viewer.compare import Compared, compared, read_compare
from workbench.viewer.contours import read_contours
from workbench.viewer.label_layers import read_layers
from workbench.viewer.marks import BoxMark, Position, centre_of, read_boxes, read_position
from workbench.viewer.measurements import read_measurements
from workbench.viewer.outputs import Picture, check_path
from workbench.viewer.overlaid import amount
from workbench.viewer.picture import SIZE, encode_png
from workbench.viewer.planes import AXES, read_planes
from workbench.viewer.scene import Scene, place
from workbench.viewer.shown_volume import ShownVolume, as_second, as_shown
from workbench.viewer.windows import is_inverted, presets_for, read_window

WindowGiven = str | tuple[float, float]
Marks = Iterable[object] | None

SMALLEST, LARGEST = 200, 4000
# Letters of smaller pictures could not be read.
SMALLEST_ZOOM = 0.6


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
    arrangement: str | None = None, plane: str | None = None, planes: Sequence[str] = tuple(AXES),
    columns: int | None = None, rows: int | None = None, step: int | None = None, compare: Any = None,
    compare_as: Any = None, window_other: WindowGiven | None = None, slab_mm: float = 0.0, slab_mode: str = "mean",
    labels: Any = None, boxes: Marks = None, contours: Marks = None, measurements: Marks = None,
    crosshair: bool = True, size: int = 1000, path: str | Path | None = None, **grid: Unpack[ArrayGrid],
) -> Picture:  # fmt: skip
    """Give a still picture of a scan, or of two: planes or a montage, window, position, letters and scale bar.

    Parameters
    ----------
    scan : Volume, ndarray, tensor or SimpleITK image, shape (z, y, x)
        A scan of a dataset, or an array with its grid.
    window, window_other : str or (level, width), optional
        A preset, or level and width in the volume's unit, of it and of the compared one; else what suits them.
    position_mm : tuple of 3 float, optional
        Where the planes cross, patient position (x, y, z), LPS, mm; else the first box, or the middle.
    arrangement : {"planes", "axial", "coronal", "sagittal", "montage", "side-by-side"}, optional
        As in `wb.view`; else planes, or side by side where `compare` stands without `compare_as`.
    plane, planes : str and sequence of str
        Only one of axial, coronal and sagittal, or which of them; without both all three, of a montage axial.
    columns, rows, step : int, optional
        Of a montage: slices across and down (else 4 and 3), and every how many (else one in 5 mm).
    compare, compare_as : Volume or ndarray, and str or mapping, optional
        A second scan; how it lies over the first: blend, checkerboard, or all that the viewer's `compare` holds.
    slab_mm, slab_mode : float, default 0, and {"mean", "mip", "minip"}
        Thickness of what each plane shows, mm (0 is one slice), and how it is projected.
    labels, boxes, contours, measurements, crosshair : optional
        What lies on the scan, as in `wb.view`, and whether the position is marked (it is, unless this is False).
    size, path : int, default 1000, and str or Path, optional
        Width, px, 200 to 4000; a file to save it in, ending in .png (an older one is replaced).
    **grid : like, spacing_mm, geometry, modality, unit, title
        For arrays: the scan on whose grid they lie, or the spacing (z, y, x) in mm, or the whole grid; what they are.

    Returns
    -------
    Picture
        It shows itself in a notebook; the same call gives the same bytes.

    Raises
    ------
    InvalidInput
        When a scan cannot be shown, or a window, position, arrangement, plane, mark, size or file name is not usable.
    AccessDenied
        When a scan may not be read; the message says why and how to ask.
    """
    names, width = read_planes(plane, planes), read_size(size)
    check_path(path, (".png",))
    shown = as_shown(scan, **grid)
    second = _second(compare, compare_as, window_other, shown, grid.get("title"))
    figure = read_figure(arrangement, plane, names, (columns, rows, step), second)
    scene = scene_of(
        shown, window=window, position_mm=position_mm, slab_mm=slab_mm, slab_mode=slab_mode, labels=labels, boxes=boxes,
        contours=contours, measurements=measurements, crosshair=crosshair, title=grid.get("title"), compared=second,
    )  # fmt: skip
    return _draw(shown, scene, figure, width).saved(path)


def _second(
    compare: Any, compare_as: Any, window: WindowGiven | None, first: ShownVolume, title: str | None
) -> Compared | None:  # fmt: skip
    """Read the compared scan, how it is laid over the first, and its window; nothing where there is none."""
    if compare is None:
        for name, value in (("compare_as", compare_as), ("window_other", window)):
            if value is not None:
                raise InvalidInput(f"{name} is about a second scan, and there is none; give it as compare=other.")
        return None
    other = as_second(compare, first)
    wish, presets = read_compare(compare_as, other), presets_for(other)
    return compared(other, wish, presets[0]["name"] if window is None else window, presets, title or first.title)


def scene_of(
    shown: ShownVolume, *, window: WindowGiven | None, slab_mm: float, slab_mode: str, labels: Any, boxes: Marks,
    contours: Marks, position_mm: Position | None = None, measurements: Marks = None, crosshair: bool = False,
    title: str | None = None, compared: Compared | None = None,
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
        crosshair=crosshair, compared=compared,
    )  # fmt: skip


def _draw(shown: ShownVolume, scene: Scene, figure: Figure, width: int) -> Picture:
    zoom = max(SMALLEST_ZOOM, width / SIZE[0])
    image = draw_figure(shown, scene, figure, width, zoom).image
    at = ", ".join(f"{name} {mm:.1f}" for name, mm in zip("xyz", scene.position_mm, strict=True))
    kind = "montage of " if figure.sheet else ""
    words = f"{kind}{', '.join(figure.planes)} of {scene.title} at {at} mm, {_window_words(scene)}"
    second = scene.compared
    if second:
        over = f"over it {amount(second)} of" if second.is_laid_over else ""
        how = " and ".join(filter(None, ("beside it" if figure.is_beside else "", over)))
        words += f", {how} {second.title}, {_window_words(second)}"
    return Picture(encode_png(image), image.size, words)


def _window_words(seen: Scene | Compared) -> str:
    return f"window level {seen.level:g} width {seen.width:g} {seen.unit}"


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
