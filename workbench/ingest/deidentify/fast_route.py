"""Plain explicit little-endian instances are de-identified by their bytes; equal elements are worked out once.

The verdict on each element is the cleaner's own, so this route and the one through pydicom give the same datasets.
Whatever is unusual is left to the other route.

Runs in: ingest host
Source: DICOM PS3.5 2026c 7.1 (data elements); PS3.10 2026c 7.1 (file meta information).
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from operator import ge

from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian

from workbench.ingest.deidentify.actions import Context
from workbench.ingest.deidentify.cleaner import (
    CHARSET,
    MEMO_BYTES,
    PERSON_TAGS,
    PIXEL_SIGN,
    REMOVE,
    REMOVE_PRIVATE,
    SOP_CLASS,
    Deidentifier,
    new_file_meta,
)  # fmt: skip
from workbench.ingest.deidentify.element_writer import ElementWriter
from workbench.ingest.deidentify.elements import LONG_VRS, SHORT_VRS, UNDEFINED, Element, meta_elements, walk
from workbench.ingest.deidentify.profile import ClassRules
from workbench.ingest.deidentify.rules import Rule

SYNTAX, INSTANCE, PIXELS = 0x00020010, 0x00080018, 0x7FE00010
FIRST_TAG, END_OF_TAGS = 0x00040000, 0xFFFE0000
FRAME_TAGS = PERSON_TAGS | {CHARSET, PIXEL_SIGN, SOP_CLASS}
KNOWN_VRS = SHORT_VRS | LONG_VRS
NESTING_VRS = (b"SQ", b"UN")
PIXEL_VRS = (b"OB", b"OW")
LONG_HEAD = struct.Struct("<HI")
LATIN = "iso8859"
PREAMBLE = b"\0" * 128
# Elements that differ in every slice fill the memory of a long series; then it is cheaper to start again.
MEMO_ENTRIES, MOST_FRAMES = 20_000, 16
# What pydicom raises for bytes that are not what they say.
READ_ERRORS = (
    ArithmeticError, AttributeError, BytesLengthException, EOFError, InvalidDicomError, LookupError,
    NotImplementedError, OSError, RecursionError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip

# What one source element becomes: (tag, bytes) pairs, and how often each rule was applied.
Encoded = tuple[tuple[tuple[int, bytes], ...], tuple[tuple[str, int], ...]]


@dataclass(frozen=True)
class FastResult:
    """A cleaned instance.

    Parameters
    ----------
    content : list of bytes-like
        The file, in pieces.
    elements : dict of int to bytes
        The encoded elements but for the pixels, by tag.
    counts : Counter
        How often each rule was applied.
    """

    content: list[bytes | memoryview]
    elements: dict[int, bytes]
    counts: Counter[str]


@dataclass(frozen=True)
class _Frame:
    """What the verdicts on an instance's elements depend on, and those that are known already."""

    classes: ClassRules
    context: Context
    charset_written: str | list[str]
    private: frozenset[tuple[int, int]]
    memo: dict[bytes, Encoded]


