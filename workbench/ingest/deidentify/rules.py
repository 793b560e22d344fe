"""Rules of single elements, made from the policy: one object per element, shared by all SOP classes.

Runs in: ingest host
Source: DICOM PS3.15 2026c Annex E; PS3.6 2026c (value representations).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydicom.datadict import dictionary_VR, tag_for_keyword

from workbench.ingest.deidentify.profile_file import PolicyBody

# What happens to an element that the policy keeps without another word, by value representation. A representation
# that is not here can hold anything, so its elements need an action of their own.
ACTION_OF_VR = {
    **dict.fromkeys(("DS", "IS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT", "US or SS"), "number"),
    **dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC"), "words"),
    "AS": "age", "CS": "terms", "DA": "date", "DT": "datetime", "SQ": "sequence", "TM": "time", "UI": "uid",
    "PN": "empty",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rule:
    """What happens to one element: its action and what the action needs.

    Parameters
    ----------
    name : str
        The element's keyword in the DICOM dictionary, or the name of a private element.
    action : str
        A name in `actions.ACTIONS`.
    vr : str
        Value representation of the result.
    terms : dict of str to str
        For `terms`: case-folded term to the spelling that is written.
    pattern : re.Pattern, optional
        For `pattern`: every value must match.
    items : mapping of int to Rule
        For `sequence` and `codes`: what may stay in the items.
    is_required : bool
        Whether the standard wants the element even without a value (type 2), so that it is emptied, not removed.
    default : str
        What stands where the standard wants a value (type 1) and nothing of the source's may stay.
    is_private : bool
        Whether the element is private, so that only the policy knows its representation.
    """

    name: str
    action: str
    vr: str = ""
    terms: dict[str, str] = field(default_factory=dict)
    pattern: re.Pattern[str] | None = None
    items: Mapping[int, Rule] = field(default_factory=dict)
    is_required: bool = False
    default: str = ""
    is_private: bool = False


class RuleBook:
    """Makes the rules of a policy; a sequence's items are made once, so sequences may hold themselves.

    Parameters
    ----------
    body : PolicyBody
        The policy.
    """

    def __init__(self, body: PolicyBody) -> None:
        self._body = body
        self._rules: dict[str, Rule | None] = {}
        self.private = {
            (one.group, one.creator, one.element): Rule(one.name, one.action, one.vr, is_private=True)
            for one in body.private
        }

    def rules_of(self, modules: Iterable[str]) -> dict[int, Rule]:
        """Give the rules of a SOP class by tag."""
        return self._by_tag(keyword for module in modules for keyword in self._body.modules[module])

    def _by_tag(self, keywords: Iterable[str]) -> dict[int, Rule]:
        rules = {}
        for keyword in keywords:
            rule = self._rule(keyword)
            if rule is not None:
                rules[int(tag_for_keyword(keyword) or 0)] = rule
        return dict(sorted(rules.items()))

    def _rule(self, keyword: str) -> Rule | None:
        if keyword not in self._rules:
            made, items = self._make(keyword)
            self._rules[keyword] = made
            # Filled after it is known, because a sequence may hold itself further down.
            items.update(self._by_tag(self._body.sequences.get(keyword, ())) if made is not None else {})
        return self._rules[keyword]

    def _make(self, keyword: str) -> tuple[Rule | None, dict[int, Rule]]:
        body, items = self._body, dict[int, Rule]()
        vr = dictionary_VR(keyword)
        action = body.actions.get(keyword) or body.actions_of_vr.get(vr) or ACTION_OF_VR.get(vr, "remove")
        if action == "remove" and keyword not in body.required:
            return None, items
        action = "empty" if action == "remove" else action
        rule = Rule(
            name=keyword, action=action, vr=vr, items=items, pattern=body.patterns.get(keyword),
            terms=body.terms.get(keyword, {}), is_required=keyword in body.required,
            default=body.defaults.get(keyword, ""),
        )  # fmt: skip
        return rule, items
