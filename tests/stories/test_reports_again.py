"""Every report that is shipped runs again to the same result, whatever the threads and workers of the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.benchmark.reports.comparing import first_diverging_cell
from workbench.benchmark.reports.notebook_run import load_notebook, run_notebook
from workbench.benchmark.reports.parameters import read_parameters
from workbench.benchmark.reports.reruns import verdicts_of
from workbench.cli import main
from workbench.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
REPORTS = sorted((ROOT / "notebooks" / "benchmark").glob("*.ipynb"))
# Small enough for a test; everything else as it is shipped.
SMALL = {"epochs": 1, "batches": 5, "bootstrap": 100, "workers": 1}
THREADS = "OMP_NUM_THREADS"
pytestmark = [pytest.mark.usefixtures("bubblewrap"), pytest.mark.timeout(1200)]


def small(notebook: Path, **changed: int) -> dict[str, int]:
    known = read_parameters(load_notebook(notebook))
    return {name: value for name, value in {**SMALL, **changed}.items() if name in known}


@pytest.mark.parametrize("notebook", REPORTS, ids=lambda path: path.stem)
def test_a_shipped_report_is_identical_with_other_threads(
    notebook: Path, demo_home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("WORKBENCH_HOME", str(demo_home.home))
    monkeypatch.setenv(THREADS, "1")
    pairs = [word for name, value in small(notebook).items() for word in ("-p", f"{name}={value}")]
    out = tmp_path / "out" / "first.ipynb"
    assert main(["report", notebook.stem, "-o", str(out), *pairs, "--as", "researcher", "--json"]) == 0
    crate = json.loads(capsys.readouterr().out)["crate"]
    monkeypatch.setenv(THREADS, "2")
    code = main(["reproduce", crate, "--as", "reviewer", "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (code, found["verdict"], found["first_diverging_cell"]) == (0, "IDENTICAL", None), found
    assert found["results"] and [one["verdict"] for one in verdicts_of(crate)] == ["IDENTICAL"]


@pytest.mark.parametrize(
    "notebook", [path for path in REPORTS if "workers" in read_parameters(load_notebook(path))],
    ids=lambda path: path.stem,
)  # fmt: skip
def test_the_number_of_workers_changes_no_output(notebook: Path, demo_home: Settings, tmp_path: Path) -> None:
    runs = [
        run_notebook(
            notebook, tmp_path / f"{workers}.ipynb", small(notebook, workers=workers), "researcher", settings=demo_home
        )
        for workers in (1, 2)
    ]
    first, second = (json.dumps([result.as_dict() for result in run.results]) for run in runs)
    assert first == second
    assert first_diverging_cell(*(load_notebook(run.notebook).cells for run in runs)) is None
