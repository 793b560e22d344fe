"""What the gate and the pixels need of each plane, classic slice or frame of a multi-frame file, read once.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.2 (image plane), C.7.6.3 (pixels), C.7.6.16 (functional groups), C.8.13, C.8.15.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

Numbers = tuple[float, ...]
T = TypeVar("T")

# SOP classes of which volumes are made: modality, and whether one file holds many frames.
VOLUME_CLASSES: dict[str, tuple[str, bool]] = {
    uid.CTImageStorage: ("CT", False),
    uid.EnhancedCTImageStorage: ("CT", True),
    uid.LegacyConvertedEnhancedCTImageStorage: ("CT", True),
    uid.MRImageStorage: ("MR", False),
    uid.EnhancedMRImageStorage: ("MR", True),
    uid.LegacyConvertedEnhancedMRImageStorage: ("MR", True),
    uid.PositronEmissionTomographyImageStorage: ("PT", False),
    uid.EnhancedPETImageStorage: ("PT", True),
    uid.LegacyConvertedEnhancedPETImageStorage: ("PT", True),
}
# In which functional group an attribute of a frame lies.
GROUPS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
    "RescaleSlope": "PixelValueTransformationSequence",
    "RescaleIntercept": "PixelValueTransformationSequence",
    "RescaleType": "PixelValueTransformationSequence",
    "StackID": "FrameContentSequence",
    "TemporalPositionIndex": "FrameContentSequence",
    "FrameAcquisitionNumber": "FrameContentSequence",
    "EffectiveEchoTime": "MREchoSequence",
    "DiffusionBValue": "MRDiffusionSequence",
    "InversionTimes": "MRModifierSequence",
    "NominalPercentageOfCardiacPhase": "CardiacSynchronizationSequence",
    "ConvolutionKernel": "CTReconstructionSequence",
    "GantryDetectorTilt": "CTAcquisitionDetailsSequence",
}
FRAME_TYPES = ("CTImageFrameTypeSequence", "MRImageFrameTypeSequence", "PETFrameTypeSequence")
# What tells apart the volumes of one series, by its name in the standard; the first that does is the one told.
APART = (
    "AcquisitionNumber", "FrameAcquisitionNumber", "TemporalPositionIdentifier", "TemporalPositionIndex", "EchoTime",
    "EffectiveEchoTime", "EchoNumbers", "TriggerTime", "NominalPercentageOfCardiacPhase", "DiffusionBValue",
    "InversionTime", "InversionTimes", "FlipAngle", "FrameReferenceTime", "ImageType", "AcquisitionTime",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """How the pixels of a file are stored; equal ones are shared between slices."""

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    allocated: int
    bits: int
    high: int
    is_signed: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What the slices of one series should agree about; equal ones are shared between slices."""

    sop_class: str
    modality: str
    frame_of_reference: str
    kernel: tuple[str, ...]
    image_type: tuple[str, ...]
    rescale_type: str
    units: str
    tilt: Numbers
    is_lossy: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """One plane of a series: where its pixels are, and where it lies in the patient.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        The file relative to the ingested folder.
    frame : int
        The frame of the file, from 0; 0 in a file of one.
    patient, study, series, instance : str
        What the source calls them; kept in this process only.
    syntax : str
        Transfer syntax UID.
    pixels_at : int
        Where in the file the header ended.
    stored : Stored or None
        None where an attribute of the pixels is missing.
    lacking : str
        The first attribute of the pixels that is missing, or nothing.
    context : Context
    position, orientation, spacing : tuple of float
        As in the header, mm; empty where missing or unusable.
    slope, intercept : tuple of float
        One number each; empty where missing.
    stack : str
        The stack that a multi-frame file puts this frame in.
    apart : tuple of str
        The values of `APART`.
    """

    path: Path
    name: str
    frame: int
    patient: str
    study: str
    series: str
    instance: str
    syntax: str
    pixels_at: int
    stored: Stored | None
    lacking: str
    context: Context
    position: Numbers = ()
    orientation: Numbers = ()
    spacing: Numbers = ()
    slope: Numbers = ()
    intercept: Numbers = ()
    stack: str = ""
    apart: tuple[str, ...] = ()


class Interned:
    """Gives one object for all equal ones, so that ten thousand slices hold what they share once."""

    def __init__(self) -> None:
        self._known: dict[object, object] = {}

    def __call__(self, one: T) -> T:
        """Give the first object that was equal to this one."""
        return self._known.setdefault((type(one), one), one)  # type: ignore[return-value]


