"""Why a run stopped: a sentence for people, and the cause that a verdict names.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from workbench.errors import RunFailed

TIMEOUT, OOM, NO_GRANT, DEAD, NO_KERNEL = "TIMEOUT", "OOM", "NO_GRANT", "DeadKernel", "NoKernel"
KEPT = "The notebook up to there is kept in {name}."
# What Python, NumPy, PyTorch and CUDA raise when memory is refused; PyTorch on a CPU raises a plain RuntimeError.
MEMORY_ERRORS = ("MemoryError", "_ArrayMemoryError", "OutOfMemoryError", "ArrowMemoryError")
MEMORY_WORDS = ("can't allocate memory", "Cannot allocate memory", "not enough memory", "out of memory")
STARTING_PROBLEMS = ("Kernel died before replying", "Kernel didn't respond")
LONGEST = 2000
# The tag of the cells that papermill adds to a notebook that stopped.
ERROR_MARK = "papermill-error-cell-tag"


@contextmanager
def stops_told(out: Path, timeout_s: int | None) -> Iterator[None]:
    """Raise whatever stops a run inside the block as a `RunFailed`; see `failure_of`."""
    from nbclient.exceptions import CellTimeoutError  # noqa: PLC0415 - heavy, loaded on first use
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415 - the same

    try:
        yield
    except (PapermillExecutionError, CellTimeoutError, RuntimeError) as problem:
        failure = failure_of(problem, out, timeout_s)
        if failure is None:
            raise
        raise failure from None


def failure_of(problem: Exception, out: Path, timeout_s: int | None) -> RunFailed | None:
    """Turn what papermill or the kernel raised into the one error of a run; None when it is neither's.

    Parameters
    ----------
    problem : Exception
        What `papermill.execute_notebook` raised.
    out : Path
        The notebook as far as it ran; the engine writes there how the kernel ended.
    timeout_s : int or None
        What one cell was given.
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: PLC0415 - heavy, loaded on first use
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415 - the same

    cell, end = _failed_cell(out), _end(out)
    kept = KEPT.format(name=out.name)
    match problem:
        case PapermillExecutionError():
            said = f"{problem.ename}: {problem.evalue}".strip()[:LONGEST]
            error = OOM if _is_memory(str(problem.ename), str(problem.evalue), end) else str(problem.ename)
            return RunFailed(f"Cell {cell} stopped with {_ended(said)} {kept}", cell=cell, error=error)
        case CellTimeoutError():
            return RunFailed(f"Cell {cell} took longer than {timeout_s} s. {kept}", cell=cell, error=TIMEOUT)
        case DeadKernelError() if end.get("out_of_memory"):
            text = f"Cell {cell} used more memory than there is for a kernel, which was ended. {kept}"
            return RunFailed(text, cell=cell, error=OOM)
        case DeadKernelError():
            return RunFailed(f"The kernel died in cell {cell}{_by(end)}. {kept}", cell=cell, error=DEAD)
        case RuntimeError() if str(problem).startswith(STARTING_PROBLEMS):
            text = "The kernel did not start; try again, and look at the memory and processes that a kernel may use."
            return RunFailed(text, error=OOM if end.get("out_of_memory") else NO_KERNEL)
    return None


def _ended(said: str) -> str:
    """Give what a cell said as the end of a sentence."""
    return said if said.endswith((".", "!", "?")) else f"{said.rstrip(':')}."


def cause_of(failure: RunFailed) -> str:
    """Give the cause that a verdict names."""
    causes = {TIMEOUT: TIMEOUT, OOM: OOM, "AccessDenied": NO_GRANT, NO_KERNEL: "ERROR(kernel)"}
    return causes.get(failure.error, f"ERROR(cell {failure.cell})")


def _is_memory(ename: str, evalue: str, end: dict[str, Any]) -> bool:
    is_refused = ename == "RuntimeError" and any(words in evalue for words in MEMORY_WORDS)
    # A worker that was ended for lack of memory stops its cell with an error of the cluster.
    return ename in MEMORY_ERRORS or is_refused or bool(end.get("out_of_memory"))


def _by(end: dict[str, Any]) -> str:
    if end.get("signal"):
        described = signal.strsignal(signal.Signals[end["signal"]])
        return f" ({end['signal']}, {described})"
    return f" (exit status {end['status']})" if end.get("status") else ""


def _end(out: Path) -> dict[str, Any]:
    end = _read(out).get("metadata", {}).get("workbench", {}).get("end", {})
    return dict(end) if isinstance(end, dict) else {}


def _read(out: Path) -> dict[str, Any]:
    try:
        return dict(nbformat.read(out, as_version=4))
    except (OSError, ValueError):
        return {}


def _failed_cell(out: Path) -> int | None:
    """Give the number, from 1 and among the cells of the notebook as given, of the cell that failed."""
    number = 0
    for cell in _read(out).get("cells", []):
        tags = cell.metadata.get("tags", [])
        if ERROR_MARK in tags:
            continue
        number += "injected-parameters" not in tags
        if cell.metadata.get("papermill", {}).get("status") in ("failed", "running"):
            return number
    return number or None
