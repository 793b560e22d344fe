"""Coded concepts whose meaning is known here, so that no meaning has to be copied from a source.

Runs in: ingest host
Source: DICOM PS3.16 2026c (as in pydicom's `sr` dictionaries); PS3.3 2026c 8.8 (code sequences).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

LONGEST_MEANING = 64
# Units of UCUM put together of the symbols that images use; the code of a unit is its meaning too.
SYMBOL = (
    r"(?:[numkcMGd]?(?:g|l|L|m|s|Bq|Gy|Hz|V|eV|mol|Pa|W|J|A|T|Sv)|min|h|d|a|%|1|K|Cel|deg|rad|ar|dB|Ci|mm\[Hg\]|"
    r"\[hnsf'U\]|\{(?:SUV(?:bw|lbm|bsa|ibw)|counts|HU|ratio|pixels|propcounts|propcnts|flow|dyne)\})"
)
UNIT = re.compile(rf"(?:\d{{1,3}}\*?-?\d?)?{SYMBOL}-?\d?(?:[/.](?:\d{{1,3}})?{SYMBOL}-?\d?){{0,3}}")
# The retired designator of SNOMED-RT codes, and the older spellings of it.
OLD_SNOMED = ("SRT", "SNM3", "99SDM")


def code_meaning(value: str, scheme: str) -> str | None:
    """Give the meaning of a code, or nothing when the code is not in the dictionaries.

    >>> code_meaning("39607008", "SCT")
    'Lung'
    >>> code_meaning("T-28000", "SRT")
    'Lung'
    """
    if scheme == "UCUM":
        return value if UNIT.fullmatch(value) else None
    meanings, newer = _dictionaries()
    if scheme in OLD_SNOMED:
        value, scheme = newer.get(value, ""), "SCT"
    return meanings.get((value, scheme))


@cache
def _dictionaries() -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    from pydicom.sr._concepts_dict import concepts  # noqa: PLC0415 - heavy, loaded on first use
    from pydicom.sr._snomed_dict import mapping  # noqa: PLC0415 - heavy, loaded on first use

    meanings: dict[tuple[str, str], str] = {}
    schemes: dict[str, Any] = concepts
    for scheme, entries in schemes.items():
        for codes in entries.values():
            for value, (meaning, *_) in codes.items():
                if meaning.isascii() and len(meaning) <= LONGEST_MEANING:
                    # A code has several spellings; the shortest is the one people use ("Heart", not "Endo-cardiac").
                    known = meanings.get((value, scheme), meaning)
                    meanings[value, scheme] = min(known, meaning, key=lambda each: (len(each), each))
    return meanings, mapping["SRT"]
