"""A slanted scan and all kinds of marks on it, for the tests of saving."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.data.volume import Volume
from workbench.geometry import Geometry
from workbench.viewer.contours import mask_to_contours
from workbench.viewer.mark_set import LabelSet, Marks
from workbench.viewer.marks import read_boxes

SLANTED = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
GRID = Geometry((6, 20, 30), (2.5, 0.8, 0.7), (-30.0, -20.0, 100.5), SLANTED)


def scan(name: str = "S0001", version: str = "v1", **told: Any) -> Volume:
    """Give a governed scan of which only the grid is known; its voxels are never asked for."""
    return Volume("chest-ct", version, {"scan": name, "levels": 1, **GRID.as_dict(), **told})


def at(*index: float) -> list[float]:
    """Give the patient position of a voxel (z, y, x), to a tenth of a micrometre."""
    place: list[float] = GRID.to_patient_mm(np.array(index, dtype=float)).round(4).tolist()
    return place


STATISTICS = {"mean": -40.25, "sd": 12.5, "minimum": -61.0, "maximum": -3.0, "area_mm2": 33.25, "pixels": 77.0}
BOXES = read_boxes([{"centre_mm": at(3, 10, 15), "size_mm": (5, 6, 7), "label": "no: dule"},
                    {"centre_mm": at(2, 5, 5), "size_mm": 3}], GRID)  # fmt: skip
REGION = np.zeros(GRID.shape, dtype=bool)
REGION[2:4, 5:12, 8:20] = True
REGION[2:4, 7:9, 12:14] = False
CONTOURS = mask_to_contours(REGION, GRID, label="tumour")
# 4 rows of 0.8 mm by 4 columns of 0.7 mm; twice the angle of 2.5 mm over 2.8 mm.
MEASUREMENTS: tuple[dict[str, Any], ...] = (
    {"kind": "distance", "plane": "axial", "label": "", "points_mm": [at(3, 1, 1), at(3, 5, 5)], "value": 4.2521,
     "unit": "mm"},
    {"kind": "angle", "plane": "coronal", "label": "a", "points_mm": [at(3, 1, 1), at(4, 1, 5), at(5, 1, 1)],
     "value": 83.52, "unit": "deg"},
    {"kind": "ellipse", "plane": "axial", "label": "e", "points_mm": [at(3, 1, 1), at(3, 5, 9)], "value": -40.25,
     "unit": "HU", "statistics": STATISTICS},
    {"kind": "rectangle", "plane": "sagittal", "label": "r", "points_mm": [at(1, 5, 2), at(3, 1, 2)],
     "value": -40.25, "unit": "HU", "statistics": STATISTICS},
)  # fmt: skip
CANDIDATES = (
    {"position_mm": at(3, 4, 5), "score": 0.912345678901, "diameter_mm": 6.5, "label": "first"},
    {"position_mm": at(2, 4, 5), "score": 0.1, "diameter_mm": 0.0, "label": ""},
)
JUDGEMENTS = ({"candidate": 1, "verdict": "reject", "seconds": 3.5},)
FINDINGS = Marks(BOXES, CONTOURS, MEASUREMENTS, CANDIDATES, JUDGEMENTS)
VALUES = np.random.default_rng(7).integers(0, 4, GRID.shape).astype(np.int64)
VALUES[0, 0, 0] = 65_535
LABELS = Marks(labels=(LabelSet("organs", VALUES, {1: "left lung", 2: "right lung"}),))


def errors_of(path: Path) -> list[str]:
    """Give what dciodvfy calls an error in a DICOM file."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed; `apt-get install dicom3tools`")
    done = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]
