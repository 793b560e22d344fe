"""The list of a dataset version's objects; its Merkle root is the version's id.

The root depends on the paths and the plain bytes alone, so the same data have the same version id on every machine.

Runs in: gateway
Source: RFC 6962 section 2.1 (Merkle hash tree), over the entries sorted by path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from workbench.errors import IntegrityError, InvalidInput, NotFound
from workbench.governance.canonical import canonical_json
from workbench.vault.names import check_path
from workbench.vault.vault import ObjectEntry, Vault

FORMAT = 1
MANIFEST_PATH = "manifest.json"


class Manifest:
    """The objects of one dataset version, by path.

    Parameters
    ----------
    entries : iterable of ObjectEntry
        In any order; no path twice.
    """

    def __init__(self, entries: Iterable[ObjectEntry]) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.path.encode()))
        self._by_path = {entry.path: entry for entry in self.entries}
        if len(self._by_path) != len(self.entries):
            raise InvalidInput("A dataset version holds each path once, and one was given twice.")
        for path in self._by_path:
            check_path(path)

    @cached_property
    def root(self) -> str:
        """The version's id, 64 hexadecimal digits."""
        return merkle_root([_leaf(entry) for entry in self.entries]).hex()

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the canonical JSON list of [path, sha256] that the version's card names."""
        return hashlib.sha256(canonical_json([[entry.path, entry.sha256] for entry in self.entries])).hexdigest()

    def entry(self, path: str) -> ObjectEntry:
        """Give the entry at a path.

        Raises
        ------
        NotFound
            When the version holds none there.
        """
        try:
            return self._by_path[path]
        except KeyError:
            raise NotFound("This dataset version holds no object at that path.") from None

    def get(self, path: str) -> ObjectEntry | None:
        """Give the entry at a path, or None."""
        return self._by_path.get(path)

    def under(self, prefix: str) -> list[ObjectEntry]:
        """Give the entries whose path begins with a prefix, sorted by path."""
        return [entry for entry in self.entries if entry.path.startswith(prefix)]

    def to_bytes(self) -> bytes:
        """Give the stored form."""
        return canonical_json({"format": FORMAT, "entries": [entry.as_dict() for entry in self.entries]})

    @classmethod
    def from_bytes(cls, stored: bytes) -> Manifest:
        """Read what `to_bytes` wrote."""
        body: dict[str, Any] = json.loads(stored)
        if body.get("format") != FORMAT:
            raise IntegrityError("This manifest was written by a newer release; update the workbench to read it.")
        return cls(ObjectEntry(**entry) for entry in body["entries"])


def save_manifest(vault: Vault, dataset: str, manifest: Manifest) -> str:
    """Store a manifest encrypted and give the text by which `load_manifest` finds it."""
    entry = vault.put(dataset, "", MANIFEST_PATH, manifest.to_bytes())
    return canonical_json(entry.as_dict()).decode()


def load_manifest(vault: Vault, dataset: str, reference: str, version: str) -> Manifest:
    """Read the manifest of a version.

    Raises
    ------
    IntegrityError
        When it is not the manifest whose root is the version's id.
    """
    manifest = Manifest.from_bytes(vault.read(dataset, ObjectEntry(**json.loads(reference))))
    if manifest.root != version:
        raise IntegrityError(f"The manifest of {dataset} does not give the id of its version; it was exchanged.")
    return manifest


def merkle_root(leaves: list[bytes]) -> bytes:
    """Give the RFC 6962 Merkle tree hash of leaves that are not yet hashed.

    >>> merkle_root([]).hex()[:16]
    'e3b0c44298fc1c14'
    """
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        paired = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        # A node without a partner rises as it is, which gives the same tree as RFC 6962's recursive split.
        level = [*paired, level[-1]] if len(level) % 2 else paired
    return level[0]


def _leaf(entry: ObjectEntry) -> bytes:
    return entry.path.encode() + b"\x00" + bytes.fromhex(entry.sha256)
