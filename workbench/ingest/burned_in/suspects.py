"""Which instances may carry text in their pixels, told from the header alone.

Runs in: ingest host
Source: DICOM PS3.3 2026c C.7.6.1.1.2 (image type), C.8.6.1 (conversion type), C.7.6.1.1.1 (burned in annotation).
"""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

# Cross-sections come from the scanner as numbers, labels and doses hold no picture; everything else may be a picture.
CROSS_SECTIONS = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in ("2", "2.1", "2.2", "4", "4.1", "4.3", "4.4", "128", "128.1", "130")
)  # fmt: skip
NO_PICTURE = frozenset(
    f"1.2.840.10008.5.1.4.1.1.{tail}"
    for tail in ("66.4", "66.5", "66.7", "481.2", "481.3", "481.5", "4.2")
)  # fmt: skip
PICTURE_WORDS = ("LOCALIZER", "SCOUT", "SCREEN", "CAPTURE", "REPORT", "DOSE", "PROTOCOL")
# A picture of a screen has no more; measured values of CT, MR and PET take more.
SCREEN_BITS = 8
GREY = ("MONOCHROME1", "MONOCHROME2", "")
PIXELS = frozenset((0x7FE00010, 0x7FE00008, 0x7FE00009))


def may_carry_text(source: Dataset) -> bool:
    """Tell whether an instance's pixels must be looked at before it may leave.

    True for everything with pixels but segmentations, doses, and plain cross-sections of CT, MR and PET: of those only
    for localizers, captured images, colours, at most 8 bits, and where the header itself says so. A type of SECONDARY
    or DERIVED alone does not count: reconstructions with a place in the patient are written so. A header that says NO
    is not believed.

    Parameters
    ----------
    source : Dataset
        The header; pixels need not be read (a header without any pixel element is judged as if it had them).
    """
    sop_class = _text(source, "SOPClassUID")
    if sop_class in NO_PICTURE:
        return False
    if sop_class not in CROSS_SECTIONS:
        return "Rows" in source or not PIXELS.isdisjoint(source.keys())
    if _text(source, "BurnedInAnnotation") == "YES" or _text(source, "RecognizableVisualFeatures") == "YES":
        return True
    if _text(source, "ConversionType") or _text(source, "PhotometricInterpretation") not in GREY:
        return True
    kinds = _texts(source, "ImageType")
    if any(word in kind for kind in kinds for word in PICTURE_WORDS):
        return True
    is_measured = not _text(source, "BitsStored").isdigit() or int(_text(source, "BitsStored")) > SCREEN_BITS
    is_placed = "ImagePositionPatient" in source or "PerFrameFunctionalGroupsSequence" in source
    # What the scanner itself calls original and primary needs no place to be believed.
    return not (is_measured and (is_placed or kinds[:2] == ["ORIGINAL", "PRIMARY"]))


def _texts(source: Dataset, keyword: str) -> list[str]:
    value: Any = source.get(keyword)
    values = list(value) if isinstance(value, list | tuple | MultiValue) else [value]
    return [str(each).strip(" \0").upper() for each in values if each not in (None, "")]


def _text(source: Dataset, keyword: str) -> str:
    return "".join(_texts(source, keyword)[:1])
