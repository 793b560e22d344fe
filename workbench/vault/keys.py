"""Keys that wrap keys: a subject's key under its dataset's, a dataset's under the home's master key.

Destroying a subject's key makes its bytes unreadable in every version and every backup of the vault; a small
tombstone keeps the key from being made anew.

Runs in: gateway
Source: NIST SP 800-38D (AES-GCM) for wrapping, RFC 5869 (HKDF) for keys of objects.
"""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from workbench.errors import Conflict, IntegrityError, NotFound
from workbench.governance.canonical import stamp
from workbench.vault.files import flush_folder, make_folder, write_whole
from workbench.vault.names import check_dataset, check_subject

KEY_BYTES = 32
NONCE_BYTES = 12
# Objects of the dataset as a whole (tables, the card, manifests) have a key of their own; no subject is called so.
SHARED = "_shared"
MASTER, DATASET = "master.key", "dataset.key"
# The new key of a rotation that is under way.
NEXT = ".next"


class KeyRing:
    """The keys of one home.

    Parameters
    ----------
    folder : Path
        The 0700 folder of keys; `master.key` is made there on first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._opened: dict[tuple[str, str], bytes] = {}
        make_folder(folder)
        self._master = self._read_master(folder / MASTER)
        self._finish_rotations()

    def subject_key(self, dataset: str, subject: str, *, create: bool = False) -> bytes:
        """Give a subject's key; `SHARED` names the key of what belongs to no subject.

        Raises
        ------
        Conflict
            When a key should be made for a subject that was withdrawn.
        NotFound
            When there is no such key, or it was destroyed.
        IntegrityError
            When the stored key does not open.
        """
        dataset, subject = check_dataset(dataset), subject if subject == SHARED else check_subject(subject)
        with self._lock:
            known = self._opened.get((dataset, subject))
            if known is None:
                wrapping = self._open(self._folder / dataset / DATASET, self._master, dataset, create=create)
                file = self._folder / dataset / f"{subject}.key"
                if self._tombstone(dataset, subject).exists():
                    raise (Conflict if create else NotFound)(_withdrawn(dataset, subject))
                known = self._open(file, wrapping, f"{dataset}/{subject}", create=create)
                self._opened[dataset, subject] = known
            return known

    def destroy(self, dataset: str, subject: str) -> None:
        """Destroy a subject's key for ever."""
        dataset, subject = check_dataset(dataset), check_subject(subject)
        with self._lock:
            write_whole(self._tombstone(dataset, subject), [b""])
            file = self._folder / dataset / f"{subject}.key"
            if file.exists():
                # Overwriting helps where the disk overwrites in place; a wrapped key is 60 bytes.
                file.write_bytes(secrets.token_bytes(file.stat().st_size))
                file.unlink()
            flush_folder(file.parent)
            self._opened.pop((dataset, subject), None)
        object_key.cache_clear()

    def rotate_master(self) -> int:
        """Wrap every dataset's key with a new master key and forget the old one; give how many were wrapped anew.

        The bytes in the vault are not touched. A crash in between leaves both master keys, and the next start ends
        what was begun.
        """
        with self._lock:
            write_whole(self._folder / (MASTER + NEXT), [secrets.token_bytes(KEY_BYTES).hex().encode()])
            return self._finish_master()

    def rotate_dataset(self, dataset: str) -> int:
        """Wrap every subject's key of a dataset with a new dataset key; give how many were wrapped anew.

        Raises
        ------
        NotFound
            When the vault holds nothing of the dataset.
        """
        folder = self._folder / check_dataset(dataset)
        with self._lock:
            self._open(folder / DATASET, self._master, dataset, create=False)
            new = _wrapped(self._master, secrets.token_bytes(KEY_BYTES), dataset)
            write_whole(folder / (DATASET + NEXT), [new])
            return self._finish_dataset(folder)

    def ages(self) -> list[dict[str, Any]]:
        """Give `key, made, wraps` of the master key and each dataset's key: never a key itself."""
        with self._lock:
            datasets = sorted(self._folder.glob(f"*/{DATASET}"))
            found = [_age("master", self._folder / MASTER, len(datasets))]
            return found + [_age(file.parent.name, file, len(list(file.parent.glob("*.key"))) - 1) for file in datasets]

    def _finish_rotations(self) -> None:
        """End what a crash interrupted; until then both the old and the new key are there."""
        if (self._folder / (MASTER + NEXT)).exists():
            self._finish_master()
        for pending in sorted(self._folder.glob(f"*/{DATASET}{NEXT}")):
            self._finish_dataset(pending.parent)

    def _finish_master(self) -> int:
        new = self._read_master(self._folder / (MASTER + NEXT))
        files = sorted(self._folder.glob(f"*/{DATASET}"))
        for file in files:
            self._rewrap(file, new, self._master, file.parent.name)
        (self._folder / (MASTER + NEXT)).replace(self._folder / MASTER)
        flush_folder(self._folder)
        self._master = new
        return len(files)

    def _finish_dataset(self, folder: Path) -> int:
        dataset = folder.name
        old = self._open(folder / DATASET, self._master, dataset, create=False)
        new = self._open(folder / (DATASET + NEXT), self._master, dataset, create=False)
        files = [file for file in sorted(folder.glob("*.key")) if file.name != DATASET]
        for file in files:
            self._rewrap(file, new, old, f"{dataset}/{file.stem}")
        (folder / (DATASET + NEXT)).replace(folder / DATASET)
        flush_folder(folder)
        return len(files)

    def _rewrap(self, file: Path, new: bytes, old: bytes, name: str) -> None:
        """Wrap a key with the new key, unless a run before a crash has done so."""
        stored = file.read_bytes()
        try:
            AESGCM(new).decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            write_whole(file, [_wrapped(new, self._open(file, old, name, create=False), name)])

    def _tombstone(self, dataset: str, subject: str) -> Path:
        return self._folder / dataset / f"{subject}.withdrawn"

    def _read_master(self, file: Path) -> bytes:
        if not file.exists():
            write_whole(file, [secrets.token_bytes(KEY_BYTES).hex().encode()])
        try:
            master = bytes.fromhex(file.read_text())
        except ValueError:
            master = b""
        if len(master) != KEY_BYTES:
            raise IntegrityError("The vault's master key is damaged; put it back from its backup.")
        return master

    def _open(self, file: Path, wrapping: bytes, name: str, *, create: bool) -> bytes:
        try:
            stored = file.read_bytes()
        except FileNotFoundError:
            if not create:
                raise NotFound(f"The vault has no key for {name}; nothing was stored under it.") from None
            key = secrets.token_bytes(KEY_BYTES)
            write_whole(file, [_wrapped(wrapping, key, name)])
            return key
        try:
            return AESGCM(wrapping).decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            raise IntegrityError(f"The key of {name} does not open: another master key, or it was changed.") from None


def _age(name: str, file: Path, wraps: int) -> dict[str, Any]:
    return {"key": name, "made": stamp(datetime.fromtimestamp(file.stat().st_mtime, UTC)), "wraps": wraps}


def _wrapped(wrapping: bytes, key: bytes, name: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(wrapping).encrypt(nonce, key, name.encode())


@lru_cache(maxsize=512)
def object_key(subject_key: bytes, name: str) -> AESGCM:
    """Give the cipher of one object."""
    return AESGCM(HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=b"object " + name.encode()).derive(subject_key))


def _withdrawn(dataset: str, subject: str) -> str:
    return f"Subject {subject} was withdrawn from {dataset}: its key was destroyed and its bytes cannot be read again."
