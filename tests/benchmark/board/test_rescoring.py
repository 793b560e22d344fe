"""A re-scoring is compared byte by byte with the first score, and what it cost is kept out of that."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from workbench.benchmark.board.ladder import answers
from workbench.benchmark.board.rescoring import begin, compare, digest
from workbench.benchmark.submissions.ending import Outcome
from workbench.benchmark.submissions.quota import quota_of
from workbench.benchmark.submissions.records import find_row
from workbench.errors import Conflict, NotFound


def rescored(board: Any, submission: str, outcome: Outcome) -> dict[str, Any]:
    evaluation = begin(board.store, "researcher", submission)
    board.end(evaluation, outcome)
    return compare(board.store, submission, evaluation)


def test_the_same_scores_and_draws_are_identical(board: Any) -> None:
    submission = board.score(0.6, 0.5, 0.7)
    found = rescored(board, submission, board.scored(0.6, 0.5, 0.7))
    assert (found["state"], found["identical"]) == ("scored", True)
    assert found["first_sha256"] == found["second_sha256"]


def test_the_digest_is_that_of_the_canonical_scores_and_the_draws(board: Any) -> None:
    row = find_row(board.store, board.score(0.6, 0.5))
    text = (
        b'{"answered":40,"coverage":1.0,"interval":[0.5,0.7],"items":40,"metric":"froc_cpm:v1","units":40,"value":0.6}'
    )
    # 0.5 as float64, little endian: exponent 0x3fe, fraction 0.
    assert digest(row) == hashlib.sha256(text + b"\x00" + b"\x00\x00\x00\x00\x00\x00\xe0\x3f").hexdigest()


@pytest.mark.parametrize("draws", [(0.5, 0.7000000000000001), (0.5,)])
def test_one_bit_of_one_draw_is_a_difference(board: Any, draws: tuple[float, ...]) -> None:
    submission = board.score(0.6, 0.5, 0.7)
    found = rescored(board, submission, board.scored(0.6, *draws))
    assert found["identical"] is False
    assert found["first_sha256"] != found["second_sha256"]


def test_another_value_is_a_difference_and_the_board_keeps_the_first(board: Any) -> None:
    submission = board.score(0.6, 0.5, 0.7)
    assert rescored(board, submission, board.scored(0.9, 0.5, 0.7))["identical"] is False
    assert '"value":0.6' in find_row(board.store, submission)["scores"]


def test_cost_is_not_compared(board: Any) -> None:
    submission = board.score(0.6, 0.5, 0.7)
    measured = board.scored(0.6, 0.5, 0.7).measure
    found = rescored(board, submission, Outcome("scored", measure=measured, cost='{"cpu_seconds":99}'))
    assert found["identical"] is True


def test_a_failed_re_scoring_says_why_and_is_no_verdict(board: Any) -> None:
    submission = board.score(0.6, 0.5, 0.7)
    found = rescored(board, submission, Outcome("failed", "INTERNAL_ERROR", "It stopped."))
    assert (found["identical"], found["code"], found["message"]) == (None, "INTERNAL_ERROR", "It stopped.")


def test_one_that_is_under_way_is_no_verdict_and_serves_whoever_asks_next(board: Any) -> None:
    submission = board.score(0.6, 0.5, 0.7)
    first = begin(board.store, "researcher", submission)
    assert begin(board.store, "custodian", submission) == first
    assert compare(board.store, submission, first)["identical"] is None


def test_only_what_was_scored_is_scored_again(board: Any) -> None:
    submission = board.send()
    with pytest.raises(Conflict, match="queued"):
        begin(board.store, "researcher", submission)
    board.end(submission, board.scored(0.6, 0.5, 0.7))
    evaluation = begin(board.store, "researcher", submission)
    board.end(evaluation, board.scored(0.6, 0.5, 0.7))
    with pytest.raises(Conflict, match="re-scoring itself"):
        begin(board.store, "researcher", evaluation)


def test_a_submission_is_compared_with_its_own_re_scorings_only(board: Any) -> None:
    first, other = board.score(0.6, 0.5, 0.7), board.score(0.6, 0.5, 0.7)
    evaluation = begin(board.store, "researcher", first)
    for wrong in (first, "B99"):
        with pytest.raises(NotFound):
            compare(board.store, other, wrong)
    with pytest.raises(NotFound, match="no re-scoring of"):
        compare(board.store, other, evaluation)


def test_a_re_scoring_uses_no_quota_and_does_not_climb(board: Any) -> None:
    submission = board.score(0.6, 0.5, 0.7)
    rescored(board, submission, board.scored(0.9, 0.9, 0.9))
    assert [one.submission for one in answers(board.store, "researcher", board.version)] == [submission]
    assert quota_of(board.store, "researcher", board.task, board.version)["week_used"] == 1
