"""The process of one job: runs a report, or runs a crate again, and writes down how far it is and what became of it.

`python -m workbench.jupyter.report_worker FOLDER`, started by the lab server; it ends when its standard input does.

Runs in: Jupyter server
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.benchmark.reports.progress import CACHED, DONE, FAILED, CellProgress
from workbench.errors import InvalidInput, NotFound, RunFailed, WorkbenchError
from workbench.jupyter.report_notebooks import cells_to_run
from workbench.jupyter.report_runs import CANCELLED_WORD, LOCK, REQUEST, RUNNING, STATE, STOPPED, write_json
from workbench.jupyter.workspace_files import read_workspace
from workbench.jupyter.workspace_writing import lay_files
from workbench.settings import Settings, load_settings

OUT = "out"
# Where the runs that were started here lie in a workspace, a folder for each notebook.
REPORTS = "reports"
MOST_BYTES = 100_000_000
ENDINGS = (".ipynb", ".html", ".crate.zip")


class _Cancelled(KeyboardInterrupt):
    """Somebody ended the job; raised where it is, so that the kernel is shut down on the way out."""


class Job:
    """One job: its folder, its request, and its state so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.request: dict[str, Any] = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
        self.state: dict[str, Any] = {"state": RUNNING, "phase": "starting", "started": _now(), "cells": []}
        self.settings: Settings = load_settings()

    @property
    def account(self) -> str:
        """For whom it runs."""
        return str(self.request["account"])

    def say(self, **news: Any) -> None:
        """Add to the state and write it down."""
        self.state |= news
        write_json(self.folder / STATE, self.state)

    def plan(self, cells: list[Any]) -> None:
        """Say which cells will run."""
        self.say(cells=[{**cell, "state": "waiting", "seconds": 0.0} for cell in cells_to_run(cells)])

    def on_cell(self, step: CellProgress) -> None:
        """Note one step of the run."""
        for cell in self.state["cells"]:
            if cell["number"] == step.cell:
                cell |= {"state": step.state, "seconds": step.seconds}
                cell["since"] = None if step.state in (DONE, CACHED, FAILED) else _now()
        self.say(phase=step.state if step.cell == 0 else RUNNING)

    def end(self, state: str, message: str = "", **news: Any) -> None:
        """Say how it ended."""
        self.say(state=state, message=message, ended=_now(), **news)


def main(folder: Path) -> None:
    """Do the job in a folder."""
    with (folder / LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        job = Job(folder)
        signal.signal(signal.SIGTERM, _cancel)
        threading.Thread(target=_end_with_the_server, daemon=True).start()
        try:
            job.say()
            WORK[job.request["kind"]](job)
        except _Cancelled:
            was_asked = (folder / "cancelled").exists()
            job.end("cancelled" if was_asked else FAILED, CANCELLED_WORD if was_asked else STOPPED)
        except RunFailed as problem:
            job.end(FAILED, problem.message, failed_cell=problem.cell, **_kept(job))
        except WorkbenchError as problem:
            job.end(FAILED, problem.message)


def run(job: Job) -> None:
    """Run a notebook into a report and a crate, and lay both into the workspace."""
    from workbench.benchmark.reports.notebook_run import load_notebook, run_notebook  # noqa: PLC0415 - papermill, on first use
    from workbench.benchmark.reports.stages import RENEW, RESUME  # noqa: PLC0415 - the same

    notebook = job.folder / str(job.request["file"])
    job.plan(load_notebook(notebook).cells)
    out = job.folder / OUT / f"{notebook.stem}.{job.request['run']}.ipynb"
    done = run_notebook(
        notebook, out, job.request["parameters"], job.account, settings=job.settings, on_cell=job.on_cell,
        stages=RENEW if job.request.get("is_fresh") else RESUME,
    )  # fmt: skip
    job.end(DONE, results=[result.as_dict() for result in done.results], data=done.about["data"], **_kept(job))


def reproduce(job: Job) -> None:
    """Run a crate again; its verdict is added to the crate in the workspace."""
    from workbench.benchmark.reports.crate import read_crate  # noqa: PLC0415 - the same
    from workbench.benchmark.reports.notebook_run import read_notebook  # noqa: PLC0415 - papermill, on first use
    from workbench.benchmark.reports.reproduce import reproduce as run_again  # noqa: PLC0415 - the same

    crate = job.folder / str(job.request["file"])
    before = crate.read_bytes()
    job.plan(read_notebook(read_crate(crate).source, "notebook.ipynb").cells)
    found = run_again(
        crate, job.account, settings=job.settings, any_environment=bool(job.request.get("any_environment")),
        on_cell=job.on_cell,
    )  # fmt: skip
    is_added = found.number is not None and _put_back(job, crate, before)
    job.end(DONE, verdict=found.as_dict(), number=found.number, is_added=is_added)


def _put_back(job: Job, crate: Path, before: bytes) -> bool:
    """Lay a crate back where it came from, unless what is there is not what was run again."""
    place = str(job.request["crate"])
    try:
        now = read_workspace(job.settings, job.account, place, MOST_BYTES)[1]
    except (NotFound, InvalidInput):
        return False
    if now == before:
        lay_files(job.settings, job.account, str(Path(place).parent), {crate.name: crate.read_bytes()})
    return now == before


WORK: Mapping[str, Callable[[Job], None]] = {"run": run, "reproduce": reproduce}


def _kept(job: Job) -> dict[str, Any]:
    """Lay what a run wrote into the workspace, where it is the person's own; give the paths by their endings."""
    made = {ending: next(job.folder.glob(f"{OUT}/*{ending}"), None) for ending in ENDINGS}
    files = {file.name: file.read_bytes() for file in made.values() if file is not None}
    stem = Path(str(job.request["file"])).stem
    paths = lay_files(job.settings, job.account, f"{REPORTS}/{stem}", files)
    names = ("notebook", "report", "crate")
    found = zip(names, made.values(), strict=True)
    return {"files": {name: paths[file.name] for name, file in found if file is not None}}


def _cancel(_number: int, _frame: object) -> None:
    # A second one must not interrupt the shutting down of the kernel.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Cancelled


def _end_with_the_server() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _now() -> str:
    return datetime.now(UTC).isoformat()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
