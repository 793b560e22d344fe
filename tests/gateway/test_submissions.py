"""Submissions through the gateway: what a person sends, sees and takes back; nobody sees another's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Door, token_of
from submission_homes import BINARY, ITEMS, NODULE_ITEMS, TASK, answers, home_of_tasks, marks

from workbench.benchmark.submissions import ending, leases
from workbench.benchmark.submissions.ending import Measure, Outcome
from workbench.gateway.state import State

SCORES = '{"interval":[0.25,0.75],"value":0.5}'


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """Give a home with the tasks' data, without anybody who works off its queue."""
    with home_of_tasks(tmp_path_factory.mktemp("sent") / "home") as state:
        yield state


@pytest.fixture
def person(state: State) -> Iterator[Door]:
    with asyncio.Runner() as runner:
        yield Door(state, runner, token_of(state, "researcher", "person"))


def send(door: Door, body: bytes, task: str = TASK, **query: str) -> tuple[int, dict[str, Any]]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    status, _, content = door.ask("POST", f"/v1/tasks/{task}/submissions?{words}", body)
    return status, json.loads(content)


def score(person: Door) -> str:
    """Have predictions sent and scored; nothing else may wait."""
    status, sent = send(person, marks())
    assert status == 200, sent
    job = leases.take_next(person.state.store)
    assert job is not None
    ending.finish(person.state.store, job["id"], job["lease"], Outcome("scored", measure=Measure(SCORES, bytes(16))))
    return str(job["id"])


def test_the_items_of_both_hidden_splits_are_listed_without_saying_which(person: Door) -> None:
    assert person.get(f"/v1/tasks/{TASK}/items") == {"items": ITEMS}
    assert person.get(f"/v1/tasks/{BINARY}/items") == {"items": NODULE_ITEMS}


@pytest.mark.parametrize(("task", "content"), [(TASK, marks()), (BINARY, answers())])
def test_predictions_are_validated_at_once(person: Door, task: str, content: bytes) -> None:
    status, sent = send(person, content, task, intent="validation")
    assert (status, sent["state"], sent["kind"], sent["scores"]) == (200, "valid", "predictions", None)
    assert sent["quota"]["week_used"] == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (marks() + b"\nS0099,1,2,3,0.5", "UNKNOWN_ITEM_IDS"), (marks() + b"\nS0001,1,2,3,1.5", "MALFORMED_OUTPUT"),
        (marks() + b"\nS0001,1,2,nan,0.5", "MALFORMED_OUTPUT"), (b"scan,x_mm\nS0001,1", "MALFORMED_OUTPUT"),
    ],
)  # fmt: skip
def test_wrong_predictions_fail_at_once_and_cost_nothing(person: Door, content: bytes, code: str) -> None:
    for intent in ("validation", "scored"):
        status, sent = send(person, content, kind="predictions", intent=intent)
        assert (status, sent["state"], sent["code"]) == (200, "failed", code)
        assert sent["message"].endswith(".") and sent["quota"]["week_used"] == 0


def test_a_scored_submission_answers_with_the_ladder_and_the_quota(person: Door) -> None:
    seen = person.get(f"/v1/submissions/{score(person)}")
    assert (seen["scores"]["value"], seen["scores"]["is_shown"], seen["quota"]["week_used"]) == (0.5, True, 1)
    again = person.get(f"/v1/submissions/{score(person)}")
    assert (again["scores"]["value"], again["scores"]["is_shown"]) == (None, False)
    assert "not a significant improvement" in again["message"]


def test_who_answers_for_the_hidden_test_sees_exact_scores(person: Door) -> None:
    submission = score(person)
    assert person.get(f"/v1/submissions/{submission}")["scores"]["value"] is None
    seen = person.as_person("custodian").get(f"/v1/submissions/{submission}")
    assert (seen["scores"], seen["may"]) == ({"interval": [0.25, 0.75], "value": 0.5}, [])


def test_to_everybody_else_a_submission_does_not_exist(person: Door) -> None:
    submission = send(person, marks(), intent="validation")[1]["submission"]
    teacher = person.as_person("teacher")
    for method, url in (("GET", f"/v1/submissions/{submission}"), ("POST", f"/v1/submissions/{submission}/withdraw")):
        status, _, content = teacher.ask(method, url, {})
        assert (status, json.loads(content)["code"]) == (404, "not-found")
    assert teacher.get("/v1/submissions")["submissions"] == []


def test_the_list_tells_only_what_changed_since(person: Door) -> None:
    cursor = person.get("/v1/submissions")["cursor"]
    assert person.get(f"/v1/submissions?since={cursor}") == {"submissions": [], "cursor": cursor}
    submission = send(person, marks(), intent="validation")[1]["submission"]
    told = person.get(f"/v1/submissions?since={cursor}")
    assert [one["submission"] for one in told["submissions"]] == [submission] and told["cursor"] > cursor
    assert person.get(f"/v1/submissions?since={cursor}&task={BINARY}")["submissions"] == []


def test_what_waits_is_taken_back_once(person: Door) -> None:
    sent = send(person, marks())[1]
    assert sent["may"] == ["withdraw"]
    url = f"/v1/submissions/{sent['submission']}/withdraw"
    assert json.loads(person.ask("POST", url, {})[2])["state"] == "withdrawn"
    status, _, content = person.ask("POST", url, {})
    assert (status, json.loads(content)["code"]) == (409, "wrong-state")


@pytest.mark.parametrize(
    ("query", "status"),
    [({"intent": "final"}, 400), ({"intent": "rescore"}, 400), ({"kind": "pickle"}, 400), ({"note": "x" * 121}, 400),
     ({"kind": "onnx", "intent": "x"}, 400)],
)  # fmt: skip
def test_what_a_form_does_not_allow_is_refused(person: Door, query: dict[str, str], status: int) -> None:
    assert send(person, marks(), **query)[0] == status


def test_who_may_not_submit_learns_which_role_it_takes(person: Door) -> None:
    status, told = send(person.as_person("checker-1"), marks())
    assert (status, told["code"]) == (403, "wrong-role")


def test_a_retired_or_unknown_task_takes_nothing(person: Door) -> None:
    assert send(person, marks(), "no-such-task")[0] == 404
