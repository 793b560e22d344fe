"""A declaration is checked whole before any row is read; a skeleton of it copies nobody's values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from workbench.errors import IngestRefused, InvalidInput
from workbench.ingest.tables.declaration import find_declaration, parse_declaration, read_declaration
from workbench.ingest.tables.suggest import suggest_declaration

GOOD: dict[str, Any] = {"mrn": {"type": "subject"}, "age": {"type": "age"}}


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({}, "columns"),
        ({"age": {"type": "age"}}, "exactly one column"),
        ({**GOOD, "b": {"type": "subject"}}, "exactly one column"),
        ({**GOOD, "x": {"type": "name"}}, "“x”"),
        ({**GOOD, "x": {}}, "“x”"),
        ({**GOOD, "x": {"type": "code"}}, "“x” needs its “values”"),
        ({**GOOD, "x": {"type": "text", "role": "quasi"}}, "role of column “x”"),
        ({**GOOD, "x": {"type": "number", "bins": [3, 1]}}, "“bins” of column “x”"),
        ({**GOOD, "x": {"type": "date", "round": 5}}, "“round” of column “x”"),
        ({**GOOD, "x": {"type": "number", "units": "mm"}}, "unknown entry “units”"),
        ({**GOOD, "subject": {"type": "number"}}, "one name"),
    ],
)
def test_a_declaration_that_is_not_usable_is_refused_by_entry(columns: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named) as refused:
        parse_declaration({"table": "visits", "columns": columns})
    assert refused.value.code == "bad-declaration"


@pytest.mark.parametrize("change", [{"table": "../x"}, {"k": 4}, {"l": 1}, {"k": True}, {"decimal": "'"}, {"keys": 1}])
def test_a_table_cannot_be_declared_less_safe(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parse_declaration({"table": "visits", "columns": GOOD, **change})


def test_a_column_of_ages_is_capped_though_declared_as_a_number() -> None:
    columns = {**GOOD, "age_at_scan": {"type": "number"}, "dosage": {"type": "number"}}
    made = parse_declaration({"table": "visits", "columns": columns})
    assert [column.type for column in made.columns] == ["subject", "age", "age", "number"]


def test_a_birth_date_that_is_dropped_is_not_described() -> None:
    made = parse_declaration({"table": "t", "columns": {**GOOD, "dob": {"type": "date", "role": "drop"}}})
    assert [column["name"] for column in made.schema()["columns"]] == ["subject", "age"]


@pytest.mark.parametrize("suffix", [".columns.yaml", ".columns.json"])
def test_a_declaration_beside_the_table_is_found(tmp_path: Path, suffix: str) -> None:
    beside = tmp_path / f"trial{suffix}"
    beside.write_text('{"table": "trial", "columns": {"mrn": {"type": "subject"}}}')
    assert find_declaration(tmp_path / "trial.csv") == beside
    assert read_declaration(beside).table == "trial"
    assert find_declaration(tmp_path / "other.csv") is None


@pytest.mark.parametrize("content", ["a: [", "- 1", "!!python/object:os.system {}", ""])
def test_a_file_that_is_no_declaration_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.columns.yaml"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="not usable"):
        read_declaration(path)


def test_a_skeleton_is_a_declaration_that_reads_the_table(shared_data: Callable[[str], Path]) -> None:
    path = next(shared_data("tab-lung1-clinical").glob("*.csv"))
    made = yaml.safe_load(suggest_declaration(path))
    columns = made["columns"]
    assert columns["PatientID"] == {"type": "subject"}
    assert (columns["age"]["type"], columns["gender"]["role"], made["missing"]) == ("age", "quasi", ["NA"])
    assert columns["Overall.Stage"]["values"] == ["I", "II", "IIIa", "IIIb"]
    assert parse_declaration(made).subject.source == "PatientID"


def test_a_skeleton_copies_no_patients_values(tmp_path: Path) -> None:
    lines = ["id,patient_name,doctor,ward,phone,remark,seen"]
    lines += [
        f"{n + 7000000},Okonkwo {n},Meyer,{'Ada' if n == 3 else 'B2'},0612555{n},tall,2019-05-02" for n in range(30)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    text = suggest_declaration(tmp_path / "t.csv")
    for secret in ("7000", "Okonkwo", "Meyer", "Ada", "0612", "tall", "2019"):
        assert secret not in text
    assert yaml.safe_load(text)["columns"]["ward"]["values"] == ["B2"]


def test_no_skeleton_is_made_of_a_file_without_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("7000001,Okonkwo\n7000002,Meyer\n")
    with pytest.raises(IngestRefused) as refused:
        suggest_declaration(tmp_path / "t.csv")
    assert refused.value.code == "no-header" and "Okonkwo" not in refused.value.message
