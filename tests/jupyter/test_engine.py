"""The governed kernel under papermill, nbclient and nbval."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import papermill
import psutil
import pytest


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a notebook with a parameter, whose kernel is named."""
    parameters = nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["parameters"]})
    cell = nbformat.v4.new_code_cell("import os\nprint(os.getcwd(), x)")
    kernel = {"name": "workbench-python", "display_name": "Governed Python", "language": "python"}
    book = nbformat.v4.new_notebook(cells=[parameters, cell], metadata={"kernelspec": kernel})
    nbformat.write(book, tmp_path / "question.ipynb")
    return tmp_path / "question.ipynb"


def run(file: Path, **options: object) -> nbformat.NotebookNode:
    """Run a notebook with this project's papermill engine."""
    return papermill.execute_notebook(
        str(file),
        str(file.with_name("out.ipynb")),
        parameters={"x": 3},
        engine_name="workbench",
        progress_bar=False,
        **options,
    )


def test_papermill_records_the_kernel_and_its_isolation(governed_home, bubblewrap, file):
    run(file, kernel_name="workbench-python")

    written = nbformat.read(file.with_name("out.ipynb"), as_version=4)
    assert written.metadata["kernelspec"]["name"] == "workbench-python"
    record = written.metadata["workbench"]
    assert (record["kernel"], record["provisioner"]) == ("workbench-python", "GovernedProvisioner")
    assert (record["isolation"], record["account"]) == ("bubblewrap", "researcher")
    assert written.cells[-1].outputs[0]["text"] == "/workspace 3\n"


def test_papermill_records_that_a_plain_kernel_is_not_isolated(governed_home, file):
    record = run(file, kernel_name="python3").metadata["workbench"]

    assert (record["kernel"], record["provisioner"], record["isolation"]) == ("python3", "LocalProvisioner", "none")


def test_a_kernel_that_nobody_can_talk_to_is_ended(governed_home, bubblewrap, file, monkeypatch):
    def refuse(_manager: object) -> None:
        kernels.extend(one for one in psutil.Process().children() if one.name() == "bwrap")
        raise OSError("File name too long")

    kernels: list[psutil.Process] = []
    monkeypatch.setattr("jupyter_client.manager.KernelManager._connect_control_socket", refuse)
    with pytest.raises(OSError, match="File name too long"):
        run(file, kernel_name="workbench-python")

    assert kernels
    assert psutil.wait_procs(kernels, timeout=60)[1] == []


def test_papermill_still_tells_of_a_failing_cell(governed_home, bubblewrap, file):
    book = nbformat.read(file, as_version=4)
    book.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    nbformat.write(book, file)

    with pytest.raises(papermill.PapermillExecutionError, match="ZeroDivisionError"):
        run(file, kernel_name="workbench-python")


def test_nbclient_runs_it(governed_home, bubblewrap, file):
    book = nbclient.NotebookClient(nbformat.read(file, as_version=4), kernel_name="workbench-python").execute()

    assert book.cells[-1].outputs[0]["text"] == "/workspace 1\n"


def test_nbval_runs_it(governed_home, bubblewrap, file):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", "--rootdir", file.parent, file],
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip

    assert "2 passed" in done.stdout, done.stdout + done.stderr
