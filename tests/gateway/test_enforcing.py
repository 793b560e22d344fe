"""What an obligation does to a table, worked out by hand; what it cannot do refuses the table."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import workbench.gateway
from workbench.errors import AccessDenied
from workbench.gateway.enforcing import Visible, check_tables, day_shift, shown_scans, shown_table, visible_scans
from workbench.gateway.tables import Rows
from workbench.governance.obligations import NONE, obligations_of

KEY = bytes(range(32))
SHIFT = day_shift(KEY, "clinic-ct")
PEOPLE = pa.table({
    "subject": ["P0001", "P0002", "P0003", "P0004"],
    "age": pa.array([91, 34, None, -3], pa.int64()),
    "dose": [0.3, 12.5, float("nan"), None],
    "years": ["91", "34", None, "7"],
    "smokes": [True, False, None, True],
    "day": pa.array([date(2020, 1, 31), date(2020, 3, 1), None, date(1969, 12, 31)], pa.date32()),
    "seen": pa.array([datetime(2020, 1, 31, 23, 59, 59, 7), None, None, None], pa.timestamp("us")),
    "note": ["a", "b", "c", "d"],
})  # fmt: skip


def shown(visible: Visible | None = None, **annotations: str) -> pa.Table:
    rows = Rows(PEOPLE, PEOPLE["subject"].combine_chunks())
    return shown_table("people", rows, obligations_of(annotations), visible, SHIFT)


def column(name: str, **annotations: str) -> list[Any]:
    values: list[Any] = shown(**annotations)[name].to_pylist()
    return values


def scan(number: int, subject: int, split: str | None, **more: Any) -> dict[str, Any]:
    facts = {"scan": f"S{number:04d}", "subject": f"P{subject:04d}", "split": split, "modality": "CT", "sha256": "ab"}
    grid = {"shape": (4, 5, 6), "spacing_mm": (1.0, 2.0, 3.0), "origin_mm": (0.0, 0.0, 0.0), "direction": [1.0]}
    return {**facts, **grid, **more}


@pytest.mark.parametrize(("filter_", "left"), [
    ("age = 91", [1]), ("age != 91", [2, 4]), ("age in 34, 91", [1, 2]), ("age not in 34, 91", [4]),
    ("age < 0", [4]), ("age <= 34", [2, 4]), ("age > 34.5", [1]), ("age >= 91", [1]), ("age = 34.5", []),
    ("dose > 0", [1, 2]), ("dose != 0.3", [2]), ("years > 10", [1, 2]), ("years = 7", [4]),
    ("smokes = true", [1, 4]), ("smokes != TRUE", [2]), ("day < 2020-02-01", [1, 4]), ("day = 2020-03-01", [2]),
    ("seen >= 2020-01-31", [1]), ("note in a, 'b'", [1, 2]),
])  # fmt: skip
def test_only_the_rows_that_a_filter_keeps_are_shown(filter_: str, left: list[int]) -> None:
    assert column("subject", rows=f"people.{filter_}") == [f"P{n:04d}" for n in left]


def test_a_cap_and_a_step_leave_missing_values_missing() -> None:
    assert column("age", cap="people.age at 89") == [89, 34, None, -3]
    assert column("age", cap="people.age at 89.5") == [89, 34, None, -3]
    assert column("age", bin="people.age by 5") == [90, 30, None, -5]
    assert column("age", bin="people.age by 5", cap="people.age at 89") == [85, 30, None, -5]
    assert column("years", bin="people.years by 10", cap="people.years at 89") == ["80", "30", None, "0"]
    assert column("dose", bin="people.dose by 2.5")[:2] == [0.0, 12.5]


def test_a_masked_column_is_empty_and_a_dropped_one_is_gone() -> None:
    table = shown(mask="people.note", drop="*.age")
    assert table["note"].to_pylist() == [None] * 4
    assert "age" not in table.column_names
    assert table.schema.field("note").type == pa.string()


def test_dates_of_a_subject_move_together_and_never_by_nothing() -> None:
    moved = shown(shift="*.day by 30, people.seen by 30")
    days = [SHIFT(f"P{n:04d}", 30) for n in (1, 2, 4)]
    assert moved["day"].to_pylist() == [
        date(2020, 1, 31) + timedelta(days[0]), date(2020, 3, 1) + timedelta(days[1]), None,
        date(1969, 12, 31) + timedelta(days[2]),
    ]  # fmt: skip
    assert moved["seen"].to_pylist()[0] == datetime(2020, 1, 31, 23, 59, 59, 7) + timedelta(days[0])
    drawn = {SHIFT(f"P{n:04d}", 2) for n in range(1000)}
    assert drawn == {-2, -1, 1, 2}
    assert [SHIFT("P0001", 3650), day_shift(KEY, "x")("P0001", 3650)] != [day_shift(KEY[::-1], "x")("P0001", 3650)] * 2


@pytest.mark.parametrize("annotations", [
    {"rows": "people.size > 1"}, {"drop": "people.size"}, {"bin": "people.note by 5"}, {"cap": "people.smokes at 1"},
    {"bin": "people.day by 5"}, {"bin": "people.age by 2.5"}, {"shift": "people.age by 3"}, {"shift": "*.note by 3"},
    {"rows": "people.age = old"}, {"rows": "people.smokes = 1"}, {"rows": "people.day = spring"},
    {"rows": "people.note < 5"}, {"rows": "people.age = 1/0"}, {"rows": "people.age > 99999999999999999999"},
    {"shift": "people.age by 3", "bin": "people.note by 5"},
], ids=lambda annotations: str(sorted(annotations.items())))  # fmt: skip
def test_a_rule_that_cannot_be_carried_out_refuses_the_table(annotations: dict[str, str]) -> None:
    with pytest.raises(AccessDenied, match=r"^Nothing of the table “people” is given") as refused:
        shown(**annotations)
    assert refused.value.code == "obligation-not-met"
    assert not any(value in refused.value.message for value in ("91", "34", "2020"))


def test_a_rule_about_what_no_table_holds_refuses_everything() -> None:
    schemas = {"people": PEOPLE.schema}
    for wrong in ({"drop": "poeple.age"}, {"drop": "*.agee"}, {"rows": "nodules.place = x"}):
        with pytest.raises(AccessDenied, match=r"^Nothing is given"):
            check_tables(obligations_of(wrong), schemas, {})
    later = {"nodules": pa.schema([("place", pa.string())])}
    check_tables(obligations_of({"rows": "nodules.place = x", "drop": "*.age"}), schemas, later)


def test_a_filter_on_scans_withholds_the_rows_of_other_scans_and_subjects() -> None:
    facts = [scan(1, 1, "train"), scan(2, 2, "final_test"), scan(3, 1, None)]
    visible = visible_scans(facts, obligations_of({"rows": "scans.split = train"}))
    assert visible == Visible(frozenset({"S0001"}), frozenset({"P0001"}))
    assert shown(visible)["subject"].to_pylist() == ["P0001"]
    named = pa.table({"scan": ["S0001", "S0003", None], "n": [1, 2, 3]})
    rows = Rows(named, pa.array(["P0001"] * 3))
    assert shown_table("marks", rows, NONE, visible, SHIFT)["n"].to_pylist() == [1]
    nameless = Rows(pa.table({"n": [1, 2]}), pa.array(["P0002", "P0001"]))
    assert shown_table("notes", nameless, NONE, visible, SHIFT)["n"].to_pylist() == [2]


def test_the_facts_of_a_scan_say_no_more_than_its_row() -> None:
    facts = [scan(1, 1, "train", dicom={"Modality": "CT"}, warnings=["P0001"])]
    (only,) = shown_scans(facts, obligations_of({"mask": "scans.subject", "drop": "scans.split"}), None, SHIFT)
    assert only["subject"] is None
    assert not {"split", "dicom", "warnings"} & set(only)
    assert shown_scans(facts, obligations_of({"rows": "scans.split = train"}), None, SHIFT) == facts


def test_no_route_reads_past_what_is_shown() -> None:
    folder = Path(workbench.gateway.__file__).parent
    readers = [f for f in folder.glob("*_routes.py") if "archive." in f.read_text()]
    raw = {f.name: [line for line in f.read_text().splitlines() if "archive." in line] for f in readers}
    assert {line.strip() for name in ("reading_routes.py", "view_routes.py") for line in raw[name]} == {
        'return call.state.archive.version(call.dataset, call.query.get("version"))',
        'version = state.archive.version(dataset, call.json().get("version"))',
    }
    assert set(raw) == {"reading_routes.py", "view_routes.py", "ingest_routes.py"}
