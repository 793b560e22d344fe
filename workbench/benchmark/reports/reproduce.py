"""Runs a crate again, under the account of whoever asks, and gives a verdict with its cause.

What is repeated reads the dataset versions that the crate names, runs every cell in an empty folder (nothing is taken
from earlier runs or from a workspace), and is added to the crate as a further action, whatever came of it.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from workbench.benchmark.reports.comparing import IDENTICAL, NOT_RUN, compare_results, first_diverging_cell, verdict
from workbench.benchmark.reports.crate import REPORT, Crate, parse_crate, read_contents
from workbench.benchmark.reports.environment import drift, environment_lock
from workbench.benchmark.reports.notebook_run import Run, load_notebook, read_notebook, run_notebook, with_environment
from workbench.benchmark.reports.obstacles import (
    DATA_CHANGED,
    Obstacle,
    data_obstacle,
    environment_obstacle,
    in_short,
)
from workbench.benchmark.reports.progress import OnCell
from workbench.benchmark.reports.report import report_again
from workbench.benchmark.reports.reruns import Rerun, add_rerun, reruns_in
from workbench.benchmark.reports.stopping import ERROR_MARK, cause_of
from workbench.connection import FOLDER_VARIABLE, VERSIONS_VARIABLE, default_account, terminal
from workbench.errors import Conflict, InvalidInput, RunFailed, WorkbenchError
from workbench.governance.packages.environments import package_lock
from workbench.settings import Settings, load_settings

ENDING = ".crate.zip"
MAX_NAME_BYTES = 200
EXIT_CODES = {"IDENTICAL": 0, "WITHIN_TOLERANCE": 0, "DIFFERENT": 1, "NOT_RUN": 2}


@dataclass(frozen=True)
class Verdict:
    """What a re-run found: the verdict, for NOT_RUN its cause, and the results side by side.

    Parameters
    ----------
    verdict, cause, message : str
        The cause is None when it ran.
    results : list of dict
        As `compare_results` gives them.
    first_diverging_cell : int or None
        The first cell whose source or outputs differ, or that stopped; from 1, as in the notebook.
    notes : list of str
        What to know besides, such as another environment.
    number : int or None
        Which re-run of the crate it is; None when it was not added, and then `notes` say why.
    """

    verdict: str
    cause: str | None = None
    message: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    first_diverging_cell: int | None = None
    notes: list[str] = field(default_factory=list)
    number: int | None = None
    account: str = ""
    started: str = ""
    ended: str = ""

    @property
    def exit_code(self) -> int:
        """0 when the results stand, 1 when they differ, 2 when there was no run."""
        return EXIT_CODES[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {
            "verdict": self.verdict, "cause": self.cause, "message": self.message, "results": self.results,
            "first_diverging_cell": self.first_diverging_cell, "notes": self.notes, "number": self.number,
            "account": self.account, "started": self.started, "ended": self.ended,
        }  # fmt: skip


@dataclass
class _Again:
    """The second run, as far as it came."""

    verdict: Verdict
    run: Run | None = None
    notebook: str | None = None
    report: bytes | None = None


def reproduce(
    path: Path, account: str | None = None, *, settings: Settings | None = None, timeout_s: int | None = None,
    any_environment: bool = False, on_cell: OnCell | None = None, is_added: bool = True,
) -> Verdict:  # fmt: skip
    """Run a crate again and compare.

    Parameters
    ----------
    path : Path
        A ``.crate.zip`` that `workbench run` wrote, here or elsewhere.
    account : str, optional
        Who runs it; the home's researcher when left out.
    settings : Settings, optional
        The home; that of the environment when left out.
    timeout_s : int, optional
        Longest time for one cell, seconds.
    any_environment : bool
        Run it although packages, or the code of the workbench, changed since.
    on_cell : callable, optional
        Told of each step, as by `run_notebook`.
    is_added : bool, default True
        Whether the re-run is added to the crate.

    Raises
    ------
    InvalidInput
        When the file is not a crate of a run, was changed, or is built to do harm; or the time is not a time.
    """
    if timeout_s is not None and timeout_s < 1:
        raise InvalidInput(f"The longest time for one cell is 1 s or more; got {timeout_s}.")
    settings = settings or load_settings()
    contents = read_contents(path)
    crate = parse_crate(contents, path.name)
    reruns_in(contents, path.name)
    read_notebook(crate.source, "notebook.ipynb")
    read_notebook(crate.run, "run.ipynb")
    account = account or default_account(settings, "reviewer")
    started = _now()
    here = environment_lock(package_lock(settings, account))
    changes = drift(crate.about["environment"], here)
    again = _again(crate, account, settings, [] if any_environment else changes, timeout_s=timeout_s, on_cell=on_cell)
    notes = [f"Run in another environment: {in_short(changes)}."] if changes and any_environment else []
    found = replace(again.verdict, account=account, started=started, ended=_now(), notes=notes)
    again.verdict = found
    if not is_added:
        return found
    found = _added(path, again, here, changes)
    if found.number is not None:
        _renew_report(path, contents.get(REPORT))
    return found


def _again(
    crate: Crate, account: str, settings: Settings, changes: list[str],
    *, timeout_s: int | None, on_cell: OnCell | None,
) -> _Again:  # fmt: skip
    """Run the notebook of a crate, unless something stands in the way."""
    try:
        obstacle = environment_obstacle(changes) or _data_obstacle(crate, account, settings)
    except WorkbenchError as problem:
        return _Again(Verdict(NOT_RUN, f"ERROR({problem.code})", problem.message))
    if obstacle is not None:
        return _Again(_not_run(obstacle))
    with tempfile.TemporaryDirectory(prefix="reproduce-") as folder:
        notebook = Path(folder, _file_name(crate.about["notebook"]))
        notebook.write_text(crate.source, encoding="utf-8")
        out = Path(folder, "again", "run.ipynb")
        try:
            with _apart(crate.about["data"], Path(folder, "workspace")):
                run = run_notebook(
                    notebook, out, crate.about["parameters"], account, settings=settings, timeout_s=timeout_s,
                    on_cell=on_cell,
                )  # fmt: skip
        except RunFailed as failure:
            stopped = Verdict(NOT_RUN, cause_of(failure), failure.message, first_diverging_cell=failure.cell)
            return _Again(stopped, notebook=_kept(out))
        except InvalidInput:
            raise
        except WorkbenchError as problem:
            return _Again(Verdict(NOT_RUN, f"ERROR({problem.code})", problem.message))
        return _Again(_compared(crate, run), run, out.read_text(encoding="utf-8"), run.report.read_bytes())


def _file_name(told: str) -> str:
    """Give the name under which a crate's notebook may lie in a folder of ours."""
    name = Path(told).stem if told.isprintable() else ""
    return f"{name}.ipynb" if 0 < len(name.encode()) <= MAX_NAME_BYTES else "notebook.ipynb"


