"""The de-identification profile, read a second time from its JSON: which element may stay where, in which form.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.6 2026c (value representations).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydicom._dicom_dict import DicomDictionary

from workbench.errors import InvalidInput
from workbench.ingest.verify.dicom_bytes import Element

PROFILES = Path(__file__).parents[1] / "profiles"
ACTION_OF_VR = {
    **dict.fromkeys(("DS", "IS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT", "US or SS"), "number"),
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC"), "words"),
    "AS": "age", "CS": "terms", "DA": "date", "DT": "datetime", "SQ": "sequence", "TM": "time", "UI": "uid",
    "PN": "empty",
}  # fmt: skip
# Actions that let a value of the source stand as it is; the others replace it.
KEEPING = frozenset((
    "age", "any-number", "binary", "charset", "codes", "creator", "device", "number", "pattern", "pixels", "sequence",
    "standard-uid", "terms", "words",
))  # fmt: skip
BASIC = ("113100", "Basic Application Confidentiality Profile")
TAG_OF = {entry[4]: tag for tag, entry in DicomDictionary.items()}
WORD = re.compile(r"[^\W\d_]+")


@dataclass(eq=False)
class Rule:
    """How one element may stand in the output."""

    keyword: str
    action: str
    vr: str = ""
    terms: frozenset[str] | None = None
    pattern: re.Pattern[str] | None = None
    default: str = ""
    items: dict[int, Rule] = field(default_factory=dict)

    @property
    def keeps(self) -> bool:
        """Whether the profile lets the source's own value stand."""
        return self.action in KEEPING


CREATOR = Rule("PrivateCreator", "creator", "LO")


