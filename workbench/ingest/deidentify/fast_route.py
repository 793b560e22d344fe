"""Plain little-endian instances are de-identified by their bytes; equal elements are worked out once.

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

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.tag import BaseTag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

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
from workbench.ingest.deidentify.element_writer import LATIN, PREAMBLE, ElementWriter
from workbench.ingest.deidentify.elements import Element
from workbench.ingest.deidentify.plain_file import PIXELS, PlainFile, read_chunk, take_apart, value_of
from workbench.ingest.deidentify.profile import ClassRules
from workbench.ingest.deidentify.rules import Rule

INSTANCE = 0x00080018
FRAME_TAGS = PERSON_TAGS | {CHARSET, PIXEL_SIGN, SOP_CLASS}
NESTING_VRS = (b"SQ", b"UN")
PIXEL_VRS = (b"OB", b"OW", b"")
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
    is_implicit: bool
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
        self._frames: dict[tuple[bool, bytes], _Frame] = {}
        self._writers = {flag: ElementWriter(is_implicit=flag) for flag in (False, True)}
        self._heads: dict[tuple[bool, bytes, int], bytes] = {}
        self._marks = {
            flag: {int(mark.tag): writer.write(mark, LATIN) or b"" for mark in cleaner.marks}
            for flag, writer in self._writers.items()
        }

    def clean(self, content: bytes) -> bytes | None:
        """Give the cleaned file, or None when it is not for this route.

        Parameters
        ----------
        content : bytes
            A whole DICOM file.

        Returns
        -------
        bytes, optional
            What `Deidentifier.clean_instance` gives when it is saved; None for other transfer syntaxes, encapsulated
            pixels, unknown SOP classes, and everything malformed.
        """
        plain = take_apart(content)
        result = None if plain is None else self.clean_plain(plain)
        return None if result is None else b"".join(result.content)

    def clean_plain(self, plain: PlainFile) -> FastResult | None:
        """Give the cleaned file in pieces, without a copy of the pixels; None when it is not for this route."""
        frame, content = self._frame(plain), plain.content
        if frame is None:
            return None
        rules, memo, counts = frame.classes.rules, frame.memo, Counter[str]()
        made: dict[int, bytes] = {}
        pixels: list[bytes | memoryview] = []
        for element in plain.elements:
            tag, vr, start, value, stop = element
            rule = rules.get(tag)
            key = content[start:stop] if rule is not None and stop - start <= MEMO_BYTES else b""
            known = memo.get(key)
            if known is None and rule is None:
                is_private = bool(tag & 0x10000)
                if not is_private or (tag >> 16, tag & 0xFF) not in frame.private:
                    counts[REMOVE_PRIVATE if is_private else REMOVE] += 1
                    continue
                known = self._private(plain, element, frame)
            elif known is None and rule is not None and rule.action == "pixels" and vr in PIXEL_VRS and stop > value:
                pixels = [content[start:value], memoryview(content)[value:stop]]
                counts[rule.action] += 1
                continue
            elif known is None and rule is not None and rule.vr != "SQ" and vr not in NESTING_VRS and stop > value:
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
        made.update(self._marks[plain.is_implicit])
        head = self._head(made[SOP_CLASS], made[INSTANCE], plain.is_implicit)
        return FastResult(_in_order(head, made, pixels), made, counts)

    def _frame(self, plain: PlainFile) -> _Frame | None:
        chunks = plain.chunks(FRAME_TAGS)
        key = plain.is_implicit, b"".join(chunks.values())
        known = self._frames.get(key)
        if known is not None or SOP_CLASS not in chunks:
            return known
        classes = self._cleaner.profile.class_rules(value_of(chunks[SOP_CLASS]))
        try:
            source = read_chunk(key[1], is_implicit=plain.is_implicit)
            if source is None or classes is None or not classes.rules:
                return None
            context = self._cleaner.context(source)
            kept = {tag: rule for tag, rule in classes.rules.items() if tag == CHARSET}
            written = self._cleaner.clean_item(source, kept, context).get("SpecificCharacterSet") or LATIN
        except READ_ERRORS:
            return None
        private = frozenset((group, number) for group, _, number in classes.private)
        if len(self._frames) >= MOST_FRAMES:
            self._frames.clear()
        known = self._frames[key] = _Frame(classes, context, written, private, plain.is_implicit, {})
        return known

    def _work_out_value(self, rule: Rule, content: bytes, element: Element, frame: _Frame) -> Encoded | None:
        """Let the cleaner decide about an element with a plain value."""
        tag, vr, start, at, stop = element
        name = vr.decode() or None
        raw = RawDataElement(BaseTag(tag), name, stop - at, content[at:stop], at, frame.is_implicit, True)
        result, applied = self._cleaner.verdict(rule, raw, frame.context)
        encoded = self._writers[frame.is_implicit].write(result, frame.charset_written) if result is not None else b""
        if encoded is None:
            return None
        known = ((tag, encoded),) if result is not None else (), ((applied, 1),)
        if stop - start <= MEMO_BYTES:
            self._remember(frame, content[start:stop], known)
        return known

    def _private(self, plain: PlainFile, element: Element, frame: _Frame) -> Encoded | None:
        """Give a private element that may be safe, judged together with the name of its creator."""
        tag, _, start, _, stop = element
        creator = tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8
        named = plain.chunks((creator,)).values()
        known = self._work_out(b"".join(named) + plain.content[start:stop], frame)
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
            source = read_chunk(chunk, is_implicit=frame.is_implicit, charsets=frame.context.charsets)
            if source is None:
                return None
            result = cleaner.clean_item(source, frame.classes, frame.context)
            made = tuple(
                (int(tag), self._writers[frame.is_implicit].write(result.get_item(tag), frame.charset_written))
                for tag in sorted(result.keys())
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

    def _head(self, sop_class: bytes, instance: bytes, is_implicit: bool) -> bytes:
        """Give preamble and file meta information; for UIDs of one length only the UID itself differs."""
        uid = instance[8:]
        stand_in = b"9" * len(uid)
        known = self._heads.get((is_implicit, sop_class, len(uid)))
        if known is None:
            body = Dataset()
            body.SOPClassUID, body.SOPInstanceUID = value_of(sop_class), stand_in.decode()
            output = DicomBytesIO()
            syntax = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
            write_file_meta_info(output, new_file_meta(body, syntax), enforce_standard=True)
            known = self._heads[is_implicit, sop_class, len(uid)] = PREAMBLE + b"DICM" + output.getvalue()
        return known.replace(stand_in, uid, 1)


def _in_order(head: bytes, made: dict[int, bytes], pixels: list[bytes | memoryview]) -> list[bytes | memoryview]:
    """Give the file in few pieces: what comes before the pixels, the pixels themselves, what comes after."""
    tags = sorted(made)
    before = b"".join([head, *(made[tag] for tag in tags if tag < PIXELS), *pixels[:1]])
    after = b"".join(made[tag] for tag in tags if tag >= PIXELS)
    return [piece for piece in (before, *pixels[1:], after) if piece]