class FastRoute:
    """Cleans the plain instances of one patient.

    Parameters
    ----------
    cleaner : Deidentifier
        The patient's; it decides about every element.
    """

    def __init__(self, cleaner: Deidentifier) -> None:
        self._cleaner = cleaner
        self._frames: dict[tuple[bytes, ...], _Frame] = {}
        self._writer = ElementWriter()
        self._metas: dict[tuple[bytes, int], bytes] = {}
        self._marks = {int(mark.tag): self._writer.write(mark, LATIN) or b"" for mark in cleaner.marks}

    def clean(self, content: bytes) -> bytes | None:
        """Give the cleaned file, or None when it is not for this route.

        Parameters
        ----------
        content : bytes
            A whole DICOM file.

        Returns
        -------
        bytes, optional
            What `Deidentifier.clean_instance` gives when it is saved; None for another transfer syntax,
            encapsulated pixels, unknown SOP classes, and everything malformed.
        """
        elements = plain_elements(content)
        result = None if elements is None else self.clean_elements(content, elements)
        return None if result is None else b"".join(result.content)

    def clean_elements(self, content: bytes, elements: list[Element]) -> FastResult | None:
        """Give the cleaned file in pieces, without a copy of the pixels; None when it is not for this route."""
        frame = self._frame(content, elements)
        if frame is None:
            return None
        rules, memo, counts = frame.classes.rules, frame.memo, Counter[str]()
        made: dict[int, bytes] = {}
        pixels: list[bytes | memoryview] = []
        for element in elements:
            tag, vr, start, value, stop = element
            rule = rules.get(tag)
            key = content[start:stop] if rule is not None and stop - start <= MEMO_BYTES else b""
            known = memo.get(key)
            if known is None and rule is None:
                is_private = bool(tag & 0x10000)
                if not is_private or (tag >> 16, tag & 0xFF) not in frame.private:
                    counts[REMOVE_PRIVATE if is_private else REMOVE] += 1
                    continue
                known = self._private(content, elements, element, frame)
            elif known is None and rule is not None and rule.action == "pixels" and vr in PIXEL_VRS and stop > value:
                pixels = [content[start:value], memoryview(content)[value:stop]]
                counts[rule.action] += 1
                continue
            elif known is None and rule is not None and vr not in NESTING_VRS:
                known = self._work_out_value(rule, content, element, frame)
            elif known is None:
                known = self._work_out(content[start:stop], frame)
            if known is None:
                return None
            made.update(known[0])
            for name, number in known[1]:
                counts[name] += number
        if SOP_CLASS not in made or INSTANCE not in made:
            return None
        made.update(self._marks)
        return FastResult([self._head(made[SOP_CLASS], made[INSTANCE]), *_in_order(made, pixels)], made, counts)

    def _frame(self, content: bytes, elements: list[Element]) -> _Frame | None:
        chunks = {tag: content[start:stop] for tag, _, start, _, stop in elements if tag in FRAME_TAGS}
        key = tuple(chunks.values())
        known = self._frames.get(key)
        if known is not None or SOP_CLASS not in chunks:
            return known
        classes = self._cleaner.profile.class_rules(value_of(chunks[SOP_CLASS]))
        try:
            source = read_dataset(BytesIO(b"".join(key)), False, True)
            context = self._cleaner.context(source)
        except READ_ERRORS:
            return None
        if classes is None or not classes.rules:
            return None
        kept = {tag: rule for tag, rule in classes.rules.items() if tag == CHARSET}
        written = self._cleaner.clean_item(source, kept, context).get("SpecificCharacterSet") or LATIN
        private = frozenset((group, number) for group, _, number in classes.private)
        if len(self._frames) >= MOST_FRAMES:
            self._frames.clear()
        known = self._frames[key] = _Frame(classes, context, written, private, {})
        return known

    def _work_out_value(self, rule: Rule, content: bytes, element: Element, frame: _Frame) -> Encoded | None:
        """Let the cleaner decide about an element with a plain value."""
        tag, vr, start, at, stop = element
        name = vr.decode()
        value = content[at:stop] if stop > at else empty_value_for_VR(name, raw=True)
        raw = RawDataElement(BaseTag(tag), name, stop - at, value, at, False, True)  # type: ignore[arg-type]
        result, applied = self._cleaner.verdict(rule, raw, frame.context)
        encoded = self._writer.write(result, frame.charset_written) if result is not None else b""
        if encoded is None:
            return None
        known = ((tag, encoded),) if result is not None else (), ((applied, 1),)
        if stop - start <= MEMO_BYTES:
            self._remember(frame, content[start:stop], known)
        return known

    def _private(self, content: bytes, elements: list[Element], element: Element, frame: _Frame) -> Encoded | None:
        """Give a private element that may be safe, judged together with the name of its creator."""
        tag, _, start, _, stop = element
        creator = tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8
        named = [content[at:end] for one, _, at, _, end in elements if one == creator]
        known = self._work_out(b"".join(named) + content[start:stop], frame)
        if known is None or not named:
            return known
        # The creator is an element of the instance too, and counted there.
        counts = Counter(dict(known[1]))
        counts[REMOVE_PRIVATE] -= 1
        return known[0], tuple((+counts).items())

    def _work_out(self, chunk: bytes, frame: _Frame) -> Encoded | None:
        """Let the cleaner decide about an element; None when it cannot be read or written as usual."""
        cleaner = self._cleaner
        before, cleaner.counts = cleaner.counts, Counter()
        try:
            source = read_dataset(BytesIO(chunk), False, True, parent_encoding=list(frame.context.charsets))
            result = cleaner.clean_item(source, frame.classes, frame.context)
            made = tuple(
                (int(tag), self._writer.write(result[tag], frame.charset_written)) for tag in sorted(result.keys())
            )
            counts = tuple(cleaner.counts.items())
        except READ_ERRORS:
            return None
        finally:
            cleaner.counts = before
        pairs = tuple((tag, encoded) for tag, encoded in made if encoded is not None)
        if len(pairs) < len(made):
            return None
        if len(chunk) <= MEMO_BYTES:
            self._remember(frame, chunk, (pairs, counts))
        return pairs, counts

    def _remember(self, frame: _Frame, chunk: bytes, known: Encoded) -> None:
        if len(frame.memo) >= MEMO_ENTRIES:
            frame.memo.clear()
        frame.memo[chunk] = known

    def _head(self, sop_class: bytes, instance: bytes) -> bytes:
        """Give preamble and file meta information; for UIDs of one length only the UID itself differs."""
        uid = instance[8:]
        stand_in = b"9" * len(uid)
        known = self._metas.get((sop_class, len(uid)))
        if known is None:
            body = Dataset()
            body.SOPClassUID, body.SOPInstanceUID = value_of(sop_class), stand_in.decode()
            output = DicomBytesIO()
            write_file_meta_info(output, new_file_meta(body, ExplicitVRLittleEndian), enforce_standard=True)
            known = self._metas[sop_class, len(uid)] = PREAMBLE + b"DICM" + output.getvalue()
        return known.replace(stand_in, uid, 1)


