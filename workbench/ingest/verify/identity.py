"""Everything that the source says about a patient and that the output must not say again.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.5 2026c 6.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from workbench.ingest.verify.charsets import codecs_of, readings
from workbench.ingest.verify.conformity import CODE_PARTS, conforms, is_known_code, is_listed_code
from workbench.ingest.verify.dicom_bytes import PIXELS, Element, Parsed, parse
from workbench.ingest.verify.dictionary import STANDARD_UIDS, standard_words, vr_of
from workbench.ingest.verify.forms import (
    date_needles,
    dates_in,
    literal,
    name_needles,
    number_needles,
    private_needles,
    text_needles,
    uid_needles,
)
from workbench.ingest.verify.policy import Policy, Rule, load_policy
from workbench.ingest.verify.search import Index, Needle

# Of what software wrote a file nothing points at a patient, and the workbench may have written the source too.
OF_SOFTWARE = frozenset((0x00020000, 0x00020001, 0x00020002, 0x00020010, 0x00020012, 0x00020013))
# Coded strings, times of day, ages and numbers are no source values: honest output is full of the same ones.
NUMBERS = frozenset(("AS", "AT", "CS", "DS", "FD", "FL", "IS", "OD", "OF", "OL", "OV", "SL", "SS", "SV", "TM", "UL",
                     "US", "UV"))  # fmt: skip
IDS = frozenset(("AE", "SH"))
# LO elements that hold a number or name of a person, request or device, as the shorter VRs do.
ID_TAGS = frozenset(
    (0x00100020, 0x00100021, 0x00101000, 0x00101090, 0x00181000, 0x00181002, 0x00181008, 0x00324000, 0x00380010,
     0x00401001, 0x00402016, 0x00402017, 0x00080080, 0x00081010, 0x00081040, 0x00120020, 0x00120040)
)  # fmt: skip
CLASS_UIDS = frozenset((0x00020002, 0x00020010, 0x00020012, 0x00080016, 0x0008001A, 0x00081150, 0x00080117))
LONGEST_VALUE = 1 << 20
# Text in blobs: runs of printable signs with a word of 5 letters in them, which 8 kB of noise hold three times.
RUNS = re.compile(rb"(?:[\x20-\x7e]|[\xc3-\xc5][\x80-\xbf]){6,200}")
WIDE_RUNS = re.compile(rb"(?:[\x20-\x7e]\x00){6,200}")
SPOKEN = re.compile(rb"(?:[A-Za-z]|[\xc3-\xc5][\x80-\xbf]){5}")
DATE_RUN = re.compile(rb"(?<!\d)(?:19|20)\d{2}[01]\d[0-3]\d(?!\d{7})")
UID_RUN = re.compile(rb"(?<![\d.])[0-2](?:\.\d+){4,}")
PHONE_RUN = re.compile(rb"\+?\(?\d[\d ()/-]{7,18}\d")
# A forged blob must not fill the memory with needles.
MOST_RUNS = 50_000


class SourceIdentity:
    """Collects the source values of one or more patients, and finds them in bytes.

    Parameters
    ----------
    policy : Policy, optional
        What the profile keeps on purpose is no source value; the standard profile when left out.

    Attributes
    ----------
    uids : set of str
        Every UID of the source that the standard does not define.
    dates : set of date
        Every date of the source.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or load_policy("standard")
        self.uids: set[str] = set()
        self.dates: set[date] = set()
        self._literal: dict[Needle, None] = {}
        self._phrases: dict[Needle, None] = {}
        self._digits: dict[Needle, None] = {}
        self._seen: set[tuple[int, str, bytes, int]] = set()
        self._texts: set[tuple[str, str]] = set()
        self._indexes: dict[tuple[str, bool], Index] = {}
        self._runs_left = MOST_RUNS
        self._known = self.policy.known_words | standard_words()

    def add(self, source: Path | bytes | Parsed | Any) -> None:
        """Take the values of one file (path, content or parsed) or of one pydicom dataset.

        What cannot be read to its end is taken as far as it can be read.
        """
        self._indexes.clear()
        if isinstance(source, Path):
            source = parse(source.read_bytes())
        elif isinstance(source, bytes):
            source = parse(source)
        if isinstance(source, Parsed):
            self._add_parsed(source)
        else:
            self._add_dataset(source)

    def add_text(self, text: str, kind: str = "text") -> None:
        """Take a value that no element holds, such as a column of a table: `name`, `id`, `date`, `uid` or `text`."""
        self._indexes.clear()
        self._take_text(text, kind)

    @property
    def literal_needles(self) -> list[Needle]:
        """The needles that are searched as they are."""
        return list(self._literal)

    def index(self, name: str, *, strong: bool = False) -> Index:
        """Give the needles for one kind of haystack: `literal`, `phrases` or `digits`; all, or the strong ones."""
        key = (name, strong)
        if key not in self._indexes:
            needles = {"literal": self._literal, "phrases": self._phrases, "digits": self._digits}[name]
            self._indexes[key] = Index(needle for needle in needles if needle.is_strong or not strong)
        return self._indexes[key]

    def _add_parsed(self, source: Parsed) -> None:
        for element in source.meta:
            if element.tag not in OF_SOFTWARE:
                self._take(element.tag, element.vr, element.value, ("latin-1",))
        rules = self.policy.rules_with_private(_text_of(source, 0x00080016), source.elements) or {}
        charset = source.get(0x00080005)
        codecs = codecs_of(charset.value) if charset else ("latin-1",)
        self._add_elements(source.elements, rules, codecs)
        if source.preamble.strip(b"\0"):
            self._take_blob(source.preamble)

    def _add_elements(self, elements: list[Element], rules: Mapping[int, Rule], codecs: tuple[str, ...]) -> None:
        for element in elements:
            rule = rules.get(element.tag)
            if element.items is not None:
                for item in element.items:
                    self._add_elements(self._without_code(item, rule), rule.items if rule else {}, codecs)
            elif element.tag not in PIXELS and element.stop - element.start <= LONGEST_VALUE:
                key = (element.tag, element.vr, element.value, id(rule))
                if key not in self._seen:
                    self._seen.add(key)
                    if rule is None or not self._is_kept(rule, element):
                        self._take(element.tag, element.vr, element.value, codecs)

    def _without_code(self, item: list[Element], rule: Rule | None) -> list[Element]:
        """Give the elements of an item without a code that the standard's dictionaries define: it is kept."""
        if rule is None or rule.action != "codes" or not is_listed_code(self.policy, item):
            return item
        # A site's own wording of a listed code is not kept, so it counts as the source's.
        meant = is_known_code(self.policy, item)
        return [element for element in item if element.tag not in (CODE_PARTS if meant else CODE_PARTS[:2])]

    def _is_kept(self, rule: Rule, element: Element) -> bool:
        return rule.keeps and conforms(self.policy, rule, element) is not False

    def _add_dataset(self, dataset: Any) -> None:
        elements = _elements_of(dataset)
        sop_class = str(dataset.get("SOPClassUID", ""))
        charset = next((element.value for element in elements if element.tag == 0x00080005), b"")
        rules = self.policy.rules_with_private(sop_class, elements) or {}
        self._add_elements(elements, rules, codecs_of(charset))

    def _take(self, tag: int, vr: str, value: bytes, codecs: tuple[str, ...]) -> None:
        """Make needles of one value that the profile does not keep."""
        private = bool(tag >> 16 & 1)
        if vr in NUMBERS or not value:
            return
        if vr in ("UN", "OB", "OW", "UR") or (private and vr not in ("PN", "UI", "DA", "DT")):
            self._take_blob(value)
            return
        for raw in _split(value, vr):
            for text in readings(raw.strip(b" \0"), codecs):
                kind = _kind(tag, vr)
                if kind == "uid" and tag in CLASS_UIDS:
                    continue
                self._take_text(text, kind)
            if vr == "PN" and not raw.isascii() or b"\x1b" in raw:
                self._take_raw(raw)

    def _take_raw(self, raw: bytes) -> None:
        """Search a name in other scripts also in the bytes of the source's own encoding."""
        for part in re.split(rb"[\^= ]+", raw.strip(b" \0")):
            if len(part) >= 4 and not part.isascii() or b"\x1b" in part:
                self._literal[Needle(part.upper(), "name", "none")] = None

    def _take_blob(self, value: bytes) -> None:
        """Take what is text in bytes of unknown make-up."""
        runs = [run for run in RUNS.findall(value) if SPOKEN.search(run)]
        runs += [run[::2] for run in WIDE_RUNS.findall(value)]
        for run in runs:
            if self._runs_left > 0:
                self._runs_left -= 1
                for text in readings(run.strip(), ("latin-1",)):
                    self._take_text(text, "private")
        for pattern, kind in ((DATE_RUN, "date-like"), (UID_RUN, "uid"), (PHONE_RUN, "private-number")):
            for found in pattern.findall(value):
                self._take_text(found.decode("ascii"), kind)

    def _take_text(self, text: str, kind: str) -> None:
        if "\0" in text:
            # Zeros end a value for some writers; what stands behind them was said too.
            for piece in text.split("\0"):
                self._take_text(piece, kind)
            return
        text = text.strip()
        if not text or (text, kind) in self._texts:
            return
        self._texts.add((text, kind))
        for literals, phrases, digits in FORMS[kind](self, text):
            self._literal.update(dict.fromkeys(literals))
            self._phrases.update(dict.fromkeys(phrases))
            self._digits.update(dict.fromkeys(digits))

    def _name(self, text: str) -> Iterable[Forms]:
        literals, phrases = name_needles(text)
        yield [self._weighed(needle) for needle in literals], phrases, []

    def _weighed(self, needle: Needle) -> Needle:
        """Let a name that is also a common word count only where an allowlist leaves nothing but what it knows."""
        word = needle.pattern.decode("latin-1").casefold()
        is_common = word in self._known or len(word) < 4
        return Needle(needle.pattern, needle.kind, "alike", False) if is_common else needle

    def _id(self, text: str) -> Iterable[Forms]:
        if text.casefold() in self._known:
            return
        literals, digits = number_needles(text, is_strong=len(text) >= 5)
        yield literals, [], digits
        words, phrases = text_needles(text, self._known, is_strong=True)
        yield words, phrases, []

    def _uid(self, text: str) -> Iterable[Forms]:
        if text in STANDARD_UIDS:
            return
        self.uids.add(text)
        yield uid_needles(text), [], []

    def _date(self, text: str) -> Iterable[Forms]:
        for day in dates_in(text):
            if day not in self.dates:
                self.dates.add(day)
                literals, phrases = date_needles(day)
                yield literals, phrases, []

    def _date_like(self, text: str) -> Iterable[Forms]:
        for day in dates_in(text):
            if 1900 <= day.year <= 2100:
                yield from self._date(text)

    def _text(self, text: str) -> Iterable[Forms]:
        literals, phrases = text_needles(text, self._known, is_strong=True)
        _, digits = number_needles(text) if sum(char.isdigit() for char in text) * 2 > len(text) else ([], [])
        yield literals, phrases, digits
        if len(text) >= 4 and not self._known >= {text.casefold()} and text.isalnum():
            yield list(literal(text, "text", "word", is_strong=False)), [], []

    def _private(self, text: str) -> Iterable[Forms]:
        yield private_needles(text, self._known), [], []

    def _private_number(self, text: str) -> Iterable[Forms]:
        _, digits = number_needles(text, is_strong=False)
        yield [], [], digits


