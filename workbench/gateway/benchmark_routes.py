"""Routes of tasks, submissions and leaderboards, and the doors through which an evaluator works.

Runs in: gateway
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from typing import Any

from starlette.responses import Response

from workbench.benchmark.evaluation.failures import FAILURES
from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.submissions import records as submissions
from workbench.benchmark.submissions.records import Outcome
from workbench.benchmark.tasks.definition import definitions, task_definition
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE
from workbench.errors import Conflict, IntegrityError, InvalidInput, NotFound, WorkbenchError
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.gateway.state import State
from workbench.gateway.tokens import Token
from workbench.governance.record.checkpoints import checkpoint_now
from workbench.governance.sandbox import sandbox_environment

PEOPLE = ("person", "kernel")
EVALUATOR = ("evaluator",)
MAX_MODEL_BYTES = 64 * 2**20
NOTEBOOK_FOLDER = "benchmark"
# Two evaluations at once would share two cores and run into each other's time limits.
_one_at_a_time = threading.Semaphore(1)

log = logging.getLogger("workbench.gateway.benchmark")


def list_tasks(call: Call) -> dict[str, Any]:
    """List the tasks with their present versions."""
    return {"tasks": [_described(call.state, name) for name in definitions()]}


def get_task(call: Call) -> dict[str, Any]:
    """Give one task."""
    return _described(call.state, task_definition(call.path["task"]).id)


def get_leaderboard(call: Call) -> dict[str, Any]:
    """Give a task's leaderboard."""
    return submissions.leaderboard(call.state.store, call.path["task"])


def submit(call: Call) -> dict[str, Any]:
    """Take a model in and start its evaluation."""
    task = task_definition(call.path["task"]).id
    guard.require(call, "task.submit", task)
    state = call.state
    submissions.expire(state.store)
    entry = submissions.submit(
        state.store, _folder(state), call.person, task, call.body,
        intent=call.query.get("intent", "scored"), note=call.query.get("note", ""),
    )  # fmt: skip
    threading.Thread(target=_evaluate, args=(state, entry["submission"]), daemon=True).start()
    return entry


def get_submission(call: Call) -> dict[str, Any]:
    """Give one's own submission."""
    submissions.expire(call.state.store)
    return submissions.read(call.state.store, call.path["submission"], call.person)


def get_evaluation(call: Call) -> dict[str, Any]:
    """Tell the evaluator what it evaluates."""
    return _own_job(call)


def get_model(call: Call) -> Response:
    """Give the evaluator the submitted bytes."""
    job = _own_job(call)
    return Response(submissions.model_file(_folder(call.state), job["submission"]).read_bytes())


def put_result(call: Call) -> dict[str, Any]:
    """Take the aggregate scores, or the failure, of an evaluation."""
    job, body = _own_job(call), call.json()
    state, code = body.get("state"), body.get("code")
    if state not in ("scored", "valid", "failed") or (state == "failed" and code not in FAILURES):
        raise InvalidInput("The result needs a state (scored, valid, failed) and, when failed, a known code.")
    scores = body.get("scores") if state == "scored" else None
    if state == "scored" and not isinstance(scores, dict):
        raise InvalidInput("A scored result needs its scores.")
    outcome = Outcome(state, code, scores, str(body.get("message") or "")[:500])
    baselines = tuple(body.get("baselines", {}).items()) if state == "scored" else ()
    return submissions.finish(call.state.store, job["submission"], outcome, baselines=baselines)


def kernel_reads(call: Call) -> dict[str, Any]:
    """Tell the owner of the home which dataset versions a kernel read, from the audit log, and the log's head."""
    store, kernel = call.state.store, call.path["kernel"]
    started = store.read().execute("SELECT started FROM kernels WHERE id = ?", (kernel,)).fetchone()
    if started is None:
        raise NotFound("There is no such kernel.")
    call.state.reads.flush()
    rows = store.read().execute(
        "SELECT DISTINCT resource, json_extract(details, '$.version') AS version FROM audit "
        "WHERE action = 'dataset.read' AND outcome = 'allowed' AND json_extract(details, '$.token') = ?", (kernel,),
    ).fetchall()  # fmt: skip
    head = store.sealer.read_head()
    signed = None if head is None else {"seq": head.seq, "hash": head.hash}
    reads = {row["resource"]: row["version"] for row in rows}
    try:
        checkpoint = checkpoint_now(store)
    except IntegrityError:
        # Nothing is signed for a log that was tampered with, and the report says so by having none.
        checkpoint = None
    return {"reads": reads, "head": signed, "checkpoint": checkpoint}


