"""What the standard says of tags and UIDs, taken from pydicom's tables as data.

Runs in: ingest host
Source: DICOM PS3.6 2026c chapters 6 to 8 (data elements), A (UIDs).
"""

from __future__ import annotations

import re
from functools import cache

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._uid_dict import UID_dictionary

STANDARD_UIDS = frozenset(UID_dictionary)
WORD = re.compile(r"[A-Za-z]{3,}")


@cache
def vr_of(tag: int) -> str:
    """Give the VR of a tag read without one; the first of several, `UN` for what the standard does not know.

    >>> vr_of(0x00100010), vr_of(0x60020022), vr_of(0x00091001)
    ('PN', 'LO', 'UN')
    """
    if tag & 0xFFFF == 0:
        return "UL"
    if tag >> 16 & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    entry = DicomDictionary.get(tag)
    if entry is None:
        entry = next((found for mask, found in RepeatersDictionary.items() if _fits(mask, tag)), None)
    if entry is None:
        return "UN"
    return str(entry[0]).split(" or ")[0]


@cache
def standard_words() -> frozenset[str]:
    """Give every word of the standard's element and UID names, case-folded: such a word points at nobody."""
    names = [entry[2] for entry in DicomDictionary.values()] + [entry[0] for entry in UID_dictionary.values()]
    return frozenset(word.casefold() for name in names for word in WORD.findall(str(name)))


def _fits(mask: str, tag: int) -> bool:
    return all(wanted in ("x", digit) for wanted, digit in zip(mask.lower(), f"{tag:08x}", strict=True))
