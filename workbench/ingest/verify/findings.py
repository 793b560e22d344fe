"""What the verifier finds: a file, an element and a rule, never a value.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.10 2026c 7.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RULES: dict[str, str] = {
    "source-value": "a value of the source (name, number, date, address, free text …) stands in the output",
    "not-allowed": "the profile has no rule that keeps this element here",
    "value-not-allowed": "the element may stay, but not with a value of this form",
    "uid-source": "a UID of the source stands in the output",
    "uid-unresolved": "a reference leads to nothing in the output, though its target was in the source",
    "uid-inconsistent": "one source UID became two, or two became one",
    "date-shift": "a date is not shifted like the patient's other dates, is not shifted at all, or is a birth date",
    "patient-inconsistent": "one patient became two, or two became one",
    "mark-missing": "a mark of de-identification is missing, incomplete or names another policy",
    "group-length": "a group-length element, which the profile never writes",
    "preamble": "the 128 bytes before DICM are not all zero",
    "padding": "bytes that belong to no value hold something",
    "trailing-bytes": "something follows the last element",
    "overlay": "an overlay or curve, which may hold writing",
    "malformed": "the file breaks the encoding rules of DICOM, but can be read",
    "unparseable": "the file cannot be read as DICOM to its end",
    "not-dicom": "a file that is not DICOM lies in the output",
    "iod-error": "dciodvfy finds an error that the source does not have",
    "pixels-changed": "pixels differ from the source's, and no mask is recorded",
    "text-in-pixels": "writing was found in pixels that were not cleared",
    "head-without-decision": "a head that could be drawn as a face, and no decision about defacing",
    "no-source": "no file of the source answers to this one",
    "small-group": "a table's combination of columns points at too few patients",
}
"""Every rule a finding may name, with what it means."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that must not leave.

    Parameters
    ----------
    file : str
        Path in the output, relative to its folder; an object's key for what ingest sends.
    element : str
        `(gggg,eeee)`, nested as `(0040,0275)[0].(0040,0007)`, or `preamble`, `padding`, `path`, `name`, `file meta`,
        `pixels`, `content`.
    rule : str
        A name in `RULES`.
    """

    file: str
    element: str
    rule: str

    def as_dict(self) -> dict[str, str]:
        """Give plain JSON values.

        >>> Finding("a.dcm", "(0010,0010)", "source-value").as_dict()["rule"]
        'source-value'
        """
        return {"file": self.file, "element": self.element, "rule": self.rule}


def sorted_once(findings: Iterable[Finding]) -> list[Finding]:
    """Give each finding once, by file, element and rule."""
    return sorted(set(findings))


def tag_name(tag: int) -> str:
    """Spell a tag as the standard does.

    >>> tag_name(0x00100010)
    '(0010,0010)'
    """
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