class Frames:
    """Looks up the attributes of each frame: in its own functional groups, in the shared ones, then at the top.

    Parameters
    ----------
    source : Dataset
        A header, with or without functional groups.
    """

    def __init__(self, source: Dataset) -> None:
        self._top = source
        self._shared = _first_item(source, "SharedFunctionalGroupsSequence")
        self._own = list(source.get("PerFrameFunctionalGroupsSequence") or ())
        stacks = [_one(self.get("StackID", number)) for number in range(len(self._own))]
        self._stacks = stacks if len(set(stacks)) > 1 else []

    def __len__(self) -> int:
        """Give how many frames the functional groups describe."""
        return len(self._own)

    def get(self, keyword: str, frame: int) -> Any:
        """Give an attribute of a frame, or nothing."""
        group = GROUPS.get(keyword)
        for holder in self._holders(frame, group):
            value = holder.get(keyword)
            if value is not None and value != "":
                return value
        return None

    def stack(self, frame: int) -> str:
        """Give the stack of a frame; nothing where all frames of the file are in one."""
        return self._stacks[frame] if self._stacks else ""

    def frame_type(self, frame: int) -> Any:
        """Give the image type of a frame: its own, or that of the whole file."""
        for group in FRAME_TYPES:
            for holder in self._holders(frame, group):
                if holder is not self._top and holder.get("FrameType"):
                    return holder.FrameType
        return self._top.get("ImageType")

    def _holders(self, frame: int, group: str | None) -> Iterator[Dataset]:
        if group is not None:
            for groups in (self._own[frame] if frame < len(self._own) else None, self._shared):
                item = _first_item(groups, group) if groups is not None else None
                if item is not None:
                    yield item
        yield self._top


def _first_item(holder: Dataset, keyword: str) -> Dataset | None:
    items = holder.get(keyword)
    return items[0] if items else None


def texts(value: Any) -> tuple[str, ...]:
    """Give the values of an element as text, each stripped of the padding that its VR allows."""
    if value is None or value == "":
        return ()
    values = value if isinstance(value, list | tuple | MultiValue) else [value]
    return tuple(str(each).strip(" \0") for each in values)


def numbers(value: Any, count: int) -> Numbers:
    """Give exactly `count` numbers, or nothing; one that is not finite stays, so that the gate can name it."""
    try:
        found = tuple(float(text) for text in texts(value))
    except ValueError:
        return ()
    return found if len(found) == count else ()


def read_stored(source: Dataset) -> tuple[Stored | None, str]:
    """Give how the pixels are stored, or the name of the first attribute that is missing."""
    found: dict[str, int] = {}
    for keyword in (
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
    ):
        value = numbers(source.get(keyword), 1)
        if not value or not value[0].is_integer():
            return None, keyword
        found[keyword] = int(value[0])
    photometric = texts(source.get("PhotometricInterpretation"))
    if len(photometric) != 1:
        return None, "PhotometricInterpretation"
    frames = numbers(source.get("NumberOfFrames"), 1)
    return Stored(
        rows=found["Rows"], columns=found["Columns"], frames=int(frames[0]) if frames else 1,
        samples=found["SamplesPerPixel"], photometric=photometric[0], allocated=found["BitsAllocated"],
        bits=found["BitsStored"], high=found["HighBit"], is_signed=found["PixelRepresentation"] == 1,
    ), ""  # fmt: skip


def read_context(frames: Frames, source: Dataset, frame: int) -> Context:
    """Give what a frame says of how it was made."""
    sop_class = str(source.get("SOPClassUID") or "")
    units = texts(source.get("Units"))
    return Context(
        sop_class=sop_class, modality=VOLUME_CLASSES[sop_class][0],
        frame_of_reference=_one(source.get("FrameOfReferenceUID")),
        kernel=texts(frames.get("ConvolutionKernel", frame)),
        image_type=texts(frames.frame_type(frame)), rescale_type=_one(frames.get("RescaleType", frame)),
        units=units[0] if units else "", tilt=numbers(frames.get("GantryDetectorTilt", frame), 1),
        is_lossy=_one(source.get("LossyImageCompression")) == "01",
    )  # fmt: skip


def read_apart(frames: Frames, frame: int) -> tuple[str, ...]:
    """Give the values that tell apart the volumes of one series."""
    return tuple(
        "\\".join(texts(frames.frame_type(frame) if keyword == "ImageType" else frames.get(keyword, frame)))
        for keyword in APART
    )


def _one(value: Any) -> str:
    found: Sequence[str] = texts(value)
    return found[0] if found else ""
