"""Seals on audit events and the signed head, made with a key that lies outside the store.

The hash chain finds careless tampering. Whoever can rewrite the whole table could also compute the chain again, so
each event carries an HMAC under `keys/audit.key`, and a small file beside the store, signed with Ed25519, says how
many events there are: without it the newest events could be cut off unseen. The head is written after the commit,
so a crash in between leaves a head that is one change behind; the seals vouch for the events after it.

Runs in: gateway
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class Head:
    """The newest event that was signed for: its number and its hash."""

    seq: int
    hash: str


class Sealer:
    """Makes and checks seals and the signed head of one store.

    Parameters
    ----------
    keys : Path
        The 0700 folder of keys; `audit.key` is made there on first use.
    head_file : Path
        Where the signed head lies.

    Attributes
    ----------
    newest : Head or None
        The newest head that this process wrote or found; the log never goes on from an older one.
    """

    def __init__(self, keys: Path, head_file: Path) -> None:
        secret = _secret(keys / "audit.key")
        self._seal_key = _derive(secret, b"audit event seal")
        self._signer = Ed25519PrivateKey.from_private_bytes(_derive(secret, b"audit head signature"))
        self._head_file = head_file
        self.newest: Head | None = None

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key with which anybody can check a head."""
        return self._signer.public_key()

    def seal(self, event_hash: str) -> str:
        """Give the seal of an event."""
        return hmac.digest(self._seal_key, event_hash.encode(), "sha256").hex()

    def write_head(self, head: Head) -> None:
        """Sign and store the head; the file is replaced whole, so a reader never sees half of it."""
        body = {"seq": head.seq, "hash": head.hash}
        signature = self._signer.sign(canonical_json(body)).hex()
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


def _secret(file: Path) -> bytes:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(file.read_text())
    secret = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "w") as output:
        output.write(secret.hex())
        output.flush()
        os.fsync(output.fileno())
    return secret
