"""A scan to label, and SEG and RTSTRUCT files drawn for it, with identities where real files have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian, RTStructureSetStorage, SegmentationStorage

from workbench.geometry import Geometry
from workbench.ingest.series.found import LabelSource
from workbench.ingest.silence import silent_pydicom

SERIES, FRAME = "1.2.826.0.1.3680043.8.498.7", "1.2.826.0.1.3680043.8.498.7.0.2"
SHAPE = (6, 20, 24)
GRID = Geometry(SHAPE, (2.5, 0.75, 0.5), (-60.0, -70.0, 30.0))
# 35° about the axis from foot to head, then 20° about the one from right to left.
TILTED = Geometry(
    SHAPE, (2.5, 0.75, 0.5), (-60.0, -70.0, 30.0),
    (0.819152, -0.538986, 0.196175, 0.573576, 0.769751, -0.280167, 0.0, 0.342020, 0.939693),
)  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """What the label readers must know of a volume."""

    grid: Geometry = GRID
    uid: str = "2.25.1"
    source_uid: str = SERIES
    instances: tuple[str, ...] = tuple(f"{SERIES}.{n + 1}" for n in range(SHAPE[0]))
    frame_of_reference: str = FRAME
    patient: str = "id\0MRN-5550199\0"
    subject_pseudonym: str = "p"
    modality: str = "CT"
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def read(self) -> Any:
        raise NotImplementedError


def new_instance(sop_class: str, modality: str) -> FileDataset:
    """Give an instance of the drawn patient, with identities where real files have them."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = UID(sop_class), ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = UID(f"{SERIES}.99")
    one = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    one.set_original_encoding(None, None)
    one.SOPClassUID, one.SOPInstanceUID, one.Modality = UID(sop_class), UID(f"{SERIES}.99"), modality
    one.StudyInstanceUID, one.SeriesInstanceUID = f"{SERIES}.0.1", f"{SERIES}.0.9"
    one.PatientID, one.PatientName, one.FrameOfReferenceUID = "MRN-5550199", "Okonkwo^Adaeze", FRAME
    one.ContentCreatorName, one.SeriesDescription = "Doe^Joan", "drawn for Adaeze Okonkwo"
    return one


def item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


@dataclass
class Files:
    """Writes label files and gives them as sources."""

    folder: Path

    def save(self, one: FileDataset, name: str = "label.dcm") -> LabelSource:
        with silent_pydicom():
            encoding = {"implicit_vr": False, "little_endian": True, "force_encoding": True}
            one.save_as(self.folder / name, enforce_file_format=False, **encoding)
        return LabelSource(self.folder / name, name, str(one.SOPClassUID), "", "", ())


Contours = Sequence[tuple[int, Sequence[tuple[float, float]]]]


def structure_set(
    rois: dict[str, Contours], grid: Geometry = GRID, change: Callable[[Dataset], object] | None = None
) -> FileDataset:
    """Give an RTSTRUCT: for each region, contours as (index z, points as (row, column))."""
    one = new_instance(RTStructureSetStorage, "RTSTRUCT")
    one.StructureSetLabel, one.StructureSetName = "Okonkwo plan", "Adaeze"
    images = [item(ReferencedSOPInstanceUID=f"{SERIES}.{n + 1}") for n in range(SHAPE[0])]
    series = item(SeriesInstanceUID=SERIES, ContourImageSequence=Items(images))
    study = item(RTReferencedSeriesSequence=Items([series]))
    one.ReferencedFrameOfReferenceSequence = Items(
        [item(FrameOfReferenceUID=FRAME, RTReferencedStudySequence=Items([study]))]
    )
    one.StructureSetROISequence, one.ROIContourSequence, one.RTROIObservationsSequence = Items(), Items(), Items()
    for number, (name, contours) in enumerate(rois.items(), 1):
        one.StructureSetROISequence.append(
            item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=FRAME, ROIDescription="by Dr Doe")
        )
        drawn = [_contour(z, points, grid) for z, points in contours]
        one.ROIContourSequence.append(item(ReferencedROINumber=number, ContourSequence=Items(drawn)))
        one.RTROIObservationsSequence.append(
            item(ReferencedROINumber=number, RTROIInterpretedType="GTV", ROIInterpreter="Doe^Joan")
        )
    if change is not None:
        change(one)
    return one


def _contour(z: float, points: Sequence[tuple[float, float]], grid: Geometry) -> Dataset:
    index = np.array([(z, row, column) for row, column in points], dtype=float).reshape(-1, 3)
    flat = grid.to_patient_mm(index).round(6).ravel()
    return item(
        ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(points), ContourData=[f"{n:.6f}" for n in flat]
    )


def segmentation(
    frames: Sequence[tuple[int, int, NDArray[Any]]], *, kind: str = "BINARY", labels: Sequence[str] = ("Liver",),
    grid: Geometry = GRID, change: Callable[[Dataset], object] | None = None,
) -> FileDataset:  # fmt: skip
    """Give a SEG: frames as (segment number, index z, pixels), in this order."""
    one = new_instance(SegmentationStorage, "SEG")
    one.SegmentationType, one.ContentDescription = kind, "Okonkwo, for Joan"
    one.ReferencedSeriesSequence = Items([item(SeriesInstanceUID=SERIES)])
    one.Rows, one.Columns = frames[0][2].shape if frames else (1, 1)
    bits = 1 if kind == "BINARY" else 8
    one.BitsAllocated, one.BitsStored, one.HighBit = bits, bits, bits - 1
    one.SamplesPerPixel, one.PixelRepresentation, one.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    one.NumberOfFrames, one.MaximumFractionalValue = len(frames), 200
    one.SegmentSequence = Items(
        [item(SegmentNumber=n, SegmentLabel=label, SegmentDescription="Adaeze") for n, label in enumerate(labels, 1)]
    )
    orientation = np.array(grid.direction).reshape(3, 3)[:, :2].T.ravel()
    shared = item(
        PlaneOrientationSequence=Items([item(ImageOrientationPatient=[f"{n:.9f}" for n in orientation])]),
        PixelMeasuresSequence=Items([item(PixelSpacing=list(grid.spacing_mm[1:]))]),
    )
    one.SharedFunctionalGroupsSequence = Items([shared])
    one.PerFrameFunctionalGroupsSequence = Items([_frame(number, z, grid) for number, z, _ in frames])
    pixels = np.stack([stored for _, _, stored in frames]).astype(np.uint8) if frames else np.zeros(1, np.uint8)
    packed = np.packbits(pixels.ravel(), bitorder="little").tobytes() if bits == 1 else pixels.tobytes()
    one.PixelData = packed + b"\0" * (len(packed) % 2)
    if change is not None:
        change(one)
    return one


def _frame(number: int, z: int, grid: Geometry) -> Dataset:
    position = [f"{n:.6f}" for n in grid.to_patient_mm(np.array([z, 0, 0]))]
    return item(
        SegmentIdentificationSequence=Items([item(ReferencedSegmentNumber=number)]),
        PlanePositionSequence=Items([item(ImagePositionPatient=position)]),
    )


def square(first: tuple[float, float], last: tuple[float, float]) -> list[tuple[float, float]]:
    """Give the corners of a rectangle, (row, column)."""
    (top, left), (bottom, right) = first, last
    return [(top, left), (top, right), (bottom, right), (bottom, left)]
