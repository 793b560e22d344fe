"""A run that stopped says why in a sentence, and names its cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from workbench.benchmark.reports.stopping import cause_of, failure_of, stops_told
from workbench.errors import RunFailed


def error(ename: str, evalue: str) -> PapermillExecutionError:
    return PapermillExecutionError(2, 3, "source", ename, evalue, [])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Give a notebook that stopped in its second cell; the injected parameters are not one of its own."""
    made = nbformat.v4.new_notebook()
    injected = nbformat.v4.new_code_cell("seed = 1", metadata={"tags": ["injected-parameters"]})
    failed = nbformat.v4.new_code_cell("1 / 0", metadata={"papermill": {"status": "failed"}})
    made.cells = [nbformat.v4.new_markdown_cell("# Why?"), injected, failed, nbformat.v4.new_code_cell("2")]
    nbformat.write(made, tmp_path / "out.ipynb")
    return tmp_path / "out.ipynb"


def ended(out: Path, **end: Any) -> Path:
    made = nbformat.read(out, as_version=4)
    made.metadata["workbench"] = {"end": end}
    nbformat.write(made, out)
    return out


@pytest.mark.parametrize(
    ("ename", "evalue", "cause"),
    [
        ("ZeroDivisionError", "division by zero", "ERROR(cell 2)"),
        ("AccessDenied", "No grant", "NO_GRANT"),
        ("MemoryError", "", "OOM"),
        ("_ArrayMemoryError", "Unable to allocate 4.00 GiB", "OOM"),
        ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.00 GiB", "OOM"),
        ("RuntimeError", "[enforce fail at alloc_cpu.cpp:119] DefaultCPUAllocator: can't allocate memory", "OOM"),
        ("RuntimeError", "mat1 and mat2 shapes cannot be multiplied", "ERROR(cell 2)"),
        ("ValueError", "this model is out of memory of the past", "ERROR(cell 2)"),
    ],
)
def test_the_error_of_a_cell_has_its_cause(out: Path, ename: str, evalue: str, cause: str) -> None:
    failure = failure_of(error(ename, evalue), out, None)
    assert failure is not None
    assert (failure.cell, cause_of(failure)) == (2, cause)
    assert failure.message.startswith(f"Cell 2 stopped with {ename}")


def test_a_worker_that_ran_out_of_memory_is_told_from_its_cells_error(out: Path) -> None:
    failure = failure_of(error("KilledWorker", "died"), ended(out, out_of_memory=True, status=0, signal=None), None)
    assert failure is not None and cause_of(failure) == "OOM"


@pytest.mark.parametrize(
    ("end", "cause", "said"),
    [
        ({"out_of_memory": True, "status": 137, "signal": "SIGKILL"}, "OOM", "used more memory"),
        ({"out_of_memory": False, "status": 137, "signal": "SIGKILL"}, "ERROR(cell 2)", "(SIGKILL, Killed)"),
        ({"out_of_memory": False, "status": 3, "signal": None}, "ERROR(cell 2)", "(exit status 3)"),
        ({}, "ERROR(cell 2)", "died in cell 2."),
    ],
)
def test_a_dead_kernel_is_out_of_memory_only_when_it_was(out: Path, end: dict[str, Any], cause: str, said: str) -> None:
    failure = failure_of(DeadKernelError("Kernel died"), ended(out, **end), None)
    assert failure is not None
    assert (cause_of(failure), said in failure.message) == (cause, True)


def test_a_cell_without_end_is_a_timeout(out: Path) -> None:
    failure = failure_of(CellTimeoutError("late"), out, 7)
    assert failure is not None
    assert (cause_of(failure), "longer than 7 s" in failure.message) == ("TIMEOUT", True)


def test_a_kernel_that_never_answered_is_no_cell_error(tmp_path: Path) -> None:
    failure = failure_of(RuntimeError("Kernel died before replying to kernel_info"), tmp_path / "none.ipynb", None)
    assert failure is not None and cause_of(failure) == "ERROR(kernel)"


def test_what_is_neither_papermills_nor_the_kernels_stays_what_it_is(out: Path) -> None:
    with pytest.raises(RuntimeError, match="of my own"), stops_told(out, None):
        raise RuntimeError("of my own")
    with pytest.raises(RunFailed, match="Cell 2 stopped"), stops_told(out, None):
        raise error("KeyError", "'x'")


def test_a_very_long_error_is_cut(out: Path) -> None:
    failure = failure_of(error("ValueError", "x" * 10_000), out, None)
    assert failure is not None and len(failure.message) < 2200
