"""The regions of an RT structure set as contours on a scan.

Runs in: kernel
Source: DICOM PS3.3 2026c C.8.8.5 (structure set), C.8.8.6 (ROI contour).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from workbench.errors import InvalidInput
from workbench.imaging.polygons import is_flat
from workbench.viewer.contours import read_contours
from workbench.viewer.dicom_source import DAMAGE
from workbench.viewer.mark_set import Marks
from workbench.viewer.marks import LONGEST_LABEL
from workbench.viewer.shown_volume import ShownVolume

CONTOUR_DATA = 0x30060050
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


def read_structures(path: Path, scan: ShownVolume) -> Marks:
    """Give the closed contours of a structure set, each with its region's name.

    Contours without area are left out.

    Raises
    ------
    InvalidInput
        When contours are damaged, lie beside the scan's slices, or are too many to draw.
    """
    try:
        made = dcmread(path)
        names = {str(roi.ROINumber): str(roi.ROIName) for roi in made.StructureSetROISequence}
        given = [
            {"label": names[str(item.ReferencedROINumber)][:LONGEST_LABEL], "points_mm": points}
            for item in made.ROIContourSequence
            for contour in item.get("ContourSequence") or ()
            if (points := _points(contour)) is not None
        ]
    except DAMAGE:
        raise InvalidInput(f"{path.name} is a damaged structure set; export it again.") from None
    try:
        return Marks(contours=read_contours(given, scan.geometry))
    except InvalidInput as problem:
        raise InvalidInput(f"{path.name} does not fit {scan.title}: {problem.message}") from None


def _points(contour: Dataset) -> np.ndarray | None:
    """Give the points of a closed contour, shape (points, 3), mm; nothing where it encloses no area."""
    if contour.ContourGeometricType not in CLOSED:
        return None
    raw: object = contour.get_item(CONTOUR_DATA)
    # One conversion for all points: pydicom makes an object of each number, a hundred times slower.
    values = (
        raw.value.strip(b" \0").split(b"\\") if isinstance(raw, RawDataElement) and raw.value else contour.ContourData
    )
    points = np.array(values).astype(np.float64).reshape(-1, 3)
    # Two axes suffice to see an area, whichever way the slices lie.
    return None if len(points) < 3 or all(is_flat(points[:, pair]) for pair in ([0, 1], [0, 2], [1, 2])) else points
