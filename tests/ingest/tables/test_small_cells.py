"""A group too small or too alike is refused with counts, or left out when that is declared."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import IngestRefused
from workbench.ingest.tables.small_cells import find_cells


def table(seed: int, rows: int = 400) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    columns = {"age": (20, 24), "sex": (0, 2), "zip": (0, 4), "stage": (0, 3)}
    return pd.DataFrame({name: random.integers(*limits, rows).astype(str) for name, limits in columns.items()})


@pytest.mark.parametrize("seed", range(3))
def test_k_and_l_agree_with_pycanon(seed: int) -> None:
    anonymity = pytest.importorskip("pycanon.anonymity")
    frame, quasi = table(seed), ["age", "sex", "zip"]
    cells = find_cells(frame, np.arange(len(frame)), quasi, ["stage"], k=5, l=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = anonymity.k_anonymity(frame, quasi), anonymity.l_diversity(frame, quasi, ["stage"])
    assert (cells.k, cells.l) == expected


def test_rows_of_one_patient_count_once() -> None:
    frame = pd.DataFrame({"age": ["a"] * 8, "stage": list("xyxyxyxy")})
    assert find_cells(frame, np.zeros(8, np.int64), ["age"], ["stage"], k=5, l=2).k == 1


def test_without_quasi_identifiers_all_rows_are_one_group() -> None:
    frame = pd.DataFrame({"stage": list("xyxy")})
    cells = find_cells(frame, np.arange(4), [], ["stage"], k=5, l=2)
    assert (cells.k, cells.l, cells.small, cells.rows.all()) == (4, 2, 1, True)


def test_a_missing_value_is_a_group_of_its_own() -> None:
    frame = pd.DataFrame({"age": ["a"] * 6 + [None]})
    cells = find_cells(frame, np.arange(7), ["age"], [], k=5, l=2)
    assert (cells.groups, cells.small, cells.rows.tolist()) == (2, 1, [False] * 6 + [True])


def test_a_small_group_is_refused_with_counts(read: Any, rows: Any) -> None:
    rows[0] = rows[0].replace(",70,M,", ",,M,")
    with pytest.raises(IngestRefused) as refused:
        read(rows)
    assert refused.value.code == "small-cells"
    assert "1 of 5 groups by age, sex have fewer than 5 patients" in refused.value.message
    assert "(1 of 24 rows)" in refused.value.message
    assert "suppress: true" in refused.value.message


def test_a_group_with_one_sensitive_value_is_refused(read: Any, rows: Any) -> None:
    rows = [row.replace(",II,", ",I,") for row in rows]
    with pytest.raises(IngestRefused, match="4 of 4 groups by age, sex share fewer than 2 values of stage"):
        read(rows)


def test_small_groups_are_left_out_and_counted_when_declared(read: Any, rows: Any, declare: Any) -> None:
    rows[0] = rows[0].replace(",70,M,", ",,M,")
    made = read(rows, declare({"suppress": True}))
    assert (made.report["suppressed_rows"], made.report["rows"], made.report["k"]) == (1, 23, 5)


def test_suppressing_everything_is_a_refusal(read: Any, rows: Any, declare: Any) -> None:
    with pytest.raises(IngestRefused):
        read(rows[:4], declare({"suppress": True}))
