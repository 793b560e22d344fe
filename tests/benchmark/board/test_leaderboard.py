"""The board says who stands where and how sure that is, and shows of scores only what the Ladder does."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.benchmark.board import final
from workbench.benchmark.board.leaderboard import leaderboard
from workbench.benchmark.submissions import leases
from workbench.benchmark.submissions.ending import Outcome, finish
from workbench.errors import NotFound


def entries(board: Any, *names: str, **options: Any) -> list[tuple[Any, ...]]:
    found = leaderboard(board.store, board.task, **options)["entries"]
    return [tuple(entry[name] for name in names) for entry in found]


def test_an_empty_board_says_what_it_is_of(board: Any) -> None:
    found = leaderboard(board.store, board.task)
    assert (found["entries"], found["closed"], found["metric"], found["version"]) == (
        [], False, "froc_cpm:v1", board.version,
    )  # fmt: skip
    assert (found["synthetic"], "nothing about patients" in found["band"]) == (True, True)


def test_people_and_baselines_are_ranked_together_with_intervals_and_groups(board: Any) -> None:
    board.score(0.9, 0.9, 0.9, person="researcher", note="large")
    board.score(0.7, 0.6, 0.8, person="teacher")
    # 0.9 is the same in every draw; 0.7 is 0.2 off with an error of 0.14 from it and from the baseline's 0.5.
    assert entries(board, "rank", "person", "kind", "value", "rank_interval", "tie_group", "ties") == [
        (1, "researcher", "submission", 0.9, [1, 2], 1, ["B2"]),
        (2, "teacher", "submission", 0.7, [1, 3], 1, ["B1", "blob filter alone"]),
        (3, "blob filter alone", "baseline", 0.5, [2, 3], 2, ["B2"]),
    ]  # fmt: skip


def test_a_person_stands_with_what_the_ladder_told_last(board: Any) -> None:
    board.score(0.6, 0.5, 0.7)
    board.score(0.65, 0.7, 0.5)
    assert entries(board, "submission", "value")[0] == ("B1", 0.6)


def test_participants_and_baselines_are_shown_rounded(board: Any) -> None:
    outcome = Outcome("scored", measure=board.scored(0.612345, 0.51, 0.71).measure,
                      baselines=(("sizes alone", board.scored(0.4123456, 0.31, 0.51).measure),))  # fmt: skip
    board.end(board.send(), outcome)
    # A constant answer's exact error is the spread of the hidden labels, and an exact area counts them.
    assert entries(board, "value") == [(0.61,), (0.41,)]
    assert entries(board, "exact", is_exact=True)[1][0]["value"] == 0.4123456


def test_who_answers_for_the_data_also_sees_exact_numbers(board: Any) -> None:
    board.score(0.612345, 0.51, 0.71)
    exact = entries(board, "value", "exact", is_exact=True)[0]
    assert exact[0] == 0.61
    assert exact[1]["value"] == 0.612345
    assert "exact" not in leaderboard(board.store, board.task)["entries"][0]


def test_the_worst_subgroup_coverage_cost_and_isolation_stand_beside_the_value(board: Any) -> None:
    groups = [
        {"name": "size", "group": "below 6", "units": 9, "value": 0.31, "interval": [0.21, 0.41]},
        {"name": "size", "group": "6 or more", "units": 31, "value": 0.74, "interval": [0.6, 0.8]},
        {"name": "site", "group": "none here", "units": 0, "value": None, "interval": None},
        {"name": "site", "group": "one patient", "units": 1, "value": 0.0, "interval": None},
    ]
    submission = board.send()
    measured = board.scored(0.6, 0.5, 0.7, subgroups=groups, answered=38, coverage=0.95)
    board.end(submission, Outcome("scored", measure=measured.measure, cost='{"cpu_seconds":1.5321}'))
    entry = leaderboard(board.store, board.task)["entries"][0]
    assert (entry["worst_subgroup"]["group"], entry["worst_subgroup"]["value"]) == ("below 6", 0.31)
    assert (entry["coverage"], entry["answered"], entry["cost"]) == (0.95, 38, {"cpu_seconds": 1.5})
    assert (entry["isolation"], entry["payload"]) == ("author", "predictions")


def test_new_data_begin_a_new_board_and_the_old_one_stays(board: Any) -> None:
    board.score(0.6, 0.5, 0.7)
    old = board.version
    board.renew_data("v2")
    assert entries(board, "person") == []
    assert entries(board, "person", version=old[:12]) == [("researcher",), ("blob filter alone",)]


@pytest.mark.parametrize("version", ["", "ffff", "x' OR '1'='1"])
def test_an_unknown_version_is_refused_with_those_that_exist(board: Any, version: str) -> None:
    board.score(0.6, 0.5, 0.7)
    with pytest.raises(NotFound, match=board.version[:12]):
        leaderboard(board.store, board.task, version=version)


def run_next(board: Any, outcome: Outcome) -> None:
    job = leases.take_next(board.store)
    assert job is not None
    finish(board.store, job["id"], job["lease"], outcome)


def finals(board: Any, *values: float) -> None:
    """Open the final test and score each run, in the order of the participants' names."""
    proposal = final.propose(board.store, "custodian", board.task)
    final.open_final(board.store, "second", proposal["final"])
    for value in values:
        run_next(board, board.scored(value, value, value) if value else Outcome("failed", "NO_OUTPUT", "Nothing came."))


def test_the_final_column_stands_all_at_once_and_orders_the_board(board: Any) -> None:
    board.score(0.9, 0.9, 0.91)
    board.score(0.7, 0.7, 0.71, person="teacher")
    finals(board, 0.4)
    assert {final for (final,) in entries(board, "final")} == {None}
    run_next(board, board.scored(0.8, 0.8, 0.8))
    found = leaderboard(board.store, board.task)
    assert [(e["person"], e["rank"], e["final"]["rank"], e["final"]["value"]) for e in found["entries"]] == [
        ("teacher", 2, 1, 0.8), ("blob filter alone", 3, 2, 0.5), ("researcher", 1, 3, 0.4),
    ]  # fmt: skip
    assert (found["closed"], found["final"]["state"]) == (True, "done")


def test_who_fails_on_the_final_split_stands_below_all_who_did_not(board: Any) -> None:
    board.score(0.9, 0.9, 0.91)
    board.score(0.7, 0.7, 0.71, person="teacher")
    finals(board, 0.0, 0.3)
    assert entries(board, "person", "final_failed")[-1] == ("researcher", "NO_OUTPUT")
