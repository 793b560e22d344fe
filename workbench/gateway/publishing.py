"""From an unfinished ingest to a new version: what it held before, and what was sent. It waits for its sign-off.

Runs in: gateway
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from workbench.errors import Conflict, IngestRefused, InvalidInput
from workbench.gateway import tables
from workbench.gateway.objects import DECLARED, LABEL, PART, REPORT, check_scans, check_subjects
from workbench.gateway.staging import Ingest
from workbench.governance.canonical import canonical_json, stamp
from workbench.governance.card import build_card, validate_card
from workbench.governance.catalogue import NewDataset, commit_version
from workbench.governance.versions import (
    PUBLISHED,
    WAITING,
    NewVersion,
    newest_version,
    still_waiting,
    waiting_version,
)
from workbench.vault.manifest import Manifest, save_manifest
from workbench.vault.names import VERSION_MARK
from workbench.vault.vault import ObjectEntry

if TYPE_CHECKING:
    from workbench.gateway.state import State

# One change of a dataset's versions at a time: commits, sign-offs and withdrawals build on what they have read.
PUBLISHING = threading.Lock()


@dataclass(frozen=True)
class Commit:
    """What a client says when everything was sent.

    Parameters
    ----------
    scans : sequence of mapping
        What is known of each new scan.
    card : mapping
        What goes onto the dataset's card.
    note : str
        What changed.
    subjects : mapping
        Pseudonym to subject, of patients who have rows in tables but no scan.
    findings : sequence, optional
        What the verifier found; None when it was not asked.
    """

    scans: Sequence[dict[str, Any]]
    card: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    subjects: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Any] | None = None


def commit(state: State, ingest: Ingest, made: Commit) -> dict[str, Any]:
    """Make the new version, or leave everything as it was.

    Raises
    ------
    InvalidInput
        When the scans and the objects that were sent do not fit together.
    IngestRefused
        When the verifier found something.
    Conflict
        When there is nothing new, somebody else made a version meanwhile, or one waits for its sign-off.
    """
    terms = ingest.terms
    if made.findings:
        raise IngestRefused(
            f"The verifier has {len(made.findings)} findings, so nothing was made of this ingest; "
            "`workbench check` names file, element and rule of each.", code="verifier-findings",
        )  # fmt: skip
    with PUBLISHING, ingest.lock:
        if not ingest.is_open:
            raise Conflict("This ingest was dropped or committed already.")
        if newest_version(state.store, terms.dataset) != terms.base:
            raise Conflict(f"“{terms.dataset}” got another version meanwhile; ingest the folder again.")
        if waiting_version(state.store, terms.dataset) is not None:
            raise Conflict(still_waiting(terms.dataset))
        if not made.scans and not set(ingest.entries) - {REPORT}:
            raise Conflict(f"Nothing new for “{terms.dataset}”: no scan, label or table was sent.")
        # Somebody may have withdrawn since the ingest began.
        ingest.known = state.known(terms.dataset, terms.base)
        entries = _entries(state, ingest, made)
        manifest = Manifest(entries.values())
        dataset = NewDataset(terms.dataset, terms.title, terms.tier, terms.custodian, terms.description)
        card = _card(state, ingest, made, manifest, dataset)
        report = _report(state, ingest, manifest.root)
        version = NewVersion(
            terms.dataset, manifest.root, _count_scans(manifest), len({e.subject for e in manifest.entries} - {""}),
            sum(e.size for e in manifest.entries), save_manifest(state.vault, terms.dataset, manifest),
            card=card, note=made.note, uploader=terms.uploader, report=report,
            findings=None if made.findings is None else len(made.findings),
            status=PUBLISHED if terms.is_phantoms else WAITING,
        )  # fmt: skip
        answer = {
            "dataset": terms.dataset, "version": manifest.root, "scans": version.scans, "subjects": version.subjects,
            "status": version.status,
        }  # fmt: skip
        commit_version(
            state.store, terms.uploader, dataset, version, within=lambda db: state.staging.settle(db, ingest, answer)
        )
    return answer


def _entries(state: State, ingest: Ingest, made: Commit) -> dict[str, ObjectEntry]:
    """Give the entries of the new version by path; scan facts, table parts and the card are written here."""
    dataset, known = ingest.terms.dataset, ingest.known
    check_scans(known, ingest.entries, made.scans)
    subjects = check_subjects(known, made.subjects)
    entries = _base(state, ingest)
    entries |= {path: entry for path, entry in ingest.entries.items() if path != REPORT and not PART.fullmatch(path)}
    holders = {**known.scans, **{str(f["scan"]): str(f["subject"]) for f in made.scans}}
    people = {*holders.values(), *known.subjects.values(), *subjects.values()}
    parts = _parts(state, ingest, entries, holders)
    for _, subject in parts:
        if subject not in people:
            raise InvalidInput(f"A table holds rows of {subject}, who has no scan; name them in “subjects”.")
    put = [(str(f["subject"]), f"scans/{f['scan']}/scan.json", canonical_json(f)) for f in made.scans]
    put += [(s, f"tables/{name}/{s}.arrow", tables.to_file(rows)) for (name, s), rows in sorted(parts.items())]
    put += [
        (subject, f"subjects/{subject}.json", canonical_json({"subject": subject, "pseudonym": pseudonym}))
        for pseudonym, subject in subjects.items()
        if pseudonym not in known.subjects and subject not in holders.values()
    ]
    put.append(("", "card.json", canonical_json(dict(made.card))))
    for subject, path, data in put:
        entries[path] = state.vault.put(dataset, subject, path, data)
    return entries


def _card(state: State, ingest: Ingest, made: Commit, manifest: Manifest, dataset: NewDataset) -> dict[str, Any]:
    """Give what the version adds to the dataset's card, once mlcroissant has found the whole card valid."""
    described = [tables.described("scans", tables.SCANS)] if _count_scans(manifest) else []
    for entry in manifest.under("tables/"):
        match = DECLARED.fullmatch(entry.path)
        if match is not None:
            declaration = _declaration(state, dataset.name, entry)
            described.append(tables.described(match[1], tables.schema_of(match[1], declaration), declaration))
    card = {**made.card, "tables": described, "sha256": manifest.sha256}
    facts = {
        **asdict(dataset), "created": stamp(state.store.now()), "version": manifest.root, "bytes": 0,
        "scans": _count_scans(manifest), "subjects": 0,
    }  # fmt: skip
    validate_card(build_card(facts, card))
    return card


