"""An explanation names the policy that decided and what would change it, to those who may know."""

from __future__ import annotations

import pytest

from workbench.errors import AccessDenied, InvalidInput, NotFound
from workbench.governance.access import approve, submit_request
from workbench.governance.people import add_person
from workbench.governance.policy.explaining import explain
from workbench.governance.policy.texts import set_policy
from workbench.governance.store import Store

TEACHERS = """@id("teachers") @title("Teachers only")
permit (principal in Role::"teacher", action == Action::"read", resource);
"""


def _ids(answer: dict[str, object]) -> list[str]:
    return [policy["id"] for policy in answer["policies"]]  # type: ignore[attr-defined]


def test_a_refusal_names_the_forbid_and_the_next_step(store: Store) -> None:
    answer = explain(store, "researcher", "researcher", "read", "clinic-ct")
    assert (answer["allowed"], answer["code"], _ids(answer)) == (False, "no-grant", ["house/no-grant"])
    assert "workbench request clinic-ct" in answer["changes"][0]
    assert [item["key"] for item in answer["missing"]] == ["approval"]


def test_a_yes_says_what_it_rests_on(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", "teaching", 30)
    approve(store, "custodian", "R1")
    answer = explain(store, "researcher", "researcher", "read", "clinic-ct", purpose="teaching")
    assert (answer["allowed"], _ids(answer)) == (True, ["house/read"])
    assert answer["changes"] == [
        "It rests on an approval that runs, which ends on 2 June 2026.", "It rests on a governed kernel.",
    ]  # fmt: skip


def test_what_a_custodians_policy_asks_for_is_found_by_turning_one_fact(store: Store) -> None:
    set_policy(store, "custodian", "phantoms", TEACHERS)
    answer = explain(store, "researcher", "researcher", "read", "phantoms")
    assert (answer["allowed"], answer["code"], answer["policies"]) == (False, "policy-permits-not", [])
    assert answer["changes"] == ["It would be a yes with the role teacher."]
    own = explain(store, "teacher", "teacher", "read", "phantoms")["policies"][0]
    expected = {
        "id": "phantoms/teachers",
        "source": "phantoms",
        "line": 1,
        "effect": "permit",
        "title": "Teachers only",
    }
    assert own == expected


def test_custodians_and_administrators_ask_for_others_and_nobody_else(store: Store) -> None:
    add_person(store, "system", "chief", "Chief", ("administrator",))
    for asker in ("custodian", "chief"):
        assert explain(store, asker, "researcher", "read", "clinic-ct")["code"] == "no-grant"
    with pytest.raises(AccessDenied):
        explain(store, "reviewer", "researcher", "read", "clinic-ct")


def test_a_hidden_dataset_is_explained_as_one_that_does_not_exist(store: Store) -> None:
    hidden = explain(store, "researcher", "researcher", "read", "secret-ct")
    missing = explain(store, "researcher", "researcher", "read", "secret-xx")
    assert {**hidden, "resource": "", "reason": ""} == {**missing, "resource": "", "reason": ""}
    assert _ids(explain(store, "custodian", "researcher", "see", "secret-ct")) == ["house/hidden"]
    with pytest.raises(NotFound):
        explain(store, "reviewer", "researcher", "read", "secret-ct")


def test_unknown_actions_and_people_are_named(store: Store) -> None:
    with pytest.raises(InvalidInput, match="did you mean read"):
        explain(store, "researcher", "researcher", "raed", "clinic-ct")
    with pytest.raises(NotFound):
        explain(store, "custodian", "stranger", "read", "clinic-ct")


def test_a_browser_is_told_to_show_the_scan_first(store: Store) -> None:
    submit_request(store, "researcher", "clinic-ct", "teaching", 30)
    approve(store, "custodian", "R1")
    assert explain(store, "researcher", "researcher", "view", "clinic-ct")["code"] == "no-view"
