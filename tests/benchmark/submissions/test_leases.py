"""A lease is held by one, lost once more than it may be is the end, and nobody without it changes anything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from submission_desk import Desk, scored

from workbench.benchmark.submissions import ending, leases, records
from workbench.benchmark.submissions.states import MOST_ATTEMPTS, PREPARING_FOR, QUEUED_FOR
from workbench.errors import Conflict


def test_nothing_starts_where_nothing_waits(desk: Desk) -> None:
    assert leases.take_next(desk.store) is None
    desk.score()
    assert leases.take_next(desk.store) is None


def test_the_oldest_starts_first_and_validations_before_all(desk: Desk) -> None:
    first, second = desk.send(), desk.send()
    quick = desk.send(intent="validation")
    assert [desk.start()[0] for _ in range(3)] == [quick, first, second]


def test_who_has_nothing_running_starts_before_who_has(desk: Desk) -> None:
    first, second, others = desk.send(), desk.send(), desk.send("teacher")
    assert [desk.start()[0] for _ in range(3)] == [first, others, second]


def test_each_start_has_a_lease_of_its_own_that_names_the_submission(desk: Desk) -> None:
    submission = desk.send()
    drawn = set()
    for attempt in range(MOST_ATTEMPTS):
        _, lease = desk.start()
        assert lease.startswith(f"{submission}-{attempt + 1}-")
        drawn.add(lease)
        leases.lose(desk.store, submission, lease, "a test")
    assert len(drawn) == MOST_ATTEMPTS


def test_many_workers_never_start_the_same(desk: Desk) -> None:
    for person in ("researcher", "teacher"):
        for _ in range(3):
            desk.send(person)
    with ThreadPoolExecutor(6) as pool:
        jobs = list(pool.map(lambda _: leases.take_next(desk.store), range(6)))
    taken = [job["id"] for job in jobs if job is not None]
    while (job := leases.take_next(desk.store)) is not None:
        taken.append(job["id"])
    assert sorted(taken) == [f"B{number}" for number in range(1, 7)]


def test_a_lost_lease_waits_once_more_and_then_fails_without_cost(desk: Desk) -> None:
    submission = desk.send()
    assert leases.lose(desk.store, *desk.start(), "the evaluator was killed") == "queued"
    assert leases.lose(desk.store, *desk.start(), "the evaluator was killed") == "failed"
    row = records.find_row(desk.store, submission)
    assert (row["code"], row["attempts"], desk.used()) == ("INTERNAL_ERROR", 2, (0, 0))
    assert "this does not count" in row["message"]


def test_why_a_lease_was_lost_is_on_record(desk: Desk) -> None:
    submission = desk.send()
    leases.lose(desk.store, *desk.start(), "the evaluator was silent")
    row = desk.store.read().execute("SELECT * FROM audit WHERE action = 'submission.lose'").fetchone()
    assert (row["actor"], row["resource"], row["reason"]) == ("system", submission, "the evaluator was silent")


def test_a_lease_that_was_lost_cannot_be_lost_again(desk: Desk) -> None:
    submission = desk.send()
    _, old = desk.start()
    leases.lose(desk.store, submission, old, "a test")
    _, new = desk.start()
    assert leases.lose(desk.store, submission, old, "a test") == "running"
    assert records.find_row(desk.store, submission)["lease"] == new


def test_losing_changes_nothing_that_has_ended(desk: Desk) -> None:
    submission = desk.send()
    _, lease = desk.start()
    ending.finish(desk.store, submission, lease, scored())
    assert leases.lose(desk.store, submission, lease, "its process ended") == "scored"
    assert desk.events(submission, "submission.lose") == 0


def test_a_lease_that_is_handed_back_costs_no_attempt(desk: Desk) -> None:
    submission = desk.send()
    for _ in range(MOST_ATTEMPTS + 1):
        leases.hand_back(desk.store, *desk.start())
    row = records.find_row(desk.store, submission)
    assert (row["state"], row["attempts"], row["lease"]) == ("queued", 0, None)


def test_what_runs_past_its_deadline_ends_as_too_slow(desk: Desk) -> None:
    submission = desk.send()
    desk.start()
    desk.clock.now += PREPARING_FOR + timedelta(seconds=desk.task.limits.seconds)
    assert leases.expire(desk.store) == []
    desk.clock.now += timedelta(seconds=1)
    assert leases.expire(desk.store) == [submission]
    assert records.find_row(desk.store, submission)["code"] == "TIMEOUT"


def test_what_waits_for_hours_ends_as_the_houses_failure(desk: Desk) -> None:
    submission = desk.send()
    desk.clock.now += QUEUED_FOR + timedelta(seconds=1)
    assert leases.expire(desk.store) == [submission]
    row = records.find_row(desk.store, submission)
    assert (row["code"], desk.used()) == ("INTERNAL_ERROR", (0, 0))
    assert "No evaluator was free" in row["message"]


def test_a_killed_gateways_queue_goes_on(desk: Desk) -> None:
    running, waiting = desk.send(), desk.send()
    desk.start()
    desk.clock.now += timedelta(days=1)
    leases.recover(desk.store)
    assert (desk.state(running), desk.state(waiting)) == ("queued", "queued")
    assert leases.expire(desk.store) == []


def test_a_submission_under_which_gateways_die_ends(desk: Desk) -> None:
    submission = desk.send()
    for _ in range(MOST_ATTEMPTS):
        desk.start()
        leases.recover(desk.store)
    assert desk.state(submission) == "failed"


@pytest.mark.parametrize("lease", ["", "B1-1-0000000000000000"])
def test_a_lease_that_was_never_given_is_not_held(desk: Desk, lease: str) -> None:
    submission = desk.send()
    assert not leases.holds(records.find_row(desk.store, submission), lease)
    desk.start()
    assert not leases.holds(records.find_row(desk.store, submission), lease)
    with pytest.raises(Conflict):
        ending.finish(desk.store, submission, lease, scored())
