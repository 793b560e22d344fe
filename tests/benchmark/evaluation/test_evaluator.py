"""An evaluator goes on where one before it was, scores again to the byte, and is silent when its lease is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from workbench.benchmark.client import read_entry, send, wait_for
from workbench.benchmark.evaluation.evaluator import Job, _run
from workbench.benchmark.evaluation.predictions import MARK, Predictions
from workbench.connection import Connection
from workbench.errors import SubmissionRefused
from workbench.settings import Settings

pytest.importorskip("onnx")
from small_models import HONEST, folder_of
from small_tests import detection_test

TASK = "lung-nodule-detection"


class KnownJob(Job):
    """A job whose facts and bytes are given, so that no gateway is needed."""

    def __init__(self, payload: bytes, **facts: Any) -> None:
        self.facts = facts
        self.task = detection_test([("S1", 0.0, 8.0)]).task
        self.kind, self.intent, self.split = "folder", "scored", "public_test"
        self._payload = payload

    def payload(self) -> bytes:
        return self._payload


def test_what_is_answered_already_is_not_run_again() -> None:
    hidden = detection_test([("S1", 0.0, 8.0)], scans=2)
    known = Predictions("detection3d", ("S1", "S2", "S9"), MARK, {"S1": ((0.0, 0.0, 0.0, 0.5),), "S2": (), "S9": ()})
    # Whatever ran would fail.
    found, budget = _run(KnownJob(folder_of("raise SystemExit(1)")), hidden, known)

    assert found.rows == {"S1": known.rows["S1"], "S2": ()}
    assert budget.as_dict()["wall_seconds"] == 0.0


def test_what_is_missing_is_refused_by_the_table_alone_when_it_saw_hidden_scans() -> None:
    hidden = detection_test([("S1", 0.0, 8.0)], scans=1, missing="reject")
    known = Predictions("detection3d", hidden.items, MARK, {"S1": ()})
    _run(KnownJob(folder_of(HONEST)), hidden, known)

    with pytest.raises(SubmissionRefused) as stop:
        _run(KnownJob(b"PK\x03\x04"), hidden, known)
    assert stop.value.code == "MODEL_REFUSED"


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.05)


def test_bytes_that_changed_on_their_way_are_not_run(line: Connection, filled: Settings) -> None:
    slow = send(line, TASK, folder_of("import time; time.sleep(4)\n" + HONEST), kind="folder", intent="validation")
    found = [send(line, TASK, folder_of(HONEST), kind="folder") for _ in range(3)][-1]
    file = filled.home / "submissions" / f"{found.submission}.zip"
    file.write_bytes(file.read_bytes() + b" ")

    ended = wait_for(line, found)
    assert (ended.state, ended.code) == ("failed", "DIGEST_MISMATCH")
    assert wait_for(line, slow).state == "valid"


def test_an_evaluator_that_is_killed_is_followed_by_another(line: Connection, filled: Settings) -> None:
    psutil = pytest.importorskip("psutil")
    entry = send(line, TASK, folder_of("import time; time.sleep(3)\n" + HONEST), kind="folder")
    wait_until(lambda: read_entry(line, entry.submission).state == "running")

    def evaluators() -> list[Any]:
        words = ["workbench.benchmark.evaluation.evaluator", entry.submission]
        return [one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [])[-2:] == words]

    wait_until(lambda: bool(evaluators()))
    evaluators()[0].kill()

    assert wait_for(line, entry).state == "scored"
    assert line.get(f"/v1/submissions/{entry.submission}")["attempts"] == 2


def test_the_stored_predictions_are_in_the_one_form(line: Connection, filled: Settings) -> None:
    entry = wait_for(line, send(line, TASK, folder_of(HONEST), kind="folder"))
    stored = (filled.home / "submissions" / f"{entry.submission}.predictions").read_bytes()

    assert [one["id"] for one in json.loads(stored)["predictions"]] == sorted(
        one["id"] for one in json.loads(stored)["predictions"]
    )
    assert (filled.home / "submissions").stat().st_mode & 0o077 == 0
