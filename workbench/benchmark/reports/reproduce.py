"""Runs a crate again, under the account of whoever asks, and gives a verdict with its cause.

Runs in: terminal
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.benchmark.reports.comparing import NOT_RUN, compare_results, first_diverging_cell, verdict
from workbench.benchmark.reports.crate import Crate, read_crate
from workbench.benchmark.reports.environment import drift, environment_lock
from workbench.benchmark.reports.notebook_run import read_notebook, run_notebook
from workbench.connection import default_account, terminal
from workbench.errors import NotFound, RunFailed
from workbench.governance.packages.environments import package_lock
from workbench.settings import Settings, load_settings

EXIT_CODES = {"IDENTICAL": 0, "WITHIN_TOLERANCE": 0, "DIFFERENT": 1, "NOT_RUN": 2}
MAY_READ = ("open", "granted", "registered")
NAMED_CHANGES = 3


@dataclass(frozen=True)
class Verdict:
    """What a re-run found: the verdict, for NOT_RUN its cause, and the results side by side."""

    verdict: str
    cause: str | None = None
    message: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    first_diverging_cell: int | None = None

    @property
    def exit_code(self) -> int:
        """0 when the results stand, 1 when they differ, 2 when there was no run."""
        return EXIT_CODES[self.verdict]

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {
            "verdict": self.verdict, "cause": self.cause, "message": self.message, "results": self.results,
            "first_diverging_cell": self.first_diverging_cell,
        }  # fmt: skip


def reproduce(
    path: Path, account: str | None = None, *, settings: Settings | None = None, timeout_s: int | None = None,
    any_environment: bool = False,
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

    Raises
    ------
    InvalidInput
        When the file is not a crate of a run, was changed, or is built to do harm.
    """
    settings = settings or load_settings()
    crate = read_crate(path)
    first = read_notebook(crate.run, "run.ipynb")
    read_notebook(crate.source, "notebook.ipynb")
    account = account or default_account(settings, "reviewer")
    here = environment_lock(package_lock(settings, account))
    changes = [] if any_environment else drift(crate.about["environment"], here)
    if changes:
        named = ", ".join(changes[:NAMED_CHANGES]) + (" …" if len(changes) > NAMED_CHANGES else "")
        text = f"The environment is not that of the run: {named}. Use --any-environment to run it anyway."
        return Verdict(NOT_RUN, "ENV_DRIFT", text)
    obstacle = _data_obstacle(crate, account, settings)
    if obstacle is not None:
        return obstacle
    with tempfile.TemporaryDirectory(prefix="reproduce-") as folder:
        notebook = Path(folder, Path(crate.about["notebook"]).name or "notebook.ipynb").with_suffix(".ipynb")
        notebook.write_text(crate.source, encoding="utf-8")
        out = Path(folder, "again", "run.ipynb")
        try:
            run = run_notebook(
                notebook, out, crate.about["parameters"], account, settings=settings, timeout_s=timeout_s
            )
        except RunFailed as failure:
            return _not_run(failure)
        second = read_notebook(run.notebook.read_text(encoding="utf-8"), "run.ipynb")
    results = compare_results(crate.results, run.results)
    diverging = first_diverging_cell(first.cells, second.cells)
    return Verdict(verdict(results, diverging), None, "", results, diverging)


def _data_obstacle(crate: Crate, account: str, settings: Settings) -> Verdict | None:
    """Say why the data of a crate cannot be read here, or nothing."""
    if not crate.about["data"]:
        return None
    with terminal(account, settings) as line:
        for name, version in sorted(crate.about["data"].items()):
            try:
                here = line.get(f"/v1/datasets/{quote(name, safe='')}")
            except NotFound:
                return Verdict(NOT_RUN, "DATA_MISSING", f"“{name}” is not in this home; ask its custodian for it.")
            if here["version"] != version:
                text = f"“{name}” is at version {str(here['version'])[:12]} here; the run read {str(version)[:12]}."
                return Verdict(NOT_RUN, "DATA_CHANGED", text)
            if here["status"] not in MAY_READ:
                return Verdict(NOT_RUN, "NO_GRANT", f"{account} may not read “{name}”: {here['reason']}")
    return None


def _not_run(failure: RunFailed) -> Verdict:
    causes: Mapping[str, str] = {"TIMEOUT": "TIMEOUT", "AccessDenied": "NO_GRANT", "DeadKernel": "OOM"}
    cause = causes.get(failure.error, f"ERROR(cell {failure.cell})")
    return Verdict(NOT_RUN, cause, failure.message, first_diverging_cell=failure.cell)
