"""Single values of DICOM elements as the label readers need them: whatever a file holds there, never an exception.

Runs in: ingest host
"""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from workbench.ingest.series.frames import texts


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
