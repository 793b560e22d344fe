"""The final split is opened once, by a second person, for one submission of each; a crash loses and repeats nothing."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from workbench.benchmark.board import final
from workbench.benchmark.submissions import leases
from workbench.benchmark.submissions.ending import Outcome, finish, withdraw
from workbench.errors import Conflict, InvalidInput, NotFound, SubmissionRefused

FAILED = Outcome("failed", "INTERNAL_ERROR", "The evaluator failed.")


@pytest.fixture
def two(board: Any) -> Any:
    """Give a board with two people on it: B1 of researcher, B2 of teacher."""
    board.score(0.6, 0.6, 0.61)
    board.score(0.7, 0.7, 0.71, person="teacher")
    return board


def opened(board: Any) -> dict[str, Any]:
    proposal = final.propose(board.store, "custodian", board.task, "the challenge ends")
    return final.open_final(board.store, "second", proposal["final"])


def run_all(board: Any, outcome: Outcome | None = None) -> int:
    """Work the queue off as evaluators do; give how many there were."""
    count = 0
    while (job := leases.take_next(board.store)) is not None:
        finish(board.store, job["id"], job["lease"], outcome or board.scored(0.4, 0.4, 0.41))
        count += 1
    return count


def test_a_proposal_closes_the_version_to_scored_submissions(two: Any) -> None:
    proposal = final.propose(two.store, "custodian", two.task)
    assert (proposal["state"], proposal["proposed_by"]) == ("proposed", "custodian")
    with pytest.raises(SubmissionRefused) as refused:
        two.send()
    assert refused.value.code == "CLOSED"


def test_nothing_is_proposed_twice_or_without_a_score(board: Any) -> None:
    with pytest.raises(Conflict, match="nothing to test"):
        final.propose(board.store, "custodian", board.task)
    board.score(0.6, 0.6, 0.61)
    final.propose(board.store, "custodian", board.task)
    with pytest.raises(Conflict, match="proposed already"):
        final.propose(board.store, "custodian", board.task)


def test_a_reason_is_one_line(two: Any) -> None:
    with pytest.raises(InvalidInput):
        final.propose(two.store, "custodian", two.task, "two\nlines")


def test_a_dropped_proposal_lets_submissions_in_again(two: Any) -> None:
    proposal = final.propose(two.store, "custodian", two.task)
    assert final.drop(two.store, "custodian", proposal["final"])["state"] == "none"
    assert two.send() == "B3"
    assert final.propose(two.store, "custodian", two.task)["final"] == "F2"


def test_the_store_itself_refuses_the_same_person_twice(two: Any) -> None:
    proposal = final.propose(two.store, "custodian", two.task)
    with pytest.raises(sqlite3.IntegrityError):
        final.open_final(two.store, "custodian", proposal["final"])
    assert final.read(two.store, two.version)["state"] == "proposed"


def test_opening_queues_one_run_for_each_participant(two: Any) -> None:
    stands = opened(two)
    assert (stands["state"], stands["runs"], stands["ended"]) == ("running", 2, 0)
    assert stands["chosen"] == {"researcher": "B1", "teacher": "B2"}
    rows = two.store.read().execute("SELECT origin, split, state FROM submissions WHERE intent = 'final'").fetchall()
    assert [tuple(row) for row in rows] == [("B1", "final_test", "queued"), ("B2", "final_test", "queued")]


def test_it_is_opened_once(two: Any) -> None:
    stands = opened(two)
    with pytest.raises(Conflict, match="happens once"):
        final.open_final(two.store, "second", stands["final"])
    with pytest.raises(Conflict, match="happens once"):
        final.drop(two.store, "custodian", stands["final"])
    assert final.advance(two.store) == 0


def test_it_is_not_opened_while_scores_are_under_way(two: Any) -> None:
    waiting = two.send()
    proposal = final.propose(two.store, "custodian", two.task)
    with pytest.raises(Conflict, match="1 scored submissions"):
        final.open_final(two.store, "second", proposal["final"])
    two.end(waiting, two.scored(0.8, 0.8, 0.82))
    assert final.open_final(two.store, "second", proposal["final"])["chosen"]["researcher"] == waiting


def test_each_chooses_which_of_theirs_counts(two: Any) -> None:
    worse = two.score(0.55, 0.5, 0.6)
    assert final.chosen_of(two.store, two.version)["researcher"] == "B1"
    final.choose(two.store, "researcher", worse)
    assert opened(two)["chosen"]["researcher"] == worse


def test_nobody_chooses_for_another_or_what_has_no_score_or_too_late(two: Any) -> None:
    with pytest.raises(NotFound):
        final.choose(two.store, "researcher", "B2")
    waiting = two.send()
    with pytest.raises(Conflict, match="queued"):
        final.choose(two.store, "researcher", waiting)
    two.end(waiting, FAILED)
    opened(two)
    with pytest.raises(Conflict, match="opened already"):
        final.choose(two.store, "researcher", "B1")


def test_a_crash_between_opening_and_queueing_loses_nothing(two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(final, "advance", lambda store: 0)
        opened(two)
    assert final.read(two.store, two.version)["state"] == "running"
    assert (final.advance(two.store), final.advance(two.store)) == (2, 0)
    assert run_all(two) == 2


def test_it_is_done_when_every_run_has_ended(two: Any) -> None:
    opened(two)
    assert run_all(two) == 2
    stands = final.read(two.store, two.version)
    assert (stands["state"], stands["runs"], stands["ended"]) == ("done", 2, 2)


def test_what_the_house_failed_is_tried_again_and_what_the_submission_failed_is_not(two: Any) -> None:
    opened(two)
    run_all(two, FAILED)
    assert final.read(two.store, two.version)["state"] == "stopped"
    assert final.retry(two.store, "custodian", two.version) == 2
    run_all(two, Outcome("failed", "NONZERO_EXIT", "It stopped."))
    assert final.read(two.store, two.version)["state"] == "done"
    assert final.retry(two.store, "custodian", two.version) == 0


def test_every_step_is_on_record(two: Any) -> None:
    final.choose(two.store, "researcher", "B1")
    opened(two)
    said = [action for action in two.events() if "final" in action]
    assert said == ["final.choose", "final.propose", "final.open", "submission.final", "submission.final"]


def test_an_unknown_proposal_is_not_found(two: Any) -> None:
    with pytest.raises(NotFound, match="no proposal"):
        final.open_final(two.store, "second", "F9")


def test_a_final_run_cannot_be_taken_back(two: Any) -> None:
    opened(two)
    run = two.store.read().execute("SELECT id FROM submissions WHERE origin = 'B1'").fetchone()["id"]
    with pytest.raises(Conflict, match="runs to its end"):
        withdraw(two.store, two.payloads, run, "researcher")
