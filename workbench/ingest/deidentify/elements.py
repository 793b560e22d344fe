"""The top-level elements of an encoded dataset by their bytes, or nothing where a length does not hold.

Runs in: ingest host
Source: DICOM PS3.5 2026c 7.1 (data elements), 7.5 (sequences), A.4 (encapsulated pixel data), 6.2.2 (unknown VR).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT_VRS = frozenset(
    (
        b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS",
        b"ST", b"TM", b"UI", b"UL", b"US",
    )
)  # fmt: skip
UNDEFINED = 0xFFFFFFFF
DELIMITERS, ITEM, ITEM_END, SEQUENCE_END = 0xFFFE0000, 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
META_AT = 132
HEAD, IMPLICIT_HEAD = struct.Struct("<HH2sH"), struct.Struct("<HHI")
# Deeper nesting than any real object; a forged file must not exhaust the stack.
DEEPEST = 32

# (tag, VR or b"" where implicit, start of the element, start of its value, end)
Element = tuple[int, bytes, int, int, int]


@dataclass(frozen=True)
class Encoding:
    """How a dataset is written.

    Parameters
    ----------
    is_implicit : bool
        Whether the VR is left out.
    is_little : bool, default True
        Byte order.
    """

    is_implicit: bool
    is_little: bool = True

    @property
    def order(self) -> str:
        """The sign of `struct` for the byte order."""
        return "<" if self.is_little else ">"


EXPLICIT, IMPLICIT = Encoding(is_implicit=False), Encoding(is_implicit=True)


def walk(content: bytes | memoryview, start: int, encoding: Encoding = EXPLICIT) -> list[Element] | None:
    """Give the top-level elements from `start` to the end of the content.

    Parameters
    ----------
    content : bytes
        A file, or a dataset that was inflated.
    start : int
        Where the dataset begins.
    encoding : Encoding, default explicit VR, little-endian
        How it is written.

    Returns
    -------
    list of tuple, optional
        (tag, VR, start, start of value, end) in the order of the file; None where a length points outside the file,
        an item is not closed, or something is left over at the end: the file is damaged or cut short.
    """
    found: list[Element] = []
    position, size = start, len(content)
    # The usual short elements are read here, because a call for each would double the time.
    is_explicit, is_implicit = encoding == EXPLICIT, encoding == IMPLICIT
    while position + 8 <= size:
        if is_implicit:
            group, number, length = IMPLICIT_HEAD.unpack_from(content, position)
            stop = position + 8 + length
            if group != 0xFFFE and stop <= size:
                found.append((group << 16 | number, b"", position, position + 8, stop))
                position = stop
                continue
        elif is_explicit:
            group, number, vr, length = HEAD.unpack_from(content, position)
            stop = position + 8 + length
            if vr in SHORT_VRS and stop <= size:
                found.append((group << 16 | number, vr, position, position + 8, stop))
                position = stop
                continue
        element = _element(content, position, encoding, 0)
        if element is None:
            return None
        if element[0] & 0xFFFF0000 == DELIMITERS:
            return None
        found.append(element)
        position = element[4]
    # Some writers fill up with zeros; anything else is the rest of an element.
    return found if not any(content[position:size]) else None


def meta_elements(content: bytes) -> tuple[list[Element], int] | None:
    """Give the elements of the file meta information and where the dataset starts; None where there is none."""
    if content[128:META_AT] != b"DICM":
        return None
    found: list[Element] = []
    position = META_AT
    while content[position : position + 2] == b"\x02\0":
        element = _element(content, position, EXPLICIT, 0) if position + 8 <= len(content) else None
        if element is None or not _is_known(element[1]):
            return None
        found.append(element)
        position = element[4]
    return found, position


def _is_known(vr: bytes) -> bool:
    return vr in SHORT_VRS or vr in LONG_VRS


def _element(content: bytes | memoryview, position: int, encoding: Encoding, depth: int) -> Element | None:
    group, number, vr, length = struct.unpack_from(f"{encoding.order}HH2sH", content, position)
    value = position + 8
    if encoding.is_implicit or not vr.isalpha() or not vr.isupper():
        # Some writers switch to implicit VR in the middle; like pydicom, read on.
        vr, (length,) = b"", struct.unpack_from(f"{encoding.order}I", content, position + 4)
    elif vr in LONG_VRS:
        if value + 4 > len(content):
            return None
        (length,) = struct.unpack_from(f"{encoding.order}I", content, value)
        value += 4
    stop = value + length if length != UNDEFINED else _end_of_items(content, value, encoding, depth + 1)
    if stop is None or stop > len(content):
        return None
    return group << 16 | number, vr, position, value, stop


def _end_of_items(content: bytes | memoryview, position: int, encoding: Encoding, depth: int) -> int | None:
    """Give where a sequence or encapsulated pixel data of undefined length ends, its delimiter included."""
    while depth <= DEEPEST and position + 8 <= len(content):
        group, number, length = struct.unpack_from(f"{encoding.order}HHI", content, position)
        tag = group << 16 | number
        position += 8
        if tag == SEQUENCE_END:
            return position
        if tag != ITEM:
            return None
        end = position + length if length != UNDEFINED else _end_of_item(content, position, encoding, depth)
        if end is None or end > len(content):
            return None
        position = end
    return None


def _end_of_item(content: bytes | memoryview, position: int, encoding: Encoding, depth: int) -> int | None:
    first_vr = bytes(content[position + 4 : position + 6])
    # An unknown sequence is written with implicit VR inside, whatever the rest of the file is.
    is_implicit = encoding.is_implicit or not (first_vr.isalpha() and first_vr.isupper())
    inside = Encoding(is_implicit, encoding.is_little)
    while position + 8 <= len(content):
        group, number = struct.unpack_from(f"{encoding.order}HH", content, position)
        if group << 16 | number == ITEM_END:
            return position + 8
        element = _element(content, position, inside, depth)
        if element is None:
            return None
        position = element[4]
    return None
