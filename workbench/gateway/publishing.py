"""From an unfinished ingest to a new version: what it held before, the new scans, and the tables made of both.

Runs in: gateway
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.errors import Conflict, InvalidInput
from workbench.gateway.staging import Ingest
from workbench.geometry import Geometry
from workbench.governance.canonical import canonical_json
from workbench.governance.catalogue import NewDataset, NewVersion, publish
from workbench.vault.manifest import Manifest, save_manifest
from workbench.vault.vault import ObjectEntry

if TYPE_CHECKING:
    from workbench.gateway.state import State

NODULES = pa.schema([
    ("scan", pa.string()), ("nodule", pa.string()), ("x_mm", pa.float64()), ("y_mm", pa.float64()),
    ("z_mm", pa.float64()), ("diameter_mm", pa.float64()), ("texture", pa.string()), ("place", pa.string()),
    ("malignant", pa.bool_()),
])  # fmt: skip
SCANS = pa.schema([
    ("scan", pa.string()), ("subject", pa.string()), ("split", pa.string()), ("modality", pa.string()),
    ("slices", pa.int64()), ("rows", pa.int64()), ("columns", pa.int64()), ("spacing_z_mm", pa.float64()),
    ("spacing_y_mm", pa.float64()), ("spacing_x_mm", pa.float64()), ("sha256", pa.string()),
])  # fmt: skip

_SCAN, _SUBJECT = re.compile(r"S\d{4,8}"), re.compile(r"P\d{4,8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# One version at a time: the one that continues a version must be the only one to do so.
_PUBLISHING = threading.Lock()


def commit(
    state: State, ingest: Ingest, scans: list[dict[str, Any]], card: Mapping[str, Any], note: str
) -> dict[str, Any]:
    """Make the new version, or leave everything as it was.

    Raises
    ------
    InvalidInput
        When the scans and the objects that were sent do not fit together.
    Conflict
        When there is nothing new, or somebody else made a version meanwhile.
    """
    if not scans:
        raise Conflict(f"Nothing new for “{ingest.dataset}”: no scan was sent.")
    with _PUBLISHING, ingest.lock:
        if newest_version(state, ingest.dataset) != ingest.base:
            raise Conflict(f"“{ingest.dataset}” got another version meanwhile; ingest the folder again.")
        _check_scans(ingest, scans)
        everything = sorted([*ingest.known, *scans], key=lambda facts: str(facts["scan"]))
        manifest = Manifest(_entries(state, ingest, scans, everything, card))
        subjects = len({facts["subject"] for facts in everything})
        version = NewVersion(
            ingest.dataset, manifest.root, len(everything), subjects, sum(e.size for e in manifest.entries),
            save_manifest(state.vault, ingest.dataset, manifest), card, note,
        )  # fmt: skip
        dataset = NewDataset(ingest.dataset, ingest.title, ingest.tier, ingest.custodian, ingest.description)
        publish(state.store, ingest.custodian, dataset, version)
    return {"dataset": ingest.dataset, "version": manifest.root, "scans": len(everything), "subjects": subjects}


def newest_version(state: State, dataset: str) -> str | None:
    """Give the id of a dataset's newest version, or None when it has none yet."""
    row = state.store.read().execute(
        "SELECT version FROM versions WHERE dataset = ? ORDER BY number DESC LIMIT 1", (dataset,)
    ).fetchone()  # fmt: skip
    return str(row["version"]) if row else None


