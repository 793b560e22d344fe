"""The de-identification profile as data: what is kept of an instance, and by which rule.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E (Basic Application Level Confidentiality Profile).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PROFILE_FILE = Path(__file__).parents[1] / "profiles" / "ct.json"


@dataclass(frozen=True)
class Rule:
    """What happens to one element: its action and what the action needs.

    Parameters
    ----------
    name : str
        The element's keyword in the DICOM dictionary.
    action : str
        A name in `deidentify.ACTIONS`.
    words : dict of str to str
        For `vocabulary`: case-folded word to the spelling that is written.
    pattern : re.Pattern, optional
        For `pattern`: the whole value must match.
    items : frozenset of int
        For `sequence`: the tags that are allowed in its items.
    """

    name: str
    action: str
    words: dict[str, str] = field(default_factory=dict)
    pattern: re.Pattern[str] | None = None
    items: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Profile:
    """An allowlist: an element without a rule is removed, a SOP class or transfer syntax without one is refused.

    Parameters
    ----------
    name : str
        The name that marks every instance.
    digest : str
        SHA-256 (hex) of the profile's file, so that a mark tells exactly which rules were applied.
    rules : dict of int to Rule
        By tag.
    codes : dict of tuple to str
        (code value, coding scheme) to the meaning that is written.
    methods : tuple
        The (code, meaning) pairs of (0012,0064).
    sop_classes : dict of str to str
        UID to `ingest` or `ignore`.
    syntaxes : dict of str to str
        Transfer syntax UID to `native` or `encapsulated`.
    number_limit : float
        Largest magnitude of a number; a longer one could be a telephone number or a date.
    """

    name: str
    digest: str
    rules: dict[int, Rule]
    codes: dict[tuple[str, str], str]
    methods: tuple[tuple[str, str], ...]
    sop_classes: dict[str, str]
    syntaxes: dict[str, str]
    number_limit: float


@cache
def ct_profile() -> Profile:
    """Read the profile for CT instances that the package ships."""
    content = PROFILE_FILE.read_bytes()
    body = json.loads(content)
    words = {name: {word.casefold(): word for word in vocabulary} for name, vocabulary in body["vocabularies"].items()}
    return Profile(
        name=body["name"],
        digest=hashlib.sha256(content).hexdigest(),
        rules={int(tag, 16): _rule(entry, words) for tag, entry in body["elements"].items()},
        codes={(value, scheme): meaning for value, scheme, meaning in body["codes"]},
        methods=tuple((code, meaning) for code, meaning in body["codes_of_method"]),
        sop_classes=body["sop_classes"],
        syntaxes=body["transfer_syntaxes"],
        number_limit=float(body["number_limit"]),
    )


def _rule(entry: dict[str, str], words: dict[str, dict[str, str]]) -> Rule:
    return Rule(
        name=entry["name"],
        action=entry["action"],
        words=words[entry["words"]] if "words" in entry else {},
        pattern=re.compile(entry["pattern"]) if "pattern" in entry else None,
        items=frozenset(int(tag, 16) for tag in entry.get("items", ())),
    )
