"""Source values in one output file, and elements that the profile does not let stand.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.5 2026c 7.8 (private elements), 6.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from workbench.ingest.verify.conformity import CODE_PARTS, conforms, is_known_code
from workbench.ingest.verify.dicom_bytes import PIXELS, Element, Parsed, walk
from workbench.ingest.verify.findings import tag_name
from workbench.ingest.verify.identity import SourceIdentity
from workbench.ingest.verify.policy import Policy, Rule
from workbench.ingest.verify.search import PixelIndex, as_digits, as_words

# What a de-identified file's meta information has (PS3.10 7.1): never who sent it, nor anything private.
META = frozenset(
    (0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013)
)  # fmt: skip
MARKS = frozenset((0x00120062, 0x00120063, 0x00120064, 0x00280301, 0x00280303))
# In the form of these rules a value says nothing about a person, even if it is also somebody's number or name.
CLOSED = frozenset((
    "age", "any-number", "charset", "creator", "date", "datetime", "number", "pattern", "standard-uid", "terms",
    "time", "words",
))  # fmt: skip
LARGE = 4096
# The part of a compressed frame before its entropy-coded data, where comments stand.
FRAME_STARTS = (b"\xff\xda", b"\xff\x93")
LONGEST_FRAME_HEAD = 65536
SHORTEST_IN_FRAME_HEAD = 6

CODE = Rule("Code", "code")
Hit = tuple[str, str]


class LeakSearch:
    """Looks through files of one output; equal elements of many slices are judged once."""

    def __init__(self, identity: SourceIdentity, policy: Policy) -> None:
        self._identity, self._policy = identity, policy
        self._pixels = PixelIndex(identity.literal_needles)
        self._memo: dict[tuple[int, str, bytes, int], tuple[str, ...]] = {}

    def in_path(self, name: str) -> Iterator[Hit]:
        """Give what the names of a file and of its folders say."""
        path = PurePosixPath(name)
        if any(self._says(path.name.encode("utf-8", "surrogateescape"))):
            yield "name", "source-value"
        if any(self._says(str(path.parent).encode("utf-8", "surrogateescape"))):
            yield "path", "source-value"

    def in_bytes(self, content: bytes, element: str) -> Iterator[Hit]:
        """Give what bytes say that belong to no element."""
        for rule in self._says(content):
            yield element, rule

    def in_file(self, parsed: Parsed) -> Iterator[Hit]:
        """Give what a file says: in its meta information, in every element at every depth, in its pixels."""
        for element in parsed.meta:
            if element.tag not in META:
                yield "file meta", "not-allowed"
            for rule in self._says(element.value):
                yield "file meta", rule
        if parsed.preamble.strip(b"\0"):
            yield from self.in_bytes(parsed.preamble, "preamble")
        element_of_class = parsed.get(0x00080016)
        sop_class = element_of_class.value.decode("latin-1").strip(" \0") if element_of_class else ""
        rules = self._policy.rules_with_private(sop_class, parsed.elements)
        if rules is None:
            yield "(0008,0016)", "not-allowed"
        yield from self._in_elements(parsed.elements, rules or {}, "", is_top=True)
        yield from self._between(parsed)

    def _in_elements(
        self, elements: list[Element], rules: Mapping[int, Rule], path: str, *, is_top: bool = False
    ) -> Iterator[Hit]:  # fmt: skip
        for element in elements:
            where, rule = path + tag_name(element.tag), rules.get(element.tag)
            refused = self._refusal(element, rule, is_top=is_top)
            if refused:
                yield where, refused
            if is_top and element.tag in MARKS:
                # `marks` compares these with the profile, value by value.
                continue
            if element.items is not None:
                for number, item in enumerate(element.items):
                    yield from self._in_item(item, rule, f"{where}[{number}]")
            elif element.tag in PIXELS:
                yield from self._in_pixels(element)
            else:
                for found in self._in_value(element, rule):
                    yield where, found

    def _in_item(self, item: list[Element], rule: Rule | None, where: str) -> Iterator[Hit]:
        inner = rule.items if rule else {}
        if rule and rule.action == "codes":
            if is_known_code(self._policy, item):
                item = [element for element in item if element.tag not in CODE_PARTS]
            elif item:
                yield where, "value-not-allowed"
                inner = {**inner, **dict.fromkeys(CODE_PARTS, CODE)}
        yield from self._in_elements(item, inner, f"{where}.")

    def _refusal(self, element: Element, rule: Rule | None, *, is_top: bool) -> str:
        group = element.tag >> 16
        if element.tag & 0xFFFF == 0:
            return "group-length"
        if rule is not None or (is_top and element.tag in MARKS):
            return ""
        if element.tag >> 16 == 0xFFFC:
            return "padding"
        return "overlay" if group & 0xFF01 in (0x5000, 0x6000) else "not-allowed"

    def _in_value(self, element: Element, rule: Rule | None) -> tuple[str, ...]:
        value = element.value
        key = (element.tag, element.vr, value, id(rule))
        known = self._memo.get(key)
        if known is None:
            known = tuple(dict.fromkeys(self._judge(element, rule, value)))
            if len(value) <= LARGE:
                self._memo[key] = known
        return known

    def _judge(self, element: Element, rule: Rule | None, value: bytes) -> Iterator[str]:
        if not value:
            return
        form = conforms(self._policy, rule, element) if rule else None
        if form is False:
            yield "value-not-allowed"
        if rule and rule.action == "uid" and form:
            yield from self._source_uids(value)
        elif not (rule and rule.action in CLOSED and form):
            yield from self._says(value)
        if not _is_padded_well(element, value):
            yield "padding"

    def _source_uids(self, value: bytes) -> Iterator[str]:
        if not self._identity.uids.isdisjoint(value.decode("latin-1").rstrip("\0 ").split("\\")):
            yield "uid-source"

    def _says(self, value: bytes) -> Iterator[str]:
        """Give the rules that bytes break by what they say."""
        upper = value.upper()
        kinds = {needle.kind for _, needle in self._identity.index("literal").find(upper)}
        kinds |= {needle.kind for _, needle in self._identity.index("phrases").find(as_words(value))}
        kinds |= {needle.kind for _, needle in self._identity.index("digits").find(as_digits(upper))}
        if "uid" in kinds:
            yield "uid-source"
        if kinds - {"uid"}:
            yield "source-value"

    def _in_pixels(self, element: Element) -> Iterator[Hit]:
        if self._pixels.finds(element.value):
            yield "pixels", "source-value"
        for start, stop in element.fragments or ():
            head = element.content[start : min(stop, start + LONGEST_FRAME_HEAD)]
            cuts = [at for at in (head.find(mark) for mark in FRAME_STARTS) if at > 0]
            head = head[: min(cuts)] if cuts else b""
            if any(
                len(n.pattern) >= SHORTEST_IN_FRAME_HEAD
                for _, n in self._identity.index("literal", strong=True).find(head.upper())
            ):
                yield "pixels", "source-value"
                return

    def _between(self, parsed: Parsed) -> Iterator[Hit]:
        """Give what stands across elements or in their headers, where no element holds it whole."""
        pixels = next((element for element in parsed.elements if element.tag in PIXELS), None)
        head = parsed.body[: pixels.start if pixels else len(parsed.body)].upper()
        leaves: list[tuple[int, int]] = []
        for at, needle in self._identity.index("literal", strong=True).find(head):
            if len(needle.pattern) < SHORTEST_IN_FRAME_HEAD:
                continue
            if not leaves:
                every = [*parsed.meta, *(element for _, element in walk(parsed.elements))]
                leaves = [(e.start, e.stop) for e in every if e.items is None] + [(0, 128)]
            if not any(start <= at and at + len(needle.pattern) <= stop for start, stop in leaves):
                yield "padding", "uid-source" if needle.kind == "uid" else "source-value"


def _is_padded_well(element: Element, value: bytes) -> bool:
    """Whether nothing is hidden after the text of a value: one blank or zero pads it, and no zero stands inside."""
    if element.vr in BINARY_VRS:
        return True
    plain = value[:-1] if value[-1:] == b"\0" else value
    return b"\0" not in plain


BINARY_VRS = frozenset(("AT", "FD", "FL", "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "SV", "UL", "UN", "US", "UV"))
