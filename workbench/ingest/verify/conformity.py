"""Whether a value has the form that the profile's rule allows: a number, a defined term, a word of radiology.

Where it has, it says nothing about a person, even if the same signs are also somebody's number or name.

Runs in: ingest host
Source: DICOM PS3.5 2026c 6.2 (value representations); PS3.15 2026c E.3.4, E.3.5 (descriptors, characteristics); PS3.16
2026c (codes).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from workbench.ingest.verify.dicom_bytes import Element
from workbench.ingest.verify.dictionary import STANDARD_UIDS
from workbench.ingest.verify.policy import Policy, Rule

BINARY_NUMBERS = frozenset(("AT", "FD", "FL", "OD", "OF", "OL", "OV", "SL", "SS", "SV", "UL", "US", "UV"))
DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
AGE = re.compile(r"(\d{3})([DWMY])")
UID = re.compile(r"[0-9.]{1,64}")
DATE = re.compile(r"\d{8}")
DATETIME = re.compile(r"\d{4,14}(?:\.\d{1,6})?(?:[+-]\d{4})?")
TIME = re.compile(r"\d{2}:?(?:\d{2}:?(?:\d{2}(?:\.\d{1,6})?)?)?")
CHARSET = re.compile(r"ISO_IR \d{1,3}|ISO 2022 IR \d{1,3}|GB18030|GBK")
PSEUDONYM = re.compile(r"[0-9a-f]{16}")
OLDEST_YEARS = 90
# A word of free text: letters and digits, and the decimals of a number. More digits than this could be a number of
# a person, so such a text is searched like any other.
WORD = re.compile(r"[^\W_]+(?:\.\d[^\W_]*)*")
NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,6})?")
RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Za-z]+|\d+|[^A-Za-z0-9]+")
MOST_DIGITS = 5
# The symbols that units of measurement in images are made of, with what may stand before and after each.
UNITS = frozenset(
    "g l L m s Bq Gy Hz V eV mol Pa W J A T Sv min h d a % 1 K Cel deg rad ar dB Ci mm[Hg] [hnsf'U]".split()
)
UNIT = re.compile(
    r"(?:\d{1,3}\*?-?\d?)?(?P<prefix>[numkcMGd])?(?P<symbol>[A-Za-z%1\[\]']+?|\{[A-Za-z]{2,10}\})(?:-?\d)?"
)
CODE_PARTS = (0x00080100, 0x00080102, 0x00080104)


def conforms(policy: Policy, rule: Rule, element: Element) -> bool | None:
    """Whether every value of an element has the form of its rule; None where the rule says nothing of the form."""
    check = CHECKS.get(rule.action)
    if check is None:
        return None
    if (rule.vr if element.vr == "UN" else element.vr) in BINARY_NUMBERS:
        return rule.action in ("number", "any-number")
    results = {check(policy, rule, value) for value in texts_of(element) if value and value != rule.default}
    return False if False in results else None if None in results else True


def texts_of(element: Element) -> list[str]:
    """Give the values of a text element, without what pads them."""
    raw = element.value
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return [value.strip(" ") for value in text.removesuffix("\0").split("\\")]


def is_known_code(policy: Policy, item: list[Element]) -> bool:
    """Whether an item's code is one of the standard's dictionaries, with the meaning that they give it."""
    parts = {element.tag: texts_of(element)[0] for element in item if element.tag in CODE_PARTS}
    value, scheme, meaning = (parts.get(tag, "") for tag in CODE_PARTS)
    if scheme == "UCUM" and value == meaning and all(_is_unit(part) for part in re.split(r"[/.]", value)):
        return True
    return policy.code_meanings.get((value, scheme)) == meaning or meaning.casefold() in _meanings().get(
        (value, scheme), ()
    )


def is_listed_code(policy: Policy, item: list[Element]) -> bool:
    """Whether the standard's dictionaries have an item's code, whatever meaning the item gives it."""
    parts = {element.tag: texts_of(element)[0] for element in item if element.tag in CODE_PARTS}
    code = (parts.get(CODE_PARTS[0], ""), parts.get(CODE_PARTS[1], ""))
    return is_known_code(policy, item) or code in policy.code_meanings or code in _meanings()


def _is_unit(part: str) -> bool:
    found = UNIT.fullmatch(part)
    if found is None:
        return False
    symbol = found["symbol"]
    return symbol in UNITS or (found["prefix"] or "") + symbol in UNITS or symbol.startswith("{")


@cache
def _meanings() -> dict[tuple[str, str], frozenset[str]]:
    from pydicom.sr._concepts_dict import concepts  # noqa: PLC0415 - heavy, loaded on first use
    from pydicom.sr._snomed_dict import mapping  # noqa: PLC0415 - heavy, loaded on first use

    found: dict[tuple[str, str], set[str]] = {}
    tables: Any = concepts
    for scheme, entries in tables.items():
        for codes in entries.values():
            for value, (meaning, *_) in codes.items():
                found.setdefault((value, scheme), set()).add(meaning.casefold())
    for old, new in mapping["SRT"].items():
        for scheme in ("SRT", "SNM3", "99SDM"):
            found.setdefault((old, scheme), set()).update(found.get((new, "SCT"), ()))
    return {code: frozenset(meanings) for code, meanings in found.items()}


def _any_number(policy: Policy, rule: Rule, value: str) -> bool | None:
    return bool(DECIMAL.fullmatch(value))


def _number(policy: Policy, rule: Rule, value: str) -> bool | None:
    return bool(DECIMAL.fullmatch(value)) and abs(float(value)) <= policy.number_limit


def _age(policy: Policy, rule: Rule, value: str) -> bool | None:
    found = AGE.fullmatch(value)
    return found is not None and (found[2] != "Y" or int(found[1]) <= OLDEST_YEARS)


def _terms(policy: Policy, rule: Rule, value: str) -> bool | None:
    if rule.terms:
        return value.casefold() in rule.terms
    return value.casefold() in policy.open_terms or _words(policy, rule, value)


def _pattern(policy: Policy, rule: Rule, value: str) -> bool | None:
    return bool(rule.pattern and rule.pattern.fullmatch(value)) or _words(policy, rule, value)


def _words(policy: Policy, rule: Rule, value: str) -> bool | None:
    if value.casefold() in policy.phrases:
        return True
    rest = policy.compounds.sub(" ", value)
    if not value.isascii() or not all(_is_known(policy, word) for word in WORD.findall(rest)):
        return False
    return True if sum(char.isdigit() for char in value) <= MOST_DIGITS else None


def _is_known(policy: Policy, word: str) -> bool:
    if len(word) == 1 or word.casefold() in policy.words or NUMBER.fullmatch(word) or policy.shape.fullmatch(word):
        return True
    letters = [part.casefold() for part in RUNS.findall(word) if part.isalpha()]
    return bool(letters) and all(len(part) == 1 or part in policy.words for part in letters)


def _fits(pattern: re.Pattern[str]) -> Callable[[Policy, Rule, str], bool | None]:
    return lambda policy, rule, value: bool(pattern.fullmatch(value))


CHECKS: dict[str, Callable[[Policy, Rule, str], bool | None]] = {
    "age": _age,
    "any-number": _any_number,
    "burned-in": lambda policy, rule, value: value in ("YES", "NO"),
    "charset": _fits(CHARSET),
    "creator": lambda policy, rule, value: value in policy.creators,
    "date": _fits(DATE),
    "datetime": _fits(DATETIME),
    "empty": lambda policy, rule, value: False,
    "number": _number,
    "pattern": _pattern,
    "pseudonym-id": _fits(PSEUDONYM),
    "pseudonym-text": _fits(PSEUDONYM),
    "standard-uid": lambda policy, rule, value: value in STANDARD_UIDS,
    "terms": _terms,
    "time": _fits(TIME),
    "uid": _fits(UID),
    "words": _words,
}
