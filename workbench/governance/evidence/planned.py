"""A planned use as the terms of a dataset see it: declared by the person, settled by the purpose, known to the home.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from workbench.governance.canonical import stamp
from workbench.governance.duo.facts import PurposeFacts
from workbench.governance.duo.matching import Match, match
from workbench.governance.evidence.records import (
    DatasetRecord,
    PersonRecord,
    Row,
    read_dataset,
    read_person,
    read_purpose,
)
from workbench.governance.store import Store


def planned_use(
    holder: PersonRecord, purpose: Row, declared: Mapping[str, Any], *, starts: str, until: str, now: str
) -> PurposeFacts:
    """Give the facts of a planned use; what the home knows outweighs the purpose, and that outweighs the person."""
    known: dict[str, Any] = {**declared, **purpose["facts"]}
    for name, recorded in (("institution", holder.institution), ("country", holder.country)):
        if recorded:
            known[name] = recorded
    if known.get("project") not in holder.projects:
        known.pop("project", None)
    return PurposeFacts(
        **known, person=holder.id, investigation=purpose["duo"] or "", starts=starts, until=until, now=now
    )  # fmt: skip


def match_use(record: DatasetRecord, planned: PurposeFacts) -> Match | None:
    """Hold a planned use against the terms of a dataset; None when it has none."""
    return match(record.usage, planned) if record.usage else None


def to_review(found: Match | None) -> list[str]:
    """Name the terms that a person has to look at, as an approval records them."""
    return sorted({term.key for term in found.terms if term.answer == "review"}) if found else []


def is_permitted(found: Match | None, reviewed: frozenset[str] = frozenset()) -> bool:
    """Say whether a use may go on: nothing forbids it, and whoever approved it looked at all that was unsure."""
    return found is None or (found.answer != "no" and set(to_review(found)) <= reviewed)


def judge_use(
    store: Store,
    person: str,
    dataset: str,
    purpose: str,
    declared: Mapping[str, Any],
    *,
    starts: datetime,
    until: datetime,
) -> Match | None:
    """Hold a planned use against the terms of a dataset, or give None when it has none."""
    record, holder, chosen = read_dataset(store, dataset), read_person(store, person), read_purpose(store, purpose)
    if record is None or holder is None or chosen is None:
        return None
    first, last, now = stamp(starts), stamp(until), stamp(store.now())
    return match_use(record, planned_use(holder, chosen, declared, starts=first, until=last, now=now))


def forbidding(found: Match, dataset: str) -> str:
    """Say which term of a match that is a no forbids the use."""
    term = next(one for one in found.terms if one.answer == "no")
    return (
        f"The terms of use of “{dataset}” forbid this, {term.label} ({term.key}): {term.text} "
        "Choose another dataset, or a purpose that the terms permit."
    )
