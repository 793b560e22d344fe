"""What is sent is kept whole or not at all; what was scored is evaluated again only as it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from submission_desk import SCHEMAS, Desk, scored

from workbench.benchmark.submissions import ending, records, taking
from workbench.benchmark.submissions.ending import Outcome
from workbench.benchmark.submissions.taking import Sending
from workbench.errors import Conflict, InvalidInput, NotFound, SubmissionRefused
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

REFUSED = SubmissionRefused("Line 2 names “x”.", code="UNKNOWN_ITEM_IDS")


def files(desk: Desk) -> list[str]:
    return sorted(file.name for file in desk.payloads.folder.glob("*"))


def test_a_model_is_kept_for_its_owner_alone_and_waits(desk: Desk) -> None:
    submission = desk.send(note="first")
    file = desk.payloads.sent(submission, "onnx")
    assert desk.state(submission) == "queued"
    assert (file.read_bytes(), file.stat().st_mode & 0o777, files(desk)) == (b"model", 0o600, ["B1.onnx"])


def test_predictions_that_were_checked_are_valid_at_once_and_not_kept(desk: Desk) -> None:
    submission = desk.send(kind="predictions", intent="validation")
    assert (desk.state(submission), files(desk)) == ("valid", [])


def test_predictions_to_be_scored_wait(desk: Desk) -> None:
    assert desk.state(desk.send(kind="predictions")) == "queued"
    assert files(desk) == ["B1.sent"]


@pytest.mark.parametrize("intent", ["validation", "scored"])
def test_predictions_that_are_wrong_fail_at_once_with_code_and_sentence(desk: Desk, intent: str) -> None:
    submission = desk.send(kind="predictions", intent=intent, refusal=REFUSED)
    row = records.find_row(desk.store, submission)
    assert (row["state"], row["code"], row["message"]) == ("failed", "UNKNOWN_ITEM_IDS", "Line 2 names “x”.")
    assert (desk.used(), files(desk)) == ((0, 0), [])


@pytest.mark.parametrize(
    "changed",
    [{"intent": "best"}, {"intent": "final"}, {"note": "x" * 121}, {"note": "two\nlines"}, {"kind": "pickle"}],
)
def test_a_wrong_intent_kind_or_note_is_refused(desk: Desk, changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        desk.send(**changed)
    assert files(desk) == []


@pytest.mark.parametrize(
    ("kind", "size", "code"),
    [("onnx", 0, "MODEL_REFUSED"), ("onnx", 32 * 2**20 + 1, "MODEL_REFUSED"), ("predictions", 0, "MALFORMED_OUTPUT"),
     ("predictions", 16 * 2**20 + 1, "OUTPUT_TOO_LARGE")],
)  # fmt: skip
def test_a_file_of_no_or_too_many_bytes_is_refused(desk: Desk, kind: str, size: int, code: str) -> None:
    with pytest.raises(SubmissionRefused, match=f"has {size} bytes") as stop:
        taking.check_sending(Sending(desk.task, kind, "scored", b"x" * size))
    assert stop.value.code == code


def test_a_kind_that_the_task_does_not_take_is_refused(desk: Desk) -> None:
    desk.task = desk.task.model_copy(update={"submissions": ("predictions",)})
    with pytest.raises(SubmissionRefused, match="takes predictions, not onnx"):
        desk.send()


def test_what_the_quota_refuses_leaves_no_file(desk: Desk) -> None:
    for _ in range(3):
        desk.send()
    with pytest.raises(SubmissionRefused):
        desk.send()
    assert files(desk) == ["B1.onnx", "B2.onnx", "B3.onnx"]


def test_a_version_that_is_closed_takes_validations_only(desk: Desk) -> None:
    desk.send()
    with desk.store.change("custodian", "test.close", desk.task.id) as db:
        db.execute("UPDATE task_versions SET closed = '2026-05-03T00:00:00Z'")
    with pytest.raises(SubmissionRefused, match="closed for its final test on 2026-05-03") as stop:
        desk.send()
    assert stop.value.code == "CLOSED"
    assert desk.send(intent="validation")


def test_a_task_without_data_takes_nothing(home: Settings, desk: Desk, tmp_path: Path) -> None:
    empty = Store(tmp_path / "empty" / "store.sqlite", SCHEMAS)
    seed(empty, home)
    with pytest.raises(Conflict, match="not filled"):
        taking.submit(empty, desk.payloads, "researcher", Sending(desk.task, "onnx", "scored", b"model"))
    empty.close()


def test_a_version_is_kept_with_its_definition_and_data(desk: Desk) -> None:
    row = records.find_row(desk.store, desk.send())
    kept = desk.store.read().execute("SELECT * FROM task_versions").fetchone()
    assert (kept["version"], kept["data"]) == (row["task_version"], '{"chest-ct":"v1","chest-ct-test":"v1"}')
    assert records.definition_of(desk.store, row["task_version"], row["task"]) == desk.task


def test_sending_is_audited_with_the_digest(desk: Desk) -> None:
    submission = desk.send()
    row = desk.store.read().execute("SELECT * FROM audit WHERE action = 'task.submit'").fetchone()
    assert (row["actor"], row["resource"]) == ("researcher", desk.task.id)
    assert f'"submission":"{submission}"' in row["details"] and '"sha256":"9372c470' in row["details"]


def test_what_was_scored_is_scored_again_as_often_as_asked(desk: Desk) -> None:
    first = desk.score()
    made = [taking.again(desk.store, first, "rescore", "custodian") for _ in range(2)]
    row = records.find_row(desk.store, made[0])
    assert (row["origin"], row["person"], row["split"], row["intent"]) == (
        first,
        "researcher",
        "public_test",
        "rescore",
    )
    assert (desk.state(made[1]), desk.used()) == ("queued", (1, 1))


def test_a_final_run_is_queued_once(desk: Desk) -> None:
    first = desk.score()
    made = taking.again(desk.store, first, "final", "custodian")
    assert records.find_row(desk.store, made)["split"] == "final_test"
    with pytest.raises(Conflict, match="done once"):
        taking.again(desk.store, first, "final", "custodian")


def test_a_final_run_that_failed_may_be_repeated_until_it_is_scored(desk: Desk) -> None:
    first = desk.score()
    for outcome in (Outcome("failed", "INTERNAL_ERROR"), scored(0.7)):
        taking.again(desk.store, first, "final", "custodian")
        ending.finish(desk.store, *desk.start(), outcome)
    with pytest.raises(Conflict, match="done once"):
        taking.again(desk.store, first, "final", "custodian")


@pytest.mark.parametrize("intent", ["rescore", "final"])
def test_only_what_was_scored_is_evaluated_again(desk: Desk, intent: str) -> None:
    for submission in (desk.fail(), desk.send(intent="validation", kind="predictions")):
        with pytest.raises(Conflict, match="only what was scored"):
            taking.again(desk.store, submission, intent, "custodian")


def test_another_intent_does_nothing_again(desk: Desk) -> None:
    with pytest.raises(InvalidInput):
        taking.again(desk.store, desk.score(), "scored", "custodian")
    with pytest.raises(NotFound):
        taking.again(desk.store, "B99", "rescore", "custodian")
