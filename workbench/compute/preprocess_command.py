"""The verb `workbench preprocess`: every scan of a dataset resampled, windowed and with its lungs, in the workspace.

A terminal must not hold governed voxels, so the work is a job in a sandbox of its own; the verb follows it.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from workbench.compute.jobs import DONE, FAILED, LOOK_S, REFUSED, UNDER_WAY, Job, jobs, run_job
from workbench.compute.progress import Progress
from workbench.compute.recipe import LUNG_WINDOW, ORDERS, Recipe, check_name, check_workers, read_spacing
from workbench.connection import Connection, default_account, terminal
from workbench.errors import ERRORS, AccessDenied, RunFailed, WorkbenchError
from workbench.settings import load_settings

WORK = "workbench.compute.preprocessing:run"
WORKERS = 2
# How long a job that is cancelled may take to put its things in order.
ENDING_S = 30.0


def preprocess_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench preprocess`."""
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument(
        "--spacing", default="1", metavar="MM", help="voxel spacing, mm: one number, or three as Z,Y,X (default 1)"
    )
    parser.add_argument("--out", required=True, metavar="NAME", help="the folder of your workspace it goes into")
    parser.add_argument("--workers", type=int, default=WORKERS, metavar="N", help=f"1 to 64 (default {WORKERS})")
    parser.add_argument(
        "--window", type=float, nargs=2, default=LUNG_WINDOW, metavar=("LEVEL", "WIDTH"),
        help="HU, becomes 0 to 1 (default -600 1500, lungs)",
    )  # fmt: skip
    parser.add_argument("--order", default="linear", metavar="|".join(ORDERS), help="how it is resampled")
    parser.add_argument("--purpose", default="", help="what for, where the dataset's policy asks for it")
    parser.add_argument("--resume", action="store_true", help="go on where an earlier run stopped; always so")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def preprocess(args: argparse.Namespace) -> None:
    """Prepare every scan of a dataset; running it again goes on."""
    level, width = args.window
    recipe = Recipe(read_spacing(args.spacing), (level, width), args.order)
    wanted = {
        "dataset": args.dataset, "recipe": recipe.as_dict(),
        "out": check_name(args.out), "workers": check_workers(args.workers),
    }  # fmt: skip
    settings = load_settings()
    with terminal(args.account or default_account(settings), settings) as line:
        _require_access(line, args.dataset, args.purpose)
        job = _under_way(line, wanted)
        if job is None:
            job = run_job(
                f"preprocess {args.out}", WORK, wanted, hours=settings.kernel_hours, purpose=args.purpose, line=line
            )
        try:
            facts = _followed(job)
        except KeyboardInterrupt:
            _stop(job)
            raise
    if facts["state"] != DONE:
        raise problem_of(facts)
    done = facts["result"]
    sys.stdout.write(f"{json.dumps(done, ensure_ascii=False) if args.json else _told(done)}\n")


def problem_of(facts: dict[str, Any]) -> WorkbenchError:
    """Give the error of a job that did not end well, as the class it had inside."""
    kind = ERRORS.get(str(facts.get("error") or ""), AccessDenied if facts["state"] == REFUSED else RunFailed)
    message = str(facts.get("message") or "").strip() or f"The job ended as {facts['state']} without a word."
    if facts["state"] != FAILED and kind is RunFailed:
        message += " What is prepared stays: run the same command, it goes on from there."
    return kind("".join(c if c.isprintable() or c == "\n" else " " for c in message), code=facts.get("code"))


def _require_access(line: Connection, dataset: str, purpose: str) -> None:
    """Refuse at once what a job would be refused after its start."""
    query = f"?purpose={quote(purpose, safe='')}" if purpose else ""
    row = line.get(f"/v1/datasets/{quote(dataset, safe='')}{query}")
    if not row["allowed"]:
        raise AccessDenied(f"“{dataset}” may not be read: {row['reason']}", code="no-access")


def _under_way(line: Connection, wanted: dict[str, Any]) -> Job | None:
    """Give the job that does just this already, such as one whose terminal was closed."""
    same = [job for job in jobs(line=line) if job.look()["state"] in UNDER_WAY and job.look()["arguments"] == wanted]
    return same[0] if same else None


def _followed(job: Job) -> dict[str, Any]:
    """Show how far it is until it ends; gives its last state."""
    facts = job.look()
    while facts["state"] in UNDER_WAY and not (facts.get("progress") or {}).get("total"):
        time.sleep(LOOK_S)
        facts = job.look()
    first = facts.get("progress") or {}
    if not first.get("total"):
        return facts
    with Progress(str(first.get("text") or "scans"), int(first["total"]), shows_time=True) as bar:
        bar.skip(int(first["done"]))
        while True:
            bar.step(int((facts.get("progress") or first)["done"]) - bar.done)
            if facts["state"] not in UNDER_WAY:
                return facts
            time.sleep(LOOK_S)
            facts = job.look()


def _stop(job: Job) -> None:
    """End the job with the verb; a second interruption leaves it to end by itself."""
    with suppress(KeyboardInterrupt):
        job.cancel().wait(ENDING_S)
    sys.stderr.write("What is prepared stays; the same command goes on from there.\n")


def _told(done: dict[str, Any]) -> str:
    made, kept, remade = done["made"], done["kept"], done["remade"]
    parts = [f"{made} made now"] * bool(made) + [f"{kept} there before, checked"] * bool(kept)
    parts += [f"{', '.join(remade)} damaged and made anew"] * bool(remade)
    return (
        f"{done['scans']} scans of {done['dataset']} (version {done['version'][:12]}) are prepared in "
        f"“{done['out']}” of the workspace: {'; '.join(parts) or 'it has none'}."
    )
