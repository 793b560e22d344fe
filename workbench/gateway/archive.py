"""What a dataset version holds, found by path: scans, tables, image bytes. Nobody is asked for permission here.

A version never changes, so what was read of it stays in memory until room is needed. What may change is who
withdrew: that is asked at every read, and is part of the name under which anything is remembered.

Runs in: gateway
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

import pyarrow as pa

from workbench.data.shard import Shard, read_layout
from workbench.errors import NotFound
from workbench.gateway import tables
from workbench.governance.canonical import day
from workbench.governance.store import Store
from workbench.governance.versions import find_version
from workbench.governance.withdrawals import list_withdrawals, withdrawn_subjects
from workbench.vault.manifest import Manifest, load_manifest
from workbench.vault.vault import ObjectEntry, Vault

# Pseudonyms tie a scan to its source on the ingest host; nobody else needs them.
PRIVATE = ("subject_pseudonym", "series_uid")
WITHDRAWN = "withdrawn"
_DECLARATION = re.compile(r"tables/([a-z0-9][a-z0-9_-]*)\.json")


class Archive:
    """Reads the versions of one home."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault
        self.manifest = lru_cache(maxsize=64)(self._load_manifest)
        self._scans = lru_cache(maxsize=64)(self._load_scans)
        self._tables = lru_cache(maxsize=16)(self._load_table)
        self._shards = lru_cache(maxsize=256)(self._load_shard)

    def version(self, dataset: str, asked: str | None = None) -> str:
        """Give the id of the published version that was asked for, or of the newest."""
        return str(find_version(self._store, dataset, asked)["version"])

    def entry(self, dataset: str, version: str, path: str) -> ObjectEntry:
        """Give the object at a path of a version; raises NotFound when there is none or its subject withdrew."""
        entry = self.manifest(dataset, version).entry(path)
        if entry.subject and entry.subject in withdrawn_subjects(self._store, dataset):
            raise self._gone(dataset, f"What belongs to {entry.subject}", entry.subject)
        return entry

    def read(self, dataset: str, version: str, path: str) -> bytes:
        """Give the bytes at a path of a version."""
        return self._vault.read(dataset, self.entry(dataset, version, path))

    def read_span(self, dataset: str, entry: ObjectEntry, start: int, stop: int) -> bytes:
        """Give a range of an object."""
        return self._vault.read(dataset, entry, start, stop)

    def scans(self, dataset: str, version: str) -> list[dict[str, Any]]:
        """Give what a reader may know of each scan, sorted by scan."""
        return [_public(facts) for facts in self.scans_with_pseudonyms(dataset, version)]

    def scans_with_pseudonyms(self, dataset: str, version: str) -> list[dict[str, Any]]:
        """Give everything that is known of each scan; for ingest alone."""
        return [dict(facts) for facts in self._scans(dataset, version, withdrawn_subjects(self._store, dataset))]

    def scan(self, dataset: str, version: str, scan: str) -> dict[str, Any]:
        """Give what a reader may know of one scan."""
        for facts in self._scans(dataset, version, withdrawn_subjects(self._store, dataset)):
            if facts["scan"] == scan:
                return _public(facts)
        raise self._no_scan(dataset, scan)

    def shard(self, dataset: str, version: str, scan: str, level: int = 0) -> tuple[ObjectEntry, Shard]:
        """Give the shard of a scan's level and its parsed index."""
        self.entry(dataset, version, f"scans/{scan}/image.zarr/{level}/zarr.json")
        return self._shards(dataset, version, scan, level)

    def table(self, dataset: str, version: str, name: str) -> pa.Table:
        """Give a table of a version, without the rows of those who withdrew."""
        if name in tables.MADE_HERE:
            return tables.scan_table(self.scans(dataset, version))
        return self._tables(dataset, version, name, withdrawn_subjects(self._store, dataset))

    def table_stream(self, dataset: str, version: str, name: str) -> bytes:
        """Give a table as an Arrow IPC stream."""
        return tables.to_stream(self.table(dataset, version, name))

    def tables(self, dataset: str, version: str) -> list[dict[str, Any]]:
        """Give the name, title and columns of each table of a version."""
        found = [tables.described("scans", tables.SCANS)]
        for entry in self.manifest(dataset, version).under("tables/"):
            match = _DECLARATION.fullmatch(entry.path)
            if match is not None:
                declaration = json.loads(self._vault.read(dataset, entry))
                found.append(tables.described(match[1], tables.schema_of(match[1], declaration), declaration))
        return found

    def forget(self) -> None:
        """Let go of everything that was read; whoever withdrew must not stay in memory."""
        for memory in (self.manifest, self._scans, self._tables, self._shards):
            memory.cache_clear()

    def _load_manifest(self, dataset: str, version: str) -> Manifest:
        row = find_version(self._store, dataset, version, also_waiting=True)
        return load_manifest(self._vault, dataset, row["manifest"], version)

    def _load_scans(self, dataset: str, version: str, gone: frozenset[str]) -> tuple[dict[str, Any], ...]:
        entries = [e for e in self.manifest(dataset, version).under("scans/") if e.path.endswith("/scan.json")]
        found = (json.loads(self._vault.read(dataset, entry)) for entry in entries if entry.subject not in gone)
        return tuple(sorted(found, key=lambda facts: str(facts["scan"])))

    def _load_table(self, dataset: str, version: str, name: str, gone: frozenset[str]) -> pa.Table:
        manifest = self.manifest(dataset, version)
        declared = manifest.get(f"tables/{name}.json")
        if declared is None:
            raise NotFound(f"“{dataset}” has no table “{name[:64]}”; every dataset has “scans”, some have “nodules”.")
        schema = tables.schema_of(name, json.loads(self._vault.read(dataset, declared)))
        parts = [entry for entry in manifest.under(f"tables/{name}/") if entry.subject not in gone]
        return tables.join([tables.read_part(self._vault.read(dataset, e), schema, name) for e in parts], schema)

    def _load_shard(self, dataset: str, version: str, scan: str, level: int) -> tuple[ObjectEntry, Shard]:
        folder = f"scans/{scan}/image.zarr/{level}"
        layout = read_layout(json.loads(self.read(dataset, version, f"{folder}/zarr.json")))
        entry = self.entry(dataset, version, f"{folder}/c/0/0/0")
        return entry, Shard(layout, self._vault.read(dataset, entry, max(entry.size - layout.index_bytes, 0)))

    def _no_scan(self, dataset: str, scan: str) -> NotFound:
        for gone in list_withdrawals(self._store, dataset):
            if scan in gone["scans"]:
                return self._gone(dataset, scan, gone["subject"])
        return NotFound(f"“{dataset}” has no scan “{scan[:32]}”; `dataset.scans()` lists its scans.")

    def _gone(self, dataset: str, what: str, subject: str) -> NotFound:
        dates = {gone["subject"]: day(gone["decided"]) for gone in list_withdrawals(self._store, dataset)}
        return NotFound(
            f"{what} was withdrawn from “{dataset}” on {dates.get(subject, 'this day')}: its key was destroyed, so "
            "nobody reads it any more, in any version. Leave it out; `dataset.scans()` lists the scans that remain.",
            code=WITHDRAWN,
        )


def _public(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in PRIVATE}
