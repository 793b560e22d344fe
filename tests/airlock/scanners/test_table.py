"""Rows about people are told from rows about groups, and what a table hides is found."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.airlock.scanners.table import scan_table


def found(frame: pd.DataFrame | str, name: str = "t.csv") -> set[tuple[str, str]]:
    text = frame if isinstance(frame, str) else frame.to_csv(index=False)
    return {(finding.rule, finding.severity) for finding in scan_table(name, text.encode())}


def drawn(size: int = 120, **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({name: make(np.random.default_rng(len(name)), size) for name, make in columns.items()})


ROWS_OF_PEOPLE = {
    "named": "subject,age\nP1,61\nP2,48\n",
    "one row": "scan,score\nS0001,0.5\n",
    "uid": "series_uid,score\n1.2.840.113619.2.55,0.5\n1.2.840.113619.2.56,0.4\n",
    "unnamed identifiers": "who,score\nLUNG1-001,0.5\nLUNG1-002,0.4\nLUNG1-003,0.3\n",
    "no identifiers": drawn(
        age=lambda d, n: d.integers(40, 90, n), sex=lambda d, n: d.choice(["F", "M"], n),
        diagnosis=lambda d, n: d.choice(["benign", "malignant"], n),
    ),
    "other words": drawn(
        place=lambda d, n: d.choice(list("abc"), n), x=lambda d, n: d.normal(0, 1, n).round(3),
        y=lambda d, n: d.normal(0, 1, n).round(3),
    ),
    "features": drawn(**{f"f{number}": lambda d, n: d.normal(0, 1, n) for number in range(16)}),
    "pixels": pd.DataFrame(np.random.default_rng(1).integers(-1000, 400, (64, 64))),
}  # fmt: skip

CLEAN = {
    "groups": "sex,stage,subjects,mean_mm\nF,I,47,8.1\nF,II,33,9.4\nM,I,52,8.0\n",
    "crossed": "sex,I,II,All\nF,40,20,60\nM,30,35,65\nAll,70,55,125\n",
    "hidden": "sex,stage,subjects\nF,I,47\nF,II,<10\nM,I,52\nM,II,*\n",
    "curve": pd.DataFrame({"threshold": np.linspace(1, 0, 50), "sensitivity": np.linspace(0, 1, 50)}),
    "training": pd.DataFrame({"epoch": range(1, 31), "loss": np.geomspace(1, 0.1, 30)}),
    "two curves": pd.concat(
        pd.DataFrame({"model": name, "fps": np.geomspace(0.1, 8, 20), "sensitivity": np.linspace(0, 1, 20)})
        for name in ("a", "b")
    ),
}


@pytest.mark.parametrize("name", sorted(ROWS_OF_PEOPLE))
def test_rows_about_people_stop(name: str) -> None:
    assert ("row-level-table", "stop") in found(ROWS_OF_PEOPLE[name])


@pytest.mark.parametrize("name", sorted(CLEAN))
def test_tables_of_groups_and_curves_pass(name: str) -> None:
    assert found(CLEAN[name]) <= {("no-counts", "look")}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("sex,n\nF,47,S0001\nM,52,S0002\n", ("unnamed-column", "stop")),
        (f"sex,n\n{'QUJD' * 60},47\n", ("long-value", "stop")),
        ("sex,n\n=HYPERLINK(A1),47\n", ("formula", "look")),
        ("day,n\n2024-01-03,40\n2024-01-04,41\n2024-01-05,42\n2024-01-08,43\n2024-01-09,44\n", ("dates", "look")),
        ("sex,subjects,min\nF,47,21\n", ("extreme", "stop")),
        ("model,auc\na,0.91\nb,0.93\n", ("no-counts", "look")),
    ],
)
def test_what_else_a_table_carries_is_told(text: str, rule: tuple[str, str]) -> None:
    assert rule in found(text)


def test_parquet_is_checked_and_metadata_behind_it_found() -> None:
    table = pa.table({"sex": ["F", "M"], "n": [47, 52]})
    for metadata, rules in (({}, set()), ({b"notes": b"S0001 is a man"}, {"metadata"})):
        buffer = io.BytesIO()
        pq.write_table(table.replace_schema_metadata(metadata), buffer)
        assert {finding.rule for finding in scan_table("t.parquet", buffer.getvalue())} == rules


def test_a_finding_names_its_place_and_never_a_value() -> None:
    findings = scan_table("t.csv", b"ward,subjects\nDoe^Jane,3\n")
    assert [finding.place for finding in findings] == ["row 2, column “subjects”"]
    assert "Doe" not in str(findings)


def test_many_findings_of_a_rule_are_counted_and_not_listed() -> None:
    text = "ward,subjects\n" + "".join(f"w{number},3\n" for number in range(40))
    small = [finding for finding in scan_table("t.csv", text.encode()) if finding.rule == "small-cell"]
    assert len(small) == 10 and "30 more" in small[-1].reason
