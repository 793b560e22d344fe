"""The doors of an evaluator: open to whoever holds the lease of a running submission, for that one alone."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Door, token_of
from submission_homes import ITEMS, TASK, home_of_tasks, marks

from workbench.benchmark.submissions import leases
from workbench.gateway.state import State
from workbench.gateway.tokens import Token

RESULT = {"state": "scored", "scores": {"value": 0.5, "interval": [0.25, 0.75]}}
DOORS = (
    ("GET", "", None), ("GET", "/payload", None), ("GET", "/predictions", None), ("PUT", "/predictions", b"[]"),
    ("POST", "/heartbeat", {}), ("POST", "/result", RESULT),
)  # fmt: skip


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """Give a home with the tasks' data, without anybody who works off its queue."""
    with home_of_tasks(tmp_path_factory.mktemp("doors") / "home") as state:
        yield state


@pytest.fixture
def person(state: State) -> Iterator[Door]:
    with asyncio.Runner() as runner:
        yield Door(state, runner, token_of(state, "researcher", "person"))
    leases.recover(state.store)
    while (job := leases.take_next(state.store)) is not None:
        leases.lose(state.store, job["id"], job["lease"], "the test is over")


def door_of(person: Door, job: dict[str, Any], **changed: Any) -> Door:
    """Give the way in of an evaluator that was started for a job."""
    claims = {"id": job["lease"], "task": job["task"], "submission": job["id"], **changed}
    made = Token(job["person"], "evaluator", isolation="bubblewrap", expires=time.time() + 60, **claims)
    return Door(person.state, person._runner, person.state.tokens.make(made))


def started(person: Door, *, intent: str = "scored") -> dict[str, Any]:
    """Send predictions (to be validated: a model) and have the evaluation of them begin."""
    kind, body = ("predictions", marks()) if intent == "scored" else ("onnx", b"\x08model")
    status, reply = send(person, kind, body, intent)
    assert status == 200, reply
    job = leases.take_next(person.state.store)
    assert job is not None and job["id"] == reply["submission"]
    return job


def send(person: Door, kind: str, body: bytes, intent: str) -> tuple[int, dict[str, Any]]:
    url = f"/v1/tasks/{TASK}/submissions?kind={kind}&intent={intent}"
    status, _, content = person.ask("POST", url, body)
    return status, json.loads(content)


def knock(evaluator: Door, submission: str, method: str, end: str, body: Any) -> tuple[int, str]:
    status, _, content = evaluator.ask(method, f"/v1/evaluations/{submission}{end}", body)
    return status, json.loads(content)["code"] if status >= 400 else ""


def test_an_evaluator_is_told_what_it_needs_and_no_more(person: Door) -> None:
    job = started(person)
    told = door_of(person, job).get(f"/v1/evaluations/{job['id']}")
    assert (told["intent"], told["kind"], told["split"], told["attempt"]) == ("scored", "predictions", "public_test", 1)
    assert set(told["data"]) == {"chest-ct", "chest-ct-test"} and told["definition"]["id"] == TASK
    assert "lease" not in told and "person" not in told


def test_an_evaluation_goes_through_its_doors_to_a_score(person: Door) -> None:
    job = started(person)
    evaluator, url = door_of(person, job), f"/v1/evaluations/{job['id']}"
    assert evaluator.ask("GET", f"{url}/payload")[2] == marks()
    assert evaluator.ask("PUT", f"{url}/predictions", b"[1]")[0] == 200
    assert evaluator.ask("GET", f"{url}/predictions")[2] == b"[1]"
    assert json.loads(evaluator.ask("POST", f"{url}/heartbeat", {})[2]) == {"deadline": job["deadline"]}
    assert json.loads(evaluator.ask("POST", f"{url}/result", RESULT)[2])["state"] == "scored"
    seen = person.get(f"/v1/submissions/{job['id']}")
    assert (seen["state"], seen["scores"]["value"], seen["may"]) == ("scored", 0.5, [])


@pytest.mark.parametrize(("method", "end", "body"), DOORS)
def test_a_lost_lease_opens_no_door(person: Door, method: str, end: str, body: Any) -> None:
    job = started(person)
    leases.lose(person.state.store, job["id"], job["lease"], "a test")
    assert knock(door_of(person, job), job["id"], method, end, body) == (409, "lease-lost")
    assert leases.take_next(person.state.store) is not None
    assert knock(door_of(person, job), job["id"], method, end, body) == (409, "lease-lost")


@pytest.mark.parametrize(("method", "end", "body"), DOORS)
def test_no_door_opens_to_anothers_submission(person: Door, method: str, end: str, body: Any) -> None:
    job = started(person)
    assert knock(door_of(person, job, submission="B1"), job["id"], method, end, body)[0] == 404


def test_the_hidden_scans_are_read_under_a_lease_and_not_after_it(person: Door) -> None:
    job = started(person)
    evaluator = door_of(person, job)
    assert len(evaluator.get("/v1/datasets/chest-ct-test/scans")["scans"]) == len(ITEMS)
    assert evaluator.ask("POST", f"/v1/evaluations/{job['id']}/result", RESULT)[0] == 200
    assert evaluator.ask("GET", "/v1/datasets/chest-ct-test/scans")[0] == 403
    assert evaluator.ask("POST", f"/v1/evaluations/{job['id']}/result", RESULT)[0] == 409


def test_another_lease_reads_no_hidden_scan(person: Door) -> None:
    job = started(person)
    forged = door_of(person, job, id=f"{job['id']}-1-0000000000000000")
    assert forged.ask("GET", "/v1/datasets/chest-ct-test/scans")[0] == 403
