"""Signed checkpoints: how many events the log has and the root of the tree over them, as a note anybody can check.

Runs in: gateway, terminal
Source: C2SP tlog-checkpoint and signed-note (origin, size, root, extension line, Ed25519 signature with key id).
"""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.errors import IntegrityError, InvalidInput
from workbench.governance.canonical import stamp
from workbench.governance.record.chain import SELECT_ALL, START, fault_of
from workbench.governance.record.merkle import HASH_BYTES, Frontier
from workbench.governance.record.sealing import Head, Sealer

if TYPE_CHECKING:
    from workbench.governance.store import Store

ORIGIN = "ai4h-workbench/audit/"
ED25519 = b"\x01"
_SIGNED_BY = "— "


@dataclass(frozen=True)
class Checkpoint:
    """What was signed: the log's name, its size, the root over that many events, and when.

    `note` is the whole signed text, `key` the public key it was checked with, as `name+id+key`.
    """

    origin: str
    size: int
    root: bytes
    time: str
    note: str
    key: str

    def as_dict(self) -> dict[str, object]:
        """Give the checkpoint as plain JSON values; `note` alone is the proof, the rest is for reading."""
        key_id = self.key.split("+")[1]
        return {
            "origin": self.origin, "size": self.size, "root": self.root.hex(), "time": self.time,
            "key_id": key_id, "key": self.key, "note": self.note,
        }  # fmt: skip


def public_key_text(name: str, key: Ed25519PublicKey) -> str:
    """Give a public key as one line: name, key id and key, joined by plus signs."""
    raw = ED25519 + key.public_bytes_raw()
    return f"{name}+{_key_id(name, raw).hex()}+{base64.b64encode(raw).decode()}"


def sign_checkpoint(sealer: Sealer, origin: str, tree: Frontier, time: str) -> Checkpoint:
    """Sign the present size and root of a tree."""
    root, key = tree.root(), public_key_text(origin, sealer.public_key)
    body = f"{origin}\n{tree.size}\n{base64.b64encode(root).decode()}\ntime {time}\n"
    signature = _key_id(origin, raw_key(key)) + sealer.sign(body.encode())
    note = f"{body}\n{_SIGNED_BY}{origin} {base64.b64encode(signature).decode()}\n"
    return Checkpoint(origin, tree.size, root, time, note, key)


def read_checkpoint(note: str, key: str) -> Checkpoint:
    """Check the signature of a note and give what it says.

    Raises
    ------
    InvalidInput
        When the text is no checkpoint or the key no key.
    IntegrityError
        When the key did not sign it.
    """
    raw = raw_key(key)
    body, _, signatures = note.partition("\n\n")
    lines = body.split("\n")
    try:
        origin, size, root = lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
        time = next((line.removeprefix("time ") for line in lines[3:] if line.startswith("time ")), "")
    except (IndexError, ValueError):
        raise InvalidInput("This is no checkpoint of an audit log: it has no origin, size and root.") from None
    if not origin or str(size) != lines[1] or size < 0 or len(root) != HASH_BYTES:
        raise InvalidInput("This is no checkpoint of an audit log: its origin, size or root is malformed.")
    if not any(_is_signed(f"{body}\n", line, origin, raw) for line in signatures.split("\n")):
        raise IntegrityError("This checkpoint was not signed with the key of its log, or it was changed since.")
    return Checkpoint(origin, size, root, time, note, key)


def checkpoint_now(store: Store) -> dict[str, object]:
    """Give a signed checkpoint over all events that are on the disk now, for a release or a crate to carry away.

    Raises
    ------
    IntegrityError
        When the events since the last checkpoint do not verify: nothing is signed for a log that was tampered with.
    """
    return store.tree.checkpoint(store.read(), stamp(store.now())).as_dict()


class LogTree:
    """The tree over one store's log; it only grows, and only by events that verify.

    Events are read once. What is changed behind its back later no longer fits the roots that it signs.
    """

    def __init__(self, sealer: Sealer, name: str) -> None:
        self.name, self.origin = name, f"{ORIGIN}{name}"
        self._sealer = sealer
        self._lock = threading.Lock()
        self._tree, self._last = Frontier(), START

    def checkpoint(self, db: sqlite3.Connection, time: str) -> Checkpoint:
        """Take in the events since the last time and sign."""
        with self._lock:
            for row in db.execute(f"{SELECT_ALL} WHERE seq > ? ORDER BY seq", (self._last.seq,)):
                fault = fault_of(row, self._last)
                if not fault and row["seal"] != self._sealer.seal(row["hash"]):
                    fault = f"Event {row['seq']} was written without this home's audit key."
                if fault:
                    raise IntegrityError(f"{fault} No checkpoint is signed; see `workbench audit verify`.")
                self._tree.add(bytes.fromhex(row["hash"]))
                self._last = Head(row["seq"], row["hash"])
            return sign_checkpoint(self._sealer, self.origin, self._tree, time)

    def resume(self, known: Checkpoint, hashes: bytes) -> None:
        """Go on from a checkpoint that this key signed earlier, given the hashes it covers; else begin anew."""
        leaves = [hashes[at : at + HASH_BYTES] for at in range(0, known.size * HASH_BYTES, HASH_BYTES)]
        with self._lock:
            if self._tree.size == 0 and known.size == len(leaves) > 0:
                tree = Frontier(leaves)
                if tree.root() == known.root and known.key == public_key_text(self.origin, self._sealer.public_key):
                    self._tree, self._last = tree, Head(known.size, leaves[-1].hex())


def read_key(file: Path) -> str:
    """Read a public key file.

    Raises
    ------
    InvalidInput
        When there is no key in it.
    """
    try:
        key = file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(f"The key file “{file.name}” cannot be read.") from None
    raw_key(key)
    return key


def raw_key(key: str) -> bytes:
    """Give the algorithm byte and the key of a public key's line.

    Raises
    ------
    InvalidInput
        When it is none.
    """
    try:
        name, key_id, encoded = key.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise InvalidInput("This is no public key of an audit log; one reads name+id+key.") from None
    if len(raw) != 1 + HASH_BYTES or raw[:1] != ED25519 or _key_id(name, raw).hex() != key_id:
        raise InvalidInput("This is no Ed25519 public key of an audit log, or it is not whole.")
    return raw


def _key_id(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]


def _is_signed(body: str, line: str, origin: str, raw: bytes) -> bool:
    """Whether a signature line is the origin's, made with this key."""
    try:
        signature = base64.b64decode(line.removeprefix(f"{_SIGNED_BY}{origin} "), validate=True)
        if not line.startswith(f"{_SIGNED_BY}{origin} ") or signature[:4] != _key_id(origin, raw):
            return False
        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature[4:], body.encode())
    except (ValueError, InvalidSignature):
        return False
    return True
