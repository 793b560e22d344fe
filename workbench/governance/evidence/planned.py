"""A planned use as the terms of a dataset see it: declared by the person, settled by the purpose, known to the home.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.governance.duo.facts import PurposeFacts
from workbench.governance.duo.matching import Match, match
from workbench.governance.evidence.records import DatasetRecord, PersonRecord, Row


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
