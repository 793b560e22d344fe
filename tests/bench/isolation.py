"""What the sandbox around a submission costs: a job that does nothing, inside and outside, and one given a scan."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from workbench.benchmark.evaluation.sealed import run_sealed
from workbench.benchmark.tasks.definition import task_definition
from workbench.governance.sandbox import bwrap_command, sandbox_environment

ROUNDS = 15
MIB = 2**20


def run() -> list[dict[str, Any]]:
    """Measure all in turn, so that whatever else runs disturbs them alike, and give the rows."""
    limits = task_definition("lung-nodule-detection").limits
    empty = ["/bin/true"]
    bare = [sys.executable, "-I", "-S", "-c", "pass"]
    given = {"/input/scan.npy": bytes(100 * MIB)}
    found = _medians(
        lambda: run_sealed(empty, {}, limits),
        lambda: _plain(bwrap_command(empty, devices=False)),
        lambda: _plain(bare),
        lambda: run_sealed(empty, given, limits),
    )
    sealed, wrapped, python, with_scan = (seconds * 1000 for seconds in found)
    return [
        _row("empty job, sealed and watched", sealed, "limit of the design", 100.0),
        _row("the same", sealed, "bubblewrap alone", wrapped),
        _row("the same", sealed, "python -c pass, unsealed", python),
        _row("empty job given a scan of 100 MiB", with_scan, "empty job", sealed),
    ]


def _medians(*jobs: Callable[[], object]) -> list[float]:
    times: list[list[float]] = [[] for _ in jobs]
    for _ in range(ROUNDS):
        for job, kept in zip(jobs, times, strict=True):
            began = time.perf_counter()
            job()
            kept.append(time.perf_counter() - began)
    return [median(kept) for kept in times]


def _plain(command: list[str]) -> None:
    subprocess.run(command, env=sandbox_environment(), cwd="/", check=True, stdin=subprocess.DEVNULL)


def _row(subject: str, value: float, peer: str, peer_value: float) -> dict[str, Any]:
    return {"bench": "isolation", "subject": subject, "value": value, "unit": "ms", "peer": peer,
            "peer_value": peer_value, "ratio": value / peer_value}  # fmt: skip