def _kept(out: Path) -> str | None:
    """Give the notebook as far as it ran, less the cells in which papermill tells of the stop."""
    if not out.is_file():
        return None
    kept = load_notebook(out)
    kept.cells = [cell for cell in kept.cells if ERROR_MARK not in cell.metadata.get("tags", [])]
    return str(nbformat.writes(kept))


def _compared(crate: Crate, run: Run) -> Verdict:
    first = read_notebook(crate.run, "run.ipynb")
    second = read_notebook(run.notebook.read_text(encoding="utf-8"), "run.ipynb")
    for name, version in sorted(crate.about["data"].items()):
        read = run.about["data"].get(name, version)
        if read != version:
            text = f"The notebook read version {read[:12]} of “{name}” by itself; the run had read {version[:12]}."
            return _not_run(Obstacle(DATA_CHANGED, text))
    results = compare_results(crate.results, run.results)
    diverging = first_diverging_cell(first.cells, second.cells)
    return Verdict(verdict(results, diverging), None, "", results, diverging)


def _data_obstacle(crate: Crate, account: str, settings: Settings) -> Obstacle | None:
    if not crate.about["data"]:
        return None
    with terminal(account, settings) as line:
        return data_obstacle(line, account, crate.about)


def _not_run(obstacle: Obstacle) -> Verdict:
    return Verdict(NOT_RUN, obstacle.cause, obstacle.message)


@contextmanager
def _apart(versions: Mapping[str, str], workspace: Path) -> Iterator[None]:
    """Have kernels that start in this block read these versions, and work in this folder instead of a workspace.

    The notebook may be anybody's: it neither finds nor overwrites what the account keeps.
    """
    workspace.mkdir(mode=0o700)
    wanted = {
        VERSIONS_VARIABLE: json.dumps(dict(versions), sort_keys=True), FOLDER_VARIABLE: str(workspace),
    }  # fmt: skip
    with with_environment(wanted):
        yield


def _added(path: Path, again: _Again, lock: list[str], changes: list[str]) -> Verdict:
    """Add the re-run to the crate; a crate that cannot be written keeps its verdicts, and this one is given anyway."""
    found, about = again.verdict, again.run.about if again.run else {}
    record = {
        "verdict": found.verdict, "cause": found.cause, "message": found.message, "results": found.results,
        "first_diverging_cell": found.first_diverging_cell, "account": found.account, "started": found.started,
        "ended": found.ended, "isolation": str(about.get("isolation", "")), "environment_changes": changes,
        "data": about.get("data", {}),
    }  # fmt: skip
    # An identical run has an identical report.
    report = None if found.verdict == IDENTICAL else again.report
    try:
        added = add_rerun(path, Rerun(record, tuple(lock), again.notebook, report), report_again)
    except (Conflict, InvalidInput) as problem:
        return replace(found, notes=[*found.notes, problem.message])
    return replace(found, number=added["number"])


def _renew_report(path: Path, before: bytes | None) -> None:
    """Put the crate's report beside it in place of the one that lies there, unless that is another."""
    beside = path.with_name(f"{path.name.removesuffix(ENDING)}.html")
    if beside.is_symlink() or not beside.is_file() or beside.read_bytes() != before:
        return
    draft = beside.with_name(f".{beside.name}.draft")
    draft.write_bytes(read_contents(path)[REPORT])
    draft.replace(beside)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
