"""The verb `workbench train`: a task's network learnt on several ranks, with checkpoint, in the account's workspace.

A terminal must not hold governed voxels, so the work is a job in a sandbox of its own; the verb follows it.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.compute.jobs import DONE, LOOK_S, UNDER_WAY, Job, jobs, run_job
from workbench.compute.preprocess_command import problem_of
from workbench.compute.progress import Progress
from workbench.compute.recipe import check_name, check_workers
from workbench.compute.train_config import read_config
from workbench.connection import Connection, default_account, terminal
from workbench.errors import AccessDenied, RunFailed, WorkbenchError
from workbench.settings import load_settings

# Named, not imported: it stands on a higher floor, and runs inside the sandbox alone.
WORK = "workbench.benchmark.train_job:run"
WORKERS = 2
# How long a job that is cancelled may take to put its things in order.
ENDING_S = 30.0


def train_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench train`."""
    parser.add_argument("task", help="the task's id, such as lung-nodule-detection")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="YAML or JSON; see the manual")
    parser.add_argument(
        "--workers",
        type=int,
        default=WORKERS,
        metavar="N",
        help=f"ranks, 1 to 64 (default {WORKERS})",
    )
    parser.add_argument("--out", metavar="NAME", help="folder of your workspace; train-TASK if left out")
    parser.add_argument("--resume", action="store_true", help="go on from the folder's checkpoint, if it has one")
    parser.add_argument("--purpose", default="", help="what for, where the dataset's policy asks for it")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def train(args: argparse.Namespace) -> None:
    """Train for a task; with --resume a stopped run goes on to the same weights."""
    config = read_config(args.config)
    wanted = {
        "task": args.task, "config": config.as_dict(), "workers": check_workers(args.workers),
        "out": check_name(args.out or f"train-{args.task}"), "resume": bool(args.resume),
    }  # fmt: skip
    settings = load_settings()
    with terminal(args.account or default_account(settings), settings) as line:
        _require_access(line, args.task, args.purpose)
        job = _under_way(line, wanted)
        if job is None:
            job = run_job(
                f"train {args.task}"[:100], WORK, wanted,
                hours=settings.kernel_hours, purpose=args.purpose, line=line,
            )  # fmt: skip
        try:
            facts = _followed(job)
        except KeyboardInterrupt:
            _stop(job)
            raise
    if facts["state"] != DONE:
        raise _problem(facts)
    done = facts["result"]
    sys.stdout.write(f"{json.dumps(done, ensure_ascii=False) if args.json else _told(done)}\n")


def _problem(facts: dict[str, Any]) -> WorkbenchError:
    """Give the error of a job that did not end well; of one that was killed, what to do next."""
    if facts.get("error"):
        return problem_of(facts)
    message = str(facts.get("message") or "").strip() or f"The job ended as {facts['state']} without a word."
    return RunFailed(f"{message} Run the same command with --resume: it goes on from the last checkpoint.")


def _require_access(line: Connection, task: str, purpose: str) -> None:
    """Refuse at once what a job would be refused after its start: an unknown task, data that may not be read."""
    splits = _splits(line, task)
    query = f"?purpose={quote(purpose, safe='')}" if purpose else ""
    for dataset in sorted({splits[name]["dataset"] for name in ("train", "validation") if name in splits}):
        row = line.get(f"/v1/datasets/{quote(dataset, safe='')}{query}")
        if not row["allowed"]:
            raise AccessDenied(f"“{dataset}” may not be read: {row['reason']}", code="no-access")


def _splits(line: Connection, task: str) -> dict[str, Any]:
    """Give which dataset each split of a task is of."""
    found: dict[str, Any] = line.get(f"/v1/tasks/{quote(task, safe='')}")["content"]["splits"]
    return found


def _under_way(line: Connection, wanted: dict[str, Any]) -> Job | None:
    """Give the job that does just this already, such as one whose terminal was closed."""

    def is_same(arguments: dict[str, Any]) -> bool:
        return {**arguments, "resume": True} == {**wanted, "resume": True}

    for job in jobs(line=line):
        facts = job.look()
        if facts["state"] in UNDER_WAY and facts["work"] == WORK and is_same(facts["arguments"]):
            return job
    return None


def _followed(job: Job) -> dict[str, Any]:
    """Show how far it is until it ends; gives its last state."""
    with Progress("steps", 0, shows_time=True) as bar:
        while True:
            facts = job.look()
            last = facts.get("progress") or {}
            bar.total = max(int(last.get("total", 0)), bar.total)
            bar.step(int(last.get("done", 0)) - bar.done)
            if facts["state"] not in UNDER_WAY:
                return facts
            time.sleep(LOOK_S)


def _stop(job: Job) -> None:
    """End the job with the verb; a second interruption leaves it to end by itself."""
    with suppress(KeyboardInterrupt):
        job.cancel().wait(ENDING_S)
    sys.stderr.write("The last checkpoint stays; the same command with --resume goes on from there.\n")


def _told(done: dict[str, Any]) -> str:
    low, high = done["interval"]
    return (
        f"{done['task']}: {done['epochs']} epochs on {done['ranks']} ranks, loss {done['loss']:.4f}, "
        f"{done['metric']} on validation {done['score']:.4f} [{low:.4f}, {high:.4f}]\n"
        f"“{done['out']}” of the workspace holds {', '.join(done['files'])}."
    )
