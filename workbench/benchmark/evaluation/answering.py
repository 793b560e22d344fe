"""Has the items of a hidden split answered part by part: here, or on a cluster when there are several parts.

A part is the same scans however many workers there are, so the answers are the same too. Each worker reads the scans of
its part itself, with the evaluator's token, and runs the submission in a sandbox of its own.

Runs in: evaluator
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from workbench.benchmark.evaluation.failures import failed
from workbench.benchmark.evaluation.hidden_test import HiddenTest, read_hidden, use_versions
from workbench.benchmark.evaluation.job import Job, log
from workbench.benchmark.evaluation.parts import Group, groups_of_items, hidden_parts, read_part
from workbench.benchmark.evaluation.predictions import Predictions
from workbench.benchmark.evaluation.running import Budget, Used, runner_of
from workbench.connection import WORKERS_VARIABLE, connect_from_environment
from workbench.errors import SubmissionRefused

HOURS = 24.0


@dataclass(frozen=True)
class Answer:
    """What a worker found: predictions, or the code and sentence of a refusal; and what it used."""

    predictions: Predictions | None
    code: str
    message: str
    used: Used


def answers(job: Job, hidden: HiddenTest, items: Sequence[str], budget: Budget) -> Iterator[Predictions]:
    """Give the answers of some items, part by part, as they come.

    Parameters
    ----------
    job : Job
    hidden : HiddenTest
    items : sequence of str
        Those that are still without an answer.
    budget : Budget
        What all parts together may use.

    Raises
    ------
    SubmissionRefused
        With the code of its failure; a model or folder that the gate refuses is refused before anything runs.
    """
    run = runner_of(job.task, job.kind, job.payload(), budget, log)
    groups = groups_of_items(hidden, items)
    workers = min(int(os.environ.get(WORKERS_VARIABLE) or 1), len(groups))
    if workers > 1:
        yield from _on_cluster(job, groups, budget, workers)
        return
    for part in hidden_parts(hidden, items, as_patches=job.sees_patches):
        yield run(part)


def _on_cluster(job: Job, groups: Sequence[Group], budget: Budget, workers: int) -> Iterator[Predictions]:
    from workbench.compute.cluster import private_cluster  # noqa: PLC0415 - heavy, for many scans alone

    with private_cluster(workers, hours=HOURS) as cluster:
        for _, answer in cluster.each(partial(answer_part, job.submission), groups):
            budget.add(answer.used)
            if answer.predictions is None:
                raise failed(answer.code, answer.message)
            yield answer.predictions


def answer_part(submission: str, group: Group) -> Answer:
    """Answer one part, in a worker of the cluster.

    A part may use what the whole submission may; the sum is held by the evaluator.
    """
    job, hidden, payload = _held(submission)
    budget = Budget(job.task.limits)
    try:
        run = runner_of(job.task, job.kind, payload, budget, log)
        found = run(read_part(hidden, group, as_patches=job.sees_patches))
    except SubmissionRefused as refusal:
        return Answer(None, refusal.code, refusal.message, budget.used)
    return Answer(found, "", "", budget.used)


@lru_cache(maxsize=1)
def _held(submission: str) -> tuple[Job, HiddenTest, bytes]:
    """Give what all parts of a submission have in common; a worker asks for it once."""
    job = Job(connect_from_environment(), submission)
    use_versions(job.facts["data"])
    return job, read_hidden(job.task, job.split), job.payload()
