"""What a region may be called once it leaves the hospital: words of a vocabulary and small numbers, or only a number.

Runs in: ingest host
Source: AAPM TG-263 (2018); DICOM PS3.15 2026c Annex E.3.5 (Clean Descriptors); DICOM PS3.16 2026c (codes, through the
dictionaries of pydicom), PS3.3 2026c C.8.8.8 (RT ROI Interpreted Type).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from workbench.ingest.deidentify.codes import code_meaning
from workbench.ingest.deidentify.profile import Profile
from workbench.ingest.deidentify.vocabulary import Vocabulary
from workbench.ingest.labels.vocabulary import LETTERS, TARGETS, WORDS
from workbench.ingest.series.frames import texts

ROI_KINDS = frozenset((
    "EXTERNAL", "PTV", "CTV", "GTV", "TREATED_VOLUME", "IRRAD_VOLUME", "OAR", "BOLUS", "AVOIDANCE", "ORGAN", "MARKER",
    "REGISTRATION", "ISOCENTER", "CONTRAST_AGENT", "CAVITY", "BRACHY_CHANNEL", "BRACHY_ACCESSORY", "BRACHY_SRC_APP",
    "BRACHY_CHNL_SHLD", "SUPPORT", "FIXATION", "DOSE_REGION", "CONTROL", "DOSE_MEASUREMENT",
))  # fmt: skip
# The code of the option in (0012,0064).
CLEAN_DESCRIPTORS = "113105"
LONGEST = 64
SPELLED = re.compile(r"[A-Za-z0-9]+(?:[ _.,+^~\-/()]{1,3}[A-Za-z0-9]+)*[)]?")
# "SpinalCord", "GTVp1" and "LungL" are several words each.
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# A dose in cGy after a target; years that somebody was born in stay below it.
DOSE_CGY = range(2500, 8001, 10)
MOST_NUMBERS, MOST_LETTERS = 2, 2


@dataclass(frozen=True)
class Namer:
    """Gives the regions of one file their names.

    Parameters
    ----------
    forbidden : frozenset of str
        Case-folded words of this patient's own name and numbers; a vocabulary holds words that are also surnames.
    prefix : str
        Before the number of a region whose own name cannot be kept.
    keeps_names : bool
        Whether any name of the source may stay (the profile's option Clean Descriptors).
    words : Vocabulary, optional
        The profile's words, which may stay beside those for regions.
    """

    forbidden: frozenset[str] = frozenset()
    prefix: str = "ROI"
    keeps_names: bool = True
    words: Vocabulary | None = None

    def name(self, text: str, number: int, code: dict[str, str] | None = None) -> str:
        """Give the source's name when all of it is harmless, else the meaning of its code, else a number.

        >>> Namer().name("GTV-1", 3), Namer().name("GTV Mrs Smith", 3)
        ('GTV-1', 'ROI 3')
        """
        shown = " ".join(text.split())
        if self.keeps_names and self._is_harmless(shown):
            return shown
        return code["meaning"] if code else f"{self.prefix} {number}"

    def code(self, sequence: Any) -> dict[str, str] | None:
        """Give the first code of a sequence that a published dictionary knows, with the dictionary's meaning."""
        for item in sequence or ():
            value, scheme = (texts(item.get(keyword)) for keyword in ("CodeValue", "CodingSchemeDesignator"))
            meaning = code_meaning(value[0], scheme[0]) if len(value) == len(scheme) == 1 else None
            if meaning is not None and not self.forbidden & set(re.findall(r"\w+", meaning.casefold())):
                return {"value": value[0], "scheme": scheme[0], "meaning": meaning}
        return None

    def _is_harmless(self, text: str) -> bool:
        if not 0 < len(text) <= LONGEST or not SPELLED.fullmatch(text):
            return False
        words = re.findall(r"[A-Za-z0-9]+", text)
        parts = [part.casefold() for word in words for part in _parts(word)]
        if self.forbidden & {*parts, *(word.casefold() for word in words)}:
            return False
        known = all(
            part in LETTERS or self._is_word(part) or _is_number(part, parts[:position])
            for position, part in enumerate(parts)
        )
        return known and _is_sparse(parts)

    def _is_word(self, part: str) -> bool:
        if part in WORDS:
            return True
        return self.words is not None and len(part) > 2 and part.isalpha() and self.words.clean(part) == part


def _parts(word: str) -> list[str]:
    """Cut a word where it is several: “SpinalCord”, “LungL”, “PRV03”; a known word stays whole, as in “GTVp1”."""
    cut = [piece for piece in re.split(r"(\d+)", word) if piece]
    return [part for piece in cut for part in ([piece] if piece.casefold() in WORDS else WORD.findall(piece))]


def _is_number(part: str, before: Sequence[str]) -> bool:
    if not part.isdecimal():
        return False
    return len(part) <= 2 or (len(part) == 4 and int(part) in DOSE_CGY and bool(TARGETS & set(before)))


def _is_sparse(parts: Sequence[str]) -> bool:
    """Whether there are words, and too few numbers and letters to spell a birthday or somebody's initials."""
    numbers = sum(part.isdecimal() for part in parts)
    letters = sum(len(part) == 1 and not part.isdecimal() for part in parts)
    return numbers <= MOST_NUMBERS and letters <= MOST_LETTERS and any(len(part) > 2 for part in parts)


def namer_of(source: Dataset, prefix: str, profile: Profile) -> Namer:
    """Give the namer of one file's regions under a profile."""
    return Namer(forbidden_words(source), prefix, CLEAN_DESCRIPTORS in profile.options, profile.vocabulary)


def forbidden_words(source: Dataset) -> frozenset[str]:
    """Give the words of a file that stand for its patient, case-folded; single letters are left out."""
    keywords = (
        "PatientName",
        "PatientID",
        "OtherPatientIDs",
        "OtherPatientNames",
        "PatientBirthName",
        "AccessionNumber",
    )
    found = " ".join(text for keyword in keywords for text in texts(source.get(keyword)))
    words = re.findall(r"\w+", found.casefold())
    return frozenset(word for word in words if len(word) > 1)
