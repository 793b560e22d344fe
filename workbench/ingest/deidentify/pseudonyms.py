"""Pseudonyms that only the ingest host can compute: keyed, stable, and separate for each patient.

Runs in: ingest host
Source: RFC 2104 (HMAC); DICOM PS3.5 2026c B.2 (UIDs under the root 2.25); PS3.15 2026c E.3.6 (shifted dates).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from datetime import date, timedelta
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.settings import Settings

KEY_NAME = "ingest.key"
# Phantoms have no patient behind them. Their key is published, so that every machine makes the same version ids.
PHANTOM_KEY = hashlib.sha256(b"ai4h-workbench: the published key of the embedded phantoms").digest()
LONGEST_SHIFT_DAYS = 3650


class Pseudonyms:
    """The pseudonyms of one patient.

    Parameters
    ----------
    key : bytes
        The project's secret.
    patient : str
        Whatever tells this patient from others at the source; never kept.
    """

    def __init__(self, key: bytes, patient: str) -> None:
        self._key = hmac.digest(key, b"patient\0" + patient.encode("utf-8", "surrogateescape"), "sha256")
        self._uids: dict[str, str] = {}
        number = int.from_bytes(self._digest("id", "")[:8], "big")
        self.patient_id = f"{number:016x}"
        offset = int.from_bytes(self._digest("date", "")[:8], "big") % LONGEST_SHIFT_DAYS
        self._shift = timedelta(days=1 + offset)

    def uid(self, source: str) -> str:
        """Give the UID that stands for a source UID in everything of this patient."""
        known = self._uids.get(source)
        if known is None:
            known = f"2.25.{int.from_bytes(self._digest('uid', source)[:16], 'big')}"
            self._uids[source] = known
        return known

    def day(self, source: date) -> date:
        """Give a date moved back by this patient's shift; intervals stay.

        Raises
        ------
        OverflowError
            When the result would lie before year 1.
        """
        return source - self._shift

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{kind}\0{value}".encode("utf-8", "surrogateescape"), "sha256")


def ingest_key(settings: Settings) -> bytes:
    """Read the secret of this home's pseudonyms; the first ingest makes it.

    Raises
    ------
    InvalidInput
        When the file does not hold a key.
    """
    settings.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = settings.keys / KEY_NAME
    if not file.exists():
        _write_once(file, secrets.token_hex(32))
    try:
        key = bytes.fromhex(file.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise InvalidInput(f"{KEY_NAME} in the keys folder is damaged; restore it, or pseudonyms would not match.")
    return key


def _write_once(file: Path, text: str) -> None:
    """Write a secret under a temporary name and link it into place; the first of two writers wins."""
    temporary = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as output:
        output.write(text + "\n")
        output.flush()
        os.fsync(output.fileno())
    try:
        os.link(temporary, file)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
