"""A submission ends once: by whoever holds its lease, with what a result may say, or by its author."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from submission_desk import Desk, scored

from workbench.benchmark.evaluation.failures import FAILURES
from workbench.benchmark.submissions import ending, leases, records
from workbench.benchmark.submissions.ending import Outcome, outcome_of
from workbench.errors import Conflict, InvalidInput, NotFound

SCORES = {"value": 0.5, "interval": [0.25, 0.75]}
DRAWS = base64.b64encode(bytes(16)).decode()
RESULT: dict[str, Any] = {"state": "scored", "scores": SCORES, "draws": DRAWS}


def test_a_result_is_kept_as_canonical_bytes(desk: Desk) -> None:
    submission = desk.send()
    body = json.loads(
        '{"state": "scored", "scores": {"value": 0.1, "b": [1.0, 3], "a": "é"}, "cost": {"wall_seconds": 2}}'
    )
    ending.finish(desk.store, *desk.start(), outcome_of(body))
    row = records.find_row(desk.store, submission)
    assert row["scores"] == '{"a":"é","b":[1.0,3],"value":0.1}'
    assert (row["cost"], row["draws"], row["lease"]) == ('{"wall_seconds":2}', None, None)


def test_draws_are_kept_to_the_byte(desk: Desk) -> None:
    submission = desk.send()
    ending.finish(desk.store, *desk.start(), outcome_of(RESULT))
    assert records.find_row(desk.store, submission)["draws"] == bytes(16)


@pytest.mark.parametrize(
    "changed",
    [
        {"state": "best"}, {"state": ["scored"]}, {"state": None}, {"code": "TIMEOUT"}, {"scores": None},
        {"scores": {}}, {"scores": {"value": "0.9"}}, {"scores": {"value": float("nan")}}, {"scores": {"value": True}},
        {"scores": [0.9]}, {"scores": {"value": 0.9, "interval": [float("inf")]}}, {"draws": "%%%"}, {"draws": 3},
        {"draws": base64.b64encode(b"seven b").decode()}, {"baselines": []}, {"baselines": {"x": 0.3}},
        {"cost": "much"}, {"cost": {"cpu_seconds": float("nan")}},
        {"state": "failed"}, {"state": "failed", "code": "BROKEN"}, {"state": "failed", "code": ["TIMEOUT"]},
    ],
)  # fmt: skip
def test_what_is_no_result_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        outcome_of({**RESULT, **changed})


def test_a_second_result_is_refused_and_changes_nothing(desk: Desk) -> None:
    submission = desk.send()
    _, lease = desk.start()
    ending.finish(desk.store, submission, lease, scored(0.5))
    before = dict(records.find_row(desk.store, submission))
    for outcome in (scored(0.9), Outcome("failed", "TIMEOUT")):
        with pytest.raises(Conflict) as stop:
            ending.finish(desk.store, submission, lease, outcome)
        assert stop.value.code == "lease-lost"
    assert dict(records.find_row(desk.store, submission)) == before
    assert desk.events(submission, "submission.finish") == 1


def test_a_result_under_a_lost_lease_is_refused(desk: Desk) -> None:
    submission = desk.send()
    _, old = desk.start()
    leases.lose(desk.store, submission, old, "a test")
    _, new = desk.start()
    with pytest.raises(Conflict):
        ending.finish(desk.store, submission, old, scored(0.9))
    ending.finish(desk.store, submission, new, scored(0.5))
    assert json.loads(records.find_row(desk.store, submission)["scores"])["value"] == 0.5


@pytest.mark.parametrize(("intent", "outcome"), [("validation", scored()), ("scored", Outcome("valid"))])
def test_a_validation_brings_no_score_and_a_scored_one_no_less(desk: Desk, intent: str, outcome: Outcome) -> None:
    desk.send(intent=intent)
    with pytest.raises(InvalidInput):
        ending.finish(desk.store, *desk.start(), outcome)


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_every_failure_reads_its_sentence(desk: Desk, code: str) -> None:
    submission = desk.fail(code=code)
    assert records.find_row(desk.store, submission)["message"] == FAILURES[code]


def test_what_a_program_printed_never_reaches_its_author() -> None:
    printed = "Traceback: S0001 has a nodule at 3, 4, 5"
    assert (
        outcome_of({"state": "failed", "code": "NONZERO_EXIT", "message": printed}).message == FAILURES["NONZERO_EXIT"]
    )


def test_a_closer_sentence_is_one_line_of_limited_length() -> None:
    told = outcome_of({"state": "failed", "code": "MODEL_REFUSED", "message": "It has\na loop.\x1b[31m" + "x" * 999})
    assert told.message.startswith("It has a loop. [31mxxx") and len(told.message) == 500


def test_baselines_are_kept_once_per_version_and_split(desk: Desk) -> None:
    for value in (0.25, 0.75):
        desk.send()
        baseline = {"scores": {"value": value}, "draws": DRAWS}
        ending.finish(desk.store, *desk.start(), outcome_of({**RESULT, "baselines": {"blob filter": baseline}}))
    rows = desk.store.read().execute("SELECT * FROM baselines").fetchall()
    assert [(row["name"], row["split"], row["scores"]) for row in rows] == [
        ("blob filter", "public_test", '{"value":0.25}')
    ]


def test_predictions_are_kept_for_the_holder_of_the_lease_alone(desk: Desk) -> None:
    submission = desk.send()
    _, lease = desk.start()
    with pytest.raises(Conflict):
        ending.keep_predictions(desk.store, desk.payloads, submission, "B1-1-x", b"forged")
    digest = ending.keep_predictions(desk.store, desk.payloads, submission, lease, b"[]")
    file = desk.payloads.predictions(submission)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"[]", 0o600)
    assert records.find_row(desk.store, submission)["predictions"] == digest


def test_predictions_of_a_scored_submission_are_never_replaced(desk: Desk) -> None:
    submission = desk.send()
    _, lease = desk.start()
    ending.keep_predictions(desk.store, desk.payloads, submission, lease, b"first")
    ending.finish(desk.store, submission, lease, scored())
    with pytest.raises(Conflict):
        ending.keep_predictions(desk.store, desk.payloads, submission, lease, b"second")
    assert desk.payloads.predictions(submission).read_bytes() == b"first"


@pytest.mark.parametrize("is_running", [False, True])
def test_an_author_takes_back_what_has_not_ended(desk: Desk, is_running: bool) -> None:
    submission = desk.send()
    lease = desk.start()[1] if is_running else "none"
    ending.withdraw(desk.store, desk.payloads, submission, "researcher")
    assert (desk.state(submission), list(desk.payloads.folder.glob("*"))) == ("withdrawn", [])
    with pytest.raises(Conflict):
        ending.finish(desk.store, submission, lease, scored())


def test_what_has_ended_is_not_taken_back(desk: Desk) -> None:
    with pytest.raises(Conflict, match="cannot be changed by “withdraw”"):
        ending.withdraw(desk.store, desk.payloads, desk.score(), "researcher")


def test_nobody_takes_back_what_another_sent(desk: Desk) -> None:
    with pytest.raises(NotFound):
        ending.withdraw(desk.store, desk.payloads, desk.send(), "teacher")
