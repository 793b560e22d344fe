"""Arbitrary CT instances for hypothesis: any element, VR, value, depth and character set, each value known."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from pydicom._dicom_dict import DicomDictionary
from pydicom.charset import python_encoding
from pydicom.dataset import Dataset

from planted.file_bytes import Wrapping, encode
from planted.mint import DAYS, Mint, Needle
from planted.objects import draw
from planted.pieces import Ground
from planted.series import make_person
from workbench.ingest.deidentify.profile import load_profile

CT = "1.2.840.10008.5.1.4.1.1.2"
TEXT_VRS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
OTHER_VRS = ("AS", "DS", "IS", "TM", "DA", "DT", "UI", "UN", "OB", "OW")
DEEPEST = 3
ANY_VR = st.sampled_from((*TEXT_VRS, *OTHER_VRS))
CHARSETS = ("ISO_IR 6", "ISO_IR 100", "ISO_IR 192", "ISO_IR 144", "GB18030", "ISO 2022 IR 87")
PLAIN = Wrapping(b"\0" * 128, "WARD7TITLE", "", "V1", "")
# These decide how the file is read, or belong to the pixels.
FIXED = frozenset((
    0x00080005, 0x00080016, 0x00080018, 0x00280002, 0x00280004, 0x00280010, 0x00280011, 0x00280100, 0x00280101,
    0x00280102, 0x00280103, 0x7FE00010,
))  # fmt: skip


@dataclass
class Arbitrary:
    """An instance and the source values that lie in it."""

    content: bytes
    needles: list[Needle]
    notes: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        """Show what hypothesis should print of a failing example."""
        return f"Arbitrary({self.notes})"


@cache
def kept_tags() -> tuple[int, ...]:
    """Give the elements that the profile keeps of a CT: there a value has the best chance to stay."""
    rules = load_profile().class_rules(CT)
    assert rules is not None
    return tuple(sorted(tag for tag in rules.rules if tag not in FIXED))


@cache
def policy_text() -> str:
    """Give all shipped policies, in which every word that may stay is written."""
    return "".join(path.read_text() for path in (files("workbench.ingest") / "profiles").iterdir()).casefold()


@cache
def of_action(action: str) -> frozenset[int]:
    """Give the elements of an action: numbers of any size may be as long as a date, tables hold any bytes but words."""
    rules = load_profile().class_rules(CT)
    assert rules is not None
    return frozenset(tag for tag, rule in rules.rules.items() if rule.action == action)


@st.composite
def instances(pick: Any, syntaxes: tuple[str, ...] = ("explicit", "implicit")) -> Arbitrary:
    """Draw an instance."""
    mint = Mint(pick(st.integers(0, 10**6)))
    dataset = draw("ct", 1, make_person(mint).uids("ct"), 4)
    mint.needles[:] = [needle for needle in mint.needles if needle.kind == "uid"]
    charset = pick(st.sampled_from(CHARSETS))
    dataset.SpecificCharacterSet = charset
    made = Arbitrary(b"", mint.needles, [charset])
    _fill(pick, Ground(dataset, mint, python_encoding[charset]), made, depth=0)
    syntax = pick(st.sampled_from(syntaxes))
    made.notes.append(syntax)
    made.content = encode(dataset, syntax, PLAIN)
    return made


def _fill(pick: Any, ground: Ground, made: Arbitrary, depth: int) -> None:
    for _ in range(pick(st.integers(1, 8 if depth == 0 else 3))):
        tag = pick(_tags())
        kind = DicomDictionary[tag][0] if tag in DicomDictionary else "UN"
        if kind == "SQ":
            if depth < DEEPEST:
                _fill(pick, ground.item(tag), made, depth + 1)
            continue
        vr = pick(ANY_VR) if pick(st.booleans()) else kind
        value = _value(pick, ground, tag, vr)
        if value is not None and not isinstance(ground.dataset.get_item(tag), Dataset):
            ground.put(tag, vr if len(vr) == 2 else "UN", value)
            made.notes.append(f"{ground.place(tag)} {vr} {value[:40]!r}")


@cache
def _tags() -> st.SearchStrategy[int]:
    known = st.sampled_from(sorted(tag for tag in DicomDictionary if tag >= 0x00080000 and tag not in FIXED))
    private = st.builds(lambda group, element: group << 16 | element, st.sampled_from((0x0009, 0x0029, 0x0051)),
                        st.integers(0x1001, 0x10FF))  # fmt: skip
    return st.one_of(st.sampled_from(kept_tags()), known, private)


def _value(pick: Any, ground: Ground, tag: int, vr: str) -> bytes | None:
    place, mint = ground.place(tag), ground.mint
    if tag in of_action("binary") or (vr in ("DS", "IS", "DA", "DT") and tag in of_action("any-number")):
        return mint.name(place).encode()
    if vr in ("DS", "IS"):
        return mint.number(place).encode()
    if vr in ("DA", "DT"):
        return mint.know(place, "date", pick(st.sampled_from(DAYS))).encode()
    if vr == "UI":
        return mint.uid(place, mint.number(place)).encode()
    if vr in ("OB", "OW", "UN") or vr not in TEXT_VRS:
        return mint.name(place).encode() + pick(st.binary(max_size=6))
    return _text(pick, ground, place)


@cache
def _words(codec: str) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec=codec, categories=("Lu", "Ll", "Lo")), min_size=7, max_size=12).filter(_varies)


def _varies(word: str) -> bool:
    """Whether letters come and go as in a name; rows such as `AAAAAAA` or `abcdefg` are numbers as well."""
    steps = [after > before for before, after in pairwise(word.casefold()) if after != before]
    return sum(first != second for first, second in pairwise(steps)) >= 3


def _text(pick: Any, ground: Ground, place: str) -> bytes:
    """Draw words of letters that the character set can write, between others, as people write them."""
    word = pick(_words(ground.codec))
    spell = pick(st.sampled_from((str, str.upper, str.lower, str.title)))
    try:
        written = spell(word)
        written.encode(ground.codec)
    except UnicodeEncodeError:
        written = word
    # A word of the policy itself is nobody's name.
    if written.casefold() not in policy_text():
        ground.mint.know(place, "name", written)
    before, after = pick(st.sampled_from((("", ""), ("CHEST ", ""), ("", "^Dr"), ("CT vom ", "\\"), ("a\\", " 3 mm"))))
    return f"{before}{written}{after}".encode(ground.codec)
