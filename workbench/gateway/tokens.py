"""Tokens: who asks, from which kind of process, until when; signed, so that a restart keeps them valid.

A token says only who its holder is. What that person may do is looked up live at each request.

Runs in: gateway
Source: RFC 6750 (bearer tokens), RFC 2104 (HMAC), here with SHA-256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InvalidInput, NotSignedIn

KINDS = ("operator", "person", "kernel", "evaluator")
ISOLATIONS = ("bubblewrap", "none")
PERSON_TOKEN_S = 3600.0
MAX_TOKEN_CHARACTERS = 4096

_AGAIN = "Sign in again, or restart the kernel."


@dataclass(frozen=True)
class Token:
    """What a token says of its holder.

    `id` names the session, kernel or submission it is bound to; `purpose` the one it was started for, if for one.
    With `lease_s`, seconds, it also ends when nobody has said for that long that its holder lives. A kernel `is_apart`
    when it runs what somebody else wrote, in a folder of its own and not in the person's workspace.
    """

    person: str
    kind: str
    id: str
    isolation: str = "none"
    expires: float = 0.0
    task: str | None = None
    submission: str | None = None
    purpose: str = ""
    lease_s: float = 0.0
    is_apart: bool = False


class Tokens:
    """Makes and reads the tokens of one home."""

    def __init__(self, key: bytes, operator: str) -> None:
        self._key = key
        self._operator = operator

    def make(self, token: Token) -> str:
        """Give the signed text of a token."""
        if token.kind not in KINDS or token.isolation not in ISOLATIONS:
            raise InvalidInput(f"There is no token of kind “{token.kind}” with isolation “{token.isolation}”.")
        claims = {
            "person": token.person, "kind": token.kind, "id": token.id, "isolation": token.isolation,
            "exp": token.expires, "task": token.task, "submission": token.submission, "purpose": token.purpose or None,
            "lease_s": token.lease_s or None, "apart": token.is_apart or None,
        }  # fmt: skip
        body = _encode(json.dumps({name: value for name, value in claims.items() if value is not None}).encode())
        return f"{body}.{_encode(self._sign(body))}"

    def read(self, bearer: str | None) -> Token:
        """Give the token behind an Authorization header's bearer.

        Raises
        ------
        NotSignedIn
            When there is none, or it is malformed, of another home, or expired.
        """
        if not bearer:
            raise NotSignedIn(f"This request carries no token, so nobody is signed in. {_AGAIN}")
        if hmac.compare_digest(bearer.encode(), self._operator.encode()):
            return Token("", "operator", "operator")
        body, dot, signature = bearer.partition(".")
        if len(bearer) > MAX_TOKEN_CHARACTERS or not dot or not self._is_ours(body, signature):
            raise NotSignedIn(f"This token was not made by this gateway. {_AGAIN}")
        claims = json.loads(_decode(body))
        token = Token(
            claims["person"], claims["kind"], claims["id"], claims["isolation"], claims["exp"],
            claims.get("task"), claims.get("submission"), claims.get("purpose", ""), claims.get("lease_s", 0.0),
            claims.get("apart", False),
        )  # fmt: skip
        if token.expires <= time.time():
            raise NotSignedIn(f"This token has expired. {_AGAIN}")
        return token

    def _sign(self, body: str) -> bytes:
        return hmac.new(self._key, body.encode(), hashlib.sha256).digest()

    def _is_ours(self, body: str, signature: str) -> bool:
        try:
            return hmac.compare_digest(_decode(signature), self._sign(body))
        except (binascii.Error, ValueError):
            return False


def open_tokens(keys: Path) -> Tokens:
    """Give the tokens of a home; its two keys are made on the first start."""
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys.chmod(0o700)
    return Tokens(bytes.fromhex(read_key(keys / "token.key")), read_key(keys / "operator.key"))


def new_id(kind: str) -> str:
    """Give a fresh identifier that nobody can guess, such as ``kernel-3f9c…``."""
    return f"{kind}-{secrets.token_hex(8)}"


def read_key(file: Path) -> str:
    """Give a key of the home, 64 hexadecimal digits, made on the first start."""
    if not file.exists():
        # Written under another name first: a crash must not leave an empty key that later counts as one.
        written = file.with_suffix(".new")
        handle = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as output:
            output.write(secrets.token_hex(32))
            output.flush()
            os.fsync(output.fileno())
        written.replace(file)
    return file.read_text().strip()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
