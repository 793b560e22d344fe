"""Who may see exact scores, propose and open a final test, and have a submission scored again."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.benchmark.board import final
from workbench.governance.decide import decide
from workbench.governance.people import add_person


@pytest.fixture
def asked(board: Any) -> Any:
    """Give the board with B1 of researcher on it and F1, proposed by the custodian."""
    add_person(board.store, "system", "boss", "Boss", ("administrator",))
    board.score(0.6, 0.5, 0.7)
    final.propose(board.store, "custodian", board.task)
    return board


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("score.read", "chest-ct-test", {"custodian", "boss"}),
        ("final.propose", "chest-ct-test", {"custodian"}),
        ("final.open", "F1", {"second", "checker-1", "boss"}),
        ("submission.rescore", "B1", {"researcher", "custodian", "boss"}),
    ],
)
def test_each_deed_is_open_to_these_and_nobody_else(asked: Any, action: str, resource: str, allowed: set[str]) -> None:
    people = ("researcher", "teacher", "custodian", "second", "checker-1", "boss", "stranger")
    assert {person for person in people if decide(asked.store, person, action, resource).allowed} == allowed


def test_who_proposed_is_told_who_may_open(asked: Any) -> None:
    decision = decide(asked.store, "custodian", "final.open", "F1")
    assert (decision.code, "must agree" in decision.reason) == ("own-final", True)


@pytest.mark.parametrize("action", ["submission.rescore", "final.open"])
def test_what_is_not_there_and_what_is_not_theirs_sound_alike(asked: Any, action: str) -> None:
    there, not_there = ("B1", "B9") if action == "submission.rescore" else ("F8", "F9")
    first, second = (decide(asked.store, "teacher" if action == "submission.rescore" else "boss", action, one)
                     for one in (there, not_there))  # fmt: skip
    assert first.reason.replace(there, not_there) == second.reason
    assert first.code == second.code
