"""The table of states: every way ends, every state that lasts has a deadline, and nothing leaves an end."""

from __future__ import annotations

from importlib import resources

import pytest

from workbench.benchmark.submissions.states import ENDED, MOVES, SENT, UNDER_WAY, diagram, next_state, verbs_for
from workbench.errors import Conflict


def test_the_table_names_every_state_and_no_other() -> None:
    named = {move.state for move in MOVES} | {move.leads_to for move in MOVES}
    assert named == {SENT, *UNDER_WAY, *ENDED}


@pytest.mark.parametrize("state", ENDED)
def test_nothing_leaves_an_end(state: str) -> None:
    assert [move for move in MOVES if move.state == state] == []
    with pytest.raises(Conflict, match="it has ended"):
        next_state(state, "score")


@pytest.mark.parametrize("state", UNDER_WAY)
def test_the_clock_ends_every_state_that_lasts(state: str) -> None:
    assert next_state(state, "expire") == "failed"
    assert verbs_for(state, "clock") == ["expire"]


@pytest.mark.parametrize("state", UNDER_WAY)
def test_an_author_takes_back_what_has_not_ended(state: str) -> None:
    assert verbs_for(state, "author") == ["withdraw"]


@pytest.mark.parametrize("verb", ["score", "accept", "fail"])
def test_only_an_evaluator_gives_a_result_to_what_runs(verb: str) -> None:
    assert [move.owner for move in MOVES if (move.state, move.verb) == ("running", verb)] == ["evaluator"]
    with pytest.raises(Conflict, match=r"possible now: start \(gateway\)"):
        next_state("queued", verb)


def test_the_manual_shows_the_table() -> None:
    manual = (resources.files("workbench.docs") / "submissions.md").read_text(encoding="utf-8")
    assert f"```mermaid\n{diagram()}\n```" in manual


def test_the_diagram_holds_every_move() -> None:
    text = diagram()
    assert text.count(" --> ") == 1 + len(MOVES) + len(ENDED)
    assert "running --> queued: queue again (gateway)" in text
