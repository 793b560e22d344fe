"""RTSTRUCT contours as regions of voxels on the grid of the series they were drawn on.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.8.8.5 (structure set), C.8.8.6 (ROI contour), C.8.8.8 (RT ROI observations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from workbench.imaging.polygons import Points, fill, is_flat
from workbench.ingest.labels.fields import first_text, instances
from workbench.ingest.labels.label_set import LabelledScan
from workbench.ingest.labels.layers import MOST_SEGMENTS, Piece, Region
from workbench.ingest.labels.names import ROI_KINDS, Namer
from workbench.ingest.refusals import Refusal, name_files

CONTOUR_DATA = 0x30060050
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
# How far a contour may leave its plane, and its plane a slice, before that is worth a word; in slices.
TOLERANCE_SLICES = 0.05
# Voxels; no scanner is as large.
FARTHEST = 1e6


@dataclass
class _Reading:
    """One structure set while it is read."""

    name: str
    scan: LabelledScan
    noted: dict[str, list[str]] = field(default_factory=dict)

    def note(self, label: str, what: str) -> None:
        """Keep what had to be decided for a region."""
        labels = self.noted.setdefault(what, [])
        if label not in labels[-1:]:
            labels.append(label)

    @property
    def notes(self) -> list[str]:
        """A sentence for each decision, with all regions that it was taken for."""
        return [f"{what}: {name_files(labels)}." for what, labels in self.noted.items()]

    def refuse(self, code: str, label: str, reason: str) -> Refusal:
        """Give the refusal of one region, which is that of the file."""
        return Refusal(code, f"the region “{label}” {reason}", (self.name,))


def read_structures(
    source: Dataset, name: str, scan: LabelledScan, namer: Namer
) -> tuple[list[Region], list[str]] | Refusal:
    """Read a structure set.

    Parameters
    ----------
    source : Dataset
        The whole RTSTRUCT instance.
    name : str
        Of the file, for a refusal.
    scan : LabelledScan
        The scan whose grid the regions are put on.
    namer : Namer
        Gives each region a name that may be kept.

    Returns
    -------
    tuple or Refusal
        The regions in the order of the structure set, and notes of what was left out or decided.
    """
    rois = list(source.get("StructureSetROISequence") or ())
    if len(rois) > MOST_SEGMENTS:
        reason = f"it names {len(rois)} regions, and a label volume holds {MOST_SEGMENTS}; split the structure set."
        return Refusal("label-too-many", reason, (name,))
    if rois and "ROIContourSequence" not in source:
        reason = "it names regions and holds no contours, so it is cut short or empty; export it again."
        return Refusal("label-contour", reason, (name,))
    contours = {first_text(item, "ReferencedROINumber"): item for item in source.get("ROIContourSequence") or ()}
    observed = {first_text(item, "ReferencedROINumber"): item for item in source.get("RTROIObservationsSequence") or ()}
    reading, regions = _Reading(name, scan), []
    for position, roi in enumerate(rois, 1):
        number = first_text(roi, "ROINumber")
        about = observed.get(number, Dataset())
        code = namer.code(about.get("RTROIIdentificationCodeSequence"))
        label = namer.name(first_text(roi, "ROIName"), position, code)
        closed = _closed_contours(reading, label, contours.get(number))
        if isinstance(closed, Refusal):
            return closed
        if not closed:
            continue
        if not scan.frame_of_reference or first_text(roi, "ReferencedFrameOfReferenceUID") != scan.frame_of_reference:
            return reading.refuse(
                "label-frame-of-reference", label,
                "lies in another frame of reference than the images, or in none, so its place in them is not known; "
                "export images and structure set together.",
            )  # fmt: skip
        pieces = _pieces(reading, label, closed)
        if isinstance(pieces, Refusal):
            return pieces
        kind = first_text(about, "RTROIInterpretedType")
        regions.append(Region(label, code, tuple(pieces), kind if kind in ROI_KINDS else ""))
    return regions, reading.notes


def _closed_contours(reading: _Reading, label: str, item: Dataset | None) -> list[Points] | Refusal:
    """Give the closed contours of a region as patient positions, shape (points, 3), mm."""
    found: list[Points] = []
    other: set[str] = set()
    for contour in (item.get("ContourSequence") if item is not None else None) or ():
        kind = first_text(contour, "ContourGeometricType")
        if kind not in CLOSED:
            other.add(kind if kind in ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR") else "another type")
            continue
        points = read_points(contour)
        if points is None:
            reason = "has a contour whose points are not numbers in threes, or not finite; export it again."
            return reading.refuse("label-contour", label, reason)
        found.append(points)
    if other:
        reading.note(label, f"Contours of type {', '.join(sorted(other))} enclose no region and were left out")
    elif not found:
        reading.note(label, "No contour")
    return found


def read_points(contour: Dataset) -> Points | None:
    """Give the points of a contour, shape (points, 3), mm; nothing when they are damaged."""
    raw: object = contour.get_item(CONTOUR_DATA)
    try:
        if isinstance(raw, RawDataElement):
            # One conversion for all points: pydicom makes an object of each number, a hundred times slower.
            values = np.array((raw.value or b"").strip(b" \0").split(b"\\")).astype(np.float64)
        else:
            values = np.array([float(value) for value in contour.ContourData], dtype=np.float64)
    except (ValueError, TypeError, AttributeError):
        return None
    told = first_text(contour, "NumberOfContourPoints")
    if not len(values) or len(values) % 3 or not np.all(np.isfinite(values)):
        return None
    return None if told and told != str(len(values) // 3) else values.reshape(-1, 3)


def _pieces(reading: _Reading, label: str, contours: Sequence[Points]) -> list[Piece] | Refusal:
    planes: dict[float, list[Points]] = {}
    for points in contours:
        index = reading.scan.grid.to_index(points)
        if float(np.abs(index).max()) > FARTHEST:
            return reading.refuse("label-outside", label, "lies far from the images; export it again.")
        z = float(np.median(index[:, 0]))
        if float(np.abs(index[:, 0] - z).max()) > TOLERANCE_SLICES:
            reason = "has a contour that is not parallel to the slices of the images; export it drawn on them."
            return reading.refuse("label-grid", label, reason)
        if is_flat(index[:, 1:]):
            reading.note(label, "Contours without area were left out")
            continue
        planes.setdefault(round(z, 2), []).append(index[:, 1:])
    chosen = _planes_of_slices(reading, label, planes)
    if isinstance(chosen, Refusal):
        return chosen
    return _filled(reading, label, chosen)


def _planes_of_slices(
    reading: _Reading, label: str, planes: dict[float, list[Points]]
) -> dict[int, list[Points]] | Refusal:
    """Give each slice the contours of the plane nearest to it, at most half a slice away."""
    depth, doubled = reading.scan.grid.shape[0], 0
    nearest: dict[int, float] = {}
    for z in sorted(planes):
        slice_ = round(z)
        if not 0 <= slice_ < depth:
            reason = "has contours above or below the images; add the missing slices, or export it again."
            return reading.refuse("label-outside", label, reason)
        if abs(z - slice_) > 0.49:
            reason = "has contours midway between two slices, which belong to neither; export it drawn on the slices."
            return reading.refuse("label-grid", label, reason)
        other = nearest.get(slice_)
        doubled += other is not None
        if other is None or abs(z - slice_) < abs(other - slice_):
            nearest[slice_] = z
    moved = sum(abs(z - slice_) > TOLERANCE_SLICES for slice_, z in nearest.items())
    if moved:
        reading.note(label, "Contours between slices were put on the nearest slice")
    if doubled:
        reading.note(label, "Of several planes of contours at one slice only the nearest was taken")
    steps = np.diff(sorted(nearest))
    if len(steps) and float(np.median(steps)) > 1:
        reading.note(label, f"Drawn on one slice in {int(np.median(steps))}; those between stay empty")
    return {slice_: planes[z] for slice_, z in nearest.items()}


def _filled(reading: _Reading, label: str, planes: dict[int, list[Points]]) -> list[Piece] | Refusal:
    _, rows, columns = reading.scan.grid.shape
    pieces, repeated, is_cut = [], 0, False
    for slice_, contours in planes.items():
        # The same contour twice would cancel out by the even-odd rule.
        single = list({points.round(4).tobytes(): points for points in contours}.values())
        repeated += len(contours) - len(single)
        joined = np.concatenate(single)
        low, high = joined.min(axis=0), joined.max(axis=0)
        if high.min() < -0.5 or low[0] > rows - 0.5 or low[1] > columns - 0.5:
            reason = "lies beside the images; images and structure set do not belong together."
            return reading.refuse("label-outside", label, reason)
        is_cut |= bool(low.min() < -0.5 or high[0] > rows - 0.5 or high[1] > columns - 0.5)
        inside, (top, left) = fill(single, (rows, columns))
        if inside.size:
            height, width = inside.shape
            box = slice(slice_, slice_ + 1), slice(top, top + height), slice(left, left + width)
            pieces.append(Piece(box, inside[None]))
    if repeated:
        reading.note(label, "Contours stored twice were taken once")
    if is_cut:
        reading.note(label, "Cut at the edge of the images")
    return pieces


def referenced_series(source: Dataset) -> list[tuple[str, tuple[str, ...]]]:
    """Give the (series UID, instance UIDs) that a structure set says it was drawn on."""
    return [
        (first_text(series, "SeriesInstanceUID"), instances(series.get("ContourImageSequence")))
        for frame in source.get("ReferencedFrameOfReferenceSequence") or ()
        for study in frame.get("RTReferencedStudySequence") or ()
        for series in study.get("RTReferencedSeriesSequence") or ()
    ]
