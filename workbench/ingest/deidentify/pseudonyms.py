"""Pseudonyms that only the ingest host can compute: keyed, stable, and separate for each project.

Patients and dates are separate for each patient too. UIDs are not: a study, a frame of reference or a referenced
instance may be named from files whose patient IDs are spelled differently, and must still be found.

Runs in: ingest host
Source: RFC 2104 (HMAC); DICOM PS3.5 2026c B.2 (UIDs under the root 2.25); PS3.15 2026c E.3.6 (shifted dates).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from workbench.errors import InvalidInput
from workbench.settings import Settings

KEY_NAME = "ingest.key"
# Phantoms have no patient behind them. Their key is published, so that every machine makes the same version ids.
PHANTOM_KEY = hashlib.sha256(b"ai4h-workbench: the published key of the embedded phantoms").digest()
LONGEST_SHIFT_DAYS = 3650
PROJECT = re.compile(r"[a-z0-9-]{1,64}")
# An empty patient ID must not make one patient of many, so then something finer stands for the patient.
STANDING_IN = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


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
        self._key = key
        self._own = hmac.digest(key, b"patient\0" + _bytes(patient), "sha256")
        self._uids: dict[str, str] = {}
        number = int.from_bytes(_digest(self._own, "id", "")[:8], "big")
        self.patient_id = f"{number:016x}"
        offset = int.from_bytes(_digest(self._own, "date", "")[:8], "big") % LONGEST_SHIFT_DAYS
        self._shift = timedelta(days=1 + offset)

    def uid(self, source: str) -> str:
        """Give the UID that stands for a source UID in everything of the project."""
        known = self._uids.get(source)
        if known is None:
            known = f"2.25.{int.from_bytes(_digest(self._key, 'uid', source)[:16], 'big')}"
            self._uids[source] = known
        return known

    def text(self, kind: str, source: str) -> str:
        """Give 16 characters that stand for a number or label, such as an accession number, in the project."""
        return _digest(self._key, kind, source).hex()[:16]

    def day(self, source: date) -> date:
        """Give a date moved back by this patient's shift; intervals stay.

        Raises
        ------
        OverflowError
            When the result would lie before year 1.
        """
        return source - self._shift


def patient_identity(source: Dataset) -> str:
    """Give what tells the patient of an instance from others, however the ID was padded; it is never kept.

    Patients without an ID are told apart by study.
    """
    patient = _first(source, "PatientID")
    if patient:
        return f"id\0{patient}\0{_first(source, 'IssuerOfPatientID')}"
    return next((f"{name}\0{value}" for name in STANDING_IN if (value := _first(source, name))), "nobody")


def project_key(settings: Settings, project: str) -> bytes:
    """Give the secret of a project's pseudonyms: two projects cannot be joined over them.

    Raises
    ------
    InvalidInput
        When the name is not usable, or this home's secret is damaged.
    """
    check_project(project)
    return _digest(ingest_key(settings), "project", project)


def check_project(project: str) -> None:
    """Refuse a project's name that a path or a command line could trip over."""
    if not PROJECT.fullmatch(project):
        raise InvalidInput(f"“{project}” cannot name a project: use 1 to 64 small letters, digits and hyphens.")


def _first(source: Dataset, keyword: str) -> str:
    value: Any = source.get(keyword)
    values = list(value) if isinstance(value, list | tuple | MultiValue) else [value]
    return " ".join(str(values[0]).replace("\0", " ").split()) if values and values[0] is not None else ""


def _digest(key: bytes, kind: str, value: str) -> bytes:
    return hmac.digest(key, kind.encode() + b"\0" + _bytes(value), "sha256")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def ingest_key(settings: Settings) -> bytes:
    """Read the secret of this home's pseudonyms; the first ingest makes it.

    Raises
    ------
    InvalidInput
        When the file does not hold a key.
    """
    return read_or_make_key(settings, KEY_NAME)


def read_or_make_key(settings: Settings, name: str) -> bytes:
    """Read a secret of this home from its keys folder; the first reader makes it."""
    settings.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = settings.keys / name
    if not file.exists():
        _write_once(file, secrets.token_hex(32))
    try:
        key = bytes.fromhex(file.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise InvalidInput(f"{name} in the keys folder is damaged; restore it, or nothing would match what it made.")
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
