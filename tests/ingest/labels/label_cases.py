"""Real label files and the scans they were drawn on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from label_drawing import Scan
from pydicom import dcmread

from workbench.geometry import Geometry
from workbench.ingest.deidentify.pseudonyms import patient_identity
from workbench.ingest.series.found import LabelSource
from workbench.ingest.silence import silent_pydicom


def source_of(path: Path) -> LabelSource:
    return LabelSource(path, path.name, "", "", "", ())


def scan_below(folder: Path) -> Scan:
    """Give the scan that the images of a folder make, worked out from positions alone."""
    with silent_pydicom():
        found = [dcmread(path, stop_before_pixels=True) for path in folder.iterdir() if path.is_file()]
        images = [one for one in found if one.Modality in ("CT", "MR", "PT")]
        orientation = np.array(images[0].ImageOrientationPatient, dtype=float)
        normal = np.cross(orientation[:3], orientation[3:])
        images.sort(key=lambda one: float(np.array(one.ImagePositionPatient, dtype=float) @ normal))
        first, last = images[0], images[-1]
        depth = (np.array(last.ImagePositionPatient, float) - np.array(first.ImagePositionPatient, float)) @ normal
        rows_mm, columns_mm = (float(mm) for mm in first.PixelSpacing)
        x, y, z = (float(mm) for mm in first.ImagePositionPatient)
        direction = np.stack([orientation[:3], orientation[3:], normal], axis=1).ravel()
        grid = Geometry(
            (len(images), first.Rows, first.Columns), (float(depth) / (len(images) - 1), rows_mm, columns_mm),
            (x, y, z), tuple(float(n) for n in direction),
        )  # fmt: skip
        return Scan(
            grid, "2.25.1", str(first.SeriesInstanceUID), tuple(str(one.SOPInstanceUID) for one in images),
            str(first.FrameOfReferenceUID), patient_identity(first),
        )  # fmt: skip
