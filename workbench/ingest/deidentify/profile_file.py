"""Profile files: the shipped policy in its parts, and a site's own file that changes it.

A site's file is JSON such as `{"name": "our-site", "extends": "standard", "options": {"safe-private": false},
"add": {"StationName": "device"}, "remove": ["PatientWeight"], "words": ["dotatate"]}`.

Runs in: ingest host
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from workbench.errors import InvalidInput

# A file whose stem has a point is a part of the profile before the point.
SHIPPED = files("workbench.ingest") / "profiles"
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
ACTIONS = frozenset((
    "age", "binary", "burned-in", "charset", "codes", "date", "datetime", "device", "empty", "number", "any-number",
    "pattern", "pixels", "pseudonym-id", "pseudonym-text", "remove", "sequence", "standard-uid", "terms", "time",
    "uid", "words",
))  # fmt: skip
# Actions that work on any representation; the others are for their own.
TEXT_VRS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT")
VRS_OF = {
    "age": ("AS",), "date": ("DA",), "datetime": ("DT",), "time": ("TM",), "terms": ("CS",), "codes": ("SQ",),
    "sequence": ("SQ",), "uid": ("UI",), "words": TEXT_VRS, "device": TEXT_VRS, "pseudonym-text": TEXT_VRS,
    "pseudonym-id": TEXT_VRS,
}  # fmt: skip
OWN_KEYS = frozenset(("name", "about", "extends", "options", "add", "remove", "words", "number_limit"))
METHOD = ("113100", "Basic Application Confidentiality Profile")


@dataclass(frozen=True)
class ClassEntry:
    """A SOP class of the policy: its name, its kind, and the modules whose elements it may have."""

    name: str
    kind: str
    modules: tuple[str, ...]


@dataclass(frozen=True)
class PrivateElement:
    """A private element whose content is known to be technical (PS3.15 E.3.10)."""

    creator: str
    group: int
    element: int
    name: str
    action: str
    vr: str


@dataclass(frozen=True)
class PolicyBody:
    """A policy, checked and with its options resolved; `rules` makes rules from it."""

    name: str
    digest: str
    options: frozenset[str]
    methods: tuple[tuple[str, str], ...]
    syntaxes: Mapping[str, str]
    number_limit: float
    sop_classes: Mapping[str, ClassEntry]
    modules: Mapping[str, tuple[str, ...]]
    sequences: Mapping[str, tuple[str, ...]]
    actions: Mapping[str, str]
    actions_of_vr: Mapping[str, str]
    patterns: Mapping[str, re.Pattern[str]]
    defaults: Mapping[str, str]
    open_terms: Mapping[str, str]
    code_meanings: Mapping[tuple[str, str], str]
    terms: Mapping[str, dict[str, str]]
    required: frozenset[str]
    private: tuple[PrivateElement, ...]
    words: Mapping[str, Any]


@cache
def shipped_names() -> tuple[str, ...]:
    """Give the names of the shipped profiles."""
    return tuple(sorted(one.name[:-5] for one in SHIPPED.iterdir() if re.fullmatch(r"[a-z0-9-]+\.json", one.name)))


def read_policy(name: str) -> PolicyBody:
    """Read a shipped profile by its name, or a site's own by the path of its file."""
    if name in shipped_names():
        return _policy(_shipped(name))
    path = Path(name)
    if not name.endswith(".json") or not path.is_file():
        raise InvalidInput(
            f"There is no profile “{name}”: shipped are {' and '.join(shipped_names())}, "
            "and any other is given as the path of a JSON file."
        )
    try:
        own = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise InvalidInput(f"The profile {path.name} is not readable JSON ({type(problem).__name__}).") from None
    return _policy(_changed(own, path.name))


def _shipped(name: str) -> dict[str, Any]:
    """Give a shipped profile with its parts, as plain JSON."""
    raw = _read(name)
    if "extends" in raw:
        return _changed(raw, f"{name}.json")
    for part in raw.pop("parts"):
        raw.update({key: value for key, value in _read(part).items() if key != "about"})
    return raw


def _read(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))
    return body


def _changed(own: Any, file: str) -> dict[str, Any]:
    """Give the profile that a file extends, changed as the file says."""
    check = _Check(file)
    check.that(isinstance(own, dict), "the file", "must be a JSON object")
    for key in own:
        check.that(key in OWN_KEYS, f"“{key}”", f"is not known; a profile has {', '.join(sorted(OWN_KEYS))}")
    name = own.get("name", "")
    check.that(isinstance(name, str) and bool(NAME.fullmatch(name)), "name", "must be small letters, digits, hyphens")
    base = own.get("extends", "standard")
    check.that(base in shipped_names(), "extends", f"must be one of {', '.join(shipped_names())}")
    raw = _shipped(base)
    raw["name"] = name
    _switch(raw, own.get("options", {}), check)
    if "number_limit" in own:
        limit = own["number_limit"]
        check.that(type(limit) in (int, float) and limit > 0, "number_limit", "must be a positive number")
        raw["number_limit"] = limit
    _remove(raw, own.get("remove", []), check)
    _add(raw, own.get("add", {}), check)
    words = own.get("words", [])
    is_list = isinstance(words, list) and all(isinstance(word, str) and word.isalnum() for word in words)
    check.that(is_list, "words", "must be a list of single words of letters and digits")
    raw["words"] = {**raw["words"], "own": words}
    return raw