def _entries(
    state: State, ingest: Ingest, scans: list[dict[str, Any]], everything: list[dict[str, Any]], card: Mapping[str, Any]
) -> list[ObjectEntry]:
    """Give the entries of the new version; scan facts, tables and card are written here."""
    entries: dict[str, ObjectEntry] = {}
    if ingest.base is not None:
        entries |= {e.path: e for e in state.archive.manifest(ingest.dataset, ingest.base).entries}
    entries |= ingest.entries
    made = [(str(f["subject"]), f"scans/{f['scan']}/scan.json", canonical_json(f)) for f in scans]
    made.append(("", "tables/scans.arrow", _arrow_file(_scan_table(everything))))
    made.append(("", "card.json", canonical_json(dict(card))))
    nodules = _nodules(state, ingest, {str(facts["scan"]) for facts in scans})
    if nodules is not None:
        made.append(("", "tables/nodules.arrow", _arrow_file(nodules)))
    for subject, path, data in made:
        entries[path] = state.vault.put(ingest.dataset, subject, path, data)
    return list(entries.values())


def _check_scans(ingest: Ingest, scans: list[dict[str, Any]]) -> None:
    """Refuse scans that are not new, not whole, or not those whose objects were sent."""
    first, seen = ingest.next_number("scan"), set()
    for facts in scans:
        scan, subject = str(facts.get("scan")), str(facts.get("subject"))
        if not (_SCAN.fullmatch(scan) and _SUBJECT.fullmatch(subject) and _SHA256.fullmatch(str(facts.get("sha256")))):
            raise InvalidInput("Each scan needs a scan id (S0001), a subject (P0001) and the sha256 of its voxels.")
        if int(scan[1:]) < first or scan in seen:
            raise Conflict(f"{scan} is not a new scan of “{ingest.dataset}”; number new scans from next_scan.")
        seen.add(scan)
        try:
            Geometry.from_dict(facts)
        except (KeyError, TypeError, ValueError):
            raise InvalidInput(f"{scan} needs shape, spacing_mm, origin_mm and direction.") from None
        sent = {p: e for p, e in ingest.entries.items() if p.startswith(f"scans/{scan}/")}
        if any(entry.subject != subject for entry in sent.values()):
            raise InvalidInput(f"Objects of {scan} were sent under another subject than {subject}.")
        if not {f"scans/{scan}/image.zarr/0/zarr.json", f"scans/{scan}/image.zarr/0/c/0/0/0"} <= set(sent):
            raise InvalidInput(f"The image of {scan} was not sent whole; send every key before the commit.")
    stray = [p for p in ingest.entries if p.startswith("scans/") and p.split("/")[1] not in seen]
    if stray:
        raise InvalidInput(f"Objects were sent for {stray[0].split('/')[1]}, which is not among the committed scans.")


def _scan_table(scans: list[dict[str, Any]]) -> pa.Table:
    rows = []
    for facts in scans:
        row = {name: facts.get(name) for name in ("scan", "subject", "split", "modality", "sha256")}
        row |= dict(zip(("slices", "rows", "columns"), facts["shape"], strict=True))
        row |= dict(zip(("spacing_z_mm", "spacing_y_mm", "spacing_x_mm"), facts["spacing_mm"], strict=True))
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=SCANS)


def _nodules(state: State, ingest: Ingest, new_scans: set[str]) -> pa.Table | None:
    """Give the nodules of the version before and of the new scans, or None when there never were any."""
    tables = []
    if ingest.base and state.archive.manifest(ingest.dataset, ingest.base).get("tables/nodules.arrow"):
        tables.append(state.archive.table(ingest.dataset, ingest.base, "nodules"))
    sent = ingest.entries.get("tables/nodules.arrow")
    if sent is not None:
        try:
            table = pa.ipc.open_file(pa.BufferReader(state.vault.read(ingest.dataset, sent))).read_all()
            tables.append(table.select(NODULES.names).cast(NODULES))
        except (pa.ArrowException, KeyError, ValueError):
            raise InvalidInput(f"tables/nodules.arrow must hold the columns {', '.join(NODULES.names)}.") from None
        if not set(tables[-1]["scan"].to_pylist()) <= new_scans:
            raise InvalidInput("tables/nodules.arrow names a scan that is not among the committed ones.")
    return pa.concat_tables(tables).combine_chunks() if tables else None


def _arrow_file(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
