"""Submissions always end, failures cost nothing, and nobody sees another's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.benchmark.submissions import records as submissions
from workbench.benchmark.submissions.records import Outcome
from workbench.benchmark.tasks.definition import task_definition
from workbench.errors import Conflict, InvalidInput, NotFound, SubmissionRefused
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

TASK = "lung-nodule-detection"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 5, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(home: Settings, clock: Clock) -> Iterator[Store]:
    made = Store(home.store, (submissions.SCHEMA,), clock=clock)
    seed(made, home)
    for name in ("chest-ct", "chest-ct-test"):
        with made.change("custodian", "test.fill", name) as db:
            db.execute(
                "INSERT INTO datasets VALUES (?, ?, 'open', 'custodian', '', '{}', 1, '2026-05-01')", (name, name)
            )
            db.execute(
                "INSERT INTO versions (dataset, version, created, scans, subjects, bytes, manifest, status, uploader) "
                "VALUES (?, 'v1', '2026-05-01', 1, 1, 1, '', 'published', 'custodian')", (name,),
            )  # fmt: skip
    yield made
    made.close()


def sent(store: Store, folder: Path, person: str = "researcher", **options: str) -> str:
    return str(submissions.submit(store, folder, person, TASK, b"model", **options)["submission"])


def scored(store: Store, folder: Path, person: str, value: float) -> str:
    submission = sent(store, folder, person)
    submissions.start(store, submission)
    outcome = Outcome("scored", scores={"value": value, "interval": [value - 0.1, value + 0.1]})
    baseline = ("blob filter alone", {"value": 0.3, "interval": [0.2, 0.4]})
    submissions.finish(store, submission, outcome, baselines=(baseline,))
    return submission


def test_a_submission_is_kept_and_queued(store: Store, tmp_path: Path) -> None:
    submission = sent(store, tmp_path, note="first")
    file = submissions.model_file(tmp_path, submission)
    assert submissions.read(store, submission)["state"] == "queued"
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"model", 0o600)


def test_the_board_ranks_the_best_of_each_person_and_keeps_the_baseline_once(store: Store, tmp_path: Path) -> None:
    for person, value in (("researcher", 0.5), ("teacher", 0.7), ("researcher", 0.4)):
        scored(store, tmp_path, person, value)
    entries = submissions.leaderboard(store, TASK)["entries"]
    assert [(e["rank"], e["person"], e["value"]) for e in entries] == [
        (1, "teacher", 0.7), (2, "researcher", 0.5), (3, "blob filter alone", 0.3),
    ]  # fmt: skip
    assert [e["kind"] for e in entries] == ["submission", "submission", "baseline"]


def test_the_final_column_is_empty_while_the_task_is_open(store: Store, tmp_path: Path) -> None:
    scored(store, tmp_path, "researcher", 0.5)
    assert {e["final"] for e in submissions.leaderboard(store, TASK)["entries"]} == {None}


def test_new_data_start_a_new_board(store: Store, tmp_path: Path) -> None:
    scored(store, tmp_path, "researcher", 0.5)
    with store.change("custodian", "test.fill", "chest-ct-test") as db:
        db.execute(
            "INSERT INTO versions (dataset, version, created, scans, subjects, bytes, manifest, status, uploader) "
            "VALUES ('chest-ct-test', 'v2', '2026-05-02', 1, 1, 1, '', 'published', 'custodian')"
        )
    assert submissions.leaderboard(store, TASK)["entries"] == []


@pytest.mark.parametrize("state", ["queued", "running"])
def test_what_is_past_its_deadline_fails(store: Store, tmp_path: Path, clock: Clock, state: str) -> None:
    submission = sent(store, tmp_path)
    if state == "running":
        submissions.start(store, submission)
    clock.now += timedelta(hours=1)
    assert submissions.expire(store) == [submission]
    assert submissions.read(store, submission)["code"] == "TIMEOUT"


def test_what_was_under_way_when_the_gateway_stopped_fails(store: Store, tmp_path: Path) -> None:
    submission = sent(store, tmp_path)
    assert submissions.abandon(store) == [submission]
    assert "submit it again" in submissions.read(store, submission)["message"]


def test_what_has_ended_stays_as_it_is(store: Store, tmp_path: Path) -> None:
    submission = scored(store, tmp_path, "researcher", 0.5)
    with pytest.raises(Conflict, match="has ended already"):
        submissions.finish(store, submission, Outcome("scored", scores={"value": 1.0, "interval": None}))
    assert submissions.abandon(store) == []


def test_failures_do_not_use_up_quota(store: Store, tmp_path: Path) -> None:
    for _ in range(task_definition(TASK).quota.scored_per_week + 2):
        submissions.finish(store, sent(store, tmp_path), Outcome("failed", "TIMEOUT"))
    assert sent(store, tmp_path)


def test_a_full_quota_is_refused_until_the_week_is_over(store: Store, tmp_path: Path, clock: Clock) -> None:
    for _ in range(task_definition(TASK).quota.scored_per_week):
        scored(store, tmp_path, "researcher", 0.5)
    with pytest.raises(SubmissionRefused) as stop:
        sent(store, tmp_path)
    assert stop.value.code == "QUOTA"
    assert sent(store, tmp_path, intent="validation")
    clock.now += timedelta(days=8)
    assert sent(store, tmp_path)


def test_another_persons_submission_looks_as_if_it_did_not_exist(store: Store, tmp_path: Path) -> None:
    submission = sent(store, tmp_path)
    with pytest.raises(NotFound):
        submissions.read(store, submission, "teacher")


@pytest.mark.parametrize("options", [{"intent": "best"}, {"note": "x" * 121}, {"note": "two\nlines"}])
def test_a_wrong_intent_or_note_is_refused(store: Store, tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        sent(store, tmp_path, **options)


def test_an_unknown_task_is_not_found(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        submissions.submit(store, tmp_path, "researcher", "nothing", b"model")


def test_a_task_without_data_takes_no_submission(home: Settings, tmp_path: Path) -> None:
    empty = Store(home.store, (submissions.SCHEMA,))
    seed(empty, home)
    with pytest.raises(Conflict, match="not filled"):
        sent(empty, tmp_path)
    empty.close()


def test_every_change_of_a_submission_is_audited(store: Store, tmp_path: Path) -> None:
    submission = scored(store, tmp_path, "researcher", 0.5)
    rows = store.read().execute("SELECT action FROM audit WHERE resource IN (?, ?)", (submission, TASK)).fetchall()
    assert [row["action"] for row in rows] == ["task.submit", "submission.start", "submission.finish"]