@dataclass(frozen=True)
class _Check:
    """Refuses an entry of a profile file in one sentence."""

    file: str

    def that(self, is_right: bool, entry: str, problem: str) -> None:
        if not is_right:
            raise InvalidInput(f"The profile {self.file} is not usable: {entry} {problem}.", code="bad-profile")

    def keyword(self, keyword: object, entry: str) -> None:
        is_known = isinstance(keyword, str) and tag_for_keyword(keyword) is not None
        self.that(is_known, f"{entry}: “{keyword}”", "is not the keyword of a DICOM element, such as PatientWeight")


def _switch(raw: dict[str, Any], options: Any, check: _Check) -> None:
    check.that(isinstance(options, dict), "options", "must be an object of option names to true or false")
    for option, is_on in options.items():
        known = ", ".join(raw["options"])
        check.that(option in raw["options"], f"options: “{option}”", f"is no option; there are {known}")
        check.that(isinstance(is_on, bool), f"options: “{option}”", "must be true or false")
    raw["options"] = {**raw["options"], **options}


def _remove(raw: dict[str, Any], keywords: Any, check: _Check) -> None:
    check.that(isinstance(keywords, list), "remove", "must be a list of keywords")
    for keyword in keywords:
        check.keyword(keyword, "remove")
    raw["dropped"] = sorted({*raw.get("dropped", ()), *keywords})


def _add(raw: dict[str, Any], elements: Any, check: _Check) -> None:
    check.that(isinstance(elements, dict), "add", "must be an object of keywords to actions")
    for keyword, action in elements.items():
        check.keyword(keyword, "add")
        known = ", ".join(sorted(ACTIONS))
        check.that(isinstance(action, str) and action in ACTIONS, f"add: {keyword}", f"needs an action out of {known}")
        vr = dictionary_VR(keyword)
        fits = vr in VRS_OF.get(action, (vr,)) and action not in ("binary", "pixels", "pattern")
        check.that(fits, f"add: {keyword}", f"is {vr}, which “{action}” is not for")
        raw["modules"]["base"] = [*raw["modules"]["base"], keyword]
        raw["given"] = {**raw.get("given", {}), keyword: action}
        raw["dropped"] = [one for one in raw.get("dropped", ()) if one != keyword]


def _policy(raw: dict[str, Any]) -> PolicyBody:
    """Resolve the options of a profile."""
    actions = {keyword: action for action, keywords in raw["actions"].items() for keyword in keywords}
    actions |= dict.fromkeys(raw["codes"], "codes") | dict.fromkeys(raw["patterns"], "pattern")
    of_vr: dict[str, str] = {}
    methods = [METHOD]
    for name, effect in raw["effects"].items():
        is_on = raw["options"][name]
        for action, keywords in effect.get("on" if is_on else "off", {}).items():
            actions |= dict.fromkeys(keywords, action)
        if not is_on:
            of_vr |= dict.fromkeys(effect.get("removes_vrs", ()), "remove")
        if is_on and "code" in effect:
            methods.append((effect["code"], effect["meaning"]))
    actions |= raw.get("given", {}) | dict.fromkeys(raw.get("dropped", ()), "remove")
    return PolicyBody(
        name=raw["name"],
        digest=hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest(),
        options=frozenset(name for name, is_on in raw["options"].items() if is_on),
        methods=tuple(methods),
        syntaxes=raw["transfer_syntaxes"],
        number_limit=float(raw["number_limit"]),
        sop_classes={uid: _class_entry(entry) for uid, entry in raw["sop_classes"].items()},
        modules=_tuples(raw["modules"]),
        sequences=_tuples(raw["sequences"]),
        actions=actions,
        actions_of_vr=of_vr,
        patterns={keyword: re.compile(pattern) for keyword, pattern in raw["patterns"].items()},
        defaults=raw["defaults"],
        open_terms={term.casefold(): term for term in raw["open_terms"]},
        code_meanings={(value, scheme): meaning for value, scheme, meaning in raw["code_meanings"]},
        terms={keyword: {term.casefold(): term for term in terms} for keyword, terms in raw["terms"].items()},
        required=frozenset(raw["required"]) - frozenset(raw.get("dropped", ())),
        private=tuple(_private(raw["private"])) if raw["options"]["safe-private"] else (),
        words=raw["words"],
    )


def _tuples(lists: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(keywords) for name, keywords in lists.items()}


def _class_entry(entry: Any) -> ClassEntry:
    modules = ("base", *entry["modules"]) if entry["kind"] != "ignore" else ()
    return ClassEntry(entry["name"], entry["kind"], modules)


def _private(blocks: list[dict[str, Any]]) -> list[PrivateElement]:
    make: Callable[..., PrivateElement] = PrivateElement
    return [
        make(block["creator"], int(block["group"], 16), int(last, 16), name, action, vr)
        for block in blocks
        for last, (name, vr, action) in block["elements"].items()
    ]
