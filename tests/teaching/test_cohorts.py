"""Learners get everything at once and lose it at the end; nobody approves their own cohort."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.governance.decide import Context, decide
from workbench.governance.evidence.usage import set_usage
from workbench.governance.people import roles_of, seed
from workbench.governance.store import Store
from workbench.settings import Settings
from workbench.teaching.cohorts import SCHEMA, approve_cohort, create_cohort, end_cohort, get_cohort, list_cohorts

IN_KERNEL = Context(kind="kernel", isolation="bubblewrap")


@pytest.fixture
def store(home: Settings) -> Iterator[Store]:
    opened = Store(home.store, (SCHEMA,))
    seed(opened, replace(home, demo_accounts=True))
    with opened.change("custodian", "test.datasets", "home") as db:
        for name, tier in (("clinic", "controlled"), ("phantoms", "open"), ("hidden", "undisclosed")):
            db.execute(
                "INSERT INTO datasets (name, title, tier, custodian, description, card, created) "
                "VALUES (?, ?, ?, 'custodian', '', '{}', '2026-01-01T00:00:00Z')",
                (name, name, tier),
            )
    yield opened
    opened.close()


def school(store: Store, **changes: Any) -> dict[str, Any]:
    wanted: dict[str, Any] = {"members": ["ada", "bo"], "datasets": ["clinic", "phantoms"], "exercises": [], "days": 7}
    return create_cohort(store, "teacher", "Winter school", **{**wanted, **changes})


def may_read(store: Store, person: str) -> bool:
    return decide(store, person, "dataset.read", "clinic", IN_KERNEL).allowed


def test_learners_read_after_one_approval_and_not_before(store: Store) -> None:
    cohort = school(store)["id"]
    assert not may_read(store, "ada")
    approve_cohort(store, "custodian", cohort)
    assert may_read(store, "ada")
    assert may_read(store, "bo")


def test_learners_lose_everything_when_the_cohort_ends(store: Store) -> None:
    cohort = school(store)["id"]
    approve_cohort(store, "custodian", cohort)
    end_cohort(store, "teacher", cohort)
    assert not may_read(store, "ada")
    assert "the cohort ended" in decide(store, "ada", "dataset.read", "clinic", IN_KERNEL).reason


def test_members_without_an_account_get_one_as_researcher(store: Store) -> None:
    school(store)
    assert roles_of(store, "ada") == {"researcher"}


def test_a_teacher_cannot_approve_their_own_cohort(store: Store) -> None:
    cohort = school(store)["id"]
    with pytest.raises(AccessDenied, match="custodian"):
        approve_cohort(store, "teacher", cohort)


def test_approving_a_cohort_looks_at_the_terms_of_use(store: Store) -> None:
    set_usage(store, "custodian", "clinic", ["GRU"])
    approve_cohort(store, "custodian", school(store)["id"])
    assert may_read(store, "ada")
    set_usage(store, "custodian", "clinic", ["GRU", "RS=heart studies"])
    assert not may_read(store, "ada")


def test_terms_that_forbid_it_refuse_a_cohort(store: Store) -> None:
    set_usage(store, "custodian", "clinic", ["GRU", "US=teacher"])
    with pytest.raises(AccessDenied, match="user specific restriction") as refusal:
        approve_cohort(store, "custodian", school(store)["id"])
    assert refusal.value.code == "use-not-permitted" and not may_read(store, "ada")


def test_an_ended_cohort_cannot_be_approved(store: Store) -> None:
    cohort = school(store)["id"]
    end_cohort(store, "teacher", cohort)
    with pytest.raises(Conflict, match="has ended"):
        approve_cohort(store, "custodian", cohort)


def test_only_a_teacher_makes_and_only_its_teacher_ends_a_cohort(store: Store) -> None:
    with pytest.raises(AccessDenied, match="role teacher"):
        create_cohort(store, "researcher", "Mine", members=["ada"], datasets=[], exercises=[], days=1)
    cohort = school(store)["id"]
    with pytest.raises(AccessDenied, match="Only the teacher"):
        end_cohort(store, "ada", cohort)


def test_a_stranger_does_not_learn_that_a_cohort_exists(store: Store) -> None:
    cohort = school(store)["id"]
    with pytest.raises(NotFound):
        get_cohort(store, "reviewer", cohort)
    assert list_cohorts(store, "reviewer") == []
    assert [body["id"] for body in list_cohorts(store, "ada")] == [cohort]


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"days": 366}, {"members": []}, {"members": ["Ada Lovelace"]}, {"datasets": ["hidden"]}]
)
def test_absurd_cohorts_are_refused_and_leave_nothing(store: Store, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        school(store, **wrong)
    assert list_cohorts(store, "teacher") == []
