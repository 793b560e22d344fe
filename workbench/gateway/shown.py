"""A dataset version as one person may see it: every route that gives data reads it through this, and nothing else.

A scan that an obligation withholds is not there: not in a list or a table, not by its address, not in a count, and
the refusal is the one for a scan that never was.

Runs in: gateway
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from workbench.data.shard import Shard
from workbench.gateway import tables
from workbench.gateway.archive import Archive
from workbench.gateway.enforcing import Visible, shown_scans, shown_table
from workbench.geometry import Geometry
from workbench.governance.obligations import Obligations
from workbench.vault.vault import ObjectEntry

# Of a label set's facts, `scans/S0001/labels/rtstruct-1.json`; its zarr keys lie deeper.
_LABELS = re.compile(r"scans/[^/]+/labels/[^/]+\.json")


class Shown:
    """What of a version is there for a person.

    Parameters
    ----------
    archive : Archive
        The versions, whole.
    dataset, version : str
        Which one.
    obligations : Obligations
        Of the decision by which the person reads.

    Raises
    ------
    AccessDenied
        When the obligations are about what no table holds; then nothing at all is given.
    """

    def __init__(self, archive: Archive, dataset: str, version: str, obligations: Obligations) -> None:
        self._archive = archive
        self.dataset = dataset
        self.version = version
        self._obligations = obligations
        self._visible: Visible | None = archive.visible(dataset, version, obligations)

    def scans(self) -> list[dict[str, Any]]:
        """Give what the person may know of each scan, sorted by scan."""
        facts = self._archive.scans(self.dataset, self.version)
        return shown_scans(facts, self._obligations, self._visible, self._archive.shift(self.dataset))

    def scan(self, scan: str) -> dict[str, Any]:
        """Give what the person may know of one scan."""
        for facts in self.scans():
            if facts["scan"] == scan:
                return facts
        raise self._archive.no_scan(self.dataset, scan, may_know_why=self._visible is None)

    def entry(self, scan: str, path: str) -> ObjectEntry:
        """Give the object at a path below a scan, such as ``image.zarr/0/zarr.json``."""
        self._require(scan)
        return self._archive.entry(self.dataset, self.version, f"scans/{scan}/{path}")

    def shard(self, scan: str, labels: str = "", level: int = 0) -> tuple[ObjectEntry, Shard]:
        """Give the shard of a scan's level, or of a label set's where `labels` names one, and its parsed index."""
        self._require(scan)
        return self._archive.shard(self.dataset, self.version, scan, labels, level)

    def geometry(self, scan: str) -> Geometry:
        """Give the grid of a scan."""
        self._require(scan)
        return self._archive.geometry(self.dataset, self.version, scan)

    def read_span(self, entry: ObjectEntry, start: int, stop: int) -> bytes:
        """Give a range of an object that `entry` or `shard` gave."""
        return self._archive.read_span(self.dataset, entry, start, stop)

    def labels(self, scan: str) -> list[dict[str, Any]]:
        """Give what is told of each label set of a scan, sorted by name."""
        name = self.scan(scan)["scan"]
        found = self._archive.manifest(self.dataset, self.version).under(f"scans/{name}/labels/")
        paths = [entry.path for entry in found if _LABELS.fullmatch(entry.path)]
        labels = [json.loads(self._archive.read(self.dataset, self.version, path)) for path in paths]
        return sorted(labels, key=lambda facts: str(facts["name"]))

    def table(self, name: str) -> pa.Table:
        """Give a table as the person may see it."""
        rows = self._archive.rows(self.dataset, self.version, name)
        if not self._obligations:
            return rows.table
        return shown_table(name, rows, self._obligations, self._visible, self._archive.shift(self.dataset))

    def try_tables(self) -> None:
        """Refuse where an obligation could not be carried out on some table; to be asked before a policy is set."""
        for name in self._archive.schemas(self.dataset, self.version) if self._obligations else ():
            self.table(name)

    def tables(self) -> list[dict[str, Any]]:
        """Give the name, title and columns of each table, less the columns that are left out."""
        schemas = self._archive.schemas(self.dataset, self.version)
        declared = self._archive.declared(self.dataset, self.version)
        found = [tables.described(name, schema, declared.get(name)) for name, schema in schemas.items()]
        return [{**one, "columns": list(self._kept(one["name"], one["columns"]))} for one in found]

    def counts(self) -> tuple[int, int]:
        """Give how many scans and subjects there are for the person; subjects without a scan count where all do."""
        if self._visible is not None:
            return len(self._visible.scans), len(self._visible.subjects)
        gone, entries = self._archive.gone(self.dataset), self._archive.manifest(self.dataset, self.version).entries
        held = [entry for entry in entries if entry.subject not in gone]
        return sum(e.path.endswith("/scan.json") for e in held), len({e.subject for e in held} - {""})

    def etag(self, *parts: object) -> str:
        """Give an ETag of something made of this version: another one for whoever sees something else of it."""
        seen = (self.dataset, self.version, sorted(self._archive.gone(self.dataset)), self._obligations.digest(), parts)
        return f'"{hashlib.sha256(repr(seen).encode()).hexdigest()[:32]}"'

    def _require(self, scan: str) -> None:
        if self._visible is not None and scan not in self._visible.scans:
            raise self._archive.no_scan(self.dataset, scan, may_know_why=False)

    def _kept(self, table: str, columns: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
        return (one for one in columns if not self._obligations.treatment(table, one["name"]).drop)
