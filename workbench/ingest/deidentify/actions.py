"""What each action of a profile makes of one element.

An action gives the element that is written, or nothing when the value is not what the element is for.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.5 2026c 6.2 (value representations).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydicom._uid_dict import UID_dictionary
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_has_tag, dictionary_VM
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from workbench.ingest.deidentify.rules import Rule

if TYPE_CHECKING:
    from workbench.ingest.deidentify.cleaner import Deidentifier

INTEGER_VRS = frozenset(("US", "SS", "UL", "SL", "UV", "SV"))
BYTES_OF_INTEGER = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "UV": 8, "SV": 8}
NUMBER_VRS = INTEGER_VRS | frozenset(("DS", "IS", "FL", "FD"))
DECIMAL = re.compile(r" *[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? *")
NUMBER = rb" *[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? *"
DECIMALS = re.compile(NUMBER + rb"(?:\\" + NUMBER + rb")*+")
LONG_LIST_BYTES = 256
AGE = re.compile(r"(\d{1,3})([DWMY])")
DAY = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2}) *")
MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})((?:[0-2]\d(?:[0-5]\d(?:[0-6]\d(?:\.\d{1,6})?)?)?)?(?:[+-]\d{4})?) *")
TIME = re.compile(r"[0-2]\d:?(?:[0-5]\d:?(?:[0-6]\d(?:\.\d{1,6})?)?)? *")
DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:+-]{0,31}")
OLDEST_AGE = {"D": 999, "W": 999, "M": 999, "Y": 89}
TOO_OLD = "090Y"
PIXEL_DATA = 0x7FE00010
EXTENSIONS_ONLY = frozenset(("ISO 2022 IR 58", "ISO 2022 IR 87", "ISO 2022 IR 149", "ISO 2022 IR 159"))
# The escapes to other letters and back (ISO 2022), which text in another script is written between.
OTHER_LETTERS = re.compile(rb"\x1b(?:\$[@B]|\$\([D@AB]|\$\)[AC]|-[A-Z]|\([IJ]|\)[IJ]).{1,200}?\x1b[(\-$)]", re.DOTALL)
LETTERS_ONLY = re.compile(rb"[0-9A-Za-z ]{8}")
SHORTEST_RAMP = 16
LETTERS, WORD_TURNS = re.compile(rb"[A-Z]?[a-z]{4,}|[A-Z]{5,}|[0-9]{5,}"), 2


@dataclass(frozen=True)
class Context:
    """What the reading of an element depends on besides its bytes.

    Parameters
    ----------
    charsets : tuple of str
        Python's names of the encodings of text.
    names : frozenset of str
        Case-folded words of names in the instance, which no text may keep.
    is_signed : bool
        Whether numbers of either sign are signed here (PixelRepresentation).
    """

    charsets: tuple[str, ...] = ("iso8859",)
    names: frozenset[str] = frozenset()
    is_signed: bool = False


def texts(value: Any) -> list[str]:
    """Give the values of an element as text, each stripped of the padding that its VR allows."""
    if value is None or value == "":
        return []
    values = value if isinstance(value, list | tuple | MultiValue) else [value]
    return [str(each).strip(" ") for each in values]


def _like(element: DataElement, rule: Rule, value: object) -> DataElement:
    return DataElement(element.tag, rule.vr, value)


def _listed(element: DataElement, rule: Rule, values: list[str]) -> DataElement | None:
    return _like(element, rule, values if len(values) != 1 else values[0]) if any(values) else None


def _empty(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement:
    return _like(element, rule, "")


def _pseudonym_id(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement:
    return _like(element, rule, cleaner.pseudonyms.patient_id)


def _pseudonym_text(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    return _listed(
        element, rule, [cleaner.pseudonyms.text(rule.name, one) if one else "" for one in texts(element.value)]
    )


def _uid(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    uids = [one.strip("\0 ") for one in texts(element.value)]
    return _listed(
        element, rule, [one if one in UID_dictionary else cleaner.pseudonyms.uid(one) for one in uids if one]
    )


def _standard_uid(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    uids = [one.strip("\0 ") for one in texts(element.value)]
    return _listed(element, rule, [one for one in uids if one in UID_dictionary])


def _date(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    days = [DAY.fullmatch(one) for one in texts(element.value)]
    if not days or None in days:
        return None
    return _listed(element, rule, [cleaner.shifted(*one.groups()) for one in days if one])


def _datetime(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    moments = [MOMENT.fullmatch(one) for one in texts(element.value)]
    if not moments or None in moments:
        return None
    return _listed(element, rule, [cleaner.shifted(*one.groups()[:3]) + one[4] for one in moments if one])


def _time(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    times = texts(element.value)
    return _listed(element, rule, times) if all(TIME.fullmatch(one) for one in times) else None


def _age(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    found = AGE.fullmatch(str(element.value or "").strip(" "))
    if found is None:
        return None
    number, unit = int(found[1]), found[2]
    return _like(element, rule, f"{number:03d}{unit}" if number <= OLDEST_AGE[unit] else TOO_OLD)


def _terms(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    """Keep defined terms; an element whose terms the standard leaves open keeps words of the vocabulary."""
    values = texts(element.value)
    if rule.terms:
        kept = [rule.terms[one.casefold()] if one.casefold() in rule.terms else "" for one in values]
        return _listed(element, rule, [one for one in kept if one])
    known, clean = cleaner.profile.open_terms, cleaner.profile.vocabulary.clean
    kept = [value if value.casefold() in known else clean(value, context.names) for value in values]
    return _listed(element, rule, [one for one in kept if one])


NARRATIVE, MOST_OF = ("LT", "ST", "UT"), 0.6


def _words(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    clean, values = cleaner.profile.vocabulary.clean, texts(element.value)
    cleaned = [clean(one, context.names) for one in values]
    if rule.vr in NARRATIVE:
        # Of a story about a person, scattered words that happen to be known tell nothing and look like a leak.
        pairs = zip(cleaned, values, strict=True)
        cleaned = [kept if len(kept.split()) >= MOST_OF * len(whole.split()) else "" for kept, whole in pairs]
    return _listed(element, rule, cleaned)


def _device(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    values = texts(element.value)
    return _listed(element, rule, values) if all(DEVICE.fullmatch(one) for one in values) else None


def _charset(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    names = texts(element.value)
    if names and names[0] in EXTENSIONS_ONLY:
        # Such a set extends another one (PS3.5 6.1.2.5.1); as the first it cannot write an empty value.
        names = ["", *names]
    return _listed(element, rule, names) if all(name in python_encoding for name in names) else None


def _pattern(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    """Keep values of a known form, such as versions; of others the words of the vocabulary."""
    clean, pattern = cleaner.profile.vocabulary.clean, rule.pattern
    values = [one if pattern and pattern.fullmatch(one) else clean(one, context.names) for one in texts(element.value)]
    return _listed(element, rule, values)


def _burned_in(cleaner: Deidentifier, rule: Rule, element: DataElement, _: Context) -> DataElement | None:
    """Keep a warning; only a check of the pixels may say that there is no text in them."""
    return _like(element, rule, "YES") if str(element.value).strip(" ").upper() == "YES" else None


def _number(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    return _checked_number(rule, element, context, cleaner.profile.number_limit)


def _any_number(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    return _checked_number(rule, element, context, float("inf"))


def _checked_number(rule: Rule, element: DataElement, context: Context, limit: float) -> DataElement | None:
    vr = rule.vr
    if " or " in vr:
        vr = "SS" if context.is_signed and "SS" in vr else "US"
    value = element.value
    if " or " in element.VR and isinstance(value, bytes):
        value = [int.from_bytes(value[at : at + 2], "little", signed=vr == "SS") for at in range(0, len(value), 2)]
    elif element.VR == "AT" and vr == "AT":
        tags = list(value) if isinstance(value, list | tuple | MultiValue) else [value]
        return DataElement(element.tag, "AT", value) if all(map(dictionary_has_tag, tags)) else None
    elif element.VR not in NUMBER_VRS:
        return None
    values = list(value) if isinstance(value, list | tuple | MultiValue) else [value]
    if not values or None in values or "" in values:
        return None
    if vr not in ("DS", "IS"):
        if not all(abs(one) <= limit for one in values) or _spells_words(element, vr, values):
            return None
        return DataElement(element.tag, vr, values[0] if len(values) == 1 else values)
    spelled = [str(getattr(one, "original_string", one)) for one in values]
    if not all(DECIMAL.fullmatch(text) and abs(float(text)) <= limit for text in spelled):
        return None
    return DataElement(element.tag, vr, spelled[0] if len(spelled) == 1 else spelled)


def _spells_words(element: DataElement, vr: str, values: list[Any]) -> bool:
    """Tell whether binary numbers may be a text that was written where numbers belong."""
    most = dictionary_VM(element.tag) if dictionary_has_tag(element.tag) else "n"
    if most.isdigit() and len(values) > int(most):
        return True
    if vr in BYTES_OF_INTEGER:
        size = BYTES_OF_INTEGER[vr]
        return holds_words(b"".join(int(one).to_bytes(size, "little", signed=one < 0) for one in values))
    # A single value of four letters happens among measured ones, so it takes two side by side.
    return LETTERS_ONLY.search(struct.pack(f"<{len(values)}{'d' if vr == 'FD' else 'f'}", *values)) is not None


def is_plain_decimals(rule: Rule, raw: RawDataElement) -> bool:
    """Whether an element is a long list of decimals without a limit, such as a contour: it may stay as spelled."""
    if rule.action != "any-number" or rule.vr not in ("DS", "IS") or raw.VR not in (rule.vr, None):
        return False
    value = raw.value or b""
    return len(value) >= LONG_LIST_BYTES and DECIMALS.fullmatch(value) is not None


def _codes(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    items = []
    for source in element.value:
        value, scheme = str(source.get("CodeValue", "")).strip(), str(source.get("CodingSchemeDesignator", "")).strip()
        meaning = cleaner.profile.code_meaning(value, scheme)
        if meaning is None:
            continue
        item = cleaner.clean_item(source, rule.items, context)
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        items.append(item)
    return DataElement(element.tag, "SQ", Sequence(items)) if items else None


def _sequence(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    items = [cleaner.clean_item(item, rule.items, context) for item in element.value]
    is_empty = all(len(item) == 0 for item in items)
    return None if is_empty and any(map(len, element.value)) else DataElement(element.tag, "SQ", Sequence(items))


def _binary(cleaner: Deidentifier, rule: Rule, element: DataElement, context: Context) -> DataElement | None:
    """Keep pixels and lookup tables; a table that is written as numbers is numbers."""
    is_open = " or " in rule.vr and rule.action != "pixels"
    if not isinstance(element.value, bytes):
        return _any_number(cleaner, rule, element, context) if is_open else None
    if rule.action != "pixels" and holds_words(element.value):
        return None
    # Which numbers a table's bytes are cannot be told where its descriptor is missing.
    return DataElement(element.tag, "OW", element.value) if is_open and " or " in element.VR else element


def holds_words(content: bytes) -> bool:
    """Tell whether a lookup table holds what reads as a word or number, in one or two bytes a letter.

    A table rises and falls slowly, so that even where its values are letters they hardly turn.

    >>> holds_words(bytes(range(256))), holds_words(b"..Okonkwo.."), holds_words("Okonkwo".encode("utf-16-le"))
    (False, True, True)
    """
    if _only_rises_or_falls(content):
        return False
    if OTHER_LETTERS.search(content):
        return True
    for letters in (content, content[::2], content[1::2]):
        for run in LETTERS.findall(letters):
            steps = [after - before for before, after in pairwise(run) if after != before]
            if sum(step * following < 0 for step, following in pairwise(steps)) >= WORD_TURNS:
                return True
    return False


def _only_rises_or_falls(content: bytes) -> bool:
    """Whether numbers of 16 bits are a ramp, as most lookup tables are; no text of some length is one."""
    numbers = struct.unpack(f"<{len(content) // 2}H", content[: len(content) // 2 * 2])
    steps = [after - before for before, after in pairwise(numbers)]
    return len(numbers) >= SHORTEST_RAMP and (all(step >= 0 for step in steps) or all(step <= 0 for step in steps))


def shifted_day(day: date) -> str:
    """Spell a day as DA does, also before the year 1000."""
    return f"{day.year:04d}{day:%m%d}"


Action = Callable[["Deidentifier", Rule, DataElement, Context], DataElement | None]
ACTIONS: dict[str, Action] = {
    "age": _age,
    "any-number": _any_number,
    "binary": _binary,
    "burned-in": _burned_in,
    "charset": _charset,
    "codes": _codes,
    "date": _date,
    "datetime": _datetime,
    "device": _device,
    "empty": _empty,
    "number": _number,
    "pattern": _pattern,
    "pixels": _binary,
    "pseudonym-id": _pseudonym_id,
    "pseudonym-text": _pseudonym_text,
    "sequence": _sequence,
    "standard-uid": _standard_uid,
    "terms": _terms,
    "time": _time,
    "uid": _uid,
    "words": _words,
}
