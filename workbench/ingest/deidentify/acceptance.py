"""Whether an instance can be de-identified at all, told from the few elements that decide it.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.12.1 (SOP common), C.7.6.3 (image pixel); PS3.5 2026c 8.2 (native pixels).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import UID

from workbench.ingest.burned_in import may_carry_text
from workbench.ingest.deidentify.actions import texts
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.deidentify.pseudonyms import patient_identity
from workbench.ingest.refusals import Refusal

SIZES = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "NumberOfFrames")
# All that `judge` and what it calls look at, but for the instance's own UID; equal in all slices of a series.
JUDGED = (
    "SpecificCharacterSet", "SOPClassUID", "ImageType", "ConversionType", "PatientID", "IssuerOfPatientID",
    "StudyInstanceUID", "SeriesInstanceUID", "PhotometricInterpretation", "BurnedInAnnotation",
    "RecognizableVisualFeatures", *SIZES,
)  # fmt: skip
JUDGED_TAGS = frozenset(tag_for_keyword(keyword) or 0 for keyword in JUDGED)


@dataclass(frozen=True)
class Accepted:
    """An instance that the profile has rules for.

    Parameters
    ----------
    patient : str
        What tells the patient from others.
    patient_id, study, series : str
        What the source calls them.
    may_carry_text : bool
        Whether the pixels must be looked at.
    pixel_bytes : int
        How long native pixels must be at least; 0 when the class holds none, or the header does not tell.
    needs_pixels : bool
        Whether the class is an image.
    """

    patient: str
    patient_id: str
    study: str
    series: str
    may_carry_text: bool
    pixel_bytes: int
    needs_pixels: bool

    def has_pixels(self, length: int | None) -> bool:
        """Whether native pixels of this length, or None for none, are what the header promises."""
        return length >= self.pixel_bytes if length is not None else not self.needs_pixels


def judge(source: Dataset, profile: Profile) -> Accepted | Refusal:
    """Accept an instance, or refuse it by name (without the file).

    Parameters
    ----------
    source : Dataset
        The instance, or its elements of `JUDGED_TAGS` only.
    profile : Profile
        The rules.
    """
    uid = first(source, "SOPClassUID")
    classes = profile.class_rules(uid)
    if not uid:
        return _missing("SOPClassUID")
    if classes is None or not classes.rules:
        name = UID(uid).name
        named = name if name != uid else "not one of the standard"
        reason = f"its SOP class is {named}, and the profile has no rules for that; leave it out."
        return Refusal("unsupported-sop-class", reason, ())
    study, series = first(source, "StudyInstanceUID"), first(source, "SeriesInstanceUID")
    if not study or not series:
        return _missing("StudyInstanceUID" if not study else "SeriesInstanceUID")
    return Accepted(
        patient=patient_identity(source), patient_id=first(source, "PatientID"), study=study, series=series,
        may_carry_text=may_carry_text(source), pixel_bytes=_pixel_bytes(source), needs_pixels=classes.kind == "image",
    )  # fmt: skip


def first(source: Dataset, keyword: str) -> str:
    """Give the first value of an element as text, or nothing."""
    return "".join(texts(source.get(keyword))[:1]).strip("\0 ")


def _missing(keyword: str) -> Refusal:
    return Refusal("missing-attribute", f"{keyword} is missing, or the file is cut short; mend it at the source.", ())


def _pixel_bytes(source: Dataset) -> int:
    sizes = [first(source, keyword) or ("1" if keyword in SIZES[2:] else "") for keyword in SIZES]
    if not all(size.isdecimal() for size in sizes):
        return 0
    rows, columns, samples, bits, frames = map(int, sizes)
    if first(source, "BitsAllocated") == "" or first(source, "PhotometricInterpretation") == "YBR_FULL_422":
        return 0
    return (rows * columns * samples * frames * bits + 7) // 8
