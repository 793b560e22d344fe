"""Routes of the board: leaderboards, the final test that is opened once, and re-scoring.

Runs in: gateway
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workbench.benchmark.board import final, rescoring
from workbench.benchmark.board.ladder import shown
from workbench.benchmark.board.leaderboard import find_version, leaderboard, present_version
from workbench.benchmark.submissions.records import find_row
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.benchmark.tasks.published import task_of
from workbench.errors import Conflict
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.governance.decide import decide

PEOPLE, PERSON = ("person", "kernel"), ("person",)
PROPOSE, OPEN, RESCORE = "final.propose", "final.open", "submission.rescore"


def get_leaderboard(call: Call) -> dict[str, Any]:
    """Give a task's leaderboard: of its present version, or of an older one."""
    task = _task(call)
    is_exact = _sees_exactly(call, task.hidden_datasets())
    found = leaderboard(call.state.store, task, version=call.query.get("version"), is_exact=is_exact)
    return {**found, "final": _final_seen(call, found["final"], is_exact=is_exact)}


def get_final(call: Call) -> dict[str, Any]:
    """Say how the final test of a task version stands, and what of it the caller may do."""
    task, store = _task(call), call.state.store
    asked = call.query.get("version")
    version = present_version(store, task) if asked is None else find_version(store, task.id, asked)
    is_exact = _sees_exactly(call, task.hidden_datasets())
    return _final_seen(call, final.read(store, version), is_exact=is_exact)


def propose(call: Call) -> dict[str, Any]:
    """Propose to open the final test; the task version takes no more scored submissions from now on."""
    task = _task(call)
    for dataset in task.hidden_datasets():
        guard.require(call, PROPOSE, dataset)
    return final.propose(call.state.store, call.person, task, call.text("reason", ""))


def choose(call: Call) -> dict[str, Any]:
    """Choose which of one's scored submissions is to be tested."""
    submission = call.text("submission", longest=64)
    # To whom it does not belong it does not exist.
    find_row(call.state.store, submission, call.person)
    guard.require(call, "task.submit", _task(call).id)
    if find_row(call.state.store, submission)["task"] != call.path["task"]:
        raise Conflict(f"{submission} was not sent to {call.path['task']}; choose one that was.", code="other-task")
    return final.choose(call.state.store, call.person, submission)


def open_final(call: Call) -> dict[str, Any]:
    """Open a final test that somebody else proposed; its runs begin at once."""
    guard.require(call, OPEN, call.path["final"])
    done = final.open_final(call.state.store, call.person, call.path["final"])
    call.state.heartbeats.ring()
    return done


def drop(call: Call) -> dict[str, Any]:
    """Take a proposal back: the task version takes scored submissions again."""
    _require_custodian(call)
    return final.drop(call.state.store, call.person, call.path["final"])


def retry(call: Call) -> dict[str, Any]:
    """Queue those final runs again that failed because of the house."""
    _require_custodian(call)
    version = final.find_final(call.state.store, call.path["final"])["task_version"]
    queued = final.retry(call.state.store, call.person, version)
    call.state.heartbeats.ring()
    return {**final.read(call.state.store, version), "queued": queued}


def rescore(call: Call) -> dict[str, Any]:
    """Have a submission scored again from its stored predictions."""
    submission = call.path["submission"]
    guard.require(call, RESCORE, submission)
    evaluation = rescoring.begin(call.state.store, call.person, submission)
    call.state.heartbeats.ring()
    return rescoring.compare(call.state.store, submission, evaluation)


def get_rescoring(call: Call) -> dict[str, Any]:
    """Say whether a submission's score came out the same again."""
    submission = call.path["submission"]
    guard.require(call, RESCORE, submission)
    found = rescoring.compare(call.state.store, submission, call.path["evaluation"])
    row = find_row(call.state.store, submission)
    if _sees_exactly(call, [row["hidden"]]):
        return {**found, "scores": json.loads(row["scores"])}
    return {**found, "scores": shown(call.state.store, submission)}


def _task(call: Call) -> TaskDefinition:
    return task_of(call.state.store, call.path["task"])


def _sees_exactly(call: Call, datasets: Sequence[str]) -> bool:
    """Whether the caller answers for hidden data, all of these: exact scores are theirs to see."""
    context = guard.context_of(call.token)
    return all(decide(call.state.store, call.person, "score.read", name, context).allowed for name in datasets)


def _require_custodian(call: Call) -> None:
    row = final.find_final(call.state.store, call.path["final"])
    for dataset in task_of(call.state.store, row["task"]).hidden_datasets():
        guard.require(call, PROPOSE, dataset)


def _final_seen(call: Call, stands: dict[str, Any], *, is_exact: bool) -> dict[str, Any]:
    """Give how a final test stands; until it is opened, what others chose is theirs alone."""
    if is_exact or stands["state"] not in (final.NOTHING, "proposed"):
        return stands
    own = {person: chosen for person, chosen in stands["chosen"].items() if person == call.person}
    return {**stands, "chosen": own}


ROUTES = (
    Route("GET", "/v1/tasks/{task}/leaderboard", get_leaderboard, PEOPLE, "tasks.list"),
    Route("GET", "/v1/tasks/{task}/final", get_final, PEOPLE, "tasks.list"),
    Route("POST", "/v1/tasks/{task}/final", propose, PERSON, PROPOSE),
    Route("POST", "/v1/tasks/{task}/final/choose", choose, PEOPLE, "final.choose"),
    Route("POST", "/v1/finals/{final}/open", open_final, PERSON, OPEN),
    Route("POST", "/v1/finals/{final}/drop", drop, PERSON, PROPOSE),
    Route("POST", "/v1/finals/{final}/retry", retry, PERSON, PROPOSE),
    Route("POST", "/v1/submissions/{submission}/rescore", rescore, PEOPLE, RESCORE),
    Route("GET", "/v1/submissions/{submission}/rescore/{evaluation}", get_rescoring, PEOPLE, RESCORE),
)
