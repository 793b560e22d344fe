"""Seals on audit events and signatures over the log, made with a key that lies outside the store.

The hash chain finds careless tampering. Whoever can rewrite the whole table could also compute the chain again, so
each event carries an HMAC under `keys/audit.key`, and a small file beside the store, signed with Ed25519, says how
many events there are: without it the newest events could be cut off unseen. The head is written after the commit,
so a crash in between leaves a head that is one change behind; the seals vouch for the events after it.

Runs in: gateway, terminal
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workbench.errors import IntegrityError
from workbench.governance.canonical import canonical_json

KEY_BYTES = 32
KEY_FILE, HEAD_FILE = "audit.key", "audit.head"


@dataclass(frozen=True)
class Head:
    """The newest event that was signed for: its number and its hash."""

    seq: int
    hash: str


class Sealer:
    """Makes and checks seals, the signed head and signatures of one store.

    Parameters
    ----------
    keys : Path
        The 0700 folder of keys; `audit.key` is made there on first use.
    head_file : Path
        Where the signed head lies.
    may_create : bool, default True
        Whether a missing key is made; without it, it is refused.

    Attributes
    ----------
    is_new : bool
        Whether the key was made just now.
    newest : Head or None
        The newest head that this process wrote or found; the log never goes on from an older one.

    Raises
    ------
    IntegrityError
        When there is no key that can be read.
    """

    def __init__(self, keys: Path, head_file: Path, *, may_create: bool = True) -> None:
        self.is_new = may_create and _create(keys / KEY_FILE)
        secret = _read(keys / KEY_FILE)
        # HMAC-SHA-256 (RFC 2104) from states that are made once: half the time of `hmac.digest` for so short a text.
        padded = _derive(secret, b"audit event seal").ljust(hashlib.sha256().block_size, b"\x00")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._signer = Ed25519PrivateKey.from_private_bytes(_derive(secret, b"audit head signature"))
        self._name_key = _derive(secret, b"name of this log")
        self._head_file = head_file
        self.newest: Head | None = None

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key with which anybody can check a head or a checkpoint."""
        return self._signer.public_key()

    def seal(self, event_hash: str) -> str:
        """Give the seal of an event."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(event_hash.encode())
        outer.update(inner.digest())
        return outer.hexdigest()

    def sign(self, text: bytes) -> bytes:
        """Give the Ed25519 signature of a text, 64 bytes."""
        return self._signer.sign(text)

    def name_of(self, home: Path) -> str:
        """Give the random name of the log of a home; a copy elsewhere is another log from then on."""
        return hmac.digest(self._name_key, os.fsencode(home.resolve()), "sha256").hex()[:16]

    def write_head(self, head: Head) -> None:
        """Sign and store the head; the file is replaced whole, so a reader never sees half of it."""
        body = {"seq": head.seq, "hash": head.hash}
        signature = self.sign(canonical_json(body)).hex()
        draft = self._head_file.with_suffix(f".{os.getpid()}.draft")
        draft.write_bytes(canonical_json({**body, "signature": signature}))
        draft.replace(self._head_file)
        self.newest = head

    def read_head(self) -> Head | None:
        """Give the head, or None when there is none.

        Raises
        ------
        IntegrityError
            When the file was not signed with this home's key.
        """
        try:
            text = self._head_file.read_bytes()
        except FileNotFoundError:
            return None
        try:
            stored = json.loads(text)
            head = Head(int(stored["seq"]), str(stored["hash"]))
            signature = bytes.fromhex(stored["signature"])
            self.public_key.verify(signature, canonical_json({"seq": head.seq, "hash": head.hash}))
        except (ValueError, KeyError, TypeError, InvalidSignature):
            raise IntegrityError("The signed head of the audit log was changed by somebody without the key.") from None
        self.newest = self.newest or head
        return head


def _derive(secret: bytes, use: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=use).derive(secret)


def _create(file: Path) -> bool:
    """Make a key where there is none, whole or not at all; give whether this was done."""
    if file.exists():
        return False
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(secrets.token_bytes(KEY_BYTES).hex())
        output.flush()
        os.fsync(output.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _read(file: Path) -> bytes:
    try:
        secret = bytes.fromhex(file.read_text())
    except (OSError, ValueError):
        raise IntegrityError(f"The key of the audit log ({file.name}) is missing or cannot be read.") from None
    if len(secret) != KEY_BYTES:
        raise IntegrityError(f"The key of the audit log ({file.name}) is not what was written.")
    return secret
