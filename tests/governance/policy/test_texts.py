"""A dataset's own policy: it narrows, it obliges, it is kept whole, and what is wrong with it refuses everything."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.governance.access import approve, submit_request
from workbench.governance.decide import Context, authorise, decide
from workbench.governance.policy.explaining import explain
from workbench.governance.policy.texts import policy_text, set_policy, show_policy
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store

GOVERNED = Context(kind="kernel", isolation="bubblewrap")
AGES = (
    '@id("ages") @bin("people.age by 5") permit (principal in Role::"researcher", action == Action::"read", resource);'
)
LEARNERS = (
    '@id("train") @rows("scans.split in train") permit (principal, action == Action::"read", resource) '
    'when { context.purpose == Purpose::"teaching" };'
)
CLOSED = (
    '@id("closed") @because("The study is over") @advice("Ask the data office") forbid (principal, action, resource);'
)


@pytest.fixture
def granted(store: Store) -> Store:
    request = submit_request(store, "researcher", "clinic-ct", "teaching", 30)
    approve(store, "custodian", request["id"])
    return store


def test_restrictions_of_all_policies_that_permit_add_up(granted: Store) -> None:
    set_policy(granted, "custodian", "clinic-ct", AGES + LEARNERS)
    decision = decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert (decision.allowed, decision.policy) == (True, "clinic-ct/ages, clinic-ct/train")
    assert decision.obligations.sentences() == (
        "Only scans (and what belongs to them) with split in train.",
        "people.age is given in steps of 5.",
    )
    assert (decision.grant, decision.purpose) == ("G1", "teaching")


def test_a_viewer_is_under_the_same_policy(granted: Store) -> None:
    set_policy(granted, "custodian", "clinic-ct", AGES)
    views = Context(kind="kernel", isolation="bubblewrap")
    assert decide(granted, "researcher", "dataset.view", "clinic-ct", views).obligations


def test_who_no_policy_of_the_dataset_permits_is_refused(granted: Store) -> None:
    set_policy(granted, "custodian", "clinic-ct", AGES.replace("researcher", "teacher"))
    decision = decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert (decision.allowed, decision.code, decision.policy) == (False, "policy-permits-not", "")


def test_a_forbid_speaks_in_the_custodians_words(granted: Store) -> None:
    set_policy(granted, "custodian", "clinic-ct", CLOSED)
    decision = decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert (decision.code, decision.policy) == ("policy-forbids", "clinic-ct/closed")
    assert decision.reason == "The study is over. Ask the data office."
    assert decide(granted, "researcher", "dataset.request", "clinic-ct").code == "policy-forbids"


def test_a_policy_of_its_own_locks_nobody_out_of_governing(granted: Store) -> None:
    set_policy(granted, "custodian", "clinic-ct", CLOSED)
    assert decide(granted, "custodian", "dataset.govern", "clinic-ct").allowed
    set_policy(granted, "custodian", "clinic-ct", " \n")
    assert policy_text(granted, "clinic-ct") == ""
    assert decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED).allowed


def test_a_policy_holds_for_its_own_dataset_only(granted: Store) -> None:
    set_policy(granted, "custodian", "clinic-ct", CLOSED)
    assert decide(granted, "researcher", "dataset.read", "phantoms", GOVERNED).allowed


@pytest.mark.parametrize("text", [AGES.replace("@bin", "@bni"), AGES[:-1], AGES.replace("read", "raed"), "{"])
def test_a_text_with_a_mistake_is_never_kept(store: Store, text: str) -> None:
    with pytest.raises(InvalidInput, match="The policy is not set: line 1"):
        set_policy(store, "custodian", "clinic-ct", text)
    assert show_policy(store, "clinic-ct")["number"] == 0


def test_a_text_whose_example_comes_out_otherwise_is_never_kept(store: Store) -> None:
    with pytest.raises(InvalidInput, match="the answer is deny"):
        set_policy(store, "custodian", "clinic-ct", f'// example "all": {{}} => allow\n{CLOSED}')
    assert policy_text(store, "clinic-ct") == ""


def test_a_kept_text_that_was_spoiled_refuses_everybody_and_tells_its_custodian(granted: Store) -> None:
    with granted.change("system", "policy.spoil", "clinic-ct") as db:
        text = AGES.replace("@bin", "@veil")
        row = ("clinic-ct", text, "0" * 64, "custodian", "then")
        db.execute("INSERT INTO policies (dataset, text, sha256, author, created) VALUES (?, ?, ?, ?, ?)", row)
    refused = decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert (refused.allowed, refused.code, "veil" in refused.reason) == (False, "bad-policy", False)
    assert "@veil" in decide(granted, "custodian", "dataset.read", "clinic-ct", GOVERNED).reason


def test_a_policy_that_fails_at_a_question_refuses_it(granted: Store) -> None:
    text = AGES.replace(");", ') when { resource.custodian.institution != "x" };')
    set_policy(granted, "custodian", "clinic-ct", text)
    assert decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED).code == "bad-policy"
    assert "own/ages" in explain(granted, "custodian", "researcher", "read", "clinic-ct")["changes"][0]
    assert explain(granted, "researcher", "researcher", "read", "clinic-ct")["changes"] == []


def test_a_purpose_restricts_to_its_own_grants(granted: Store) -> None:
    other = Context(kind="kernel", isolation="bubblewrap", purpose="method-development")
    wrong = decide(granted, "researcher", "dataset.read", "clinic-ct", other)
    assert (wrong.allowed, wrong.code) == (False, "wrong-purpose")
    right = Context(kind="kernel", isolation="bubblewrap", purpose="teaching")
    assert decide(granted, "researcher", "dataset.read", "clinic-ct", right).allowed


def test_a_denial_is_on_record_with_the_policy_that_denied(granted: Store) -> None:
    set_policy(granted, "custodian", "clinic-ct", CLOSED)
    decision = decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    with pytest.raises(Exception, match="The study is over"):
        authorise(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED)
    assert list_events(granted)[-1]["details"]["policy"] == decision.policy == "clinic-ct/closed"


def test_a_policy_with_dates_is_asked_anew_as_time_passes(granted: Store, clock: object) -> None:
    text = AGES.replace(");", ') when { context.now < datetime("2026-05-10") };')
    set_policy(granted, "custodian", "clinic-ct", text)
    assert decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED).allowed
    clock.turn(days=7)  # type: ignore[attr-defined]
    assert not decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED).allowed


def test_a_policy_that_names_a_person_is_not_remembered_for_another(granted: Store) -> None:
    request = submit_request(granted, "reviewer", "clinic-ct", "teaching", 30)
    approve(granted, "custodian", request["id"])
    text = AGES.replace('principal in Role::"researcher"', 'principal == Person::"researcher"')
    set_policy(granted, "custodian", "clinic-ct", text)
    assert decide(granted, "researcher", "dataset.read", "clinic-ct", GOVERNED).allowed
    assert not decide(granted, "reviewer", "dataset.read", "clinic-ct", GOVERNED).allowed
