"""What a person is told: a number for a significant improvement on their own best, else a sentence."""

from __future__ import annotations

from typing import Any

from workbench.benchmark.board import ladder
from workbench.benchmark.board.ladder import answers

# Two draws with a standard deviation of 0.1: their paired differences are worked out in each test.
FIRST = (0.5, 0.5 - 0.0707106781, 0.5 + 0.0707106781)


def shown(board: Any, submission: str) -> dict[str, Any]:
    told = ladder.shown(board.store, submission)
    assert told is not None
    return told


def test_the_first_score_is_told(board: Any) -> None:
    submission = board.score(*FIRST)
    told = shown(board, submission)
    assert (told["is_shown"], told["value"], told["interval"]) == (True, 0.5, (0.4, 0.6))
    assert told["message"] == "CPM 0.5 (0.4–0.6) on the public test."


def test_a_score_within_the_paired_error_is_not_told(board: Any) -> None:
    # The draws differ by 0 and 0.2: an error of 0.14 for a gain of 0.1.
    best, after = board.score(*FIRST), board.score(0.6, FIRST[1], FIRST[2] + 0.2)
    told = shown(board, after)
    assert (told["is_shown"], told["value"], told["interval"], told["subgroups"]) == (False, None, None, [])
    assert told["best"] == {"submission": best, "value": 0.5, "interval": (0.4, 0.6)}
    assert "not a significant improvement" in told["message"]
    assert "0.6 " not in told["message"]


def test_a_significant_improvement_is_told_and_stands(board: Any) -> None:
    board.score(*FIRST)
    # The draws differ by 0.1 and 0.12: an error of 0.014 for a gain of 0.1.
    better = board.score(0.6, FIRST[1] + 0.1, FIRST[2] + 0.12)
    told = shown(board, better)
    assert (told["is_shown"], told["value"], told["best"]["submission"]) == (True, 0.6, better)
    assert "a significant improvement" in told["message"]


def test_small_steps_are_measured_from_what_was_told_last(board: Any) -> None:
    """0.08 and 0.16 above a first of 0.5 with an error of 0.1: the second is told, for 0.16 counts from the first."""
    ids = [board.score(0.5 + gain, 0.5, 0.5 + spread) for gain, spread in ((0, 0), (0.08, 0.1414), (0.16, 0.1414))]
    told = answers(board.store, "researcher", board.version)
    assert [(one.submission, one.is_shown, one.best) for one in told] == [
        (ids[0], True, ids[0]), (ids[1], False, ids[0]), (ids[2], True, ids[2]),
    ]  # fmt: skip


def test_each_person_has_a_ladder_of_their_own(board: Any) -> None:
    board.score(0.9, 0.9, 0.8)
    low = board.score(0.2, 0.2, 0.1, person="teacher")
    assert shown(board, low)["is_shown"]


def test_a_new_version_of_the_task_begins_a_new_ladder(board: Any) -> None:
    board.score(0.9, 0.9, 0.8)
    board.renew_data("v2")
    assert shown(board, board.score(0.2, 0.2, 0.1))["is_shown"]


def test_what_does_not_depend_on_labels_is_always_told(board: Any) -> None:
    board.score(*FIRST)
    told = shown(board, board.score(0.5, 0.4, 0.6, answered=38, coverage=0.95))
    assert (told["is_shown"], told["answered"], told["coverage"]) == (False, 38, 0.95)


def test_told_numbers_are_rounded_everywhere(board: Any) -> None:
    groups = [{"name": "size", "group": "below 6", "units": 9, "value": 0.123456, "interval": [0.0234, 0.2234]}]
    secondary = {"hd95:v1": {"value": 3.14159, "interval": [2.1, 4.2]}}
    told = shown(board, board.score(0.512345, 0.41, 0.61, subgroups=groups, secondary=secondary))
    assert (told["value"], told["subgroups"][0]["value"], told["secondary"]["hd95:v1"]["value"]) == (0.51, 0.123, 3.14)


def test_a_subgroup_too_small_for_an_interval_is_not_told(board: Any) -> None:
    groups = [{"name": "site", "group": "one patient", "units": 1, "value": 12.3456, "interval": None}]
    told = shown(board, board.score(0.5, 0.4, 0.6, subgroups=groups))
    assert told["subgroups"] == [{**groups[0], "value": None}]


def test_what_has_no_score_is_told_nothing(board: Any) -> None:
    assert ladder.shown(board.store, board.send()) is None


def test_answers_stay_what_they_were_when_more_submissions_come(board: Any) -> None:
    board.score(*FIRST)
    before = answers(board.store, "researcher", board.version)
    for step in range(4):
        board.score(0.5 + 0.01 * step, 0.4, 0.6 + 0.02 * step)
    assert answers(board.store, "researcher", board.version)[:1] == before
