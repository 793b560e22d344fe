"""A contact sheet of a scan: slices in the reader's window, and the surface, on which a face would be seen.

Runs in: ingest host
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry

LUNG, SOFT = (-600.0, 1500.0), (40.0, 400.0)
# Where a body begins in air, HU; skin is far above it, clothes and blankets below.
SKIN_HU = -350
EDGE_PIXELS = 200
# The sheet is looked at, not measured in; fewer greys make a third of the bytes.
GREYS = 48


@dataclass(frozen=True)
class Picture:
    """One picture of a sheet.

    Parameters
    ----------
    caption : str
        What it shows, in a few words.
    uri : str
        The PNG as a data URI.
    """

    caption: str
    uri: str


def contact_sheet(
    volume: NDArray[Any], spacing_mm: tuple[float, float, float], *, modality: str = "CT",
    window: tuple[float, float] = LUNG, axial: int = 5,
) -> tuple[Picture, ...]:  # fmt: skip
    """Give the pictures by which a person judges whether a scan may be seen by others.

    Parameters
    ----------
    volume : ndarray, shape (z, y, x)
        HU for CT, else the stored numbers.
    spacing_mm : tuple of 3 float
        Spacing along z, y, x.
    modality : str, default "CT"
        As in the scan's facts.
    window : tuple of 2 float, default (-600, 1500)
        Level and width that slices are shown with.
    axial : int, default 5
        How many axial slices, evenly from bottom to top.

    Returns
    -------
    tuple of Picture
        Axial slices, the middle coronal and sagittal slice, and for CT one slice in the window of soft tissue and the
        surface seen from the front.
    """
    depth, rows, columns = volume.shape
    dz, dy, dx = spacing_mm
    name = "lung window" if tuple(window) == LUNG and modality == "CT" else f"window {window[0]:g} / {window[1]:g}"
    sheet = []
    for index in np.unique(np.linspace(0, depth - 1, axial + 2).round().astype(int)[1:-1]):
        sheet.append(_picture(f"axial {index + 1} of {depth}, {name}", _greys(volume[index], window), dy, dx))
    # The head stands at the top of coronal and sagittal slices.
    sheet.append(_picture(f"coronal, {name}", _greys(volume[::-1, rows // 2], window), dz, dx))
    sheet.append(_picture(f"sagittal, {name}", _greys(volume[::-1, :, columns // 2], window), dz, dy))
    if modality == "CT":
        sheet.append(_picture("axial, soft tissue", _greys(volume[depth // 2], SOFT), dy, dx))
    if modality == "CT" and min(volume.shape) > 1:
        step = max(1, min(rows, columns) // EDGE_PIXELS)
        skin = _surface(volume[::-1, ::step, ::step], (dz, dy * step, dx * step))
        sheet.append(_picture("surface from the front", skin, dz, dx * step))
    return tuple(sheet)


def upright(
    volume: NDArray[Any], grid: Geometry
) -> tuple[NDArray[Any], tuple[float, float, float]]:  # fmt: skip
    """Give a view of a volume whose axes run from feet to head, front to back and right to left, as pictures are read.

    An oblique volume is turned to the nearest axes, so its pictures are as oblique as its slices.

    Returns
    -------
    ndarray
        The same voxels, shape (z, y, x).
    tuple of 3 float
        The spacing along these axes, mm.
    """
    # Rows: patient x, y, z (LPS); columns: index axes z, y, x, as the voxels lie.
    turns = np.asarray(grid.direction).reshape(3, 3)[:, ::-1]
    axes: list[int] = []
    for patient in (2, 1, 0):
        free = [axis for axis in range(3) if axis not in axes]
        axes.append(max(free, key=lambda axis: abs(turns[patient, axis])))
    flipped = [1 if turns[patient, axis] >= 0 else -1 for patient, axis in zip((2, 1, 0), axes, strict=True)]
    z, y, x = (slice(None, None, step) for step in flipped)
    spacing = grid.spacing_mm[axes[0]], grid.spacing_mm[axes[1]], grid.spacing_mm[axes[2]]
    return volume.transpose(axes)[z, y, x], spacing


def _greys(plane: NDArray[Any], window: tuple[float, float]) -> NDArray[np.uint8]:
    level, width = window
    shown = (plane.astype(np.float32) - (level - width / 2)) / max(width, 1e-6)
    grey: NDArray[np.uint8] = (np.clip(shown, 0, 1) * (GREYS - 1)).round().astype(np.uint8)
    return grey * np.uint8(255 // (GREYS - 1))


def _surface(volume: NDArray[Any], spacing_mm: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Give the skin as light from the front makes it, out of the depth at which each ray meets it."""
    solid = volume > SKIN_HU
    hit = solid.any(axis=1)
    depth = np.where(hit, solid.argmax(axis=1), volume.shape[1]).astype(np.float32) * spacing_mm[1]
    steep_z, steep_x = (np.abs(step) for step in np.gradient(depth, spacing_mm[0], spacing_mm[2]))
    light = 1 / np.sqrt(1 + steep_z**2 + steep_x**2)
    near = 1 - 0.5 * depth / max(float(depth.max()), 1e-6)
    grey: NDArray[np.uint8] = (np.where(hit, light * near, 0) * (GREYS - 1)).round().astype(np.uint8)
    return grey * np.uint8(255 // (GREYS - 1))


def _picture(caption: str, grey: NDArray[np.uint8], row_mm: float, column_mm: float) -> Picture:
    """Give a plane as a PNG in true proportions, its longer edge `EDGE_PIXELS` long."""
    from PIL import Image  # noqa: PLC0415 - heavy, loaded on first use

    height, width = grey.shape[0] * row_mm, grey.shape[1] * column_mm
    factor = EDGE_PIXELS / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    output = io.BytesIO()
    Image.fromarray(grey).resize(size, Image.Resampling.BILINEAR).quantize(GREYS).save(output, "PNG", optimize=True)
    return Picture(caption, "data:image/png;base64," + base64.b64encode(output.getvalue()).decode())
