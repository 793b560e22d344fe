"""Small, regular instances of each kind of object; what is clean in them must survive de-identification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

# Kind: SOP class, modality, bits allocated, samples per pixel.
CLASSES = {
    "ct": ("1.2.840.10008.5.1.4.1.1.2", "CT", 16, 1),
    "mr": ("1.2.840.10008.5.1.4.1.1.4", "MR", 16, 1),
    "pt": ("1.2.840.10008.5.1.4.1.1.128", "PT", 16, 1),
    "cr": ("1.2.840.10008.5.1.4.1.1.1", "CR", 16, 1),
    "dx": ("1.2.840.10008.5.1.4.1.1.1.1", "DX", 16, 1),
    "us": ("1.2.840.10008.5.1.4.1.1.6.1", "US", 8, 1),
    "sc": ("1.2.840.10008.5.1.4.1.1.7", "OT", 8, 1),
    "seg": ("1.2.840.10008.5.1.4.1.1.66.4", "SEG", 1, 1),
    "ect": ("1.2.840.10008.5.1.4.1.1.2.1", "CT", 16, 1),
    "rtstruct": ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", 0, 1),
}
STUDY_DAY = "20190523"
FRAMES = 3


@dataclass(frozen=True)
class Uids:
    """The UIDs of one series in its study and of the series it refers to, all holding the patient's record number."""

    study: str
    series: str
    frame: str
    images: str

    def instance(self, number: int) -> str:
        """Give the UID of an instance."""
        return f"{self.series}.{number}"


def draw(kind: str, number: int, uids: Uids, size: int) -> Dataset:
    """Give an instance without any identity, but for its UIDs."""
    sop_class, modality, bits, _ = CLASSES[kind]
    one = Dataset()
    one.SpecificCharacterSet = "ISO_IR 192"
    one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"] if kind in ("ct", "pt", "mr") else ["ORIGINAL", "PRIMARY"]
    one.SOPClassUID, one.SOPInstanceUID = UID(sop_class), UID(uids.instance(number))
    one.StudyInstanceUID, one.SeriesInstanceUID = UID(uids.study), UID(uids.series)
    one.FrameOfReferenceUID = UID(uids.frame)
    one.StudyDate = one.SeriesDate = one.AcquisitionDate = one.ContentDate = STUDY_DAY
    one.StudyTime, one.Modality = "101500", modality
    one.PatientSex, one.PatientAge = "F", "058Y"
    one.InstanceNumber = number
    if bits:
        _describe_pixels(one, kind, number, size)
    if kind in ("ct", "mr", "pt"):
        one.ImagePositionPatient = [-160.5, -171.25, -310.25 + 2.5 * number]
        one.ImageOrientationPatient, one.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.75, 0.625]
        one.PatientPosition = "HFS"
    SPECIAL.get(kind, _nothing_more)(one, uids)
    return one


def _describe_pixels(one: Dataset, kind: str, number: int, size: int) -> None:
    bits = CLASSES[kind][2]
    one.Rows = one.Columns = size
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated, one.BitsStored = bits, 12 if bits == 16 else bits
    one.HighBit, one.PixelRepresentation = one.BitsStored - 1, 0
    frames = FRAMES if kind in ("seg", "ect") else 1
    if frames > 1:
        one.NumberOfFrames = frames
    one.PixelData = pixels(kind, number, size, frames)
    one["PixelData"].VR = "OW" if bits == 16 else "OB"


def pixels(kind: str, number: int, size: int, frames: int) -> bytes:
    """Give noise that no two instances share; pixels of SC and US are drawn upon by `burned`."""
    rng = np.random.default_rng([number, size, sum(kind.encode())])
    if kind == "seg":
        bits: NDArray[np.uint8] = rng.integers(0, 2, frames * size * size, dtype=np.uint8)
        packed = np.packbits(bits, bitorder="little").tobytes()
        return packed + b"\0" * (len(packed) % 2)
    if kind in ("cr", "dx"):
        # Smooth, because a search for text in noise finds some.
        ramp = np.add.outer(np.arange(size) * 9 + number, np.arange(size) * 7).astype(np.uint16)
        return ramp.astype("<u2").tobytes()
    if CLASSES[kind][2] == 8:
        return rng.integers(0, 60, (frames, size, size), dtype=np.uint8).tobytes()
    return rng.integers(0, 4096, (frames, size, size), dtype=np.uint16).astype("<u2").tobytes()


def _nothing_more(one: Dataset, uids: Uids) -> None:
    pass


def _ct(one: Dataset, uids: Uids) -> None:
    one.RescaleIntercept, one.RescaleSlope = -1024, 1
    one.AcquisitionDateTime = f"{STUDY_DAY}143312.487219+0100"
    one.XRayTubeCurrent, one.SpacingBetweenSlices, one.DataCollectionDiameter = 320, "2.5", "500"
    one.WindowCenter, one.WindowWidth = [40, -600], [400, 1500]


