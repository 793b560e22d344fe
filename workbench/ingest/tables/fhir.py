"""FHIR R4 in: a bundle, a file of lines, or a folder of them becomes de-identified tables, one for each resource type.

Runs in: ingest host
Source: HL7 FHIR R4 (4.0.1) 3.1 (bundles), bulk data export (ndjson).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput
from workbench.ingest.refusals import Refusal, refuse
from workbench.ingest.tables.declaration import Declaration, parse_declaration
from workbench.ingest.tables.fhir_flatten import Row, fhir_columns, flatten, names_of, resource_id
from workbench.ingest.tables.prepared import PreparedTable, Subjects
from workbench.ingest.tables.table import Piece, prepare

SUFFIXES = (".json", ".ndjson")
TYPE_NAME = re.compile(r"[A-Z][A-Za-z]{2,39}")
SUBJECT = "subject"
# Elements of a patient whose words identify; what is written must hold none of them.
IDENTIFYING = ("identifier", "name", "telecom", "address", "contact", "birthDate", "photo")
SHORTEST_WORD = 4
LOOKED_AT_BYTES = 1 << 20


@dataclass(frozen=True)
class FhirTables:
    """What a FHIR source gave.

    Parameters
    ----------
    tables : tuple of PreparedTable
        One for each resource type that is known and present.
    ignored : dict of str to int
        How many resources of other types were left behind, by type.
    """

    tables: tuple[PreparedTable, ...]
    ignored: dict[str, int]


def is_fhir(path: Path) -> bool:
    """Whether a JSON file says within its first bytes that it holds FHIR resources."""
    with path.open("rb") as stream:
        return path.suffix in SUFFIXES and b'"resourceType"' in stream.read(LOOKED_AT_BYTES)


@dataclass
class _Found:
    """What was read: resources by type, who each patient is, and what must not be left."""

    resources: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    patients: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    ignored: Counter[str] = field(default_factory=Counter)


def read_fhir(
    path: Path, subjects: Subjects, *, suppress: bool = False, files: Sequence[Path] | None = None
) -> FhirTables:
    """Read FHIR resources and de-identify them.

    A patient is told apart by the medical record number (an identifier of type MR, or the only one), so that the
    pseudonyms are those of the images, and by the resource's id where there is none.

    Parameters
    ----------
    path : Path
        A bundle (.json), a file with one resource in each line (.ndjson), or a folder of such files.
    subjects : callable
        Gives a subject's pseudonyms; see `subjects_of`.
    suppress : bool, default False
        Whether rows of groups that are too small are left out, rather than the source refused.
    files : sequence of Path, optional
        Only these of a folder's files.

    Raises
    ------
    IngestRefused
        `not-fhir`, `unknown-resource`, `unresolved-subject`, or as `read_table`.
    InvalidInput
        When there is no such file, or the folder holds none.
    """
    if files is None:
        files = sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES) if path.is_dir() else [path]
    if not files or not all(one.is_file() for one in files):
        raise InvalidInput("There is no FHIR there; give a .json bundle, an .ndjson file or a folder of them.")
    found = _Found()
    for one in files:
        for url, resource in _resources(one):
            _take(found, url, resource, one.name)
    if not found.resources:
        raise refuse([Refusal("not-fhir", "it holds no resource that is taken.", (path.name,))])
    tables = [
        _table(kind, found, subjects, path.name, suppress=suppress)
        for kind in fhir_columns()["tables"]
        if found.resources.get(kind)
    ]
    return FhirTables(tuple(tables), dict(found.ignored))


def _resources(path: Path) -> Iterator[tuple[str, Any]]:
    """Give (full URL, resource) of everything in a file."""
    try:
        if path.suffix == ".ndjson":
            with path.open(encoding="utf-8") as lines:
                yield from (("", json.loads(line)) for line in lines if line.strip())
            return
        body = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        reason = f"it is not JSON ({type(problem).__name__}); it may be damaged or cut."
        raise refuse([Refusal("not-fhir", reason, (path.name,))]) from None
    if isinstance(body, Mapping) and body.get("resourceType") == "Bundle":
        entries = body.get("entry")
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and "resource" in entry:
                yield str(entry.get("fullUrl") or ""), entry["resource"]
    else:
        yield "", body


def _take(found: _Found, url: str, resource: Any, file: str) -> None:
    kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
    body = fhir_columns()
    if not isinstance(kind, str):
        raise refuse([Refusal("not-fhir", "something in it has no resourceType.", (file,))])
    if kind in body["tables"]:
        found.resources[kind].append(resource)
    elif kind in body["ignored"]:
        found.ignored[kind] += 1
        return
    else:
        told = f"“{kind}”" if TYPE_NAME.fullmatch(kind) else "a type without a proper name"
        reason = f"it holds {told}, which is no resource type of FHIR R4 that is known here; take it out."
        raise refuse([Refusal("unknown-resource", reason, (file,))])
    if kind == "Patient":
        number = _record_number(resource)
        for name in (str(resource.get("id") or ""), url if url.startswith("urn:") else ""):
            if name:
                found.patients[name] = number
        found.secrets |= {number, str(resource.get("id") or "")}
        for element in IDENTIFYING:
            found.secrets.update(_words(resource.get(element)))


def _record_number(patient: Mapping[str, Any]) -> str:
    """Give the number that a hospital's images carry as the patient's ID, or the resource's id."""
    listed = patient.get("identifier")
    identifiers = [one for one in listed if isinstance(one, Mapping) and one.get("value")] if listed else []
    records = [one for one in identifiers if "MR" in _type_codes(one)]
    chosen = records or (identifiers if len(identifiers) == 1 else [])
    return str(chosen[0]["value"] if chosen else patient.get("id") or "")