class Policy:
    """A profile as the verifier reads it.

    Parameters
    ----------
    raw : dict
        The profile's JSON with its parts, its options not yet resolved.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.name = str(raw["name"])
        self.digest = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()
        self.number_limit = float(raw["number_limit"])
        self.methods: list[tuple[str, str]] = [BASIC]
        self._actions, self._of_vr = self._resolve()
        self._made: dict[str, Rule | None] = {}
        self._classes: dict[str, dict[int, Rule]] = {}
        words = raw["words"]
        self.words = _words([words["topics"], words["connecting"].split(), words.get("own", [])])
        self.phrases = frozenset(phrase.casefold() for phrase in words["phrases"])
        self.shape = re.compile("|".join(f"(?:{shape})" for shape in words["shapes"]) or r"(?!)", re.IGNORECASE)
        self.open_terms = frozenset(term.casefold() for term in raw.get("open_terms", ()))
        self.code_meanings = {(value, scheme): meaning for value, scheme, meaning in raw.get("code_meanings", ())}
        compounds = sorted(words.get("compounds", ()), key=len, reverse=True)
        either = "|".join(rf"(?<![^\W_]){re.escape(each)}(?![^\W_])" for each in compounds)
        self.compounds = re.compile(either or r"(?!)", re.IGNORECASE)
        self.known_words = self.words | _words([raw["terms"], sorted(self.open_terms), words["phrases"], compounds])
        self.private = self._private() if raw["options"].get("safe-private") else {}
        self.creators = frozenset(creator for _, creator, _ in self.private)

    @property
    def shifts_dates(self) -> bool:
        """Whether dates stay, shifted by one offset per patient."""
        return bool(self.raw["options"].get("modified-dates"))

    def rules(self, sop_class: str) -> Mapping[int, Rule] | None:
        """Give the rules of a SOP class by tag, or None for a class that the profile does not let through."""
        entry = self.raw["sop_classes"].get(sop_class)
        if entry is None or entry["kind"] == "ignore":
            return None
        if sop_class not in self._classes:
            modules = ("base", *entry["modules"])
            keywords = [keyword for module in modules for keyword in self.raw["modules"][module]]
            self._classes[sop_class] = self._by_tag(keywords)
        return self._classes[sop_class]

    def rules_with_private(self, sop_class: str, elements: Iterable[Element]) -> Mapping[int, Rule] | None:
        """Give the rules of a SOP class and those of the safe private elements that a data set has room for."""
        rules = self.rules(sop_class)
        if rules is None or not self.private:
            return rules
        found = dict(rules)
        creators: dict[int, str] = {}
        for element in elements:
            group, low = element.tag >> 16, element.tag & 0xFFFF
            if not element.is_private:
                continue
            if 0x10 <= low <= 0xFF:
                creator = element.value.decode("latin-1").strip(" \0")
                if any(key[:2] == (group, creator) for key in self.private):
                    creators[group << 8 | low] = creator
                    found[element.tag] = CREATOR
            else:
                rule = self.private.get((group, creators.get(group << 8 | low >> 8, ""), low & 0xFF))
                if rule is not None:
                    found[element.tag] = rule
        return found

    def _resolve(self) -> tuple[dict[str, str], dict[str, str]]:
        raw = self.raw
        actions = {keyword: action for action, keywords in raw["actions"].items() for keyword in keywords}
        actions |= dict.fromkeys(raw["codes"], "codes") | dict.fromkeys(raw["patterns"], "pattern")
        of_vr: dict[str, str] = {}
        for name, effect in raw["effects"].items():
            is_on = raw["options"][name]
            for action, keywords in effect.get("on" if is_on else "off", {}).items():
                actions |= dict.fromkeys(keywords, action)
            if is_on and "code" in effect:
                self.methods.append((effect["code"], effect["meaning"]))
            if not is_on:
                of_vr |= dict.fromkeys(effect.get("removes_vrs", ()), "remove")
        return actions | raw.get("given", {}) | dict.fromkeys(raw.get("dropped", ()), "remove"), of_vr

    def _by_tag(self, keywords: Iterable[str]) -> dict[int, Rule]:
        rules = {TAG_OF[keyword]: self._rule(keyword) for keyword in keywords if keyword in TAG_OF}
        return {tag: rule for tag, rule in rules.items() if rule is not None}

    def _rule(self, keyword: str) -> Rule | None:
        if keyword in self._made:
            return self._made[keyword]
        vr = str(DicomDictionary[TAG_OF[keyword]][0])
        action = self._actions.get(keyword) or self._of_vr.get(vr) or ACTION_OF_VR.get(vr, "remove")
        if action == "remove" and keyword in self.raw["required"] and keyword not in self.raw.get("dropped", ()):
            action = "empty"
        terms, pattern = self.raw["terms"].get(keyword), self.raw["patterns"].get(keyword)
        made = None if action == "remove" else Rule(
            keyword, action, vr,
            frozenset(term.casefold() for term in terms) if terms is not None else None,
            re.compile(pattern) if pattern else None,
            str(self.raw.get("defaults", {}).get(keyword, "")),
        )  # fmt: skip
        self._made[keyword] = made
        if made is not None:
            # After it is known, because a sequence may hold itself further down.
            made.items.update(self._by_tag(self.raw["sequences"].get(keyword, ())))
        return made

    def _private(self) -> dict[tuple[int, str, int], Rule]:
        return {
            (int(block["group"], 16), block["creator"], int(last, 16)): Rule(name, action, vr)
            for block in self.raw["private"]
            for last, (name, vr, action) in block["elements"].items()
        }


@cache
def load_policy(name: str = "standard") -> Policy:
    """Read a shipped profile by name, or a site's own by the path of its JSON file.

    Raises
    ------
    InvalidInput
        When there is no such profile, or it is not usable.
    """
    file = PROFILES / f"{name}.json"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not file.is_file():
        file = Path(name)
    try:
        own = json.loads(file.read_text(encoding="utf-8"))
        return Policy(_whole(own))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InvalidInput(
            f"The profile “{name}” cannot be read for checking ({type(problem).__name__}); give the name of a shipped "
            "profile or the path of the JSON file that the folder was de-identified with."
        ) from None


def _whole(own: dict[str, Any]) -> dict[str, Any]:
    """Give a profile with its parts, and with the changes of one that extends another."""
    if "parts" in own:
        whole = {key: value for key, value in own.items() if key != "parts"}
        for part in own["parts"]:
            whole |= {key: value for key, value in _shipped(part).items() if key != "about"}
        return whole
    whole = _whole(_shipped(own.get("extends", "standard")))
    whole |= {"name": own["name"], "options": {**whole["options"], **own.get("options", {})}}
    if "number_limit" in own:
        whole["number_limit"] = own["number_limit"]
    whole["dropped"] = sorted({*whole.get("dropped", ()), *own.get("remove", ())})
    for keyword, action in own.get("add", {}).items():
        whole["modules"] = {**whole["modules"], "base": [*whole["modules"]["base"], keyword]}
        whole["given"] = {**whole.get("given", {}), keyword: action}
        whole["dropped"] = [one for one in whole["dropped"] if one != keyword]
    return whole | {"words": {**whole["words"], "own": own.get("words", [])}}


def _shipped(name: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((PROFILES / f"{name}.json").read_text(encoding="utf-8"))
    return body


def _words(value: Any) -> frozenset[str]:
    """Give every word in a JSON value's texts, case-folded."""
    if isinstance(value, str):
        return frozenset(word.casefold() for word in (*value.split(), *WORD.findall(value)))
    if isinstance(value, Mapping):
        return frozenset().union(*map(_words, value.values()))
    return frozenset().union(*map(_words, value)) if isinstance(value, list) else frozenset()
