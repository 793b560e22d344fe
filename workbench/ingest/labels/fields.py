"""Single values of DICOM elements as the label readers need them: whatever a file holds there, never an exception.

Runs in: ingest host
"""

from __future__ import annotations

from typing import Any

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from workbench.ingest.series.frames import texts

UNDEFINED_LENGTH = 0xFFFFFFFF


def is_cut_short(source: Dataset) -> bool:
    """Whether a value is shorter than its header says; pydicom then gives fewer contours, without a word.

    To be asked before any element is looked at.
    """
    return any(
        isinstance(raw, RawDataElement) and raw.length != UNDEFINED_LENGTH and len(raw.value or b"") != raw.length
        for raw in source.values()
    )


def first_text(source: Dataset, keyword: str) -> str:
    """Give the first value of an element as text; empty when there is none."""
    found = texts(source.get(keyword))
    return found[0] if found else ""


def whole_number(source: Dataset, keyword: str, default: int = -1) -> int:
    """Give the first value of an element as a number from 0; the default when it is none."""
    text = first_text(source, keyword)
    return int(text) if text.isdecimal() and len(text) < 12 else default


def instances(sequence: Any) -> tuple[str, ...]:
    """Give the SOP instance UIDs that the items of a sequence reference."""
    return tuple(first_text(item, "ReferencedSOPInstanceUID") for item in sequence or ())
