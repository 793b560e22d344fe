"""Free text cleaned word by word: only words of a radiology vocabulary stay.

Runs in: ingest host
Source: DICOM PS3.15 2026c E.3.5 (Clean Descriptors Option).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# A word is letters and digits, and the decimals of a number: "CHEST", "B60f", "1.25MM".
WORD = r"[^\W_]+(?:\.\d[^\W_]*)*"
DATE = re.compile(r"\d{1,2}[./_ -]\d{1,2}[./_ -](?:19|20)?\d\d|\d{4}[./_ -]\d{1,2}[./_ -]\d{1,2}|(?:19|20)\d\d")
DECIMAL = re.compile(r"0\.\d{1,6}|\d\.\d{1,4}|\d\d\.\d{1,3}|\d{3}\.\d\d?")
NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,6})?")
RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Za-z]+|\d+|[^A-Za-z0-9]+")
LONGEST_PART, MOST_DIGITS = 3, 4
EDGES = " \t\r\n\f_-/.,:;([{+&*=^<>|@~\"'"
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
PRINTABLE = re.compile(r"[\t\n\f\r -~]*")


class Vocabulary:
    """The words that free text may consist of.

    Parameters
    ----------
    words : mapping
        `topics`: lists of words by topic; `connecting`: words that only stay between known ones; `compounds`: known
        though a part of them is not; `phrases`: whole values that are known as they are; `shapes`: patterns of words
        such as sizes; `own`: a site's words.

    Examples
    --------
    >>> words = {"topics": {"all": ["xr chest ap portable"]}, "connecting": "for", "phrases": [], "shapes": []}
    >>> Vocabulary(words).clean("XR CHEST AP PORTABLE for Scott Kaufman")
    'XR CHEST AP PORTABLE'
    """

    def __init__(self, words: Mapping[str, Any]) -> None:
        topics = [word for lines in words["topics"].values() for line in lines for word in line.split()]
        self._words = frozenset(word.casefold() for word in (*topics, *words.get("own", ())))
        self._weak = frozenset(words["connecting"].split())
        compounds = sorted(words.get("compounds", ()), key=len, reverse=True)
        either = "|".join(rf"(?<![^\W_]){re.escape(each)}(?![^\W_])" for each in compounds)
        self._compounds = frozenset(compounds)
        self._word = re.compile(f"{either}|{WORD}" if compounds else WORD, re.IGNORECASE)
        self._phrases = {phrase.casefold() for phrase in words["phrases"]}
        self._shape = re.compile("|".join(f"(?:{shape})" for shape in words["shapes"]) or r"(?!)", re.IGNORECASE)

    def clean(self, text: str, names: frozenset[str] = frozenset()) -> str:
        """Give a text without its unknown words; one that is all known comes back exactly as it is.

        Parameters
        ----------
        text : str
            One value.
        names : frozenset of str
            Case-folded words that must not stay here, though they are in the vocabulary: names of this patient's
            people.
        """
        if text.strip().casefold() in self._phrases and not names:
            return text
        # What follows a control character, such as an escape to other letters, is not what it looks like.
        text = CONTROL.split(text)[0]
        suspicious = _suspicious(text)
        words = list(self._word.finditer(text))
        stays = [self._stays(word, names, suspicious) for word in words]
        if all(stays) and PRINTABLE.fullmatch(text) and words:
            return text
        self._drop_loose(words, stays)
        return _joined(text, words, stays)

    def _stays(self, word: re.Match[str], names: frozenset[str], suspicious: list[tuple[int, int]]) -> bool:
        if word[0].casefold() in self._compounds:
            return not names.intersection(re.findall(r"[a-z]+", word[0].casefold()))
        if any(begin < word.end() and word.start() < end for begin, end in suspicious):
            return False
        return self._is_known(word[0], names)

    def _is_known(self, word: str, names: frozenset[str]) -> bool:
        folded = word.casefold()
        if not word.isascii() or folded in names:
            return False
        if folded in self._words or folded in self._weak or NUMBER.fullmatch(word) or self._shape.fullmatch(word):
            return True
        if len(word) == 1:
            return True
        return self._is_compound(word, names)

    def _is_compound(self, word: str, names: frozenset[str]) -> bool:
        """Whether a word is put together from known words and short numbers, such as `ep2d` or `ThoraxRoutine`."""
        parts = RUNS.findall(word)
        letters = [part.casefold() for part in parts if part.isalpha()]
        digits = [part for part in parts if part.isdigit()]
        if len(parts) < 2 or len(digits) == len(parts) or not any(len(part) > 1 for part in letters):
            return False
        if sum(map(len, digits)) > MOST_DIGITS or any(len(part) > LONGEST_PART for part in digits):
            return False
        return all(part not in names and (part in self._words or len(part) == 1) for part in letters)

    def _drop_loose(self, words: list[re.Match[str]], stays: list[bool]) -> None:
        """Drop numbers, single letters and connecting words next to what is dropped: they belong to it."""
        for order in (range(len(words)), range(len(words) - 1, -1, -1)):
            beside = True
            for index in order:
                word = words[index][0]
                is_loose = len(word) == 1 or word.casefold() in self._weak or bool(NUMBER.fullmatch(word))
                stays[index] = stays[index] and not (beside and is_loose and not self._is_at_edge(index, order, words))
                beside = not stays[index]

    def _is_at_edge(self, index: int, order: range, words: list[re.Match[str]]) -> bool:
        """Whether a word is the first on its way; a number there has nothing dropped beside it."""
        return index == order[0] and words[index][0].casefold() not in self._weak


def _suspicious(text: str) -> list[tuple[int, int]]:
    """Give the spans that could be a date, a telephone number or a record number."""
    spans = [found.span() for found in re.finditer(rf"(?<![\d.])(?:{DATE.pattern})(?![\d.])", text)]
    # Digits with no letter between them could be one number that somebody wrote in groups.
    for found in re.finditer(r"\d(?:[^A-Za-z]*\d)*", text):
        run = found[0]
        if sum(each.isdigit() for each in run) <= MOST_DIGITS:
            continue
        pieces = re.split(r"[^\d.]+", run)
        whole = [piece for piece in pieces if piece and not DECIMAL.fullmatch(piece)]
        is_short = all(piece.isdigit() and len(piece) <= LONGEST_PART for piece in whole)
        if not is_short or sum(map(len, whole)) > MOST_DIGITS:
            spans.append(found.span())
    return spans


def _joined(text: str, words: list[re.Match[str]], stays: list[bool]) -> str:
    parts: list[str] = []
    last: re.Match[str] | None = None
    for index, word in enumerate(words):
        if not stays[index]:
            continue
        if last is not None:
            between = text[last.end() : word.start()]
            is_next = index > 0 and words[index - 1] is last
            parts.append(between if is_next and PRINTABLE.fullmatch(between) else " ")
        parts.append(word[0])
        last = word
    joined = "".join(parts).strip(EDGES)
    return joined + ")" * (joined.count("(") - joined.count(")"))