Forms = tuple[Iterable[Needle], Iterable[Needle], Iterable[Needle]]
FORMS: dict[str, Callable[[SourceIdentity, str], Iterable[Forms]]] = {
    "name": SourceIdentity._name,
    "id": SourceIdentity._id,
    "uid": SourceIdentity._uid,
    "date": SourceIdentity._date,
    "date-like": SourceIdentity._date_like,
    "text": SourceIdentity._text,
    "private": SourceIdentity._private,
    "private-number": SourceIdentity._private_number,
}


def _kind(tag: int, vr: str) -> str:
    if vr == "PN":
        return "name"
    if vr == "UI":
        return "uid"
    if vr in ("DA", "DT"):
        return "date"
    return "id" if vr in IDS or tag in ID_TAGS else "text"


def _split(value: bytes, vr: str) -> list[bytes]:
    """Give the values of an element; a backslash separates them in every text but the long ones."""
    return [value] if vr in ("LT", "ST", "UT") else value.split(b"\\")


def _text_of(source: Parsed, tag: int) -> str:
    element = source.get(tag)
    return element.value.decode("latin-1").strip(" \0") if element else ""


def _elements_of(dataset: Any) -> list[Element]:
    """Give a pydicom dataset as elements; what it has not yet converted stays in the bytes of the file."""
    found = []
    for tag in dataset.keys():
        raw = dataset.get_item(tag)
        vr = str(raw.VR or vr_of(int(tag)))
        value = dataset[tag].value if vr == "SQ" else raw.value
        content = value if isinstance(value, bytes) else b"" if vr == "SQ" or value is None else _spelled(value)
        element = Element(content, int(tag), vr, 0, 0, len(content), bool(getattr(raw, "is_little_endian", True)))
        if vr == "SQ":
            element.items = [_elements_of(item) for item in value or ()]
        found.append(element)
    return found


def _spelled(value: Any) -> bytes:
    is_list = hasattr(value, "__iter__") and not isinstance(value, str) and not hasattr(value, "components")
    return "\\".join(str(each) for each in (value if is_list else [value])).encode("utf-8", "replace")
