"""Searching raw bytes for planted identifiers, in every spelling and encoding that a DICOM file can hold them in."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from planted.mint import Needle

CODECS = (
    "utf-8", "utf-16-le", "utf-16-be", "latin-1", "iso8859-2", "iso8859-5", "iso8859-7", "iso2022_jp", "iso2022_jp_2",
    "iso2022_kr", "euc_kr", "euc_jp", "shift_jis", "tis-620", "gb18030",
)  # fmt: skip
# A pseudonymous UID is forty random digits: a run of nine among them says nothing.
RANDOM_DIGITS = re.compile(rb"2\.25\.\d{25,39}")
# Fewer bytes are met by chance.
SHORTEST = 5
PIXELS = b"\xe0\x7f\x10\0"
DEFLATED = b"1.2.840.10008.1.2.1.99"
DIGITS = ("number", "date")
ESCAPED_END = re.compile(rb"\x1b\([BJ]$")


class Search:
    """Looks for many needles at once: first for the places where one of them could begin, then for the whole of it."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._starting: dict[int, list[tuple[bytes, Needle]]] = defaultdict(list)
        for needle in dict.fromkeys(needles):
            for form in spelled(needle.text):
                self._starting[int(_windows(form)[0])].append((form, needle))
        self._starts = np.array(sorted(self._starting), dtype=np.uint64)

    def found(self, content: bytes) -> list[Needle]:
        """Give the needles that lie in a content."""
        folded = content.lower()
        if len(folded) < SHORTEST or not len(self._starts):
            return []
        plain = RANDOM_DIGITS.sub(b"", folded)
        windows = _windows(folded)
        places = np.minimum(np.searchsorted(self._starts, windows), len(self._starts) - 1)
        hits: dict[Needle, None] = {}
        for place in np.flatnonzero(self._starts[places] == windows):
            for form, needle in self._starting[int(windows[place])]:
                is_there = folded.startswith(form, int(place))
                if is_there and (needle.kind not in DIGITS or form in plain):
                    hits[needle] = None
        return list(hits)

    def found_below(self, folder: Path, *, skips_pixels: bool = False) -> set[Needle]:
        """Give the needles in the files below a folder and in their names; native pixels may be skipped."""
        left: set[Needle] = set()
        for path in sorted(folder.rglob("*")):
            left.update(self.found(str(path.relative_to(folder)).encode()))
            if path.is_file():
                content = inflated(path.read_bytes())
                left.update(self.found(_without_pixels(content) if skips_pixels else content))
        return left


def inflated(content: bytes) -> bytes:
    """Give a file of the deflated transfer syntax with its dataset legible, and any other as it is."""
    if DEFLATED not in content[:1000]:
        return content
    at = 144 + int.from_bytes(content[140:144], "little")
    return content[:at] + zlib.decompress(content[at:], -zlib.MAX_WBITS)


def _without_pixels(content: bytes) -> bytes:
    """Leave out the last native pixel data of a little-endian file."""
    at = content.rfind(PIXELS)
    explicit = content[at + 4 : at + 6] in (b"OW", b"OB")
    start = at + (12 if explicit else 8)
    size = int.from_bytes(content[start - 4 : start], "little")
    return content[:start] + content[start + size :] if 0 <= at and start + size <= len(content) else content


def _windows(content: bytes) -> NDArray[np.uint64]:
    """Give each run of as many bytes as the shortest needle has, as a number."""
    data = np.frombuffer(content, np.uint8).astype(np.uint64)
    count = len(data) - SHORTEST + 1
    total = np.zeros(count, dtype=np.uint64)
    for step in range(SHORTEST):
        total |= data[step : step + count] << np.uint64(8 * step)
    return total


def spelled(text: str) -> tuple[bytes, ...]:
    """Give a text in every encoding that can write it, as it reads after ASCII letters were made small.

    >>> spelled("Abcde")[:1]
    (b'abcde',)
    """
    forms: dict[bytes, None] = {}
    for case in (text, text.lower(), text.upper()):
        for codec in CODECS:
            try:
                form = case.encode(codec)
            except UnicodeEncodeError:
                continue
            if codec == "iso2022_kr":
                form = form.removeprefix(b"\x1b$)C").strip(b"\x0e\x0f")
            # DICOM may go on in another set after the text, so the closing escape is not part of it.
            form = ESCAPED_END.sub(b"", form).lower()
            if len(form) >= SHORTEST:
                forms[form] = None
    return tuple(forms)
