"""Runs a notebook in a governed kernel with checked parameters, and writes notebook, report and crate.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
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
from workbench.benchmark.reports.stages import OFF, RENEW, RESUME, Stages
from workbench.benchmark.reports.stopping import stops_told
from workbench.connection import Connection, default_account, operator_secret, running_gateway
from workbench.errors import InvalidInput, cause_of
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
        raise InvalidInput(f"{path.name} cannot be read ({cause_of(problem)}); give a .ipynb file.") from None


def read_notebook(text: str, name: str) -> nbformat.NotebookNode:
    """Parse and check a notebook's text."""
    try:
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        json.dumps(notebook, ensure_ascii=False).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, nbformat.ValidationError) as problem:
        raise InvalidInput(f"{name} is not a Jupyter notebook ({cause_of(problem)}).") from None
    return notebook


def run_notebook(
    path: Path, out: Path, parameters: Mapping[str, object] | None = None, account: str | None = None,
    *, settings: Settings | None = None, timeout_s: int | None = None, on_cell: OnCell | None = None,
    stages: str = OFF,
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
    stages : str, default "off"
        ``resume`` takes stages from earlier runs where nothing they follow from has changed, ``renew`` runs every
        stage and keeps it for later, ``off`` neither takes nor keeps.

    Raises
    ------
    InvalidInput
        For a file that is not a notebook and for unknown, missing or wrong parameters; no kernel starts.
    RunFailed
        When a cell stops with an error; OUT.ipynb is kept, with everything up to it.
    """
    _check(path, out, stages, timeout_s)
    source = load_notebook(path)
    chosen = choose(read_parameters(source), parameters or {})
    settings = settings or load_settings()
    account = account or default_account(settings)
    _make_room(out)
    # The provisioner of this process reads which account and which home the kernel is for.
    acting = with_environment({ACCOUNT_VARIABLE: account, "WORKBENCH_HOME": str(settings.home)})
    with running_gateway(settings), acting:
        packages = package_lock(settings, account)
        lock = environment_lock(packages)
        kept = None if stages == OFF else Stages(settings, account, lock, chosen, _reader(settings), stages)
        done = _execute(path, out, chosen, timeout_s=timeout_s, on_cell=on_cell, stages=kept)
        if on_cell is not None:
            cells = len(code_cells(done.cells))
            on_cell(CellProgress(WRITING, 0, cells, cells))
        about = _about(settings, path, done, chosen, account) | {"packages": packages, "environment": lock}
    about["stages"] = _label_stages(done, kept)
    done.metadata[METADATA] = about
    nbformat.write(done, out)
    results = declared_results(done.cells)
    report, crate = out.with_suffix(".html"), out.with_suffix(".crate.zip")
    write_report(done, results, about, report)
    write_crate(source, done, about, results, report=report, crate=crate)
    return Run(out, report, crate, results, about)


def _check(path: Path, out: Path, stages: str, timeout_s: int | None) -> None:
    if timeout_s is not None and timeout_s < 1:
        raise InvalidInput(f"The longest time for one cell is 1 s or more; got {timeout_s}.")
    if out.suffix != ".ipynb":
        raise InvalidInput(f"The output “{out.name}” must end in .ipynb.")
    if out.resolve() == path.resolve():
        raise InvalidInput("The output would overwrite the notebook itself; choose another name.")
    if stages not in (OFF, RESUME, RENEW):
        raise InvalidInput(f"Stages can be {OFF}, {RESUME} or {RENEW}; “{stages}” is none of them.")


def _make_room(out: Path) -> None:
    """Make the folder of the output; a run whose output cannot be written does not start."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as problem:
        text = f"The output “{out.name}” cannot be written ({cause_of(problem)}); choose another place with -o."
        raise InvalidInput(text) from None
    if out.is_dir():
        raise InvalidInput(f"The output “{out.name}” is a folder; choose another name with -o.")


def _execute(
    path: Path, out: Path, chosen: Mapping[str, Any],
    *, timeout_s: int | None, on_cell: OnCell | None, stages: Stages | None,
) -> nbformat.NotebookNode:  # fmt: skip
    import papermill  # noqa: PLC0415 - heavy, loaded on first use

    # What it warns of was checked before, and what stops a run is told as a `RunFailed`.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    with stops_told(out, timeout_s):
        return papermill.execute_notebook(
            str(path), str(out), parameters=dict(chosen), engine_name=ENGINE, kernel_name=KERNEL, language="python",
            progress_bar=False, cwd=None, execution_timeout=timeout_s, on_cell=on_cell, stages=stages,
        )  # fmt: skip


def _reader(settings: Settings) -> Callable[[str], dict[str, str]]:
    """Give a function that tells which dataset versions a kernel has read, as the gateway recorded it."""

    def reads(kernel: str) -> dict[str, str]:
        line = Connection(settings.socket, operator_secret(settings))
        try:
            found: dict[str, str] = line.get(f"/v1/kernels/{kernel}/reads")["reads"]
        finally:
            line.close()
        return found

    return reads


def _label_stages(done: nbformat.NotebookNode, stages: Stages | None) -> list[dict[str, Any]]:
    """Write into each stage's cell whether it ran or was taken from an earlier run; give all of them."""
    told = {} if stages is None else stages.told
    numbers = code_cells(done.cells)
    for index, stage in told.items():
        done.cells[index].metadata[METADATA] = {"stage": stage}
    return [{**stage, "cell": numbers[index].number} for index, stage in sorted(told.items())]


@contextmanager
def with_environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process for a block; kernels that start in it get them."""
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
    return {
        "question": question_of(done), "notebook": path.name, "parameters": dict(chosen), "account": account,
        "isolation": engine.get("isolation", "none"), "kernel": engine.get("kernel", KERNEL),
        "data": seen["reads"], "data_seen": seen.get("seen", {}),
        "audit_head": seen["head"], "audit_checkpoint": seen.get("checkpoint"),
        "started": papermill.get("start_time"), "ended": papermill.get("end_time"),
    }  # fmt: skip
