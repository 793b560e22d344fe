"""What the store says of a dataset and of a person, read once for each state of the store.

A decision asks for the same few rows again and again; they stay in memory until a change is committed.

Runs in: gateway
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from workbench.governance.duo.terms import Term, find_term
from workbench.governance.store import Store

MOST_KEPT = 20_000
Row = dict[str, Any]
Kept = TypeVar("Kept")


@dataclass
class _Memory:
    generation: int
    values: dict[Hashable, Any] = field(default_factory=dict)


_memories: WeakKeyDictionary[Store, _Memory] = WeakKeyDictionary()


def recall(store: Store) -> dict[Hashable, Any]:
    """Give what is remembered of the store's present state; a committed change leaves it empty."""
    # The number is read before any row: at worst something newer is remembered under an older number, and forgotten.
    generation, memory = store.generation, _memories.get(store)
    if memory is None or memory.generation != generation or len(memory.values) > MOST_KEPT:
        memory = _memories[store] = _Memory(generation)
    return memory.values


def remember(store: Store, key: Hashable, read: Callable[[], Kept]) -> Kept:
    """Give a value, read only when the store has changed since it was read last."""
    values = recall(store)
    if key in values:
        kept: Kept = values[key]
        return kept
    values[key] = found = read()
    return found


@dataclass(frozen=True)
class DatasetRecord:
    """What a dataset asks for: its tier, newest agreement, kinds of training, terms of use and trusted visas."""

    name: str
    tier: str
    custodian: str
    agreement: Row | None
    training: tuple[str, ...]
    usage: tuple[Term, ...]
    trusted: tuple[Row, ...]
    identities: frozenset[tuple[str, str, str]]


@dataclass(frozen=True)
class PersonRecord:
    """What a person brings along: attributes, acceptances by dataset and version, training, projects, visas."""

    id: str
    institution: str
    country: str
    accepted: dict[tuple[str, int], str]
    training: tuple[Row, ...]
    projects: frozenset[str]
    visas: tuple[Row, ...]


@dataclass(frozen=True)
class AskedRecord:
    """What a person asked for and was given of a dataset, newest first; grants hold their request's facts."""

    requests: tuple[Row, ...]
    grants: tuple[Row, ...]


def read_dataset(store: Store, name: str) -> DatasetRecord | None:
    """Give what a dataset asks for, or None when there is none of the name."""
    return remember(store, ("dataset", name), lambda: _dataset(store, name))


def read_person(store: Store, person: str) -> PersonRecord | None:
    """Give what a person brings along, or None when nobody has the account."""
    return remember(store, ("person", person), lambda: _person(store, person))


def read_asked(store: Store, person: str, dataset: str) -> AskedRecord:
    """Give the requests and grants of a person for a dataset."""
    return remember(store, ("asked", person, dataset), lambda: _asked(store, person, dataset))


def read_purpose(store: Store, purpose: str) -> Row | None:
    """Give a purpose with its `facts`: those that its kind of study implies, and its own."""
    return remember(store, ("purpose", purpose), lambda: _purpose(store, purpose))


def newest_usage(store: Store, dataset: str) -> Row | None:
    """Give the newest terms of use as they are kept, or None."""
    return _one(store, "SELECT * FROM usage_terms WHERE dataset = ? ORDER BY number DESC LIMIT 1", dataset)


def _dataset(store: Store, name: str) -> DatasetRecord | None:
    row = _one(store, "SELECT name, tier, custodian FROM datasets WHERE name = ?", name)
    if row is None:
        return None
    usage = newest_usage(store, name)
    kinds = _all(store, "SELECT kind FROM requirements WHERE dataset = ? ORDER BY kind", name)
    trusted = _all(
        store, "SELECT * FROM trusted_visas WHERE (dataset = ? OR dataset IS NULL) AND ended IS NULL", name
    )  # fmt: skip
    linked = _all(store, "SELECT * FROM visa_identities WHERE dataset = ? OR dataset IS NULL", name)
    return DatasetRecord(
        **row,
        agreement=_one(store, "SELECT * FROM agreements WHERE dataset = ? ORDER BY version DESC LIMIT 1", name),
        training=tuple(one["kind"] for one in kinds),
        usage=tuple(Term(**term) for term in json.loads(usage["terms"])) if usage else (),
        trusted=tuple(trusted),
        identities=frozenset((one["issuer"], one["subject"], one["person"]) for one in linked),
    )


def _person(store: Store, person: str) -> PersonRecord | None:
    row = _one(store, "SELECT id, institution, country FROM people WHERE id = ?", person)
    if row is None:
        return None
    accepted = _all(store, "SELECT dataset, version, accepted FROM acceptances WHERE person = ?", person)
    projects = _all(store, "SELECT project FROM project_members WHERE person = ?", person)
    return PersonRecord(
        **row,
        accepted={(one["dataset"], one["version"]): one["accepted"] for one in accepted},
        training=tuple(_all(store, "SELECT * FROM training WHERE person = ? ORDER BY ends DESC, number DESC", person)),
        projects=frozenset(one["project"] for one in projects),
        visas=tuple(_all(store, "SELECT * FROM visas WHERE person = ? ORDER BY number", person)),
    )


def _asked(store: Store, person: str, dataset: str) -> AskedRecord:
    requests = _all(
        store, "SELECT * FROM requests WHERE person = ? AND dataset = ? ORDER BY number DESC", person, dataset
    )
    grants = _all(
        store,
        "SELECT grants.*, label, requests.facts, requests.reviewed FROM grants JOIN purposes ON "
        "purposes.id = grants.purpose JOIN requests ON requests.id = grants.request "
        "WHERE grants.person = ? AND grants.dataset = ? ORDER BY grants.number DESC",
        person,
        dataset,
    )
    for row in (*requests, *grants):
        row |= {"facts": json.loads(row["facts"]), "reviewed": frozenset(json.loads(row["reviewed"]))}
        row["settled"] = read_purpose(store, row["purpose"])
    return AskedRecord(tuple(requests), tuple(grants))


def _purpose(store: Store, purpose: str) -> Row | None:
    row = _one(store, "SELECT * FROM purposes WHERE id = ?", purpose)
    if row is not None:
        kind = find_term(row["duo"]) if row["duo"] else None
        row["facts"] = {**(kind.facts if kind else {}), **json.loads(row["facts"])}
    return row


def _one(store: Store, sql: str, *values: object) -> Row | None:
    row = store.read().execute(sql, values).fetchone()
    return dict(row) if row else None


def _all(store: Store, sql: str, *values: object) -> list[Row]:
    return [dict(row) for row in store.read().execute(sql, values)]
