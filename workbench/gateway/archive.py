"""What a dataset version holds, found by path: scans, tables, image bytes. Nobody is asked for permission here.

A version never changes, so everything that was read of it stays in memory until room is needed.

Runs in: gateway
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import pyarrow as pa

from workbench.data.shard import Shard, read_layout
from workbench.errors import NotFound
from workbench.governance.catalogue import find_version
from workbench.governance.store import Store
from workbench.vault.manifest import Manifest, load_manifest
from workbench.vault.vault import ObjectEntry, Vault

# Pseudonyms tie a scan to its source on the ingest host; nobody else needs them.
PRIVATE = ("subject_pseudonym", "series_uid")


class Archive:
    """Reads the versions of one home."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self.manifest = lru_cache(maxsize=64)(self._load_manifest)
        self._scans = lru_cache(maxsize=64)(self._load_scans)
        self.shard = lru_cache(maxsize=256)(self._load_shard)

    def version(self, dataset: str, asked: str | None = None) -> str:
        """Give the id of the version that was asked for, or of the newest."""
        return str(find_version(self._store, dataset, asked)["version"])

    def entry(self, dataset: str, version: str, path: str) -> ObjectEntry:
        """Give the object at a path of a version; raises NotFound when there is none."""
        return self.manifest(dataset, version).entry(path)

    def read(self, dataset: str, version: str, path: str) -> bytes:
        """Give the bytes at a path of a version."""
        return self._vault.read(dataset, self.entry(dataset, version, path))

    def read_span(self, dataset: str, entry: ObjectEntry, start: int, stop: int) -> bytes:
        """Give a range of an object."""
        return self._vault.read(dataset, entry, start, stop)

    def scans(self, dataset: str, version: str) -> list[dict[str, Any]]:
        """Give what a reader may know of each scan, sorted by scan."""
        return [_public(facts) for facts in self._scans(dataset, version)]

    def scans_with_pseudonyms(self, dataset: str, version: str) -> list[dict[str, Any]]:
        """Give everything that is known of each scan; for ingest alone."""
        return [dict(facts) for facts in self._scans(dataset, version)]

    def scan(self, dataset: str, version: str, scan: str) -> dict[str, Any]:
        """Give what a reader may know of one scan."""
        for facts in self._scans(dataset, version):
            if facts["scan"] == scan:
                return _public(facts)
        raise NotFound(f"“{dataset}” has no scan “{scan[:32]}”; `dataset.scans()` lists its scans.")

    def table(self, dataset: str, version: str, name: str) -> pa.Table:
        """Give a table of a version."""
        entry = self.manifest(dataset, version).get(f"tables/{name}.arrow")
        if entry is None:
            raise NotFound(f"“{dataset}” has no table “{name[:64]}”; every dataset has “scans”, some have “nodules”.")
        return pa.ipc.open_file(pa.BufferReader(self._vault.read(dataset, entry))).read_all()

    def table_stream(self, dataset: str, version: str, name: str) -> bytes:
        """Give a table as an Arrow IPC stream."""
        table, sink = self.table(dataset, version, name), pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        return bytes(sink.getvalue().to_pybytes())

    def _load_manifest(self, dataset: str, version: str) -> Manifest:
        row = find_version(self._store, dataset, version)
        return load_manifest(self._vault, dataset, row["manifest"], version)

    def _load_scans(self, dataset: str, version: str) -> tuple[dict[str, Any], ...]:
        entries = self.manifest(dataset, version).under("scans/")
        found = (json.loads(self._vault.read(dataset, e)) for e in entries if e.path.endswith("/scan.json"))
        return tuple(sorted(found, key=lambda facts: str(facts["scan"])))

    def _load_shard(self, dataset: str, version: str, scan: str, level: int = 0) -> tuple[ObjectEntry, Shard]:
        """Give the shard of a scan's level and its parsed index."""
        folder = f"scans/{scan}/image.zarr/{level}"
        layout = read_layout(json.loads(self.read(dataset, version, f"{folder}/zarr.json")))
        entry = self.entry(dataset, version, f"{folder}/c/0/0/0")
        return entry, Shard(layout, self._vault.read(dataset, entry, max(entry.size - layout.index_bytes, 0)))


def _public(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in PRIVATE}