def plain_elements(content: bytes) -> list[Element] | None:
    """Give the elements of an instance that this route can do, or None.

    It is explicit VR, little-endian; tags ascend, values are of even length, and only sequences are of undefined
    length.
    """
    meta = meta_elements(content)
    if meta is None or meta_value(content, meta[0], SYNTAX) != ExplicitVRLittleEndian:
        return None
    elements = walk(content, meta[1])
    if not elements or elements[-1][4] != len(content):
        return None
    tags = [element[0] for element in elements]
    if tags[0] < FIRST_TAG or tags[-1] >= END_OF_TAGS or any(map(ge, tags, islice(tags, 1, None))):
        return None
    for _, vr, start, value, stop in elements:
        if vr not in KNOWN_VRS or stop & 1:
            return None
        if value - start == 12:
            reserved, length = LONG_HEAD.unpack_from(content, start + 6)
            if reserved or (length == UNDEFINED and vr != b"SQ"):
                return None
    return elements


def value_of(encoded: bytes) -> str:
    """Give the text of a short encoded element, without its padding."""
    return encoded[8:].rstrip(b"\0 ").decode("latin-1")


def meta_value(content: bytes, meta: list[Element], tag: int) -> str:
    """Give the text of an element of the file meta information, or nothing."""
    return next((value_of(content[start:stop]) for one, _, start, _, stop in meta if one == tag), "")


def _in_order(made: dict[int, bytes], pixels: list[bytes | memoryview]) -> list[bytes | memoryview]:
    before = [made[tag] for tag in sorted(made) if tag < PIXELS]
    return [*before, *pixels, *(made[tag] for tag in sorted(made) if tag >= PIXELS)]
