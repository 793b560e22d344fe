"""Two volumes of one patient on different grids, with the same marked place, and what is seen on a picture of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.geometry import Geometry
from workbench.viewer.shown_volume import ArrayVolume

EXTENSIONS = Path(__file__).resolve().parents[2] / "extensions"
# 40 × 30 × 40 mm; x from −20.5 to 19.5, y −15.5 to 14.5, z 99 to 139.
GRID = Geometry((20, 30, 40), (2.0, 1.0, 1.0), (-20.0, -15.0, 100.0))
# Sagittal: z towards the left, y towards the feet, x towards the back; 44 × 34 × 40 mm, 2 mm voxels.
SAGITTAL = Geometry((22, 20, 17), (2.0, 2.0, 2.0), (-21.0, -16.0, 138.0), (0, 0, 1, 1, 0, 0, 0, -1, 0))
# Where both have a block of 6 mm, patient position (x, y, z).
MARK = (9.0, 4.0, 120.0)
AIR, BLOCK = -1000, 1000


def marked(grid: Geometry, modality: str = "CT", title: str = "first", block: float = BLOCK) -> ArrayVolume:
    """Give air with a block at the marked place: every voxel whose centre is at most 3 mm from it along each axis."""
    index = np.stack(np.indices(grid.shape), axis=-1).reshape(-1, 3).astype(float)
    away = np.abs(grid.to_patient_mm(index) - np.array(MARK)).max(axis=1).reshape(grid.shape)
    array = np.where(away <= 3.01, block, AIR if modality == "CT" else 0).astype(np.int16)
    return ArrayVolume(array, grid, modality=modality, title=title)


def constant(value: int, grid: Geometry = GRID, modality: str = "CT", title: str = "second") -> ArrayVolume:
    """Give a volume of one number."""
    return ArrayVolume(np.full(grid.shape, value, np.int16), grid, modality=modality, title=title)


def pixels(picture: Any) -> NDArray[np.int_]:
    """Give the pixels of a PNG, shape (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(bytes(picture))).convert("RGB")).astype(int)


def middle_of(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Give the middle (x, y) of what is true, px."""
    rows, columns = np.nonzero(mask)
    return float(columns.min() + columns.max()) / 2, float(rows.min() + rows.max()) / 2
