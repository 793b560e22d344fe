"""A second, strict and small reader of DICOM bytes: every byte belongs to an element or is reported.

It shares nothing with the reader that de-identification uses, so that one mistake cannot hide in both. It never
raises on bad input: what could be read is there, and `error` says where reading stopped.

Runs in: ingest host
Source: DICOM PS3.5 2026c 7.1 (data elements), 7.5 (sequences), 6.2.2 (UN), A.4 (encapsulation), A.5 (deflated);
PS3.10 2026c 7.1 (file meta information).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from workbench.ingest.verify.dictionary import vr_of
from workbench.ingest.verify.findings import tag_name

LONG_VRS = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
SHORT_VRS = frozenset(
    ("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI",
     "UL", "US")
)  # fmt: skip
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
IMPLICIT, EXPLICIT_BIG, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
# Bounds against files made to exhaust the reader; real headers stay orders of magnitude below them.
DEEPEST, MOST_ELEMENTS, MOST_INFLATED_BYTES = 32, 1_000_000, 2**31


class _Broken(ValueError):
    """Reading cannot go on; the message says why, without any value."""


@dataclass(slots=True)
class Element:
    """One data element and where it lies in the bytes of its data set."""

    content: bytes
    tag: int
    vr: str
    begin: int
    start: int
    stop: int
    is_little: bool = True
    items: list[list[Element]] | None = None
    fragments: list[tuple[int, int]] | None = None

    @property
    def value(self) -> bytes:
        """The bytes of the value, padding included."""
        return self.content[self.start : self.stop]

    @property
    def is_private(self) -> bool:
        """Whether the group is odd."""
        return bool(self.tag >> 16 & 1)


@dataclass
class Parsed:
    """What a file holds.

    Parameters
    ----------
    preamble : bytes
    meta, elements : list of Element
        File meta information and data set.
    syntax : str
        Transfer syntax UID.
    body : bytes
        What the offsets of `elements` count in: the file, or the inflated data set.
    is_implicit, is_little : bool
        Encoding of the data set.
    error : str
        Why reading stopped early; empty when it did not.
    irregular : list of tuple
        (element, rule) of what breaks the encoding rules without stopping the reader.
    """

    preamble: bytes = b""
    meta: list[Element] = field(default_factory=list)
    elements: list[Element] = field(default_factory=list)
    syntax: str = ""
    body: bytes = b""
    is_implicit: bool = False
    is_little: bool = True
    is_dicom: bool = False
    error: str = ""
    irregular: list[tuple[str, str]] = field(default_factory=list)

    def get(self, tag: int) -> Element | None:
        """Give a top-level element."""
        return next((element for element in self.elements if element.tag == tag), None)


def parse(content: bytes) -> Parsed:
    """Read a DICOM file as far as it can be read; never raises.

    >>> parse(b"not DICOM").is_dicom
    False
    """
    found = Parsed(body=content)
    if content[128:132] != b"DICM":
        found.error = "no DICM prefix"
        return found
    found.is_dicom, found.preamble = True, content[:128]
    try:
        _read_file(found, content)
    except _Broken as problem:
        found.error = str(problem)
    except (struct.error, zlib.error, IndexError, RecursionError):
        found.error = "ends in the middle of an element"
    return found


def walk(elements: list[Element], path: str = "") -> Iterator[tuple[str, Element]]:
    """Give every element at every depth with its path, parents before their items."""
    for element in elements:
        where = path + tag_name(element.tag)
        yield where, element
        for number, item in enumerate(element.items or ()):
            yield from walk(item, f"{where}[{number}].")


def _read_file(found: Parsed, content: bytes) -> None:
    reader = _Reader(content, found, is_implicit=False, is_little=True)
    pos = 132
    while content[pos : pos + 2] == b"\2\0":
        pos = reader.element(pos, len(content), 0, found.meta)
    by_tag = {element.tag: element for element in found.meta}
    if 0x00020010 not in by_tag:
        raise _Broken("no transfer syntax")
    length = by_tag.get(0x00020000)
    if length is not None and len(length.value) == 4 and struct.unpack("<L", length.value)[0] != pos - length.stop:
        found.irregular.append(("file meta", "malformed"))
    found.syntax = by_tag[0x00020010].value.rstrip(b"\0 ").decode("latin-1")
    found.is_implicit = found.syntax == IMPLICIT
    found.is_little = found.syntax != EXPLICIT_BIG
    if found.syntax == DEFLATED:
        content, pos = _inflate(found, content, pos), 0
        found.body = content
    reader = _Reader(content, found, is_implicit=found.is_implicit, is_little=found.is_little)
    reader.dataset(pos, len(content), 0, found.elements)


def _inflate(found: Parsed, content: bytes, pos: int) -> bytes:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    body = engine.decompress(content[pos:], MOST_INFLATED_BYTES)
    if engine.unconsumed_tail or not engine.eof:
        raise _Broken("the deflated data set is too large or ends early")
    if engine.unused_data.strip(b"\0") or len(engine.unused_data) > 1:
        found.irregular.append(("padding", "trailing-bytes"))
    return body


class _Reader:
    """Reads one encoding; `found` takes what is irregular."""

    def __init__(self, content: bytes, found: Parsed, *, is_implicit: bool, is_little: bool) -> None:
        self.content, self.found, self.is_implicit, self.is_little = content, found, is_implicit, is_little
        order = "<" if is_little else ">"
        self.head = struct.Struct(f"{order}HH")
        self.short, self.long = struct.Struct(f"{order}H"), struct.Struct(f"{order}L")
        self.left = MOST_ELEMENTS

    def dataset(self, pos: int, end: int, depth: int, into: list[Element], *, until_delimiter: bool = False) -> int:
        """Read elements up to `end`, or up to the delimiter of an item of undefined length."""
        last = -1
        while pos < end:
            group, number = self.head.unpack_from(self.content, pos)
            tag = group << 16 | number
            if tag == ITEM_END and until_delimiter:
                if self.long.unpack_from(self.content, pos + 4)[0]:
                    raise _Broken("an item delimiter has a length")
                return pos + 8
            if group == 0xFFFE:
                raise _Broken("a delimiter stands outside a sequence")
            if depth == 0 and group == 0 and not self.content[pos:end].strip(b"\0"):
                # Zeros to a block's end hold nothing, yet belong to no element.
                self.found.irregular.append(("padding", "trailing-bytes"))
                return end
            if tag <= last:
                self.found.irregular.append((tag_name(tag), "malformed"))
            last = tag
            pos = self.element(pos, end, depth, into)
        if until_delimiter:
            raise _Broken("an item has no end")
        return pos

    def element(self, pos: int, end: int, depth: int, into: list[Element]) -> int:
        """Read one element and give where the next begins."""
        self.left -= 1
        if self.left < 0:
            raise _Broken("too many elements")
        group, number = self.head.unpack_from(self.content, pos)
        tag = group << 16 | number
        vr, start, length = self._header(pos, tag)
        element = Element(self.content, tag, vr, pos, start, start, self.is_little)
        into.append(element)
        if length == UNDEFINED:
            element.stop = self._undefined(element, end, depth)
            return element.stop
        if start + length > end:
            element.stop = end
            raise _Broken("an element is longer than what holds it")
        element.stop = start + length
        if length & 1:
            self.found.irregular.append((tag_name(tag), "malformed"))
        if vr == "SQ":
            self._items(start, element.stop, depth, element, is_undefined=False)
        elif vr == "UN" and self.content[start : start + 4] == b"\xfe\xff\x00\xe0":
            self._try_items(element, depth)
        elif vr == "UN" and vr_of(tag) != "SQ":
            # PS3.5 6.2.2: what is written as unknown is little endian, and the dictionary still knows what it is.
            element.vr, element.is_little = vr_of(tag), True
        return element.stop

    def _header(self, pos: int, tag: int) -> tuple[str, int, int]:
        if self.is_implicit:
            return vr_of(tag), pos + 8, self.long.unpack_from(self.content, pos + 4)[0]
        raw = self.content[pos + 4 : pos + 6]
        vr = raw.decode("latin-1")
        if vr in SHORT_VRS:
            return vr, pos + 8, self.short.unpack_from(self.content, pos + 6)[0]
        if vr in LONG_VRS:
            if self.content[pos + 6 : pos + 8] != b"\0\0":
                self.found.irregular.append((tag_name(tag), "padding"))
            return vr, pos + 12, self.long.unpack_from(self.content, pos + 8)[0]
        self.found.irregular.append((tag_name(tag), "malformed"))
        if raw.isalpha() and raw.isupper():
            return "UN", pos + 12, self.long.unpack_from(self.content, pos + 8)[0]
        return vr_of(tag), pos + 8, self.long.unpack_from(self.content, pos + 4)[0]

    def _undefined(self, element: Element, end: int, depth: int) -> int:
        if element.tag in PIXELS:
            return self._fragments(element, end)
        if element.vr == "UN" and not self.is_implicit:
            # PS3.5 6.2.2: a sequence of unknown VR is written as implicit little endian inside.
            inner = _Reader(self.content, self.found, is_implicit=True, is_little=True)
            inner.left = self.left
            return inner._items(element.start, end, depth, element, is_undefined=True)
        element.vr = "SQ"
        return self._items(element.start, end, depth, element, is_undefined=True)

    def _items(self, pos: int, end: int, depth: int, element: Element, *, is_undefined: bool) -> int:
        if depth >= DEEPEST:
            raise _Broken("sequences are nested too deep")
        element.items = []
        while pos < end:
            tag, length = self._item_head(pos)
            pos += 8
            if tag == SEQUENCE_END and is_undefined:
                if length:
                    raise _Broken("a sequence delimiter has a length")
                return pos
            if tag != ITEM:
                raise _Broken("a sequence holds something that is not an item")
            item: list[Element] = []
            element.items.append(item)
            if length == UNDEFINED:
                pos = self.dataset(pos, end, depth + 1, item, until_delimiter=True)
            elif pos + length > end:
                raise _Broken("an item is longer than its sequence")
            else:
                pos = self.dataset(pos, pos + length, depth + 1, item)
        if is_undefined:
            raise _Broken("a sequence has no end")
        return pos

    def _item_head(self, pos: int) -> tuple[int, int]:
        group, number = self.head.unpack_from(self.content, pos)
        return group << 16 | number, self.long.unpack_from(self.content, pos + 4)[0]

    def _try_items(self, element: Element, depth: int) -> None:
        """Look into a value of unknown VR that begins like a sequence; leave it whole when it is none."""
        for is_implicit in (True, False):
            trial = Element(self.content, element.tag, "UN", element.begin, element.start, element.stop)
            reader = _Reader(self.content, Parsed(), is_implicit=is_implicit, is_little=True)
            reader.left = self.left
            try:
                reader._items(trial.start, trial.stop, depth, trial, is_undefined=False)
            except (_Broken, struct.error):
                continue
            element.items = trial.items
            return

    def _fragments(self, element: Element, end: int) -> int:
        pos, element.fragments = element.start, []
        while pos < end:
            tag, length = self._item_head(pos)
            pos += 8
            if tag == SEQUENCE_END:
                if length:
                    raise _Broken("a sequence delimiter has a length")
                return pos
            if tag != ITEM or pos + length > end:
                raise _Broken("encapsulated pixels hold something that is not a fragment")
            element.fragments.append((pos, pos + length))
            pos += length
        raise _Broken("encapsulated pixels have no end")