def _type_codes(identifier: Mapping[str, Any]) -> list[object]:
    kind = identifier.get("type")
    codings = kind.get("coding") if isinstance(kind, Mapping) else None
    return [one.get("code") for one in codings if isinstance(one, Mapping)] if isinstance(codings, list) else []


def _words(value: object) -> Iterator[str]:
    """Give every text inside a value, whole and word by word."""
    if isinstance(value, str):
        yield from (text for text in (value, *value.split()) if len(text) >= SHORTEST_WORD)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name not in ("system", "use", "type", "assigner"):
                yield from _words(one)
    elif isinstance(value, list):
        for one in value:
            yield from _words(one)


def _table(kind: str, found: _Found, subjects: Subjects, file: str, *, suppress: bool) -> PreparedTable:
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    table = fhir_columns()["tables"][kind]
    rows: list[Row] = []
    lost = 0
    for resource in found.resources[kind]:
        name = str(resource.get("id") or "") if kind == "Patient" else resource_id(resource.get(table["subject"]))
        subject = found.patients.get(name)
        lost += subject is None
        rows += [{SUBJECT: subject or "", **row} for row in flatten(resource, table)]
    if lost:
        reason = (
            f"{lost} resources of type {kind} belong to no Patient that is in it; add the patients, then try again."
        )
        raise refuse([Refusal("unresolved-subject", reason, (file,))])
    frame = pd.DataFrame(rows, dtype="str").fillna("")
    for name in _coded(table):
        # A number can have the form of a code and be the patient's all the same.
        is_secret = frame[name].isin(list(found.secrets)) & frame[name].str.contains(r"\d")
        frame[name] = frame[name].mask(is_secret, "")
    declaration = _declaration(table, frame, suppress=suppress)
    return prepare([Piece(frame, 1)], declaration, subjects, file, secrets=found.secrets)


def _coded(table: Mapping[str, Any]) -> list[str]:
    return [
        made
        for name, entry in table["columns"].items()
        if entry["take"] in ("coding", "unit")
        for made in names_of(entry, name)
    ]


def _declaration(table: Mapping[str, Any], frame: Any, *, suppress: bool) -> Declaration:
    """Declare the columns of a flattened table; codes were checked one by one against their systems."""
    columns: dict[str, Any] = {SUBJECT: {"type": "subject"}}
    for name, entry in table["columns"].items():
        take = entry["take"]
        if take in ("coding", "unit"):
            for made in names_of(entry, name):
                present = sorted({text for text in frame[made].unique().tolist() if text})
                columns[made] = {"type": "code", "values": present or ["-"]}
        elif take == "code":
            columns[name] = {"type": "code", "values": entry["values"], "role": entry.get("role", "measure")}
        elif take in ("id", "reference"):
            columns[name] = {"type": "id", "kind": f"FHIR {entry['kind']}"}
        else:
            columns[name] = {"type": take}
    body = {"table": table["table"], "title": table["title"], "columns": columns, "suppress": suppress}
    return parse_declaration(body)
