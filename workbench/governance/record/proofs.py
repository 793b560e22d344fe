"""Proofs that leave the house: that an event is in the log, and that a later log holds an earlier one whole.

A proof is one JSON value. Checking it needs neither the store nor the home, only the public key of the log.

Runs in: gateway, terminal
Source: RFC 6962 section 2.1 (paths); the leaf is the event's SHA-256 over canonical JSON, 32 bytes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import IntegrityError, InvalidInput, NotFound
from workbench.governance.canonical import stamp
from workbench.governance.record.chain import HASHED, SELECT_ALL, event_hash
from workbench.governance.record.checkpoints import Checkpoint, read_checkpoint, sign_checkpoint
from workbench.governance.record.merkle import Frontier, consistency_path, holds_leaf, holds_tree, inclusion_path

if TYPE_CHECKING:
    from workbench.governance.store import Store

INCLUSION, CONSISTENCY = "inclusion", "consistency"


def prove_event(store: Store, seq: int) -> dict[str, Any]:
    """Give the proof that an event is in the log as it stands.

    Raises
    ------
    NotFound
        When the log has no such event.
    IntegrityError
        When the log no longer fits what was signed.
    """
    db = store.read()
    checkpoint = store.tree.checkpoint(db, stamp(store.now()))
    row = db.execute(f"{SELECT_ALL} WHERE seq = ?", (seq,)).fetchone()
    if row is None or not 0 < seq <= checkpoint.size:
        raise NotFound(f"The log has no event {seq}; its newest is event {checkpoint.size}.")
    leaves = _leaves(db, checkpoint)
    if event_hash(row) != row["hash"]:
        raise IntegrityError(f"Event {seq} is not what was written, so there is no proof of it; see `audit verify`.")
    return {
        "kind": INCLUSION, "event": {name: row[name] for name in HASHED}, "index": seq - 1, "size": checkpoint.size,
        "path": [step.hex() for step in inclusion_path(leaves, seq - 1)], "checkpoint": checkpoint.note,
        "key": checkpoint.key,
    }  # fmt: skip


def prove_growth(store: Store, first: int, second: int = 0) -> dict[str, Any]:
    """Give the proof that the log of `second` events (0: of all) begins with that of `first` events.

    Raises
    ------
    InvalidInput
        When the log never had these sizes in this order.
    """
    db, now = store.read(), stamp(store.now())
    newest = store.tree.checkpoint(db, now)
    second = second or newest.size
    if not 0 < first <= second <= newest.size:
        raise InvalidInput(f"Give sizes with 0 < first ≤ second ≤ {newest.size}, the present size of the log.")
    leaves = _leaves(db, newest)[:second]
    later = sign_checkpoint(store.sealer, newest.origin, Frontier(leaves), now)
    return {
        "kind": CONSISTENCY, "first": {"size": first, "root": Frontier(leaves[:first]).root().hex()},
        "path": [step.hex() for step in consistency_path(leaves, first)], "checkpoint": later.note, "key": later.key,
    }  # fmt: skip


def check_proof(proof: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
    """Check a proof by itself.

    Parameters
    ----------
    proof : mapping
        What `prove_event` or `prove_growth` gave.
    key : str, optional
        The log's public key as the checker has it from elsewhere; without it, the key inside the proof is used, and
        then the proof says only that whoever holds that key signed it.

    Returns
    -------
    dict
        `ok` (always true), `kind`, `checkpoint` (what was signed), `trusted` (whether `key` was given), and `event`
        or `first`.

    Raises
    ------
    InvalidInput
        When it is no proof.
    IntegrityError
        When it proves nothing.
    """
    try:
        kind, path = proof["kind"], [bytes.fromhex(step) for step in proof["path"]]
        checkpoint = read_checkpoint(str(proof["checkpoint"]), key or str(proof["key"]))
        subject = "event" if kind == INCLUSION else "first"
        value = proof[subject]
        holds = _holds_event(proof, checkpoint, path) if kind == INCLUSION else _holds_first(value, checkpoint, path)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidInput("This is no proof of an audit log, or it is not whole.") from None
    if kind not in (INCLUSION, CONSISTENCY) or not holds:
        raise IntegrityError(
            f"The proof does not hold: what it shows is not under the root signed for {checkpoint.size} events."
        )
    return {"ok": True, "kind": kind, "trusted": key is not None, "checkpoint": checkpoint.as_dict(), subject: value}


def _holds_event(proof: Mapping[str, Any], checkpoint: Checkpoint, path: list[bytes]) -> bool:
    event, index = proof["event"], proof["index"]
    if event["seq"] != index + 1 or set(event) != set(HASHED):
        return False
    return holds_leaf(checkpoint.root, checkpoint.size, bytes.fromhex(event_hash(event)), index, path)


def _holds_first(first: Mapping[str, Any], checkpoint: Checkpoint, path: list[bytes]) -> bool:
    return holds_tree((first["size"], bytes.fromhex(first["root"])), (checkpoint.size, checkpoint.root), path)


def _leaves(db: sqlite3.Connection, checkpoint: Checkpoint) -> list[bytes]:
    """Give the leaves under a checkpoint, refused when the table no longer gives its root."""
    rows = db.execute("SELECT hash FROM audit WHERE seq BETWEEN 1 AND ? ORDER BY seq", (checkpoint.size,))
    leaves = [bytes.fromhex(row["hash"]) for row in rows]
    if Frontier(leaves).root() != checkpoint.root:
        raise IntegrityError("The log no longer gives the root that was signed for it; see `workbench audit verify`.")
    return leaves
