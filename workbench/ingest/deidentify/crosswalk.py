"""The crosswalk from pseudonyms back to their sources: encrypted, per project, on the ingest host only.

A file of sealed records that only grows. Each record is bound to its project and its place, so that none can be
moved; a record that a kill cut short is dropped by the next writer.

Runs in: ingest host
Source: NIST SP 800-38D (AES-GCM).
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from workbench.errors import IntegrityError
from workbench.ingest.deidentify.pseudonyms import check_project, read_or_make_key
from workbench.settings import Settings

KEY_NAME = "crosswalk.key"
# Length of a record and a checksum of it: a length that was changed must not look like a record cut short.
HEAD = struct.Struct(">II")
NONCE_BYTES, TAG_BYTES = 12, 16
# Entries of this kind say who asked for a pseudonym; they are no pairs.
QUESTION = "question"

Pair = tuple[str, str, str]


@dataclass(frozen=True)
class Source:
    """What a pseudonym stands for.

    Parameters
    ----------
    kind : str
        `patient`, `study`, `series`, `instance` or whatever was noted.
    source : str
        The identifier at the source.
    pseudonym : str
        What stands for it.
    """

    kind: str
    source: str
    pseudonym: str


class Crosswalk:
    """The crosswalk of one project.

    Parameters
    ----------
    settings : Settings
        The home whose `crosswalk` folder holds the file and whose `keys` folder holds the key.
    project : str
        The project.

    Raises
    ------
    InvalidInput
        When the project's name is not usable, or the key is damaged.
    """

    def __init__(self, settings: Settings, project: str) -> None:
        check_project(project)
        folder = settings.home / "crosswalk"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = hmac.digest(read_or_make_key(settings, KEY_NAME), b"crosswalk\0" + project.encode(), "sha256")
        self._cipher = AESGCM(key)
        self._project = project.encode()
        self._file = folder / f"{project}.bin"
        self._known: set[bytes] = set()
        self._read_to = 0

    def note(self, pairs: Iterable[Pair]) -> None:
        """Add (kind, source, pseudonym) triples that are not there yet; on the disk when this returns.

        Other processes may add at the same time.
        """
        wanted = list(dict.fromkeys(pairs))
        if not any(_digest(pair) not in self._known for pair in wanted):
            return
        with self._locked(os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as descriptor:
            for pair in self._records(descriptor, self._read_to):
                self._known.add(_digest(pair))
            fresh = [pair for pair in wanted if _digest(pair) not in self._known]
            if fresh:
                self._append(descriptor, fresh)
                self._known.update(map(_digest, fresh))

    def note_question(self, pseudonym: str, who: str) -> None:
        """Add that somebody asked what a pseudonym stands for."""
        # A number that is used once makes every question a new entry.
        self.note([(QUESTION, f"{who} {secrets.token_hex(8)}", pseudonym)])

    def find(self, pseudonym: str) -> tuple[Source, ...]:
        """Give what a pseudonym stands for; more than one source when a source spelled it differently.

        Raises
        ------
        IntegrityError
            When a record was changed, or another key is in place than the one it was written with.
        """
        return tuple(Source(*pair) for pair in self._pairs() if pair[2] == pseudonym and pair[0] != QUESTION)

    def questions(self) -> tuple[Source, ...]:
        """Give who asked for which pseudonym."""
        return tuple(Source(*pair) for pair in self._pairs() if pair[0] == QUESTION)

    def _pairs(self) -> list[Pair]:
        if not self._file.exists():
            return []
        with self._locked(os.O_RDONLY, fcntl.LOCK_SH) as descriptor:
            return list(self._records(descriptor, 0))

    @contextmanager
    def _locked(self, flags: int, lock: int) -> Iterator[int]:
        descriptor = os.open(self._file, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, lock)
            yield descriptor
        finally:
            os.close(descriptor)

    def _append(self, descriptor: int, pairs: list[Pair]) -> None:
        os.ftruncate(descriptor, self._read_to)
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = zlib.compress(json.dumps(pairs).encode(), 1)
        sealed = nonce + self._cipher.encrypt(nonce, plain, self._bound_to(self._read_to))
        record = memoryview(_head(len(sealed)) + sealed)
        written = 0
        while written < len(record):
            written += os.pwrite(descriptor, record[written:], self._read_to + written)
        os.fsync(descriptor)
        self._read_to += len(record)

    def _records(self, descriptor: int, start: int) -> Iterator[Pair]:
        """Give the pairs from a place on; what a kill left at the end is passed over."""
        size, place = os.fstat(descriptor).st_size, start
        while place + HEAD.size <= size:
            head = os.pread(descriptor, HEAD.size, place)
            length = HEAD.unpack(head)[0]
            end = place + HEAD.size + length
            is_right = head == _head(length)
            if is_right and end > size:
                break
            pairs = self._opened(os.pread(descriptor, length, place + HEAD.size), place) if is_right else None
            if pairs is None:
                if not any(os.pread(descriptor, size - place, place)):
                    break  # A power failure can leave a longer file without its content.
                raise IntegrityError(
                    "The crosswalk of this project was changed, or another crosswalk.key is in place than the one it "
                    "was written with; restore file and key from the same backup."
                )
            yield from pairs
            place = end
        self._read_to = place

    def _opened(self, sealed: bytes, place: int) -> list[Pair] | None:
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            return None
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound_to(place))
        except InvalidTag:
            return None
        return [(kind, source, pseudonym) for kind, source, pseudonym in json.loads(zlib.decompress(plain))]

    def _bound_to(self, place: int) -> bytes:
        return self._project + b"\0" + place.to_bytes(8, "big")


def _head(length: int) -> bytes:
    return HEAD.pack(length, zlib.crc32(length.to_bytes(4, "big"), 1))


def _digest(pair: Pair) -> bytes:
    return hashlib.blake2b("\0".join(pair).encode("utf-8", "surrogatepass"), digest_size=16).digest()