def _mr(one: Dataset, uids: Uids) -> None:
    one.ScanningSequence, one.SequenceVariant, one.MRAcquisitionType = "SE", "SK", "2D"
    one.RepetitionTime, one.EchoTime, one.EchoTrainLength, one.MagneticFieldStrength = "500", "15", 1, "1.5"
    one.FlipAngle = "90"


def _pt(one: Dataset, uids: Uids) -> None:
    one.RescaleIntercept, one.RescaleSlope, one.Units = 0, 1, "BQML"
    one.CorrectedImage, one.DecayCorrection, one.PatientWeight = ["DECY", "ATTN"], "START", "71"
    one.NumberOfSlices, one.SeriesType = 6, ["STATIC", "IMAGE"]


def _projection(one: Dataset, uids: Uids) -> None:
    del one.FrameOfReferenceUID
    one.ViewPosition, one.ImagerPixelSpacing = "PA", [0.15, 0.15]


def _display(one: Dataset, uids: Uids) -> None:
    del one.FrameOfReferenceUID
    one.BurnedInAnnotation = "YES"


def _reference(uids: Uids, number: int = 1) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = UID(CLASSES["ct"][0])
    item.ReferencedSOPInstanceUID = UID(f"{uids.images}.{number}")
    return item


def _seg(one: Dataset, uids: Uids) -> None:
    del one.AcquisitionDate
    one.SegmentationType = "BINARY"
    segment = Dataset()
    segment.SegmentNumber, segment.SegmentLabel, segment.SegmentAlgorithmType = 1, "Lung", "MANUAL"
    one.SegmentSequence = Sequence([segment])
    series = Dataset()
    series.SeriesInstanceUID = UID(uids.images)
    series.ReferencedInstanceSequence = Sequence([_reference(uids, n) for n in range(1, FRAMES + 1)])
    one.ReferencedSeriesSequence = Sequence([series])
    one.SharedFunctionalGroupsSequence = Sequence([_measures()])
    one.PerFrameFunctionalGroupsSequence = Sequence([_seg_frame(uids, n) for n in range(1, FRAMES + 1)])


def _measures() -> Dataset:
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness, measures.SpacingBetweenSlices = [0.75, 0.625], "2.5", "2.5"
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    return shared


def _frame(number: int) -> Dataset:
    frame, position = Dataset(), Dataset()
    position.ImagePositionPatient = [-160.5, -171.25, -310.25 + 2.5 * number]
    frame.PlanePositionSequence = Sequence([position])
    return frame


def _seg_frame(uids: Uids, number: int) -> Dataset:
    frame, segment, derived = _frame(number), Dataset(), Dataset()
    segment.ReferencedSegmentNumber = 1
    frame.SegmentIdentificationSequence = Sequence([segment])
    derived.SourceImageSequence = Sequence([_reference(uids, number)])
    frame.DerivationImageSequence = Sequence([derived])
    return frame


def _enhanced(one: Dataset, uids: Uids) -> None:
    del one.AcquisitionDate
    one.AcquisitionDateTime = f"{STUDY_DAY}143312.5"
    shared, transform = _measures(), Dataset()
    transform.RescaleIntercept, transform.RescaleSlope, transform.RescaleType = -1024, 1, "HU"
    shared.PixelValueTransformationSequence = Sequence([transform])
    one.SharedFunctionalGroupsSequence = Sequence([shared])
    one.PerFrameFunctionalGroupsSequence = Sequence([_frame(n) for n in range(1, FRAMES + 1)])


def _structures(one: Dataset, uids: Uids) -> None:
    del one.ImageType, one.AcquisitionDate, one.ContentDate, one.FrameOfReferenceUID
    one.StructureSetDate = STUDY_DAY
    frame, study, series = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = UID(uids.images)
    series.ContourImageSequence = Sequence([_reference(uids, n) for n in range(1, FRAMES + 1)])
    study.RTReferencedSeriesSequence = Sequence([series])
    frame.FrameOfReferenceUID = UID(uids.frame)
    frame.RTReferencedStudySequence = Sequence([study])
    one.ReferencedFrameOfReferenceSequence = Sequence([frame])
    roi, contours, contour = Dataset(), Dataset(), Dataset()
    roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = 1, "Lung", UID(uids.frame)
    roi.ROIGenerationAlgorithm = "MANUAL"
    one.StructureSetROISequence = Sequence([roi])
    contour.ContourImageSequence = Sequence([_reference(uids)])
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 3
    contour.ContourData = [0, 0, -307.75, 5, 0, -307.75, 5, 5, -307.75]
    contours.ContourSequence, contours.ReferencedROINumber = Sequence([contour]), 1
    one.ROIContourSequence = Sequence([contours])


SPECIAL = {
    "ct": _ct, "mr": _mr, "pt": _pt, "cr": _projection, "dx": _projection, "us": _display, "sc": _display,
    "seg": _seg, "ect": _enhanced, "rtstruct": _structures,
}  # fmt: skip
