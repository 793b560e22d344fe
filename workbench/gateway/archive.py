"""What a dataset version holds, found by path: scans, tables, image bytes. Nobody is asked for permission here.

Nothing is withheld here either; what a person may see of a version is `workbench.gateway.shown.Shown`.

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
from workbench.gateway.enforcing import Shift, Visible, check_tables, day_shift, shown_scans, visible_scans
from workbench.geometry import Geometry
from workbench.governance.canonical import day
from workbench.governance.obligations import SCANS, Obligations
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
    """Reads the versions of one home, whole: ingest and withdrawal work on it, readers get a `Shown` of it."""

    def __init__(self, store: Store, vault: Vault, shift_key: bytes) -> None:
        self._store = store
        self._vault = vault
        self._shift_key = shift_key
        self.manifest = lru_cache(maxsize=64)(self._load_manifest)
        self._scans = lru_cache(maxsize=64)(self._load_scans)
        self._declared = lru_cache(maxsize=64)(self._load_declared)
        self._rows = lru_cache(maxsize=16)(self._load_rows)
        self._shards = lru_cache(maxsize=256)(self._load_shard)
        self._facts = lru_cache(maxsize=256)(self._load_facts)
        self._visible = lru_cache(maxsize=256)(self._work_out_visible)

    def version(self, dataset: str, asked: str | None = None) -> str:
        """Give the id of the published version that was asked for, or of the newest."""
        return str(find_version(self._store, dataset, asked)["version"])

    def entry(self, dataset: str, version: str, path: str) -> ObjectEntry:
        """Give the object at a path of a version; raises NotFound when there is none or its subject withdrew."""
        entry = self.manifest(dataset, version).entry(path)
        if entry.subject and entry.subject in self.gone(dataset):
            raise self._withdrawn(dataset, f"What belongs to {entry.subject}", entry.subject)
        return entry

    def read(self, dataset: str, version: str, path: str) -> bytes:
        """Give the bytes at a path of a version."""
        return self._vault.read(dataset, self.entry(dataset, version, path))

    def read_span(self, dataset: str, entry: ObjectEntry, start: int, stop: int) -> bytes:
        """Give a range of an object."""
        return self._vault.read(dataset, entry, start, stop)

    def gone(self, dataset: str) -> frozenset[str]:
        """Give the subjects that withdrew."""
        return withdrawn_subjects(self._store, dataset)

    def scans(self, dataset: str, version: str) -> tuple[dict[str, Any], ...]:
        """Give what a reader may know of each scan, sorted by scan."""
        return tuple(_public(facts) for facts in self._scans(dataset, version, self.gone(dataset)))

    def scans_with_pseudonyms(self, dataset: str, version: str) -> list[dict[str, Any]]:
        """Give everything that is known of each scan; for ingest alone."""
        return [dict(facts) for facts in self._scans(dataset, version, self.gone(dataset))]

    def shard(
        self, dataset: str, version: str, scan: str, labels: str = "", level: int = 0
    ) -> tuple[ObjectEntry, Shard]:
        """Give the shard of a scan's level, or of a label set's where `labels` names one, and its parsed index."""
        folder = _folder(scan, labels)
        levels = int(self._facts_of(dataset, version, scan, labels).get("levels") or 1)
        if not 0 <= level < levels:
            raise NotFound(f"{scan} has levels 0 (full resolution) to {levels - 1}; there is no level {level}.")
        self.entry(dataset, version, f"{folder}/{level}/zarr.json")
        return self._shards(dataset, version, f"{folder}/{level}")

    def geometry(self, dataset: str, version: str, scan: str) -> Geometry:
        """Give the grid of a scan."""
        return Geometry.from_dict(self._facts_of(dataset, version, scan, ""))

    def rows(self, dataset: str, version: str, name: str) -> tables.Rows:
        """Give a table of a version, without the rows of those who withdrew."""
        if name in tables.MADE_HERE:
            return tables.scan_rows(self.scans(dataset, version))
        return self._rows(dataset, version, name, self.gone(dataset))

    def declared(self, dataset: str, version: str) -> dict[str, dict[str, Any]]:
        """Give the declarations of a version's tables by name, without the table of scans."""
        return self._declared(dataset, version)

    def schemas(self, dataset: str, version: str) -> dict[str, pa.Schema]:
        """Give the columns of each table of a version."""
        declared = self.declared(dataset, version)
        return {SCANS: tables.SCANS, **{name: tables.schema_of(name, body) for name, body in declared.items()}}

    def visible(self, dataset: str, version: str, obligations: Obligations) -> Visible | None:
        """Give which scans there are under obligations, or None for all; refuse those that nobody can carry out."""
        return self._visible(dataset, version, self.gone(dataset), obligations) if obligations else None

    def shift(self, dataset: str) -> Shift:
        """Give the keyed shifts of a dataset's dates."""
        return day_shift(self._shift_key, dataset)

    def no_scan(self, dataset: str, scan: str, *, may_know_why: bool = True) -> NotFound:
        """Give the refusal of a scan that is not there: unknown, withheld (the same sentence) or withdrawn."""
        for one in list_withdrawals(self._store, dataset) if may_know_why else ():
            if scan in one["scans"]:
                return self._withdrawn(dataset, scan, one["subject"])
        return NotFound(f"“{dataset}” has no scan “{scan[:32]}”; `dataset.scans()` lists its scans.")

    def forget(self) -> None:
        """Let go of everything that was read; whoever withdrew must not stay in memory."""
        for memory in (
            self.manifest, self._scans, self._declared, self._rows, self._shards, self._facts, self._visible,
        ):  # fmt: skip
            memory.cache_clear()

    def _load_manifest(self, dataset: str, version: str) -> Manifest:
        row = find_version(self._store, dataset, version, also_waiting=True)
        return load_manifest(self._vault, dataset, row["manifest"], version)

    def _load_scans(self, dataset: str, version: str, gone: frozenset[str]) -> tuple[dict[str, Any], ...]:
        entries = [e for e in self.manifest(dataset, version).under("scans/") if e.path.endswith("/scan.json")]
        found = (json.loads(self._vault.read(dataset, entry)) for entry in entries if entry.subject not in gone)
        return tuple(sorted(found, key=lambda facts: str(facts["scan"])))

    def _load_declared(self, dataset: str, version: str) -> dict[str, dict[str, Any]]:
        found = {}
        for entry in self.manifest(dataset, version).under("tables/"):
            match = _DECLARATION.fullmatch(entry.path)
            if match is not None:
                found[match[1]] = json.loads(self._vault.read(dataset, entry))
        return found

    def _load_rows(self, dataset: str, version: str, name: str, gone: frozenset[str]) -> tables.Rows:
        declaration = self.declared(dataset, version).get(name)
        if declaration is None:
            raise NotFound(f"“{dataset}” has no table “{name[:64]}”; every dataset has “scans”, some have “nodules”.")
        schema = tables.schema_of(name, declaration)
        entries = [e for e in self.manifest(dataset, version).under(f"tables/{name}/") if e.subject not in gone]
        parts = [(e.subject, tables.read_part(self._vault.read(dataset, e), schema, name)) for e in entries]
        return tables.join(parts, schema)

    def _work_out_visible(
        self, dataset: str, version: str, gone: frozenset[str], obligations: Obligations
    ) -> Visible | None:
        newest = self.version(dataset)
        check_tables(obligations, self.schemas(dataset, version), self.schemas(dataset, newest))
        facts = self._scans(dataset, version, gone)
        visible = visible_scans(facts, obligations)
        # Tried here, so that a restriction of scans which cannot be carried out refuses their bytes and labels too.
        shown_scans(facts, obligations, visible, self.shift(dataset))
        return visible

    def _load_shard(self, dataset: str, version: str, folder: str) -> tuple[ObjectEntry, Shard]:
        layout = read_layout(json.loads(self.read(dataset, version, f"{folder}/zarr.json")))
        entry = self.entry(dataset, version, f"{folder}/c/0/0/0")
        return entry, Shard(layout, self._vault.read(dataset, entry, max(entry.size - layout.index_bytes, 0)))

    def _facts_of(self, dataset: str, version: str, scan: str, labels: str) -> dict[str, Any]:
        """Give what a scan or a label set says of itself; asked at every read whether its subject withdrew."""
        path = f"scans/{scan}/labels/{labels}.json" if labels else f"scans/{scan}/scan.json"
        if self.manifest(dataset, version).get(path) is None:
            if labels:
                raise NotFound(f"{scan[:32]} has no labels “{labels[:64]}”; `dataset.labels(scan)` lists what it has.")
            raise self.no_scan(dataset, scan)
        self.entry(dataset, version, path)
        return self._facts(dataset, version, path)

    def _load_facts(self, dataset: str, version: str, path: str) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.read(dataset, version, path))
        return facts

    def _withdrawn(self, dataset: str, what: str, subject: str) -> NotFound:
        dates = {gone["subject"]: day(gone["decided"]) for gone in list_withdrawals(self._store, dataset)}
        return NotFound(
            f"{what} was withdrawn from “{dataset}” on {dates.get(subject, 'this day')}: its key was destroyed, so "
            "nobody reads it any more, in any version. Leave it out; `dataset.scans()` lists the scans that remain.",
            code=WITHDRAWN,
        )


def _folder(scan: str, labels: str) -> str:
    return f"scans/{scan}/labels/{labels}.zarr" if labels else f"scans/{scan}/image.zarr"


def _public(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in PRIVATE}
