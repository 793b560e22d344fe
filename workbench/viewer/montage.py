"""A sheet of slices of one plane: which of them, in which order, and their picture.

The same rules as `extensions/ct-viewer/src/montage_grids.ts` and `montage_sheet.ts`, so that the still picture shows
the sheet with which the widget opens.

Runs in: kernel
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.cuts import index_of
from workbench.viewer.inks import PLANE_COLOURS, Pen
from workbench.viewer.overlays import LegendEntry
from workbench.viewer.panes import Held, Pane
from workbench.viewer.picture import Drawn, Parts, compose
from workbench.viewer.planes import AXES, axis_direction, closest_axes, lay_planes, pane_height
from workbench.viewer.scene import ReadableVolume, Scene

# Across and down.
GRIDS = ((1, 1), (2, 2), (3, 2), (3, 3), (4, 3), (5, 4), (6, 5))
USUAL_GRID = (4, 3)
# As on films of a chest: one slice in 5 mm.
USUAL_STEP_MM = 5
# What the browser holds at once; the larger grids of large slices do not fit.
MOST_BYTES = 36 * 1024 * 1024
MOST_COLUMNS, MOST_ROWS = 12, 20
GAP = 2
# Letters on a cell are smaller than on a plane.
CELL_ZOOM = 0.85
FRAME_COLOUR = PLANE_COLOURS[2]


@dataclass(frozen=True)
class Sheet:
    """What stands on a sheet.

    Parameters
    ----------
    plane : str, default "axial"
        Which slices: axial, coronal or sagittal.
    columns, rows : int, optional
        Slices across and down; without them 4 and 3, or fewer where the browser could not hold so many.
    step : int, optional
        Every so many slices; without it one in 5 mm.
    volumes : int, default 1
        Of how many volumes the browser holds these slices.
    """

    plane: str = "axial"
    columns: int | None = None
    rows: int | None = None
    step: int | None = None
    volumes: int = 1


def read_sheet(
    plane: str, columns: object = None, rows: object = None, step: object = None, *, volumes: int = 1
) -> Sheet:  # fmt: skip
    """Give what stands on a sheet; refuse what is no whole number, or too many.

    Raises
    ------
    InvalidInput
        Unless `columns` is 1 to 12, `rows` 1 to 20 and `step` 1 or more, or left out.
    """
    return Sheet(
        plane, _whole("columns", columns, MOST_COLUMNS), _whole("rows", rows, MOST_ROWS), _whole("step", step, None),
        volumes,
    )  # fmt: skip


def grid_of(geometry: Geometry, plane: str, volumes: int = 1) -> tuple[int, int]:
    """Give how many slices a sheet has across and down at first: as many of each volume as the browser can hold."""
    _, row, column = AXES[plane]
    size = geometry.shape[row] * geometry.shape[column] * 2 * volumes
    fitting = [one for n, one in enumerate(GRIDS) if n == 0 or one[0] * one[1] * size <= MOST_BYTES]
    return USUAL_GRID if USUAL_GRID in fitting else fitting[-1]


def stride_of(geometry: Geometry, plane: str, step: int | None = None) -> int:
    """Give how many slices lie from one cell to the next."""
    normal = AXES[plane][0]
    usual = max(1, math.floor(USUAL_STEP_MM / geometry.spacing_mm[normal] + 0.5))
    return min(usual if step is None else step, max(1, geometry.shape[normal] - 1))


def slices_of(geometry: Geometry, plane: str, at: int, cells: int, stride: int) -> list[int]:
    """Give the slices on the page that holds one of them, axial ones from the head.

    Parameters
    ----------
    geometry : Geometry
    plane : str
        axial, coronal or sagittal.
    at : int
        The slice of the crosshair, from 0.
    cells : int
        How many slices fit on a page, ≥ 1.
    stride : int
        How many slices lie from one cell to the next, ≥ 1.

    Returns
    -------
    list of int
        At most `cells`; the last page may have fewer.

    >>> slices_of(Geometry((40, 8, 8), (2.5, 1.0, 1.0), (0.0, 0.0, 0.0)), "axial", 20, 4, 2)
    [22, 20, 18, 16]
    """
    normal = AXES[plane][0]
    count = geometry.shape[normal]
    is_reversed = _goes_up(geometry, normal)
    place = count - 1 - at if is_reversed else at
    phase, page = place % stride, stride * cells
    first = phase + (place - phase) // page * page
    places = range(first, min(first + page, count), stride)
    return [count - 1 - one if is_reversed else one for one in places]


def draw_sheet(
    volume: ReadableVolume, scene: Scene, sheet: Sheet, width: int, zoom: float = 1.0,
    *, grain: int = 1, held: Held | None = None,
) -> Drawn:  # fmt: skip
    """Draw the page of a sheet that holds the scene's position; the slice of the position has a frame.

    Parameters
    ----------
    volume : ReadableVolume
    scene : Scene
        A second volume that is laid over the first lies over each slice.
    sheet : Sheet
    width : int
        Of the whole picture, px.
    zoom, grain, held
        As for planes.
    """
    geometry = volume.geometry
    plane = {one.name: one for one in lay_planes(geometry)}[sheet.plane]
    usual = grid_of(geometry, sheet.plane, sheet.volumes)
    columns, rows = sheet.columns or usual[0], sheet.rows or usual[1]
    stride = stride_of(geometry, sheet.plane, sheet.step)
    here = int(index_of(geometry, scene.position_mm)[plane.normal])
    shown = slices_of(geometry, sheet.plane, here, columns * rows, stride)
    wide = (width - GAP * (columns - 1)) // columns
    high = pane_height(geometry, plane, wide)
    parts: Parts = []
    seen: list[LegendEntry] = []
    for number, index in enumerate(shown):
        pane = Pane(plane, geometry, (wide, high), zoom * CELL_ZOOM, grain)
        drawn, entries = pane.draw(volume, scene, index=index, is_overview=True, held=held)
        if index == here:
            _frame(drawn, zoom)
        parts.append((drawn, (number % columns * (wide + GAP), number // columns * (high + GAP))))
        seen += entries
    more = f"{sheet.plane} slices {_words(shown, plane.normal, geometry.shape[plane.normal], stride)}"
    return compose(parts, seen, scene, geometry, width=width, zoom=zoom, more=more)


def _words(shown: Sequence[int], normal: int, count: int, stride: int) -> str:
    """Give which slices stand on a sheet."""
    every = f", every {stride}" if stride > 1 and len(shown) > 1 else ""
    return f"{'zyx'[normal]} {shown[0]} to {shown[-1]} of 0 to {count - 1}{every}"


def _goes_up(geometry: Geometry, normal: int) -> bool:
    """Whether slices of higher numbers come first, as those towards the head do."""
    is_axial = closest_axes(geometry)[normal] == 2
    return not (is_axial and float(axis_direction(geometry, normal)[2]) < 0)


def _frame(drawn: Image.Image, zoom: float) -> None:
    pen = Pen(drawn, zoom)
    width, height = drawn.size
    pen.draw.rectangle((0, 0, width - 1, height - 1), outline=FRAME_COLOUR, width=pen.px(2))


def _whole(name: str, number: object, most: int | None) -> int | None:
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 1 <= number <= (most or number):
        ends = f"from 1 to {most}" if most else "from 1"
        raise InvalidInput(f"{name} is {number!r}; it must be a whole number {ends}.")
    return int(number)
