"""The quota: what is scored, or may still be, counts; failures, validations and what was taken back do not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from submission_desk import Desk, publish

from workbench.benchmark.submissions import ending, quota
from workbench.errors import Conflict, SubmissionRefused


def refused(desk: Desk, person: str = "researcher") -> SubmissionRefused:
    with pytest.raises(SubmissionRefused) as stop:
        desk.send(person)
    assert stop.value.code == "QUOTA"
    return stop.value


def test_nothing_is_used_at_the_beginning(desk: Desk) -> None:
    version = desk.task.version({"chest-ct": "v1", "chest-ct-test": "v1"})
    found = quota.quota_of(desk.store, "researcher", desk.task, version)
    assert found == {"week_used": 0, "week": 3, "total_used": 0, "total": 5}


def test_what_waits_and_what_runs_is_reserved(desk: Desk) -> None:
    desk.send()
    desk.send()
    desk.start()
    assert desk.used() == (2, 2)


def test_a_full_week_is_refused_and_says_when_it_ends(desk: Desk) -> None:
    for _ in range(3):
        desk.score()
    assert "the oldest of them was sent at 2026-05-03T00:00:00Z" in refused(desk).message


def test_waiting_submissions_cannot_overrun_the_quota(desk: Desk) -> None:
    for _ in range(3):
        desk.send()
    assert "the oldest of them was sent at 2026-05-03T00:00:00Z" in refused(desk).message
    assert desk.used() == (3, 3)


def test_failures_cost_nothing(desk: Desk) -> None:
    for _ in range(4):
        desk.fail()
    assert desk.used() == (0, 0)


def test_what_is_taken_back_costs_nothing(desk: Desk) -> None:
    for _ in range(4):
        ending.withdraw(desk.store, desk.payloads, desk.send(), "researcher")
    assert desk.used() == (0, 0)


def test_validations_cost_nothing_and_need_none(desk: Desk) -> None:
    for _ in range(3):
        desk.score()
    desk.send(intent="validation")
    assert desk.used() == (3, 3)


def test_the_week_ends_after_seven_days_to_the_second(desk: Desk) -> None:
    for _ in range(3):
        desk.score()
    desk.clock.now += timedelta(days=7, seconds=-1)
    refused(desk)
    desk.clock.now += timedelta(seconds=1)
    assert desk.used() == (0, 3)
    assert desk.send()


def test_the_total_does_not_come_back(desk: Desk) -> None:
    for _ in range(5):
        desk.score()
        desk.clock.now += timedelta(days=8)
    assert "all there are" in refused(desk).message


def test_new_hidden_data_give_a_new_total_and_the_same_week(desk: Desk) -> None:
    desk.score()
    publish(desk.store, "chest-ct-test", "v2")
    assert desk.used() == (1, 0)


def test_one_persons_quota_is_not_anothers(desk: Desk) -> None:
    for _ in range(3):
        desk.score()
    assert desk.send("teacher")


def test_one_person_cannot_fill_the_queue(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST_WAITING_EACH", 2)
    desk.send(intent="validation")
    desk.send(intent="validation")
    with pytest.raises(Conflict, match="2 of yours wait already"):
        desk.send(intent="validation")
    assert desk.send("teacher")


def test_a_full_queue_takes_nobody(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST_WAITING", 1)
    desk.send()
    with pytest.raises(Conflict, match="1 wait already"):
        desk.send("teacher")


def test_a_loop_of_validations_is_slowed_down(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST_A_MINUTE", 2)
    for _ in range(2):
        desk.send(intent="validation", kind="predictions")
    with pytest.raises(Conflict, match="within a minute"):
        desk.send(intent="validation", kind="predictions")
    desk.clock.now += timedelta(minutes=1)
    assert desk.send(intent="validation", kind="predictions")
