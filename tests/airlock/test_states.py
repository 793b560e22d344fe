"""The one table of states says everything, and the manual draws it."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench
from workbench.airlock.states import MOVES, diagram, next_state, outcome_of, verbs_for
from workbench.errors import Conflict

ENDS = {"released", "rejected", "withdrawn"}


def test_the_table_has_no_way_out_but_release() -> None:
    assert {move.state for move in MOVES if move.leads_to == "released"} == {"approved"}
    assert {move.state for move in MOVES if move.leads_to == "approved"} == {"reviewed"}
    with pytest.raises(Conflict, match="possible now: vote"):
        next_state("submitted", "release")


def test_a_verb_leads_from_a_state_to_one_place_and_has_one_owner() -> None:
    assert len({(move.state, move.verb) for move in MOVES}) == len(MOVES)
    assert {move.owner for move in MOVES} == {"author", "checker", "system"}
    assert {move.verb for move in MOVES if move.owner == "checker"} == {"vote", "reject"}


def test_every_state_but_the_ends_can_be_left() -> None:
    states = {move.state for move in MOVES}
    assert {move.leads_to for move in MOVES} - states == ENDS
    with pytest.raises(Conflict, match="it has ended"):
        next_state("released", "withdraw")


def test_every_edit_after_a_vote_goes_back_to_submitted() -> None:
    edits = {move.state: move.leads_to for move in MOVES if move.verb == "edit"}
    assert edits.pop("draft") == "draft"
    assert set(edits.values()) == {"submitted"} and set(edits) >= {"partially reviewed", "approved", "returned"}


def test_the_gravest_vote_decides() -> None:
    assert outcome_of(["approve", "approve"]) == "approve"
    assert outcome_of(["changes", "approve"]) == "return"
    assert outcome_of(["reject", "changes"]) == "reject"


def test_what_somebody_may_do_follows_from_the_table() -> None:
    assert verbs_for("approved", "author") == ["release", "edit", "withdraw"]
    assert verbs_for("approved", "checker") == ["reject"]
    assert verbs_for("released", "author") == []


def test_the_manual_draws_the_table_itself() -> None:
    manual = Path(workbench.__file__).parent / "docs" / "airlock.md"
    assert f"```mermaid\n{diagram()}\n```" in manual.read_text()
