"""Files that are plain enough to be cleaned by their bytes, taken apart.

Runs in: ingest host
Source: DICOM PS3.5 2026c 7.1 (data elements), A.1 and A.2 (implicit and explicit VR, little-endian).
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from operator import ge

from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from workbench.ingest.deidentify.elements import (
    EXPLICIT,
    IMPLICIT,
    LONG_VRS,
    SHORT_VRS,
    UNDEFINED,
    Element,
    meta_elements,
    walk,
)  # fmt: skip

SYNTAX, PIXELS = 0x00020010, 0x7FE00010
FIRST_TAG, END_OF_TAGS = 0x00040000, 0xFFFE0000
KNOWN_VRS = SHORT_VRS | LONG_VRS
LONG_HEAD, LENGTH = struct.Struct("<HI"), struct.Struct("<I")


@dataclass(frozen=True)
class PlainFile:
    """A little-endian file with native pixels whose every length holds.

    Parameters
    ----------
    content : bytes
        The file.
    elements : list of tuple
        Its top-level elements, with ascending tags.
    is_implicit : bool
        Whether the VR is left out.
    """

    content: bytes
    elements: list[Element]
    is_implicit: bool

    def chunks(self, tags: Container[int]) -> dict[int, bytes]:
        """Give the bytes of the elements of some tags."""
        content = self.content
        return {tag: content[start:stop] for tag, _, start, _, stop in self.elements if tag in tags}

    @property
    def pixel_bytes(self) -> int | None:
        """How many bytes of pixels there are, or None."""
        return next((stop - value for tag, _, _, value, stop in reversed(self.elements) if tag == PIXELS), None)


def take_apart(content: bytes) -> PlainFile | None:
    """Give a file's elements, or None when anything about it is unusual.

    Usual is implicit or explicit VR, little-endian, with ascending tags, values of even length, and no undefined
    length but of sequences.
    """
    meta = meta_elements(content)
    syntax = meta_value(content, meta[0], SYNTAX) if meta is not None else ""
    if meta is None or syntax not in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        return None
    is_implicit = syntax == ImplicitVRLittleEndian
    elements = walk(content, meta[1], IMPLICIT if is_implicit else EXPLICIT)
    if not elements or elements[-1][4] != len(content):
        return None
    tags = [element[0] for element in elements]
    if tags[0] < FIRST_TAG or tags[-1] >= END_OF_TAGS or any(map(ge, tags, islice(tags, 1, None))):
        return None
    is_usual = _is_usual_implicit if is_implicit else _is_usual_explicit
    return PlainFile(content, elements, is_implicit) if is_usual(content, elements) else None


def read_chunk(chunk: bytes, *, is_implicit: bool, charsets: tuple[str, ...] = ("iso8859",)) -> Dataset | None:
    """Read some elements as pydicom reads them within a file; None where it would guess another encoding."""
    if is_implicit and _looks_explicit(chunk, 0):
        return None
    return read_dataset(BytesIO(chunk), is_implicit, True, parent_encoding=list(charsets))


def value_of(encoded: bytes) -> str:
    """Give the text of a short encoded element, without its padding."""
    return encoded[8:].rstrip(b"\0 ").decode("latin-1")


def meta_value(content: bytes, meta: list[Element], tag: int) -> str:
    """Give the text of an element of the file meta information, or nothing."""
    return next((value_of(content[start:stop]) for one, _, start, _, stop in meta if one == tag), "")


def _is_usual_explicit(content: bytes, elements: list[Element]) -> bool:
    for _, vr, start, value, stop in elements:
        if vr not in KNOWN_VRS or stop & 1:
            return False
        if value - start == 12:
            reserved, length = LONG_HEAD.unpack_from(content, start + 6)
            if reserved or (length == UNDEFINED and vr != b"SQ"):
                return False
    return True


def _is_usual_implicit(content: bytes, elements: list[Element]) -> bool:
    for tag, _, start, value, stop in elements:
        if stop & 1:
            return False
        is_undefined = stop - value >= 8 and LENGTH.unpack_from(content, start + 4)[0] == UNDEFINED
        if is_undefined and DicomDictionary.get(tag, ("SQ",))[0] != "SQ":
            return False
    return not _looks_explicit(content, elements[0][2])


def _looks_explicit(content: bytes, start: int) -> bool:
    """Whether pydicom would take two bytes of a length for a VR."""
    return all(0x40 < byte < 0x5B for byte in content[start + 4 : start + 6])
