"""Boxes, contours, measurements, candidates and judgements as a DICOM structured report (TID 1500).

Every mark is a group of its own with its place in the patient (3D coordinates), so any scan of the same frame of
reference can show it.

Runs in: kernel
Source: DICOM PS3.16 2026c TID 1500 (measurement report), 1410 (planar ROI), 1411 (volumetric ROI); PS3.3 2026c
C.18.9 (3D spatial coordinates), A.35.13 (Comprehensive 3D SR).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import highdicom.sr as sr
import numpy as np
from numpy.typing import NDArray

from workbench import __version__
from workbench.viewer import sr_codes as codes
from workbench.viewer.array_volume import PLANES
from workbench.viewer.contours import ContourMark
from workbench.viewer.dicom_source import MANUFACTURER, MODEL, finish, scan_uid, source_images
from workbench.viewer.mark_set import Marks
from workbench.viewer.marks import BoxMark
from workbench.viewer.shown_volume import ShownVolume

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Places = NDArray[np.float64]


@dataclass(frozen=True)
class _Report:
    """The scan that the groups of one report are about."""

    scan: ShownVolume

    @property
    def frame(self) -> str:
        """The frame of reference of all coordinates."""
        return scan_uid(self.scan, "frame-of-reference")

    def tracking(self, kind: str, number: int, label: str) -> sr.TrackingIdentifier:
        """Name a mark: its kind and number, and after a colon what somebody called it."""
        words = f"{kind} {number}: {label}" if label else f"{kind} {number}"
        return sr.TrackingIdentifier(scan_uid(self.scan, "mark", words), words)

    def surface(self, graphic: str, places: list[Places]) -> sr.VolumeSurface:
        """Give a place in space."""
        source = sr.SourceSeriesForSegmentation(scan_uid(self.scan, "series"))
        return sr.VolumeSurface(graphic, places, self.frame, source_series=source)

    def region(self, graphic: str, places: Places) -> sr.ImageRegion3D:
        """Give a place on a slice."""
        return sr.ImageRegion3D(graphic, places, self.frame)


def write_sr(marks: Marks, scan: ShownVolume, draft: Path) -> None:
    """Write all marks but label sets."""
    make_sr(marks, scan).save_as(draft)


def make_sr(marks: Marks, scan: ShownVolume) -> Dataset:
    """Give the report as highdicom makes it."""
    report = _Report(scan)
    groups = [*_boxes(marks, report), *_contours(marks, report), *_measurements(marks, report),
              *_candidates(marks, report)]  # fmt: skip
    device = sr.ObserverContext(
        sr.CodedConcept("121007", "DCM", "Device"),
        sr.DeviceObserverIdentifyingAttributes(scan_uid(scan, "device"), name=MODEL, manufacturer_name=MANUFACTURER),
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=device),
        procedure_reported=sr.CodedConcept("363679005", "SCT", "Imaging procedure"), imaging_measurements=groups,
        title=sr.CodedConcept("126000", "DCM", "Imaging Measurement Report"),
    )  # fmt: skip
    middle = scan.geometry.shape[0] // 2
    made = sr.Comprehensive3DSR(
        evidence=source_images(scan, [middle]), content=content[0], series_instance_uid=scan_uid(scan, "sr-series"),
        series_number=1002, sop_instance_uid=scan_uid(scan, "sr", _digest(marks)), instance_number=1,
        manufacturer=MANUFACTURER, is_complete=True, manufacturer_model_name=MODEL, software_versions=__version__,
        device_serial_number="0",
    )  # fmt: skip
    finish(made)
    result: Dataset = made
    return result


def _digest(marks: Marks) -> str:
    told = [*(box.as_dict() for box in marks.boxes), *(contour.as_dict() for contour in marks.contours)]
    listed = [dict(one) for one in (*marks.measurements, *marks.candidates, *marks.judgements)]
    return hashlib.sha256(json.dumps([told, listed], sort_keys=True, default=str).encode()).hexdigest()


def _boxes(marks: Marks, report: _Report) -> Iterator[Any]:
    """Give each box by its lower and upper face, and its sides."""
    for number, box in enumerate(marks.boxes, 1):
        sides = [
            sr.Measurement(name, float(side), codes.MM) for name, side in zip(codes.SIZES, box.size_mm, strict=True)
        ]
        yield sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            report.tracking("box", number, box.label), finding_type=codes.KINDS["box"], measurements=sides,
            referenced_volume_surface=report.surface("POLYGON", _faces(box, report.scan)),
        )  # fmt: skip


def _faces(box: BoxMark, scan: ShownVolume) -> list[Places]:
    low, high = box.index_limits(scan.geometry)
    turns = [(low[1], low[2]), (low[1], high[2]), (high[1], high[2]), (high[1], low[2]), (low[1], low[2])]
    return [scan.geometry.to_patient_mm(np.array([[z, y, x] for y, x in turns])) for z in (low[0], high[0])]


def _contours(marks: Marks, report: _Report) -> Iterator[Any]:
    for number, contour in enumerate(marks.contours, 1):
        yield sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            report.tracking("contour", number, contour.label), finding_type=codes.KINDS["contour"],
            referenced_region=report.region("POLYGON", _closed(contour)), qualitative_evaluations=_plane(contour.plane),
            measurements=[sr.Measurement(codes.AREA, contour.area_mm2(report.scan.geometry), codes.MM2)],
        )  # fmt: skip


def _closed(contour: ContourMark) -> Places:
    return np.array([*contour.points_mm, contour.points_mm[0]])


def _plane(plane: object) -> list[sr.QualitativeEvaluation]:
    return [sr.QualitativeEvaluation(codes.PLANE, codes.PLANES[str(plane)])] if plane in codes.PLANES else []


def _measurements(marks: Marks, report: _Report) -> Iterator[Any]:
    for number, one in enumerate(marks.measurements, 1):
        kind, places = str(one["kind"]), np.asarray(one["points_mm"], dtype=np.float64)
        graphic, points = "POLYLINE", places
        if kind in ("ellipse", "rectangle"):
            graphic, points = _outline(kind, places, str(one["plane"]), report.scan)
        yield sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            report.tracking(kind, number, str(one.get("label") or "")), finding_type=codes.KINDS[kind],
            referenced_region=report.region(graphic, points), qualitative_evaluations=_plane(one.get("plane")),
            measurements=_numbers(kind, one),
        )  # fmt: skip


def _outline(kind: str, corners: Places, plane: str, scan: ShownVolume) -> tuple[str, Places]:
    """Give the rectangle between two corners, or the ends of the axes of the ellipse in it, longer axis first."""
    index = scan.geometry.to_index(corners)
    one, two = (axis for axis in range(3) if axis != PLANES[plane])
    turned = index[[0, 0, 1, 1, 0]]
    turned[1, two], turned[3, two] = index[1, two], index[0, two]
    if kind == "rectangle":
        return "POLYGON", scan.geometry.to_patient_mm(turned)
    ends = np.tile(index.mean(axis=0), (4, 1))
    ends[0:2, one], ends[2:4, two] = index[:, one], index[:, two]
    places = scan.geometry.to_patient_mm(ends)
    first, second = (float(np.linalg.norm(places[n + 1] - places[n])) for n in (0, 2))
    return "ELLIPSE", places if first >= second else places[[2, 3, 0, 1]]


def _numbers(kind: str, one: Mapping[str, Any]) -> list[sr.Measurement]:
    if kind == "distance":
        return [sr.Measurement(codes.LENGTH, float(one["value"]), codes.MM)]
    if kind == "angle":
        return [sr.Measurement(codes.ANGLE, float(one["value"]), codes.DEGREE)]
    unit, statistics = str(one.get("unit") or ""), one.get("statistics") or {}
    name = codes.ATTENUATION if unit == "HU" else codes.INTENSITY
    found = [
        sr.Measurement(name, float(statistics[key]), codes.unit_code(unit), derivation=derivation)
        for key, derivation in codes.DERIVATIONS.items()
        if key in statistics
    ]
    if "area_mm2" in statistics:
        found.append(sr.Measurement(codes.AREA, float(statistics["area_mm2"]), codes.MM2))
    if "pixels" in statistics:
        found.append(sr.Measurement(codes.PIXELS, float(statistics["pixels"]), codes.NO_UNITS))
    return found or [
        sr.Measurement(name, float(one["value"]), codes.unit_code(unit), derivation=codes.DERIVATIONS["mean"])
    ]


def _candidates(marks: Marks, report: _Report) -> Iterator[Any]:
    for number, one in enumerate(marks.candidates):
        told = [sr.Measurement(codes.SCORE, float(one["score"]), codes.NO_UNITS)]
        if one.get("diameter_mm"):
            told.append(sr.Measurement(codes.DIAMETER, float(one["diameter_mm"]), codes.MM))
        judged, verdicts = marks.verdict(number), []
        if judged:
            verdicts = [sr.QualitativeEvaluation(codes.VERDICT, codes.VERDICTS[str(judged["verdict"])])]
            told.append(sr.Measurement(codes.READING_TIME, float(judged.get("seconds") or 0), codes.SECOND))
        place = np.asarray(one["position_mm"], dtype=np.float64).reshape(1, 3)
        yield sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            report.tracking("candidate", number + 1, str(one.get("label") or "")),
            finding_type=codes.KINDS["candidate"], referenced_volume_surface=report.surface("POINT", [place]),
            measurements=told, qualitative_evaluations=verdicts,
        )  # fmt: skip
