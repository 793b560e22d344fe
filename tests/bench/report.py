"""What a report and its crate cost on top of papermill running the same notebook in the same governed kernel."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import papermill

from workbench.benchmark.reports.notebook_run import run_notebook
from workbench.connection import running_gateway
from workbench.settings import load_settings

ROUNDS = 5
# A notebook as reports are: a table, two pictures and a declared result; hardly any work of its own.
CELLS = (
    "import numpy as np\nimport pandas as pd\nimport matplotlib.pyplot as plt\nfrom workbench.benchmark import record",
    "rows = pd.DataFrame(np.random.default_rng(seed).normal(size=(20, 5))).round(3)\nrows",
    "plt.plot(rows[0]);",
    "plt.imshow(rows.to_numpy());",
    "record('mean', float(rows[0].mean()), interval=(-1.0, 1.0), tolerance=1e-9)",
)


def run() -> list[dict[str, Any]]:
    """Measure both in turn and give the row."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["WORKBENCH_HOME"] = str(Path(folder) / "home")
        notebook = _notebook(Path(folder) / "report.ipynb")
        with running_gateway(load_settings()):
            _bare_s(notebook)
            pairs = [(_report_s(notebook), _bare_s(notebook)) for _ in range(ROUNDS)]
    report, bare = (median(times) for times in zip(*pairs, strict=True))
    extra = median(one - other for one, other in pairs)
    return [
        {"bench": "report", "subject": "notebook, report and crate", "value": report, "unit": "s",
         "peer": "papermill alone, same kernel", "peer_value": bare, "ratio": report / bare},
        {"bench": "report", "subject": "of that, report and crate", "value": extra, "unit": "s",
         "peer": "the most it may be", "peer_value": 2.5, "ratio": extra / 2.5},
    ]  # fmt: skip


def _notebook(path: Path) -> Path:
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_markdown_cell("# How much does a report cost?"),
        nbformat.v4.new_code_cell("seed: int = 7", metadata={"tags": ["parameters"]}),
        *(nbformat.v4.new_code_cell(source) for source in CELLS),
    ]
    nbformat.write(book, path)
    return path


def _report_s(notebook: Path) -> float:
    started = time.perf_counter()
    run_notebook(notebook, notebook.with_name("out.ipynb"), {"seed": 3}, "researcher")
    return time.perf_counter() - started


def _bare_s(notebook: Path) -> float:
    started = time.perf_counter()
    papermill.execute_notebook(
        str(notebook), str(notebook.with_name("bare.ipynb")), parameters={"seed": 3}, engine_name="workbench",
        kernel_name="workbench-python", language="python", progress_bar=False,
    )  # fmt: skip
    return time.perf_counter() - started