def recover(state: State) -> None:
    """Fail what was under way when this home's gateway stopped."""
    submissions.abandon(state.store)


def _own_job(call: Call) -> dict[str, Any]:
    """Give the running submission that this evaluator's token is bound to."""
    submission = call.path["submission"]
    if call.token.submission != submission:
        raise NotFound("This evaluator was not started for that submission.")
    guard.require(call, "task.evaluate", call.token.task or "")
    job = submissions.read(call.state.store, submission)
    if job["state"] != "running":
        raise Conflict(f"Submission {submission} is not running.")
    return job


def _evaluate(state: State, submission: str) -> None:
    """Run one evaluation in its own process and see to it that the submission ends."""
    with _one_at_a_time:
        try:
            job = submissions.start(state.store, submission)
            _run_evaluator(state, job)
        except (WorkbenchError, OSError) as problem:
            log.error("evaluation of %s: %s", submission, problem)
        if submissions.read(state.store, submission)["state"] in ("queued", "running"):
            submissions.finish(state.store, submission, Outcome("failed", "INTERNAL_ERROR"))


def _run_evaluator(state: State, job: dict[str, Any]) -> None:
    submission = job["submission"]
    seconds = task_definition(job["task"]).limits.seconds + submissions.PREPARING_FOR.total_seconds()
    token = Token(
        job["person"], "evaluator", submission, "bubblewrap", time.time() + seconds,
        task=job["task"], submission=submission,
    )  # fmt: skip
    secrets = {SOCKET_VARIABLE: str(state.settings.socket), TOKEN_VARIABLE: state.tokens.make(token)}
    with (state.settings.run / "evaluator.log").open("ab") as output:
        # It ends by itself when its standard input closes, so it never outlives the gateway.
        process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-m", "workbench.benchmark.evaluation.evaluator", submission],
            stdin=subprocess.PIPE, stdout=output, stderr=output, cwd="/", env=sandbox_environment(secrets),
        )  # fmt: skip
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            submissions.finish(state.store, submission, Outcome("failed", "TIMEOUT"))
        finally:
            process.kill()
            process.wait()


def _folder(state: State) -> Any:
    return state.settings.home / "submissions"


def _described(state: State, name: str) -> dict[str, Any]:
    task = task_definition(name)
    board = submissions.leaderboard(state.store, name)
    meaning = definition(task.metric)
    return {
        "task": task.id, "title": task.title, "question": task.question, "kind": task.kind, "metric": task.metric,
        "metric_name": meaning.name, "definition": meaning.text, "synthetic": task.synthetic,
        "label": task.label.says, "version": board["version"], "entries": len(board["entries"]),
        "splits": {split: place.model_dump() for split, place in task.splits.items()},
        "notebook": f"{NOTEBOOK_FOLDER}/{task.id}.ipynb",
    }  # fmt: skip


ROUTES = (
    Route("GET", "/v1/tasks", list_tasks, PEOPLE, "tasks.list"),
    Route("GET", "/v1/tasks/{task}", get_task, PEOPLE, "tasks.list"),
    Route("GET", "/v1/tasks/{task}/leaderboard", get_leaderboard, PEOPLE, "tasks.list"),
    Route("POST", "/v1/tasks/{task}/submissions", submit, PEOPLE, "task.submit", max_body=MAX_MODEL_BYTES),
    Route("GET", "/v1/submissions/{submission}", get_submission, PEOPLE, "submission.read"),
    Route("GET", "/v1/kernels/{kernel}/reads", kernel_reads, ("operator",), "kernel.reads"),
    Route("GET", "/v1/evaluations/{submission}", get_evaluation, EVALUATOR, "task.evaluate"),
    Route("GET", "/v1/evaluations/{submission}/model", get_model, EVALUATOR, "task.evaluate"),
    Route("POST", "/v1/evaluations/{submission}/result", put_result, EVALUATOR, "task.evaluate"),
)
