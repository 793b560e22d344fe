"""What each modifier of the Data Use Ontology says to a planned use.

Runs in: anywhere
Source: GA4GH Data Use Ontology (DUO), release 2021-02-23, the children of DUO:0000017; ISO 3166-1 for countries.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from workbench.governance.canonical import day, moment, stamp
from workbench.governance.duo.facts import PurposeFacts
from workbench.governance.duo.terms import Term, find_term, is_within

Answer = Literal["yes", "no", "review"]
Said = tuple[Answer, str]
Rule = Callable[[Term, PurposeFacts], Said]
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())
# Names for groups of countries that custodians write instead of their members.
REGIONS = {"EU": _EU, "EEA": _EU | {"IS", "LI", "NO"}}
_NO_VALUE: Said = "review", "The term does not say what it is limited to, so the custodian has to look."


def _choice(name: str, wanted: bool, question: str, *, yes: str, no: str) -> Rule:
    """Make the rule that a declared fact must be so; left undeclared, a person has to look."""

    def rule(term: Term, facts: PurposeFacts) -> Said:
        value = getattr(facts, name)
        if value is None:
            return "review", f"Declare `{name}` with the request: {question}."
        return ("yes", yes) if value is wanted else ("no", no)

    return rule


_commercial = _choice(
    "is_commercial", False, "whether the use is commercial",
    yes="The use is not commercial.", no="Commercial use is not allowed, and this is declared as commercial.",
)  # fmt: skip
_for_profit = _choice(
    "is_for_profit", False, "whether the organisation works for profit",
    yes="The organisation does not work for profit.", no="Only not-for-profit organisations may use these data.",
)  # fmt: skip


def _neither(term: Term, facts: PurposeFacts) -> Said:
    said = (_for_profit(term, facts), _commercial(term, facts))
    for answer in ("no", "review"):
        for one in said:
            if one[0] == answer:
                return one
    return "yes", "The organisation does not work for profit, nor is the use commercial."


def _ethics(term: Term, facts: PurposeFacts) -> Said:
    if not facts.ethics_approval or not facts.ethics_until:
        return "review", "Declare `ethics_approval` and `ethics_until`: its reference and its last day."
    if not facts.now or facts.ethics_until < facts.now[:10]:
        return "no", f"The ethics approval {facts.ethics_approval} ended on {facts.ethics_until}."
    return "yes", f"The ethics approval {facts.ethics_approval} runs until {facts.ethics_until}."


def _collaboration(term: Term, facts: PurposeFacts) -> Said:
    if not facts.collaboration:
        return "review", "Declare `collaboration`: with whom of those who made the data."
    return "yes", f"The collaboration with {facts.collaboration} is declared."


def _moratorium(term: Term, facts: PurposeFacts) -> Said:
    until = term.value
    if not _DAY.fullmatch(until):
        return _NO_VALUE
    if facts.now[:10] >= until:
        return "yes", f"The moratorium on publications ended on {until}."
    if facts.will_publish is False or facts.publish_after >= until:
        return "yes", f"Nothing will be published before {until}."
    if facts.publish_after:
        return "no", f"Nothing may be published before {until}, and publication is planned after {facts.publish_after}."
    return "review", f"Declare `publish_after`: nothing may be published before {until}."


def _months(term: Term, facts: PurposeFacts) -> Said:
    if not (term.value.isascii() and term.value.isdecimal() and 0 < int(term.value) <= 1200):
        return _NO_VALUE
    if not facts.until or not facts.starts:
        return "review", f"Use is allowed for {term.value} months; say for how long with the request."
    last = _add_months(moment(facts.starts), int(term.value))
    if facts.until > last or facts.now >= last:
        return "no", f"Use is allowed for {term.value} months, so until {day(last)} at most."
    return "yes", f"The use ends within {term.value} months."


def _place(term: Term, facts: PurposeFacts) -> Said:
    places = _words(term.value.upper())
    if not places:
        return _NO_VALUE
    if not facts.country:
        return "review", f"Declare `country`: use is limited to {term.value}."
    country = facts.country.upper()
    allowed = frozenset().union(*(REGIONS.get(place, frozenset({place})) for place in places))
    if country in allowed:
        return "yes", f"The use takes place in {facts.country}."
    if all(len(place) == 2 for place in {country, *allowed}):
        return "no", f"Use is limited to {term.value}, and this takes place in {facts.country}."
    # A code and a written-out name may mean the same country.
    return "review", f"The custodian has to say whether {facts.country} belongs to {term.value}."


def _one_of(name: str, what: str) -> Rule:
    """Make the rule that a fact is among the values of the term."""

    def rule(term: Term, facts: PurposeFacts) -> Said:
        allowed, value = _words(term.value), getattr(facts, name)
        if not allowed:
            return _NO_VALUE
        if not value:
            return "review", f"Declare `{name}`: use is limited to {term.value}."
        if value.casefold() in {one.casefold() for one in allowed}:
            return "yes", f"{value} is among the {what} that may use the data."
        return "no", f"Use is limited to the {what} {term.value}, and {value} is not among them."

    return rule


def _research(term: Term, facts: PurposeFacts) -> Said:
    wanted = find_term(term.value) if term.value else None
    if not term.value:
        return _NO_VALUE
    if wanted is None or wanted.kind != "investigation":
        return "review", f"Only “{term.value}” is allowed; the custodian has to say whether this is that."
    if is_within(facts.investigation, wanted.code):
        return "yes", f"This is {wanted.label}."
    declared = {name: getattr(facts, name) for name in wanted.facts}
    if declared and declared == dict(wanted.facts):
        return "yes", f"This is declared as {wanted.label}."
    if any(value not in (None, "") and value != wanted.facts[name] for name, value in declared.items()):
        return "no", f"Only {wanted.label} is allowed, and this is not."
    return "review", f"Only {wanted.label} is allowed; the custodian has to say whether this is that."


def _care(term: Term, facts: PurposeFacts) -> Said:
    return "yes", "Clinical care is allowed besides."


def _words(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,;]", text) if part.strip()]


def _add_months(start: datetime, months: int) -> str:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return stamp(start.astimezone(UTC).replace(year=year, month=month + 1, day=min(start.day, last)))


MODIFIERS: dict[str, Rule] = {
    "DUO:0000043": _care,
    "DUO:0000020": _collaboration,
    "DUO:0000021": _ethics,
    "DUO:0000016": _choice(
        "is_genetic", True, "whether the study is a genetic one",
        yes="This is a genetic study.", no="Only genetic studies are allowed.",
    ),
    "DUO:0000022": _place,
    "DUO:0000028": _one_of("institution", "institutions"),
    "DUO:0000015": _choice(
        "is_method_development", False, "whether models, software or algorithms are trained or developed",
        yes="No methods or models are developed.",
        no="Methods, software and models may not be developed or trained with these data.",
    ),
    "DUO:0000018": _neither,
    "DUO:0000045": _for_profit,
    "DUO:0000046": _commercial,
    "DUO:0000027": _one_of("project", "projects"),
    "DUO:0000024": _moratorium,
    "DUO:0000019": _choice(
        "will_publish", True, "whether the results will be published",
        yes="The results will be published.", no="The results have to be published.",
    ),
    "DUO:0000012": _research,
    "DUO:0000029": _choice(
        "will_return", True, "whether derived data are given back",
        yes="Derived data are given back.", no="Derived data have to be given back.",
    ),
    "DUO:0000025": _months,
    "DUO:0000026": _one_of("person", "people"),
    "DUO:0000044": _choice(
        "is_ancestry", False, "whether population origins or ancestry are studied",
        yes="Neither population origins nor ancestry are studied.",
        no="Population origins and ancestry may not be studied with these data.",
    ),
}  # fmt: skip
