"""The policy: every tier, every kind of token, and sentences that say what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import AccessDenied, NotFound
from workbench.governance.access import approve, refuse, revoke, submit_request
from workbench.governance.decide import ACTIONS, Context, authorise, decide
from workbench.governance.people import add_person, set_roles
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store

GOVERNED = Context(kind="kernel", isolation="bubblewrap")
PLAIN = Context(kind="kernel", isolation="none")
PERSON = Context(kind="person")
EVALUATOR = Context(kind="evaluator", isolation="bubblewrap", task="lung-nodule-detection")


def _grant(store: Store, person: str = "researcher") -> None:
    request = submit_request(store, person, "clinic-ct", "lung nodule detection", 30)
    approve(store, "custodian", request["id"])


def _open_view(store: Store, *, person: str = "researcher", ended: str | None = None) -> None:
    with store.change(person, "view.open", "clinic-ct") as db:
        db.execute(
            "INSERT INTO kernels (id, person, isolation, started, ended) VALUES ('k1', ?, 'bubblewrap', 'then', ?)",
            (person, ended),
        )
        db.execute("INSERT INTO views VALUES ('v1', ?, 'k1', 'clinic-ct', 'v', 'S0001', 'now')", (person,))


@pytest.mark.parametrize("context", [GOVERNED, PLAIN, PERSON])
@pytest.mark.parametrize("person", ["researcher", "checker-1", "custodian"])
def test_open_data_are_read_by_everybody_signed_in(store: Store, person: str, context: Context) -> None:
    assert decide(store, person, "dataset.read", "phantoms", context).allowed


def test_controlled_data_are_refused_without_a_grant(store: Store) -> None:
    decision = decide(store, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert (decision.allowed, decision.code) == (False, "no-grant")
    assert "workbench request clinic-ct --purpose" in decision.reason


def test_a_grant_opens_controlled_data_in_a_governed_kernel(store: Store) -> None:
    _grant(store)
    decision = decide(store, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert decision.allowed
    assert decision.reason == "Granted by custodian for “lung nodule detection” until 2 June 2026."


@pytest.mark.parametrize("context", [PLAIN, PERSON, Context("person", "bubblewrap"), EVALUATOR, Context("operator")])
def test_a_grant_opens_nothing_outside_an_isolated_kernel(store: Store, context: Context) -> None:
    _grant(store)
    decision = decide(store, "researcher", "dataset.read", "clinic-ct", context)
    assert (decision.allowed, decision.code) == (False, "no-sandbox")
    assert "bubblewrap" in decision.reason


def test_a_grant_is_for_one_person_only(store: Store) -> None:
    _grant(store)
    assert not decide(store, "reviewer", "dataset.read", "clinic-ct", GOVERNED).allowed


def test_the_custodian_reads_no_pixels_without_a_grant(store: Store) -> None:
    assert decide(store, "custodian", "dataset.see", "clinic-ct", PERSON).allowed
    assert not decide(store, "custodian", "dataset.read", "clinic-ct", GOVERNED).allowed


def test_an_expired_grant_reads_nothing_and_says_since_when(store: Store, clock: Any) -> None:
    _grant(store)
    clock.turn(days=30)
    decision = decide(store, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert (decision.allowed, decision.code) == (False, "grant-ended")
    assert "ended on 2 June 2026" in decision.reason


def test_a_revoked_grant_reads_nothing_and_says_why(store: Store) -> None:
    _grant(store)
    revoke(store, "custodian", "G1", "the study has ended")
    decision = decide(store, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert decision.code == "grant-revoked"
    assert "revoked on 3 May 2026 (the study has ended)" in decision.reason


def test_a_waiting_request_and_a_refused_one_are_named(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", "teaching", 30)
    waiting = decide(store, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert "R1 for “clinic-ct” waits for a decision by custodian" in waiting.reason
    refuse(store, "custodian", "R1", "too vague")
    assert "(too vague)" in decide(store, "researcher", "dataset.read", "clinic-ct", GOVERNED).reason


@pytest.mark.parametrize("context", [GOVERNED, PLAIN, PERSON, Context("operator")])
@pytest.mark.parametrize("action", ["dataset.read", "dataset.view"])
@pytest.mark.parametrize("person", ["researcher", "custodian"])
def test_undisclosed_data_are_for_the_evaluator_alone(store: Store, person: str, action: str, context: Context) -> None:
    assert decide(store, person, action, "hidden-test", context).code == "undisclosed"
    assert decide(store, person, "dataset.read", "hidden-test", EVALUATOR).allowed


def test_a_browser_sees_controlled_slices_only_through_an_open_view(store: Store) -> None:
    _grant(store)
    assert decide(store, "researcher", "dataset.view", "clinic-ct", PERSON).code == "no-view"
    _open_view(store)
    assert decide(store, "researcher", "dataset.view", "clinic-ct", PERSON).allowed
    revoke(store, "custodian", "G1", "over")
    assert decide(store, "researcher", "dataset.view", "clinic-ct", PERSON).code == "grant-revoked"


def test_a_view_closes_with_its_kernel_and_is_nobody_elses(store: Store) -> None:
    _grant(store)
    _grant(store, "reviewer")
    _open_view(store, ended="2026-05-03T12:00:00Z")
    assert decide(store, "researcher", "dataset.view", "clinic-ct", PERSON).code == "no-view"
    assert decide(store, "reviewer", "dataset.view", "clinic-ct", PERSON).code == "no-view"


@pytest.mark.parametrize("action", ["dataset.see", "dataset.read", "dataset.view", "dataset.request"])
def test_a_hidden_dataset_answers_as_one_that_does_not_exist(store: Store, action: str) -> None:
    hidden = decide(store, "researcher", action, "secret-ct", GOVERNED)
    missing = decide(store, "researcher", action, "secret-xx", GOVERNED)
    assert (hidden.code, hidden.reason) == (missing.code, missing.reason.replace("secret-xx", "secret-ct"))
    with pytest.raises(NotFound):
        hidden.require()


def test_a_hidden_dataset_is_known_to_its_custodian(store: Store) -> None:
    assert decide(store, "custodian", "dataset.see", "secret-ct", PERSON).allowed


def test_unknown_people_and_unknown_actions_are_refused(store: Store) -> None:
    assert decide(store, "stranger", "dataset.read", "phantoms", GOVERNED).code == "unknown-person"
    assert decide(store, "researcher", "dataset.delete", "phantoms", GOVERNED).code == "no-policy"


def test_roles_are_looked_up_live(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", "teaching", 30)
    set_roles(store, "system", "custodian", ("researcher",))
    assert decide(store, "custodian", "request.decide", "R1", PERSON).code == "wrong-role"
    set_roles(store, "system", "custodian", ())
    assert decide(store, "custodian", "dataset.read", "phantoms", PERSON).code == "no-role"


def test_only_a_custodian_ingests_and_only_into_their_own(store: Store) -> None:
    add_person(store, "system", "other", "Other", ("custodian",))
    assert decide(store, "custodian", "dataset.ingest", "new-ct").allowed
    assert decide(store, "researcher", "dataset.ingest", "new-ct").code == "wrong-role"
    assert decide(store, "other", "dataset.ingest", "clinic-ct").code == "wrong-custodian"


@pytest.mark.parametrize(
    ("person", "action"),
    [("researcher", "audit.read"), ("checker-1", "task.submit"), ("researcher", "release.vote"),
     ("custodian", "cohort.manage")],
)  # fmt: skip
def test_the_wrong_role_is_told_which_one_it_needs(store: Store, person: str, action: str) -> None:
    decision = decide(store, person, action, "home")
    assert (decision.allowed, decision.code) == (False, "wrong-role")
    assert "you need the role" in decision.reason


def test_only_the_evaluator_of_the_task_evaluates(store: Store) -> None:
    assert decide(store, "researcher", "task.evaluate", "lung-nodule-detection", EVALUATOR).allowed
    assert not decide(store, "researcher", "task.evaluate", "nodule-malignancy", EVALUATOR).allowed
    assert not decide(store, "researcher", "task.evaluate", "lung-nodule-detection", GOVERNED).allowed


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_no_action_is_allowed_to_a_stranger(store: Store, action: str) -> None:
    assert not decide(store, "stranger", action, "phantoms", GOVERNED).allowed


@pytest.mark.parametrize("name", ["", "x' OR '1'='1", "../etc", "CLINIC-CT", "clinic-ct\x00", "a" * 10000])
def test_hostile_names_are_only_unknown(store: Store, name: str) -> None:
    assert decide(store, "researcher", "dataset.read", name, GOVERNED).code == "unknown-dataset"


def test_a_denial_is_on_record_with_its_reason(store: Store) -> None:
    with pytest.raises(AccessDenied):
        authorise(store, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    event = list_events(store)[-1]
    assert (event["outcome"], event["details"]["code"]) == ("denied", "no-grant")
