"""The words of a header that would tell who a patient is, so that even a badly read one is recognised in the pixels.

Runs in: ingest host
"""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import SequenceMatcher
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

NAMING = (
    "PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthDate", "PatientBirthName",
    "PatientMotherBirthName", "AccessionNumber", "StudyID", "ReferringPhysicianName", "PerformingPhysicianName",
    "OperatorsName", "InstitutionName", "StudyDate", "ContentDate", "AcquisitionDate", "PatientAddress",
    "PatientTelephoneNumbers",
)  # fmt: skip
NOT_WORD = re.compile(r"[\W_]+")
SHORTEST, ALIKE = 3, 0.75


def identity_words(source: Dataset) -> frozenset[str]:
    """Give the words and numbers of a header that identify, folded; they stay in this process."""
    words: set[str] = set()
    for keyword in NAMING:
        try:
            value: Any = source.get(keyword)
        except (ValueError, TypeError, NotImplementedError, LookupError):
            continue
        for each in list(value) if isinstance(value, list | tuple | MultiValue) else [value]:
            text = "" if each is None else str(each)
            words |= {folded(part) for part in re.split(r"[\s^=,]+", text)}
            if re.fullmatch(r"\d{8}", text):
                year, month, day = text[:4], text[4:6], text[6:]
                words |= {month + day + year, day + month + year, day + month + year[2:], month + day + year[2:]}
    return frozenset(word for word in words if len(word) >= SHORTEST)


def looks_like_identity(text: str, identity: Collection[str]) -> bool:
    """Tell whether a word that was read is, or could be a misread, identifying word.

    >>> looks_like_identity("KAUFNAN", {"kaufman"})
    True
    >>> looks_like_identity("Thorax", {"kaufman"})
    False
    """
    word = folded(text)
    if len(word) < SHORTEST:
        return False
    return any(
        known in word
        or (word in known and 2 * len(word) >= len(known))
        or SequenceMatcher(None, word, known).ratio() >= ALIKE
        for known in identity
    )


def folded(text: str) -> str:
    """Give a word without case, blanks and punctuation."""
    return NOT_WORD.sub("", text).casefold()
