"""Which of a person's visas count for a dataset at a moment, and which of them stands for the approval.

Runs in: gateway
Source: GA4GH Passport 1.2, “conditions” and “Passport Clearinghouse” requirements.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from workbench.governance.evidence.passport import thumbprint
from workbench.governance.evidence.records import DatasetRecord, PersonRecord, Row


def standing_visas(record: DatasetRecord, holder: PersonRecord, now: str) -> Iterator[tuple[Row, bool]]:
    """Give every visa of a person that counts for a dataset now, and whether it stands for the approval."""
    counting = [(visa, trusts) for visa in holder.visas if (trusts := _trusts(record, holder, visa, now))]
    plain = [visa for visa, _ in counting if not json.loads(visa["conditions"])]
    for visa, trusts in counting:
        if _conditions_hold(json.loads(visa["conditions"]), plain):
            # Nobody approves their own request, not even by way of a source they trusted themselves.
            yield visa, any(trust["is_approval"] and trust["author"] != holder.id for trust in trusts)


def _trusts(record: DatasetRecord, holder: PersonRecord, visa: Row, now: str) -> list[Row]:
    if not visa["issued"] <= now < visa["expires"]:
        return []
    if (visa["issuer"], visa["subject"], holder.id) not in record.identities:
        return []
    return [trust for trust in record.trusted if _says(trust, visa) and visa["key"] in _thumbprints(trust)]


def _says(trust: Row, visa: Row) -> bool:
    return all(trust[name] == visa[name] for name in ("issuer", "source", "type", "value"))


def _conditions_hold(conditions: list[list[dict[str, str]]], others: list[Row]) -> bool:
    """Say whether one of the alternatives is met, each of its clauses by one visa that has no conditions itself."""
    names = {"value": "value", "source": "source", "by": "by_whom"}

    def is_met(clause: dict[str, str]) -> bool:
        wanted = {names[name]: text.removeprefix("const:") for name, text in clause.items() if name != "type"}
        return any(
            visa["type"] == clause["type"] and all(visa[name] == value for name, value in wanted.items())
            for visa in others
        )

    return not conditions or any(all(is_met(clause) for clause in clauses) for clauses in conditions)


def _thumbprints(trust: Row) -> set[str]:
    return {thumbprint(key) for key in json.loads(trust["keys"]).values()}
