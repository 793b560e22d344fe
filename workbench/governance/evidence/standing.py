"""Where a person stands with a dataset: exactly what is there and what is missing, each with its own date.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from workbench.governance.canonical import moment, stamp
from workbench.governance.duo.matching import Match
from workbench.governance.evidence import wording
from workbench.governance.evidence.counting import standing_visas
from workbench.governance.evidence.planned import is_permitted, match_use, planned_use
from workbench.governance.evidence.records import (
    AskedRecord,
    DatasetRecord,
    PersonRecord,
    Row,
    read_asked,
    read_dataset,
    read_person,
    read_purpose,
    recall,
)
from workbench.governance.store import Store


@dataclass(frozen=True)
class Item:
    """One line of the checklist.

    Parameters
    ----------
    key : str
        ``agreement``, ``training:KIND``, ``use``, ``approval`` or ``visa:ID``.
    label : str
        What it is, for people.
    met : bool, optional
        Whether it is there; None while somebody else has to look.
    text : str
        The state of it, in one sentence.
    until : str, optional
        When it ends (UTC stamp).
    next : str
        What to do next; empty when there is nothing to do.
    """

    key: str
    label: str
    met: bool | None
    text: str
    until: str | None = None
    next: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the item as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Standing:
    """Where a person stands with a dataset for a purpose at a moment.

    Parameters
    ----------
    items : tuple of Item
        The checklist; empty for what anybody may have.
    grant : mapping, optional
        The running grant (a row of `grants` with the purpose's `label`), or, with `visa`, what stands for it.
    agreement, training, use : bool
        Whether each is met: the newest agreement accepted (or none asked), every required training in date (or none
        asked), the purpose permitted (no terms, a yes, or a custodian who approved after looking).
    match : Match, optional
        What the terms of use say to the purpose; None without terms, or without a purpose to hold against them.
    """

    items: tuple[Item, ...]
    grant: Mapping[str, Any] | None
    agreement: bool
    training: bool
    match: Match | None
    use: bool = True

    @property
    def missing(self) -> tuple[Item, ...]:
        """Give the items that are not met."""
        return tuple(item for item in self.items if not item.met)


NOWHERE = Standing((), None, agreement=False, training=False, match=None, use=False)


def standing(store: Store, person: str, dataset: str, *, purpose: str | None, now: str) -> Standing:
    """Say where a person stands with a dataset; callers have checked that the person may know of it.

    Parameters
    ----------
    store : Store
        The home's store.
    person, dataset : str
        Who, and with which dataset.
    purpose : str, optional
        A purpose's id: then only grants of that purpose count. None means any purpose somebody granted.
    now : str
        The moment, as `stamp` gives it.
    """
    values = recall(store)
    kept = values.get(key := ("standing", person, dataset, purpose))
    if kept is not None and kept[0] <= now < kept[1]:
        found: Standing = kept[2]
        return found
    ask = _gather(store, person, dataset, purpose, now=now)
    if ask is None:
        return NOWHERE
    found = _look(ask)
    values[key] = (now, _next_moment(ask), found)
    return found


def standing_if(
    store: Store, person: str, dataset: str, purpose: str, declared: Mapping[str, Any], *, now: str
) -> Standing:
    """Say where a person would stand who asked for the purpose today and declared this; a grant's own facts stay."""
    ask = _gather(store, person, dataset, purpose, now=now)
    if ask is None:
        return NOWHERE
    return _look(replace(ask, planned={"facts": dict(declared), "days": 1}))


def _gather(store: Store, person: str, dataset: str, purpose: str | None, *, now: str) -> _Ask | None:
    record, holder = read_dataset(store, dataset), read_person(store, person)
    chosen = read_purpose(store, purpose) if purpose is not None else None
    if record is None or holder is None or (purpose is not None and chosen is None):
        return None
    return _Ask(record, holder, read_asked(store, person, dataset), chosen, now)


@dataclass(frozen=True)
class _Ask:
    """Everything one answer is made of."""

    record: DatasetRecord
    holder: PersonRecord
    asked: AskedRecord
    purpose: Row | None
    now: str
    planned: Row | None = None


def _look(ask: _Ask) -> Standing:
    record, tier = ask.record, ask.record.tier
    if tier == "undisclosed":
        return Standing((), None, agreement=True, training=True, match=None)
    grant, found = _grant_and_match(ask)
    reviewed = grant["reviewed"] if grant else frozenset()
    # Terms that could not be held against any purpose forbid what is granted, and leave open what anybody may read.
    is_unsaid = found is None and bool(record.usage) and grant is not None
    items: list[Item] = []
    if tier != "open":
        items += [_agreement(ask)] if record.agreement else []
        items += [_training(ask, kind) for kind in record.training]
    if record.usage and (tier == "controlled" or ask.purpose):
        items.append(_use(ask, found, reviewed))
    if tier == "controlled":
        items.append(_approval(ask, grant))
    if tier != "open":
        items += [_visa(visa) for visa, _ in standing_visas(record, ask.holder, ask.now)]
    return Standing(
        tuple(items), grant, match=found,
        agreement=all(item.met for item in items if item.key == "agreement"),
        training=all(item.met for item in items if item.key.startswith("training:")),
        use=is_permitted(found, reviewed) and not is_unsaid,
    )  # fmt: skip


def _grant_and_match(ask: _Ask) -> tuple[Row | None, Match | None]:
    """Give the running grant whose use is permitted, or else the newest, with what the terms say to it."""
    tried: list[tuple[Row, Match | None]] = []
    for grant in _running(ask):
        purpose = ask.purpose or grant["settled"]
        found = _match(ask, purpose, grant) if purpose else None
        if is_permitted(found, grant["reviewed"]) and (found or not ask.record.usage):
            return grant, found
        tried.append((grant, found))
    if tried:
        return tried[0]
    return None, _match(ask, ask.purpose, _newest_request(ask)) if ask.purpose else None


def _match(ask: _Ask, purpose: Row, source: Row | None) -> Match | None:
    """Hold a purpose, with the facts of the grant or request it comes from, against the terms of the dataset."""
    source = source or {}
    starts, until = source.get("starts", ""), source.get("ends", "")
    if source and not starts:
        starts, until = ask.now, stamp(moment(ask.now) + timedelta(days=source["days"]))
    declared = source.get("facts", {})
    return match_use(
        ask.record, planned_use(ask.holder, purpose, declared, starts=starts, until=until, now=ask.now)
    )  # fmt: skip


def _running(ask: _Ask) -> Iterator[Row]:
    """Give the grants that run now for the purpose, and the visas that a custodian lets stand for one."""
    for grant in ask.asked.grants:
        is_wanted = ask.purpose is None or grant["purpose"] == ask.purpose["id"]
        if is_wanted and grant["revoked"] is None and grant["starts"] <= ask.now < grant["ends"]:
            yield grant
    for visa, is_approval in standing_visas(ask.record, ask.holder, ask.now):
        if is_approval:
            yield _grant_of_visa(ask, visa)


def _grant_of_visa(ask: _Ask, visa: Row) -> Row:
    purpose, request = ask.purpose or {}, _newest_request(ask) or {}
    return {
        "id": visa["id"], "visa": visa["id"], "request": None, "dataset": ask.record.name, "person": ask.holder.id,
        "purpose": purpose.get("id", ""), "label": purpose.get("label", ""), "starts": visa["issued"],
        "ends": visa["expires"], "approved_by": visa["source"], "revoked": None,
        "facts": request.get("facts", {}), "reviewed": frozenset(), "settled": ask.purpose,
    }  # fmt: skip


def _newest_request(ask: _Ask) -> Row | None:
    if ask.planned is not None:
        return ask.planned
    wanted = ask.purpose["id"] if ask.purpose else ""
    return next((one for one in ask.asked.requests if one["purpose"] == wanted), None)


def _agreement(ask: _Ask) -> Item:
    newest, name = ask.record.agreement or {}, ask.record.name
    older = [when for (dataset, _), when in ask.holder.accepted.items() if dataset == name]
    accepted = ask.holder.accepted.get((name, newest["version"]))
    return Item("agreement", "Agreement", accepted is not None, **wording.agreement(name, newest, accepted, older))


def _training(ask: _Ask, kind: str) -> Item:
    records = [one for one in ask.holder.training if one["kind"] == kind and not one["ended"]]
    today = ask.now[:10]
    valid = next((one for one in records if one["issued"] <= today <= one["ends"]), None)
    newest = records[0] if records else None
    words = wording.training(kind, valid, newest, custodian=ask.record.custodian, today=today)
    return Item(f"training:{kind}", f"Training: {kind}", valid is not None, **words)


def _use(ask: _Ask, found: Match | None, reviewed: frozenset[str]) -> Item:
    met = is_permitted(found, reviewed) if found else None
    if found and not met and found.answer == "review":
        met = None
    words = wording.use(ask.record, found, reviewed, ask.purpose["label"] if ask.purpose else "")
    return Item("use", "Permitted use", met, **words)


def _approval(ask: _Ask, grant: Row | None) -> Item:
    if grant is not None:
        return Item("approval", "Approval", True, **wording.granted(grant))
    request = ask.asked.requests[0] if ask.asked.requests else None
    waits = request is not None and request["status"] == "submitted"
    running = next((one for one in ask.asked.grants if one["revoked"] is None and one["ends"] > ask.now), None)
    newest = ask.asked.grants[0] if ask.asked.grants else None
    words = wording.no_grant(ask.record, request, running, newest)
    return Item("approval", "Approval", None if waits else False, **words)


def _visa(visa: Row) -> Item:
    return Item(f"visa:{visa['id']}", f"Visa: {visa['type']}", True, **wording.visa(visa))


def _next_moment(ask: _Ask) -> str:
    """Give the moment until which nothing that has a date can change: the next such moment, or midnight."""
    holder, asked, now = ask.holder, ask.asked, ask.now
    midnight = stamp(moment(f"{now[:10]}T00:00:00Z") + timedelta(days=1))
    dates: list[str] = [row[name] for row in asked.grants for name in ("starts", "ends")]
    dates += [visa[name] for visa in holder.visas for name in ("issued", "expires")]
    return min([midnight, *(one for one in dates if one > now)])
