"""Reading the log, and checking it against everything that vouches for it.

Four things vouch: the chain of hashes, the seal of each event, the signed head, and what was exported to a second
place. Each finds what the others cannot; the first event that any of them contradicts is named.

Runs in: gateway, terminal
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import IntegrityError, NotFound
from workbench.governance.record.chain import HEAD_LOST, NO_HEAD, SELECT_ALL, START, as_event, event_hash, fault_of
from workbench.governance.record.checkpoints import raw_key
from workbench.governance.record.exporting import EXPORTED, Witness, find_witnesses, read_witness
from workbench.governance.record.merkle import Frontier
from workbench.governance.record.sealing import HEAD_FILE, Head, Sealer
from workbench.governance.store import open_to_read

if TYPE_CHECKING:
    from workbench.governance.store import Store
    from workbench.settings import Settings

_FOREIGN = "The key of the audit log is not the one it was written with, so seals cannot be checked."
_FILTERS = {
    "person": "actor = :person",
    "outcome": "outcome = :outcome",
    # A room's name, such as `dataset`, stands for all that is done there.
    "action": "(action = :action OR substr(action, 1, length(:action) + 1) = :action || '.')",
    # What happened to a thing, or to something that belongs to a dataset, such as a grant for it.
    "resource": "(resource = :resource OR (json_valid(details) AND json_extract(details, '$.dataset') = :resource))",
}


def list_events(store: Store, *, limit: int = 100, since: int = 0, **filters: str) -> list[dict[str, Any]]:
    """Give events newer than number `since`, oldest first; of many, the newest `limit`.

    Parameters
    ----------
    store : Store
        The store.
    limit, since : int
        How many at most; after which number.
    **filters : str
        `person`, `action` (or the room before its dot), `resource`, `outcome`; an empty one filters nothing.
    """
    given = {name: text for name, text in filters.items() if text}
    where = " AND ".join(["seq > :since", *(_FILTERS[name] for name in given)])
    query = f"SELECT * FROM ({SELECT_ALL} WHERE {where} ORDER BY seq DESC LIMIT :limit) ORDER BY seq"  # noqa: S608
    return [as_event(row) for row in store.read().execute(query, {"since": since, "limit": limit, **given})]


def verify(store: Store, checkpoints: Path | None = None) -> dict[str, Any]:
    """Check every event, the chain, the seals, the signed head and, where given, what was exported.

    Parameters
    ----------
    store : Store
        The store; its log may grow meanwhile.
    checkpoints : Path, optional
        The second place.

    Returns
    -------
    dict
        `ok`, `events` (how many), `head` (hash of the newest), `exported` (how many events the second place vouches
        for), and, when not ok, `first_bad` (the number of the first event that is edited, missing, inserted, out of
        order or not vouched for) and `reason`.
    """
    return _Check(store.read(), store.path.parent, store.sealer, checkpoints).run()


def verify_home(settings: Settings) -> dict[str, Any]:
    """Check the log of a home from its files alone, for when its gateway cannot start; nothing is written.

    Raises
    ------
    NotFound
        When the home has no store.
    """
    if not settings.store.is_file():
        raise NotFound("This home has no store yet, so it has no audit log; `workbench demo` makes one.")
    try:
        sealer = Sealer(settings.keys, settings.home / HEAD_FILE, may_create=False)
    except IntegrityError:
        sealer = None
    with closing(open_to_read(settings.store)) as db:
        return _Check(db, settings.home, sealer, settings.checkpoints).run()


class _Check:
    """One run over the log; `found` gathers what is wrong as (event, sentence)."""

    def __init__(self, db: sqlite3.Connection, home: Path, sealer: Sealer | None, root: Path | None) -> None:
        self._db, self._home, self._sealer, self._root = db, home, sealer, root
        self._last, self._head_problem = START, NO_HEAD
        self._signed: Head | None = None
        self._witnesses: dict[str, tuple[Witness, int]] = {}
        self._claims: dict[str, tuple[int, int]] = {}
        self._is_foreign = sealer is None
        self._unsure: list[tuple[int, str]] = []

    def run(self) -> dict[str, Any]:
        """Give the verdict."""
        # The head and the second place are read before the table: the table can only be ahead of them.
        fault: tuple[int, str] | None = None
        total = 0
        try:
            self._read_head()
            self._meet_witnesses()
            fault = next(self._faults(), None)
            total = self._db.execute("SELECT COUNT(*) FROM audit").fetchone()[0]
        except sqlite3.DatabaseError:
            after = f"after event {self._last.seq}" if self._last.seq else "from its beginning"
            fault = (self._last.seq + 1, f"The store file is damaged: the log cannot be read {after}.")
        fault = fault or min(self._ends(), default=None)
        seq, reason = fault or (None, "")
        kept = max((witness.kept for witness, _ in self._witnesses.values() if not witness.problem), default=0)
        return {
            "ok": fault is None, "events": total or self._last.seq, "head": self._last.hash, "exported": kept,
            "first_bad": seq, "reason": reason,
        }  # fmt: skip

    def _read_head(self) -> None:
        if self._sealer is None:
            self._head_problem = "The key of the audit log is missing, so neither seals nor its end can be checked."
            return
        try:
            self._signed = self._sealer.read_head()
        except IntegrityError as error:
            self._head_problem = error.message

    def _meet_witnesses(self) -> None:
        """Read what was exported of this log, by its name, by its place and by its own account."""
        first = self._db.execute(f"{SELECT_ALL} ORDER BY seq LIMIT 1").fetchone()
        if self._root is not None:
            limits = {name: size for name, size, _ in self._exports()}
            if self._sealer is not None and (self._root / self._sealer.name_of(self._home)).is_dir():
                limits[self._sealer.name_of(self._home)] = -1
            limits |= dict.fromkeys(find_witnesses(self._root, self._home, first["hash"] if first else ""), -1)
            for name, limit in limits.items():
                witness = read_witness(self._root / name)
                # A log that came from elsewhere goes its own way after what it says it exported there.
                self._witnesses[name] = (witness, witness.size if limit < 0 else min(limit, witness.size))
        if self._sealer is not None:
            mine = self._sealer.public_key.public_bytes_raw()
            keys = {raw_key(witness.key)[1:] for witness, _ in self._witnesses.values() if witness.key}
            is_odd = first is not None and first["hash"] == event_hash(first) and not self._is_sealed(first)
            self._is_foreign = mine not in keys if keys else is_odd

    def _exports(self) -> Iterator[tuple[str, int, int]]:
        """Give what the log says of its exports: name, size, and the event that says so."""
        query = f"{SELECT_ALL} WHERE action = ? AND outcome = 'done' ORDER BY seq"
        for row in self._db.execute(query, (EXPORTED,)):
            try:
                size = int(json.loads(row["details"])["size"])
            except (ValueError, KeyError, TypeError):
                continue
            if row["resource"].isalnum():
                yield row["resource"], size, row["seq"]

    def _faults(self) -> Iterator[tuple[int, str]]:
        """Go through the events; give those that are certainly wrong, keep those that nothing vouches for."""
        vouched = max((limit for witness, limit in self._witnesses.values() if not witness.problem), default=0)
        changed = [(w, Frontier()) for w, _ in self._witnesses.values() if w.problem and w.checkpoints]
        for row in self._db.execute(f"{SELECT_ALL} ORDER BY seq"):
            expected = self._last.seq + 1
            fault = fault_of(row, self._last) or self._contradiction(row)
            if fault:
                yield min(expected, row["seq"]), fault
            for witness, tree in changed:
                yield from _root_fault(witness, tree, row["hash"])
            if self._is_foreign and expected > vouched and not self._unsure:
                self._unsure.append((expected, f"{_FOREIGN} Nothing vouches for event {expected} and what follows."))
            self._last = Head(row["seq"], row["hash"])

    def _contradiction(self, row: sqlite3.Row) -> str:
        """Say what contradicts an event that fits the chain, or nothing."""
        seq = row["seq"]
        if not self._is_foreign and not self._is_sealed(row):
            return f"Event {seq} was written without this home's audit key."
        if self._signed is not None and self._signed.seq == seq and self._signed.hash != row["hash"]:
            return f"Event {seq} is not the one that was signed for."
        for witness, limit in self._witnesses.values():
            if not witness.problem and seq <= limit and witness.hash_of(seq) != row["hash"]:
                return f"Event {seq} is not the one that was exported: the log was written anew from here on."
        if row["action"] == HEAD_LOST and not self._is_foreign:
            return f"Events may be missing before event {seq}. {row['reason']}"
        return ""

    def _ends(self) -> Iterator[tuple[int, str]]:
        """Give what is wrong although no single event is."""
        last, signed = self._last.seq, self._signed
        yield from self._unsure
        if signed is None and (last or self._sealer is None):
            yield last + 1, self._head_problem
        elif self._is_foreign:
            yield last + 1, _FOREIGN
        if signed is not None and signed.seq > last:
            yield last + 1, f"The log was cut after event {last}: the signed head names event {signed.seq}."
        for _, limit in self._witnesses.values():
            if limit > last:
                yield last + 1, f"The log was cut after event {last}: {limit} were exported."
        if self._root is not None:
            yield from self._missing_exports(self._root)

    def _missing_exports(self, root: Path) -> Iterator[tuple[int, str]]:
        """Give the events whose exported checkpoints are gone or changed; an export may have happened meanwhile."""
        now = {name: read_witness(root / name) for name in self._witnesses}
        for name, size, seq in self._exports():
            witness = now.get(name) or read_witness(root / name)
            if witness.problem or witness.kept < size:
                reason = witness.problem or "It is no longer there."
                yield seq, f"Event {seq} says that the checkpoint of {size} events was exported. {reason}"
                return
        for witness in now.values():
            if witness.problem:
                yield witness.kept + 1, witness.problem

    def _is_sealed(self, row: sqlite3.Row) -> bool:
        return self._sealer is not None and row["seal"] == self._sealer.seal(row["hash"])


def _root_fault(witness: Witness, tree: Frontier, digest: str) -> Iterator[tuple[int, str]]:
    """Hold the log against the signed roots alone, where the hashes beside them were changed."""
    before = max((note.size for note in witness.checkpoints if note.size <= tree.size), default=0)
    tree.add(bytes.fromhex(digest))
    for note in witness.checkpoints:
        if note.size == tree.size and note.root != tree.root():
            yield before + 1, f"The log does not give the root that was signed for its first {note.size} events."
