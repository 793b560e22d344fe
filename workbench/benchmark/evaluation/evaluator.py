"""Evaluates one submission: a process of its own, started by the gateway, that ends with the gateway.

It holds the lease of its submission and says every few seconds that it lives. It knows the truth, and never runs what
was submitted: that happens in a sandbox without network and labels (`sealed`), from which only predictions come back.
`python -m workbench.benchmark.evaluation.evaluator SUBMISSION`, with the evaluator's token in the environment.

An evaluator that is started again goes on where the one before it was: the predictions that it had are stored.

Runs in: evaluator
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from workbench.benchmark.evaluation.job import Job, log
from workbench.connection import connect_from_environment
from workbench.errors import Conflict, SubmissionRefused, WorkbenchError

if TYPE_CHECKING:
    from workbench.benchmark.evaluation.hidden_test import HiddenTest
    from workbench.benchmark.evaluation.predictions import Predictions
    from workbench.benchmark.evaluation.running import Budget

# Answers are stored this often, so that little is lost with an evaluator.
STORE_EVERY_S = 30.0
# Baselines may take this share of the time that is left.
SHARE_FOR_BASELINES = 0.5


def evaluate(job: Job) -> dict[str, Any]:
    """Evaluate a submission and give the result that goes back to the gateway.

    Raises
    ------
    SubmissionRefused
        With the code of its failure.
    """
    if job.intent == "validation":
        return _rehearsed(job)
    from workbench.benchmark.evaluation.hidden_test import every_item, read_hidden, use_versions  # noqa: PLC0415 - pandas
    from workbench.benchmark.evaluation.measuring import measure  # noqa: PLC0415 - the same

    use_versions(job.facts["data"])
    hidden = read_hidden(job.task, job.split)
    began = time.monotonic()
    cost = None
    predictions = job.stored(every_item(job.task))
    if job.kind != "predictions" and job.intent != "rescore":
        predictions, budget = _run(job, hidden, predictions)
        cost = budget.as_dict()
    elif predictions is None:
        predictions = job.parsed(job.payload(), every_item(job.task))
    if job.intent != "rescore":
        job.store(predictions)
    result = {"state": "scored", **measure(hidden, predictions).as_dict()}
    # The house's baselines come after, so that they are no cost of whoever is the first to be measured.
    own = {"cpu_seconds": round(time.process_time(), 3), "wall_seconds": round(time.monotonic() - began, 3)}
    if job.intent != "rescore":
        result["baselines"] = _baselines(job, hidden)
    return {**result, "cost": cost or own}


def _rehearsed(job: Job) -> dict[str, Any]:
    """Run on made-up items: nothing hidden is read, so the sentence may say where the mistake is."""
    from workbench.benchmark.evaluation.rehearsal import rehearsal_parts  # noqa: PLC0415 - numpy, loaded when needed
    from workbench.benchmark.evaluation.running import Budget, runner_of  # noqa: PLC0415 - the same

    budget = Budget(job.task.limits)
    run = runner_of(job.task, job.kind, job.payload(), budget, log)
    for part in rehearsal_parts(job.task, job.kind):
        found = run(part)
        if job.task.missing == "reject":
            found.require_complete()
    return {"state": "valid", "cost": budget.as_dict()}


def _run(job: Job, hidden: HiddenTest, known: Predictions | None) -> tuple[Predictions, Budget]:
    """Have the scans answered that have no answer yet, part by part, and store the answers on the way."""
    from workbench.benchmark.evaluation.answering import answers  # noqa: PLC0415 - numpy, loaded when needed
    from workbench.benchmark.evaluation.predictions import Predictions  # noqa: PLC0415 - the same
    from workbench.benchmark.evaluation.running import Budget, without_details  # noqa: PLC0415 - the same

    budget = Budget(job.task.limits)
    done = Predictions(job.task.kind, hidden.items, (), {}) if known is None else known.restrict(hidden.items)
    left = sorted(set(hidden.items) - set(done.answered))
    stored_at = time.monotonic()
    try:
        for found in answers(job, hidden, left, budget):
            done = done.joined(found)
            if time.monotonic() - stored_at > STORE_EVERY_S:
                job.store(done)
                stored_at = time.monotonic()
        if job.task.missing == "reject":
            done.require_complete()
    except SubmissionRefused as refusal:
        raise without_details(refusal) from None
    return done, budget


def _baselines(job: Job, hidden: HiddenTest) -> dict[str, Any]:
    lacking = {baseline.name for baseline in job.task.baselines} - set(job.facts["baselines"])
    if not lacking:
        return {}
    from workbench.benchmark.evaluation.baselines import measure_baselines  # noqa: PLC0415 - once for a task version

    ends = time.monotonic() + SHARE_FOR_BASELINES * job.seconds_left()
    found = measure_baselines(hidden, job.facts["baselines"], ends=ends, log=log)
    return {name: one.as_dict() for name, one in found.items()}


def _end_with_parent() -> None:
    """End when the gateway that started this process is gone: its end of standard input closes then."""

    def wait() -> None:
        # Unbuffered: a reader that holds a lock of Python's would stop this process from ending by itself.
        while os.read(0, 1024):
            continue
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _say_that_it_lives(submission: str, every_s: float) -> None:
    """Send heartbeats on a line of their own, and end when the lease is lost."""

    def beat() -> None:
        line = connect_from_environment()
        while True:
            time.sleep(every_s)
            try:
                line.post(f"/v1/evaluations/{submission}/heartbeat")
            except WorkbenchError as problem:
                if not isinstance(problem, Conflict):
                    continue  # the gateway is busy, or gone; then standard input has closed
                os._exit(1)

    threading.Thread(target=beat, daemon=True).start()


def main(submission: str) -> int:
    """Evaluate, report, and leave."""
    _end_with_parent()
    job = Job(connect_from_environment(), submission)
    _say_that_it_lives(submission, float(job.facts.get("heartbeat_s") or 5.0))
    try:
        result = evaluate(job)
    except SubmissionRefused as refusal:
        result = {"state": "failed", "code": refusal.code, "message": refusal.message}
    except Conflict:
        return 1  # the lease is lost, and with it the right to say anything
    except WorkbenchError as problem:
        # No fault of what was submitted: the gateway has it evaluated once more, and then gives up.
        log(f"{submission}: {problem.message}")
        return 1
    job.finish(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
