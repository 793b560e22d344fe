"""Find thousands of needles in bytes at once: a table of three-byte starts, then an exact comparison.

Runs in: ingest host
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A table of 2^20 marks: ten thousand needles leave 1 % of all positions to the exact comparison.
TABLE_BITS = 20
SPREAD = np.uint32(2654435761)
SHORTEST = 3
LETTERS = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = frozenset(b"0123456789")
NOT_WORDS = re.compile(rb"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
BETWEEN_DIGITS = re.compile(rb"(?<=[0-9])[ ()/._^\\-]{1,3}(?=[0-9])")
BETWEEN_PHONE_DIGITS = re.compile(rb"(?<=[0-9])[ ()/-]{1,3}(?=[0-9])")


@dataclass(frozen=True, slots=True)
class Needle:
    """Bytes that must not occur.

    Parameters
    ----------
    pattern : bytes
        What is searched, ASCII letters as capitals, at least 3 bytes.
    kind : str
        `name`, `id`, `uid`, `date`, `phone`, `text` or `word`.
    edge : str
        What may not stand beside it: `none`, `alike` (a letter beside a letter, a digit beside a digit), `word` (any
        letter or digit), `zeros` (like `alike`, but zeros in front are padding), `left` (a digit before), `right` (a
        digit after), `uid` (a digit or dot before, a digit after).
    is_strong : bool
        Whether it points at a person so surely that it may be searched where any text may stand, not only where an
        allowlist leaves nothing but what it knows.
    """

    pattern: bytes
    kind: str
    edge: str = "alike"
    is_strong: bool = True


class Index:
    """Finds every needle of a set in bytes."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._starts: dict[bytes, list[Needle]] = {}
        for needle in dict.fromkeys(needles):
            if len(needle.pattern) >= SHORTEST:
                self._starts.setdefault(needle.pattern[:SHORTEST], []).append(needle)
        self._table = np.zeros(1 << TABLE_BITS, dtype=np.bool_)
        if self._starts:
            self._table[_slots(np.frombuffer(b"".join(self._starts), np.uint8), SHORTEST)] = True

    def __len__(self) -> int:
        """Give the number of needles."""
        return sum(len(needles) for needles in self._starts.values())

    def find(self, hay: bytes) -> Iterator[tuple[int, Needle]]:
        """Give (offset, needle) of every occurrence; `hay` has its ASCII letters raised to capitals."""
        if len(hay) < SHORTEST or not self._starts:
            return
        for at in np.flatnonzero(self._table[_slots(np.frombuffer(hay, np.uint8), 1)]).tolist():
            for needle in self._starts.get(hay[at : at + SHORTEST], ()):
                if hay.startswith(needle.pattern, at) and _is_free(hay, at, needle):
                    yield at, needle


def _slots(raw: NDArray[np.uint8], step: int) -> NDArray[np.uint32]:
    first, second, third = (raw[k : len(raw) - 2 + k : step].astype(np.uint32) for k in range(3))
    mixed: NDArray[np.uint32] = (first | second << np.uint32(8) | third << np.uint32(16)) * SPREAD
    return mixed >> np.uint32(32 - TABLE_BITS)


def _is_free(hay: bytes, at: int, needle: Needle) -> bool:
    """Whether what stands beside a hit lets it be the needle, and not a part of something longer."""
    if needle.edge == "none":
        return True
    end = at + len(needle.pattern)
    if needle.edge == "zeros":
        while at and hay[at - 1] == 0x30:
            at -= 1
    before, after = hay[at - 1] if at else 0, hay[end] if end < len(hay) else 0
    if needle.edge == "left":
        return before not in DIGITS
    if needle.edge == "right":
        return after not in DIGITS
    if needle.edge == "uid":
        return before not in DIGITS and before != 0x2E and after not in DIGITS
    if needle.edge == "word":
        return before not in LETTERS | DIGITS and after not in LETTERS | DIGITS
    return not (_alike(before, needle.pattern[0]) or _alike(needle.pattern[-1], after))


def _alike(one: int, other: int) -> bool:
    return (one in LETTERS and other in LETTERS) or (one in DIGITS and other in DIGITS)


class PixelIndex:
    """Finds long needles in pixels, looking at every fourth byte only.

    Pixels are searched only for what cannot be there by chance: with 5 letters from 8 bytes on, else from 10 bytes on,
    and always 4 different bytes. A needle of 7 bytes or more has a whole aligned word of 4 bytes wherever it begins,
    and that word starts at one of its first four bytes.
    """

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._words: dict[bytes, list[tuple[int, Needle]]] = {}
        for needle in dict.fromkeys(needles):
            if needle.is_strong and is_long(needle.pattern):
                for skipped in range(4):
                    word = needle.pattern[skipped : skipped + 4]
                    self._words.setdefault(word, []).append((skipped, needle))
        self._table = np.zeros(1 << TABLE_BITS, dtype=np.bool_)
        if self._words:
            self._table[_words(np.frombuffer(b"".join(self._words), "<u4"))] = True

    def finds(self, pixels: bytes) -> bool:
        """Whether any needle occurs."""
        if not self._words or len(pixels) < 8:
            return False
        hay = pixels.upper()
        for at in np.flatnonzero(self._table[_words(np.frombuffer(hay, "<u4", len(hay) // 4))]).tolist():
            for skipped, needle in self._words.get(hay[4 * at : 4 * at + 4], ()):
                begin = 4 * at - skipped
                if begin >= 0 and hay.startswith(needle.pattern, begin) and _is_free(hay, begin, needle):
                    return True
        return False


def is_long(pattern: bytes) -> bool:
    """Whether a needle is so long that pixels do not hold it by chance."""
    plain = pattern.replace(b"\0", b"")
    letters = sum(char in LETTERS or char > 0x7F for char in plain)
    return len(plain) >= (8 if letters >= 5 else 10) and len(set(plain)) >= 4


def _words(raw: NDArray[np.uint32]) -> NDArray[np.uint32]:
    mixed: NDArray[np.uint32] = raw * SPREAD
    return mixed >> np.uint32(32 - TABLE_BITS)


def as_words(hay: bytes) -> bytes:
    """Give text with every run of signs as one blank, so that `A^B`, `A, B` and `a-b` read the same.

    >>> as_words(b"Okonkwo^Adaeze")
    b' OKONKWO ADAEZE '
    """
    return b" " + NOT_WORDS.sub(b" ", hay.upper()).strip(b" ") + b" "


def as_digits(hay: bytes) -> bytes:
    """Give text without the signs that people put between digits.

    >>> as_digits(b"030/555-01 99")
    b'0305550199'
    """
    return BETWEEN_DIGITS.sub(b"", hay)


def as_phone_digits(hay: bytes) -> bytes:
    """Like `as_digits`, but points stay: outside DICOM they make decimal numbers."""
    return BETWEEN_PHONE_DIGITS.sub(b"", hay)
