"""Thresholds, dominance and what follows from other numbers, each against a number worked out by hand."""

from __future__ import annotations

import pytest

from workbench.airlock.disclosure import breaks_nk, breaks_p, extremes, implied_cells, rounding_of, small_cells
from workbench.airlock.sidecar import Contribution
from workbench.airlock.tables import Table, read_table


def read(text: str) -> Table:
    return read_table("t.csv", text.encode())


def rules(found: object) -> list[tuple[str, str, str]]:
    return [(place, hit.rule, hit.severity) for place, hit in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("count", "is_found"), [(0, False), (1, True), (9, True), (10, False)])
def test_groups_of_one_to_nine_are_found(count: int, is_found: bool) -> None:
    table = read(f"sex,subjects\nF,{count}\nM,40\n")
    expected = [("row 2, column “subjects”", "small-cell", "stop")] if is_found else []
    assert rules(small_cells(table, table.cells)) == expected


def test_a_crossed_table_with_totals_counts_and_one_without_is_for_a_person() -> None:
    sure, unsure = read("sex,I,II,All\nF,40,3,43\nM,20,30,50\n"), read("sex,I,II\nF,40,3\nM,20,30\n")
    assert rules(small_cells(sure, sure.cells)) == [("row 2, column “II”", "small-cell", "stop")]
    assert rules(small_cells(unsure, unsure.cells)) == [("row 2, column “II”", "small-number", "look")]


# Two hold 89 of 100 (passes), 90 of 100 (fails); of 100 with the largest 60: 6 left is a tenth (passes), 5 is less.
@pytest.mark.parametrize(("largest", "is_broken"), [((80.0, 9.0), False), ((80.0, 10.0), True), ((45.0, 45.0), True)])
def test_two_may_not_hold_ninety_percent(largest: tuple[float, float], is_broken: bool) -> None:
    assert breaks_nk(Contribution(100.0, largest)) is is_broken


@pytest.mark.parametrize(("largest", "is_broken"), [((60.0, 34.0), False), ((60.0, 35.0), True), ((90.0, 0.0), False)])
def test_the_second_may_not_work_out_the_first(largest: tuple[float, float], is_broken: bool) -> None:
    assert breaks_p(Contribution(100.0, largest)) is is_broken


def test_nothing_dominates_a_sum_of_nothing() -> None:
    assert not breaks_nk(Contribution(0.0, (0.0,))) and not breaks_p(Contribution(0.0, ()))


# 1.5 % of 200 are 3 subjects; 98 % leave 4; 30 % are 60 and leave 140.
@pytest.mark.parametrize(("percent", "is_found"), [("1.5", True), ("98", True), ("30", False), ("0", False)])
def test_a_share_and_its_base_give_the_part(percent: str, is_found: bool) -> None:
    found = rules(implied_cells(read(f"sex,n,percent\nF,200,{percent}\nM,100,50\n")))
    assert found == ([("row 2, column “percent”", "implied-cell", "stop")] if is_found else [])


def test_a_part_and_its_whole_give_the_rest() -> None:
    assert rules(implied_cells(read("sex,n,cases\nF,47,44\nM,40,20\n"))) == [
        ("row 2, column “cases”", "implied-cell", "stop")
    ]


def test_a_smallest_value_is_one_subjects_own() -> None:
    assert rules(extremes(read("sex,n,max\nF,47,91\n"))) == [("column “max”", "extreme", "stop")]
    assert rules(extremes(read("model,max\na,0.91\n"))) == [("column “max”", "extreme", "look")]
    described = "statistic,age\ncount,90\nmean,60\nstd,8\nmin,21\n50%,61\nmax,97\n"
    assert rules(extremes(read(described))) == [("row 5", "extreme", "stop")]


def test_rounding_is_seen_in_three_counts_or_more() -> None:
    assert rounding_of(read("sex,n\nF,45\nM,60\nX,25\n").cells) == 5
    assert rounding_of(read("sex,n\nF,45\nM,60\n").cells) == 0
    assert rounding_of(read("sex,n\nF,45\nM,60\nX,26\n").cells) == 0