def _base(state: State, ingest: Ingest) -> dict[str, ObjectEntry]:
    """Give what the new version takes over: all but what withdrew and labels that were sent anew."""
    terms = ingest.terms
    if terms.base is None:
        return {}
    renewed = {match[1] for path in ingest.entries if (match := LABEL.fullmatch(path))}

    def stays(entry: ObjectEntry) -> bool:
        label = LABEL.fullmatch(entry.path)
        return entry.subject not in ingest.known.gone and not (label and label[1] in renewed)

    return {e.path: e for e in state.archive.manifest(terms.dataset, terms.base).entries if stays(e)}


def _parts(
    state: State, ingest: Ingest, entries: Mapping[str, ObjectEntry], holders: Mapping[str, str]
) -> dict[tuple[str, str], pa.Table]:
    """Give the rows of each table part that was sent, by table and subject, joined with those from before."""
    dataset, parts = ingest.terms.dataset, {}
    schemas = _schemas(state, ingest, entries)
    for path, entry in ingest.entries.items():
        match = PART.fullmatch(path)
        if match is None:
            continue
        name, subject = match.groups()
        if name not in schemas:
            raise InvalidInput(f"Rows of “{name}” came without tables/{name}.json, which declares its columns.")
        rows = tables.read_part(state.vault.read(dataset, entry), schemas[name], name)
        _check_owner(name, subject, rows, holders)
        before = entries.get(path)
        if before is not None:
            rows = tables.renewed(tables.read_part(state.vault.read(dataset, before), schemas[name], name), rows)
        parts[name, subject] = rows
    return parts


def _schemas(state: State, ingest: Ingest, entries: Mapping[str, ObjectEntry]) -> dict[str, pa.Schema]:
    """Give the columns of each declared table; a table keeps its columns for ever."""
    found, terms = {}, ingest.terms
    for path, entry in entries.items():
        match = DECLARED.fullmatch(path)
        if match is None:
            continue
        found[match[1]] = tables.schema_of(match[1], _declaration(state, terms.dataset, entry))
        before = state.archive.manifest(terms.dataset, terms.base).get(path) if terms.base else None
        if (
            before is not None
            and tables.schema_of(match[1], _declaration(state, terms.dataset, before)) != found[match[1]]
        ):
            raise Conflict(
                f"The table “{match[1]}” of “{terms.dataset}” has other columns already; give the new one another name."
            )
    return found


def _declaration(state: State, dataset: str, entry: ObjectEntry) -> dict[str, Any]:
    try:
        value = json.loads(state.vault.read(dataset, entry))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidInput(f"{entry.path} is not a JSON object, so it declares no table.")
    return value


def _check_owner(table: str, subject: str, rows: pa.Table, holders: Mapping[str, str]) -> None:
    """Refuse rows that name another subject, or a scan of another subject: they would lie under the wrong key."""
    if "subject" in rows.column_names and set(rows["subject"].to_pylist()) - {subject}:
        raise InvalidInput(f"The part of {subject} in the table “{table}” has rows of another subject.")
    if "scan" in rows.column_names and {holders.get(scan) for scan in rows["scan"].to_pylist()} - {subject}:
        raise InvalidInput(f"The part of {subject} in the table “{table}” names a scan that is not theirs.")


def _report(state: State, ingest: Ingest, version: str) -> str | None:
    """Give what the vault needs to find the ingest report, with the version's id written into it."""
    sent = ingest.entries.get(REPORT)
    if sent is None:
        return None
    text = state.vault.read(ingest.terms.dataset, sent).replace(VERSION_MARK.encode(), version.encode())
    entry = state.vault.put(ingest.terms.dataset, sent.subject, REPORT, text)
    return canonical_json(entry.as_dict()).decode()


def _count_scans(manifest: Manifest) -> int:
    return sum(entry.path.endswith("/scan.json") for entry in manifest.under("scans/"))
