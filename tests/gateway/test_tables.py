"""Tables are one part per subject under the subject's key, and one table to whoever reads."""

from __future__ import annotations

import json
import time
from typing import Any

import pyarrow as pa
import pytest
from homes import Lines, begin, fill, scan_facts, send, volume_of

from workbench.connection import Connection
from workbench.errors import Conflict, InvalidInput
from workbench.gateway import tables

CLINICAL = {
    "title": "Clinical data",
    "columns": [
        {"name": "subject", "type": "string", "unit": None, "description": "who"},
        {"name": "survival_days", "type": "int64", "unit": "d", "description": "from diagnosis"},
    ],
}


def part(**columns: list[Any]) -> bytes:
    return tables.to_file(pa.table(columns))


def put(line: Connection, ingest: str, path: str, data: bytes, subject: str = "") -> None:
    line.request("PUT", f"/v1/ingests/{ingest}/objects/{path}{f'?subject={subject}' if subject else ''}", body=data)


def declare(line: Connection, ingest: str, table: str = "clinical", declaration: object = CLINICAL) -> None:
    put(line, ingest, f"tables/{table}.json", json.dumps(declaration).encode())


def finish(line: Connection, ingest: str, *scans: dict[str, Any], **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = line.post(f"/v1/ingests/{ingest}/commit", {"scans": list(scans), "findings": [], **more})
    return made


def read(lines: Lines, table: str) -> list[dict[str, Any]]:
    body = lines.kernel().request("GET", f"/v1/datasets/open-ct/tables/{table}")[2]
    rows: list[dict[str, Any]] = pa.ipc.open_stream(body).read_all().to_pylist()
    return rows


def open_home(lines: Lines, *seeds: int) -> Connection:
    """Give the operator's line of a home with an open dataset of phantoms."""
    fill(lines.operator(), "open-ct", "open", seeds=seeds or (1,))
    return lines.operator()


def test_a_table_may_come_without_any_scan(lines: Lines) -> None:
    line = open_home(lines, 1, 2)
    ingest = begin(line, "open-ct", "open")["ingest"]
    declare(line, ingest)
    for subject, days in (("P0002", 20), ("P0001", 10)):
        put(line, ingest, f"tables/clinical/{subject}.arrow", part(subject=[subject], survival_days=[days]), subject)
    made = finish(line, ingest)
    assert (made["scans"], made["subjects"]) == (2, 2)
    assert read(lines, "clinical") == [
        {"subject": "P0001", "survival_days": 10}, {"subject": "P0002", "survival_days": 20},
    ]  # fmt: skip
    assert [row["scan"] for row in read(lines, "nodules")] == ["S0001", "S0002"]


def test_patients_without_a_scan_keep_their_number(lines: Lines) -> None:
    line = open_home(lines)
    ingest = begin(line, "open-ct", "open")["ingest"]
    declare(line, ingest)
    put(line, ingest, "tables/clinical/P0007.arrow", part(subject=["P0007"], survival_days=[70]), "P0007")
    with pytest.raises(InvalidInput, match="no scan"):
        finish(line, ingest)
    assert finish(line, ingest, subjects={"pseudonym-7": "P0007"})["subjects"] == 2
    begun = begin(line, "open-ct", "open")
    assert begun["known"]["subjects"] == {"pseudonym-1": "P0001", "pseudonym-7": "P0007"}
    assert begun["next_subject"] == 8


def test_new_rows_of_a_subject_replace_the_older_ones(lines: Lines) -> None:
    line = open_home(lines)
    for days in (10, 11):
        ingest = begin(line, "open-ct", "open")["ingest"]
        declare(line, ingest)
        put(line, ingest, "tables/clinical/P0001.arrow", part(subject=["P0001"], survival_days=[days]), "P0001")
        finish(line, ingest)
    assert read(lines, "clinical") == [{"subject": "P0001", "survival_days": 11}]


def test_rows_that_name_scans_replace_only_those_of_the_same_scans() -> None:
    before = pa.table({"scan": ["S0001", "S0002"], "n": [1, 2]})
    now = pa.table({"scan": ["S0002", "S0003"], "n": [20, 30]})
    assert tables.renewed(before, now).to_pylist() == [
        {"scan": "S0001", "n": 1}, {"scan": "S0002", "n": 20}, {"scan": "S0003", "n": 30},
    ]  # fmt: skip


BAD = {
    "an undeclared column": part(subject=["P0001"], survival_days=[1], name=["x"]),
    "a missing column": part(subject=["P0001"]),
    "another type": part(subject=["P0001"], survival_days=["long"]),
    "another subject's row": part(subject=["P0002"], survival_days=[1]),
    "no table": b"PAR1",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_rows_that_do_not_fit_are_refused(lines: Lines, data: bytes) -> None:
    line = open_home(lines)
    ingest = begin(line, "open-ct", "open")["ingest"]
    declare(line, ingest)
    put(line, ingest, "tables/clinical/P0001.arrow", data, "P0001")
    with pytest.raises(InvalidInput, match="clinical"):
        finish(line, ingest)
    assert len(lines.person("custodian").get("/v1/datasets/open-ct")["versions"]) == 1


@pytest.mark.parametrize("declaration", [
    [], {"title": "x"}, {"title": "x", "columns": []}, {"title": "x", "columns": [{"name": "a", "type": "text"}]},
    {"title": "x", "columns": [{"name": "a", "type": "string"}] * 2}, {"title": "x", "columns": ["a"]},
])  # fmt: skip
def test_a_table_without_a_usable_declaration_is_refused(lines: Lines, declaration: object) -> None:
    line = open_home(lines)
    ingest = begin(line, "open-ct", "open")["ingest"]
    declare(line, ingest, declaration=declaration)
    with pytest.raises(InvalidInput, match="declare|needs|name and a type"):
        finish(line, ingest)


def test_rows_without_any_declaration_are_refused(lines: Lines) -> None:
    line = open_home(lines)
    ingest = begin(line, "open-ct", "open")["ingest"]
    put(line, ingest, "tables/clinical/P0001.arrow", part(subject=["P0001"], survival_days=[1]), "P0001")
    with pytest.raises(InvalidInput, match="declares its columns"):
        finish(line, ingest)


def test_a_table_keeps_its_columns(lines: Lines) -> None:
    line = open_home(lines)
    for kind in ("int64", "float64"):
        ingest = begin(line, "open-ct", "open")["ingest"]
        columns = [{"name": "subject", "type": "string"}, {"name": "survival_days", "type": kind}]
        declare(line, ingest, declaration={"title": "x", "columns": columns})
        if kind == "int64":
            finish(line, ingest)
    with pytest.raises(Conflict, match="another name"):
        finish(line, ingest)


def test_a_nodule_of_another_subjects_scan_is_refused(lines: Lines) -> None:
    line = open_home(lines, 1, 2)
    ingest = begin(line, "open-ct", "open")["ingest"]
    columns: dict[str, list[Any]] = {name: [None] for name in tables.NODULES.names} | {"scan": ["S0002"]}
    data = tables.to_file(pa.table(columns).cast(tables.NODULES))
    put(line, ingest, "tables/nodules/P0001.arrow", data, "P0001")
    with pytest.raises(InvalidInput, match="not theirs"):
        finish(line, ingest)


def test_the_tables_of_a_dataset_are_listed_with_their_columns(lines: Lines) -> None:
    open_home(lines)
    found = lines.kernel().get("/v1/datasets/open-ct/tables")["tables"]
    assert [table["name"] for table in found] == ["scans", "nodules"]
    assert {"name": "diameter_mm", "type": "float64", "unit": "mm", "description": "largest diameter"} in found[1][
        "columns"
    ]


def test_labels_may_come_for_a_scan_that_is_there_and_its_image_never_changes(lines: Lines) -> None:
    line = open_home(lines)
    for text in (b"one", b"two"):
        ingest = begin(line, "open-ct", "open")["ingest"]
        with pytest.raises(Conflict, match="never changes"):
            send(line, ingest, volume_of(9), scan_facts(volume_of(9), 1))
        with pytest.raises(Conflict, match="not a scan of"):
            put(line, ingest, "scans/S0001/labels/lungs.json", b"{}", "P0002")
        put(line, ingest, f"scans/S0001/labels/lungs.zarr/{text.decode()}", text, "P0001")
        put(line, ingest, "scans/S0001/labels/lungs.json", b'{"n": "%s"}' % text, "P0001")
        made = finish(line, ingest)
    assert made["scans"] == 1
    assert {file for file in _paths(lines, made["version"]) if "/labels/" in file} == {
        "scans/S0001/labels/lungs.json", "scans/S0001/labels/lungs.zarr/two",
    }  # fmt: skip


def test_joining_the_parts_of_500_subjects_takes_a_moment() -> None:
    schema = tables.schema_of("clinical", CLINICAL)
    parts = [part(subject=[f"P{n:04d}"] * 3, survival_days=[1, 2, 3]) for n in range(500)]
    started = time.process_time()
    joined = tables.join([("P0001", tables.read_part(data, schema, "clinical")) for data in parts], schema)
    assert (joined.table.num_rows, len(joined.owners)) == (1500, 1500)
    assert time.process_time() - started < 1.0


def _paths(lines: Lines, version: str) -> set[str]:
    from workbench.governance.store import Store
    from workbench.vault.manifest import load_manifest
    from workbench.vault.vault import Vault

    store = Store(lines.settings.store)
    row = store.read().execute("SELECT manifest FROM versions WHERE version = ?", (version,)).fetchone()
    store.close()
    vault = Vault(lines.settings.vault, lines.settings.keys)
    return {entry.path for entry in load_manifest(vault, "open-ct", row["manifest"], version).entries}
