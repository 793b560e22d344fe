"""The table that the helper writes passes the checks, and its sidecar makes them exact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.airlock.differencing import Shown, find_differences
from workbench.airlock.findings import Finding, ScanContext
from workbench.airlock.scanners.table import cells_of, scan_table
from workbench.airlock.tabulate import tabulate
from workbench.errors import InvalidInput


def people(*groups: tuple[str, int]) -> pd.DataFrame:
    sexes = [sex for sex, count in groups for _ in range(count)]
    return pd.DataFrame({"subject": [f"S{n:04d}" for n in range(len(sexes))], "sex": sexes, "mm": 5.0})


def checked(path: Path) -> list[Finding]:
    beside = path.with_name(path.name + ".cells.json").read_bytes()
    return scan_table(path.name, path.read_bytes(), ScanContext(files={path.name + ".cells.json": beside}))


def test_groups_below_ten_are_hidden_and_the_rest_is_there(tmp_path: Path) -> None:
    table = tabulate(people(("F", 18), ("M", 9)), tmp_path / "t.csv", by="sex", subject="subject", value="mm")
    assert (tmp_path / "t.csv").read_text() == "sex,subjects,mm_mean\nF,18,5\nM,,\n"
    assert table["subjects"].isna().tolist() == [False, True] and checked(tmp_path / "t.csv") == []


def test_subjects_are_counted_once_however_many_rows_they_have(tmp_path: Path) -> None:
    frame = pd.concat([people(("F", 12))] * 3)
    assert tabulate(frame, tmp_path / "t.csv", by="sex", subject="subject")["subjects"].tolist() == [12]


def test_what_one_subject_dominates_is_hidden(tmp_path: Path) -> None:
    frame = people(("F", 20)).assign(mm=[1000.0] + [1.0] * 19)
    table = tabulate(frame, tmp_path / "t.csv", by="sex", subject="subject", value="mm", statistics=["sum", "median"])
    assert table["mm_sum"].isna().all() and table["mm_median"].tolist() == [1.0]
    assert checked(tmp_path / "t.csv") == []


def test_a_hidden_group_does_not_follow_from_its_totals(tmp_path: Path) -> None:
    table = tabulate(
        people(("F", 30), ("M", 20), ("X", 4)), tmp_path / "t.csv", by="sex", subject="subject", margins=True
    )
    shown = dict(zip(table["sex"], table["subjects"].notna(), strict=True))
    assert shown == {"F": True, "M": False, "X": False, "All": True}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(20, 200), st.floats(0.0, 0.6))
def test_a_table_with_margins_never_stops_itself(tmp_path_factory: Any, seed: int, size: int, rare: float) -> None:
    draw, path = np.random.default_rng(seed), tmp_path_factory.mktemp("t") / "t.csv"
    frame = pd.DataFrame({
        "subject": draw.integers(0, size, 2 * size), "sex": draw.choice(["F", "M"], 2 * size),
        "stage": draw.choice(["I", "II", "III"], 2 * size, p=[1 - rare, rare * 0.8, rare * 0.2]),
    })  # fmt: skip
    tabulate(frame, path, by=["sex", "stage"], subject="subject", margins=True)
    cells, _, _ = cells_of(path.name, path.read_bytes(), path.with_name("t.csv.cells.json").read_bytes())
    assert find_differences([Shown("new", path.name, cells, True)]) == []
    assert [found for found in checked(path) if found.is_stop] == []


def test_rounded_counts_hide_nobodys_sidecar(tmp_path: Path) -> None:
    tabulate(people(("F", 18), ("M", 33), ("X", 41)), tmp_path / "t.csv", by="sex", subject="subject", round_to=5)
    assert (tmp_path / "t.csv").read_text() == "sex,subjects\nF,20\nM,35\nX,40\n"
    assert checked(tmp_path / "t.csv") == []


def test_the_sidecar_names_nobody(tmp_path: Path) -> None:
    tabulate(people(("F", 12)), tmp_path / "t.csv", by="sex", subject="subject", dataset="ct")
    beside = (tmp_path / "t.csv.cells.json").read_text()
    assert "S0001" not in beside and len(json.loads(beside)["subjects"]) == 12


@pytest.mark.parametrize(
    "change",
    [{"table_sha256": "0" * 64}, {"cells": []}, {"form": "other"}, {"subjects": ["a", "a"]}, {"cells": [{"key": 3}]}],
    ids=["other-table", "no-cells", "other-form", "twice", "broken"],
)
def test_a_sidecar_that_does_not_fit_is_a_reason_to_stop(tmp_path: Path, change: dict[str, Any]) -> None:
    tabulate(people(("F", 12)), tmp_path / "t.csv", by="sex", subject="subject")
    path = tmp_path / "t.csv.cells.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert [(found.rule, found.severity) for found in checked(tmp_path / "t.csv")] == [("sidecar", "stop")]


def test_a_sidecar_shows_that_a_count_is_of_scans_and_not_of_subjects(tmp_path: Path) -> None:
    tabulate(people(("F", 12)), tmp_path / "t.csv", by="sex", subject="subject")
    text = (tmp_path / "t.csv").read_text().replace("12", "40")
    (tmp_path / "t.csv").write_text(text)
    assert checked(tmp_path / "t.csv")[0].rule == "sidecar"


@pytest.mark.parametrize("wrong", [{"by": "age"}, {"subject": "who"}, {"statistics": ["max"], "value": "mm"}])
def test_what_cannot_be_tabulated_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        tabulate(people(("F", 12)), tmp_path / "t.csv", **{"by": "sex", "subject": "subject", **wrong})
