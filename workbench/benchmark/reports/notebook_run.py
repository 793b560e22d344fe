"""Runs a notebook in a governed kernel with checked parameters, and writes notebook, report and crate.

Runs in: terminal
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from workbench.benchmark.reports.crate import write_crate
from workbench.benchmark.reports.environment import environment_lock
from workbench.benchmark.reports.parameters import choose, read_parameters
from workbench.benchmark.reports.progress import WRITING, CellProgress, OnCell, code_cells
from workbench.benchmark.reports.recording import Result, declared_results
from workbench.benchmark.reports.report import question_of, write_report
from workbench.connection import Connection, default_account, operator_secret, running_gateway
from workbench.errors import InvalidInput, RunFailed
from workbench.governance.packages.environments import package_lock
from workbench.settings import Settings, load_settings

ENGINE, KERNEL = "workbench", "workbench-python"
ACCOUNT_VARIABLE = "WORKBENCH_ACCOUNT"
METADATA = "workbench"
MAX_NOTEBOOK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Run:
    """A finished run: where its files are and what it declared."""

    notebook: Path
    report: Path
    crate: Path
    results: list[Result]
    about: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {
            "notebook": str(self.notebook), "report": str(self.report), "crate": str(self.crate),
            "results": [result.as_dict() for result in self.results],
            "data": self.about["data"], "parameters": self.about["parameters"],
        }  # fmt: skip


def load_notebook(path: Path) -> nbformat.NotebookNode:
    """Read a notebook file, checked.

    Raises
    ------
    InvalidInput
        When it is missing, too large or not a notebook.
    """
    try:
        if path.stat().st_size > MAX_NOTEBOOK_BYTES:
            raise InvalidInput(f"{path.name} is larger than {MAX_NOTEBOOK_BYTES // 2**20} MiB; clear its outputs.")
        return read_notebook(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidInput(f"{path.name} cannot be read ({type(problem).__name__}); give a .ipynb file.") from None


def read_notebook(text: str, name: str) -> nbformat.NotebookNode:
    """Parse and check a notebook's text."""
    try:
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as problem:
        raise InvalidInput(f"{name} is not a Jupyter notebook ({type(problem).__name__}).") from None
    return notebook


def run_notebook(
    path: Path, out: Path, parameters: Mapping[str, object] | None = None, account: str | None = None,
    *, settings: Settings | None = None, timeout_s: int | None = None, on_cell: OnCell | None = None,
) -> Run:  # fmt: skip
    """Run a notebook as an account and write OUT.ipynb, OUT.html and OUT.crate.zip.

    Parameters
    ----------
    path : Path
        The notebook.
    out : Path
        Where the run goes; ends in ``.ipynb``.
    parameters : mapping, optional
        Values for the notebook's parameters; text is turned into the parameter's type.
    account : str, optional
        Who runs it; the home's researcher when left out.
    settings : Settings, optional
        The home; that of the environment when left out.
    timeout_s : int, optional
        Longest time for one cell, seconds; no limit when left out.
    on_cell : callable, optional
        Told of each step as a `CellProgress`; the run stops when it raises.

    Raises
    ------
    InvalidInput
        For a file that is not a notebook and for unknown, missing or wrong parameters; no kernel starts.
    RunFailed
        When a cell stops with an error; OUT.ipynb is kept, with everything up to it.
    """
    if out.suffix != ".ipynb":
        raise InvalidInput(f"The output “{out.name}” must end in .ipynb.")
    if out.resolve() == path.resolve():
        raise InvalidInput("The output would overwrite the notebook itself; choose another name.")
    source = load_notebook(path)
    chosen = choose(read_parameters(source), parameters or {})
    settings = settings or load_settings()
    account = account or default_account(settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    with running_gateway(settings), _acting_as(account, settings):
        done = _execute(path, out, chosen, timeout_s=timeout_s, on_cell=on_cell)
        if on_cell is not None:
            cells = len(code_cells(done.cells))
            on_cell(CellProgress(WRITING, 0, cells, cells))
        about = _about(settings, path, done, chosen, account)
    done.metadata[METADATA] = about
    nbformat.write(done, out)
    results = declared_results(done.cells)
    report, crate = out.with_suffix(".html"), out.with_suffix(".crate.zip")
    write_report(done, results, about, report)
    write_crate(source, done, about, results, report=report, crate=crate)
    return Run(out, report, crate, results, about)


def _execute(
    path: Path, out: Path, chosen: Mapping[str, Any], *, timeout_s: int | None, on_cell: OnCell | None
) -> nbformat.NotebookNode:
    import papermill  # noqa: PLC0415 - heavy, loaded on first use
    from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: PLC0415 - the same
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415 - the same

    logging.getLogger("papermill").setLevel(logging.WARNING)
    try:
        return papermill.execute_notebook(
            str(path), str(out), parameters=dict(chosen), engine_name=ENGINE, kernel_name=KERNEL,
            progress_bar=False, cwd=None, execution_timeout=timeout_s, on_cell=on_cell,
        )  # fmt: skip
    except PapermillExecutionError as problem:
        cell = _failed_cell(out)
        said = f"{problem.ename}: {problem.evalue}".strip()
        raise RunFailed(
            f"Cell {cell} stopped with {said} The notebook up to there is kept in {out.name}.",
            cell=cell, error=str(problem.ename),
        ) from None  # fmt: skip
    except CellTimeoutError:
        raise RunFailed(
            f"A cell took longer than {timeout_s} s. The notebook up to there is kept in {out.name}.",
            cell=_failed_cell(out), error="TIMEOUT",
        ) from None  # fmt: skip
    except DeadKernelError:
        raise RunFailed(
            f"The kernel died, probably for lack of memory. The notebook up to there is kept in {out.name}.",
            cell=_failed_cell(out), error="DeadKernel",
        ) from None  # fmt: skip


def _failed_cell(out: Path) -> int:
    """Give the number, from 1 and among the cells of the notebook as given, of the cell that failed."""
    number = 0
    for cell in load_notebook(out).cells:
        tags = cell.metadata.get("tags", [])
        if "papermill-error-cell-tag" in tags:
            continue
        number += "injected-parameters" not in tags
        if cell.metadata.get("papermill", {}).get("status") in ("failed", "running"):
            return number
    return number


@contextmanager
def _acting_as(account: str, settings: Settings) -> Iterator[None]:
    """Tell the provisioner of this process which account and which home the kernel is for."""
    wanted = {ACCOUNT_VARIABLE: account, "WORKBENCH_HOME": str(settings.home)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _about(
    settings: Settings, path: Path, done: nbformat.NotebookNode, chosen: Mapping[str, Any], account: str
) -> dict[str, Any]:
    """Describe a run: the question, who, how isolated, which data versions the audit log says were read."""
    engine = done.metadata.get(METADATA, {})
    papermill = done.metadata.get("papermill", {})
    line = Connection(settings.socket, operator_secret(settings))
    try:
        seen = line.get(f"/v1/kernels/{engine['id']}/reads") if engine.get("id") else {"reads": {}, "head": None}
    finally:
        line.close()
    packages = package_lock(settings, account)
    return {
        "question": question_of(done), "notebook": path.name, "parameters": dict(chosen), "account": account,
        "isolation": engine.get("isolation", "none"), "kernel": engine.get("kernel", KERNEL),
        "data": seen["reads"], "audit_head": seen["head"], "audit_checkpoint": seen.get("checkpoint"),
        "packages": packages, "environment": environment_lock(packages),
        "started": papermill.get("start_time"), "ended": papermill.get("end_time"),
    }  # fmt: skip
