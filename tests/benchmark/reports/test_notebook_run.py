"""A notebook runs in a governed kernel, leaves report and crate, and gets a verdict when it is run again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest

from workbench.benchmark.reports.crate import read_crate, write_crate
from workbench.benchmark.reports.notebook_run import Run, run_notebook
from workbench.benchmark.reports.report import write_report
from workbench.benchmark.reports.reproduce import reproduce
from workbench.cli import main
from workbench.errors import InvalidInput, RunFailed
from workbench.governance.record.checkpoints import read_checkpoint
from workbench.settings import Settings

RECORD = "from workbench.benchmark import record\nrecord('score', {value}, interval=(0.0, 1.0), tolerance=0.1)"


def notebook(path: Path, *sources: str) -> Path:
    made = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_markdown_cell("# Is it so?"), *(nbformat.v4.new_code_cell(text) for text in sources)]
    made.cells[1].metadata["tags"] = ["parameters"]
    made.metadata["kernelspec"] = {"name": "workbench-python", "display_name": "Governed Python", "language": "python"}
    nbformat.write(made, path)
    return path


@pytest.fixture
def run(gateway: Settings, tmp_path: Path, bubblewrap: None) -> Run:
    path = notebook(tmp_path / "n.ipynb", "seed: int = 7", RECORD.format(value="seed / 10"), "print(seed)")
    return run_notebook(path, tmp_path / "out" / "n.run.ipynb", {"seed": "5"}, "researcher")


def rewritten(run: Run, **changed: Any) -> Path:
    """Give a crate of the same run that says something else, whole and in order."""
    crate = read_crate(run.crate)
    source, done = (nbformat.reads(text, 4) for text in (crate.source, crate.run))
    other, about = run.crate.with_name("other.crate.zip"), {**crate.about, **changed}
    if "source" in changed:
        source.cells[-1].source = about.pop("source")
    write_report(done, crate.results, about, run.report)
    write_crate(source, done, about, crate.results, report=run.report, crate=other)
    return other


def test_a_run_leaves_notebook_report_and_crate(run: Run) -> None:
    assert run.results[0].value == 0.5
    assert run.about["isolation"] == "bubblewrap"
    assert "Is it so?" in run.report.read_text()
    assert read_crate(run.crate).about["parameters"] == {"seed": 5}
    assert run.about["audit_head"]["seq"] > 0


def test_each_cell_is_told_of_as_it_runs(gateway: Settings, tmp_path: Path, bubblewrap: None) -> None:
    path, told = notebook(tmp_path / "n.ipynb", "seed: int = 7", "1 / seed"), []
    run_notebook(path, tmp_path / "o.ipynb", {"seed": 2}, "researcher", on_cell=told.append)
    assert [(one.state, one.cell, one.ended, one.total) for one in told] == [
        ("starting", 0, 0, 2), ("running", 2, 0, 2), ("done", 2, 1, 2), ("running", 3, 1, 2), ("done", 3, 2, 2),
        ("writing", 0, 2, 2),
    ]  # fmt: skip
    told.clear()
    with pytest.raises(RunFailed):
        run_notebook(path, tmp_path / "o.ipynb", {"seed": 0}, "researcher", on_cell=told.append)
    assert (told[-1].state, told[-1].cell) == ("failed", 3)


def test_an_interrupted_run_resumes_after_its_stage(gateway: Settings, tmp_path: Path, bubblewrap: None) -> None:
    count = "with open('count', 'a') as file:\n    file.write('x')\nmade = [1, 2]\nprint('trained')"
    path, told = notebook(tmp_path / "n.ipynb", "divisor: int = 1", count, "made[0] / divisor"), []
    book = nbformat.read(path, 4)
    book.cells[2].metadata["tags"] = ["stage:train"]
    nbformat.write(book, path)
    with pytest.raises(RunFailed):
        run_notebook(path, tmp_path / "o.ipynb", {"divisor": 0}, "researcher", stages="resume")
    done = run_notebook(path, tmp_path / "o.ipynb", {}, "researcher", stages="resume", on_cell=told.append)
    assert (gateway.workspace("researcher") / "count").read_text() == "x"
    assert [one.state for one in told if one.cell == 3] == ["running", "cached"]
    assert nbformat.read(done.notebook, 4).cells[3].outputs[0].text == "trained\n"
    assert [(one["name"], one["cell"], one["cached"]) for one in done.about["stages"]] == [("train", 3, True)]
    assert "taken from an earlier run" in done.report.read_text()


def test_a_run_neither_takes_nor_keeps_stages_unless_it_is_told_to(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="off, resume or renew"):
        run_notebook(notebook(tmp_path / "n.ipynb", "x = 1"), tmp_path / "o.ipynb", stages="on")


def test_a_crate_carries_a_signed_checkpoint_of_the_log(run: Run) -> None:
    with zipfile.ZipFile(run.crate) as crate:
        checkpoint = json.loads(crate.read("audit-checkpoint.json"))
    assert checkpoint == run.about["audit_checkpoint"]
    assert read_checkpoint(checkpoint["note"], checkpoint["key"]).size >= run.about["audit_head"]["seq"]


def test_the_same_crate_again_is_identical(run: Run) -> None:
    found = reproduce(run.crate, "reviewer")
    assert (found.verdict, found.exit_code, found.first_diverging_cell) == ("IDENTICAL", 0, None)
    assert found.results[0]["first"] == found.results[0]["second"] == 0.5


@pytest.mark.parametrize(("seed", "verdict", "code"), [(4, "WITHIN_TOLERANCE", 0), (1, "DIFFERENT", 1)])
def test_other_parameters_give_another_verdict(run: Run, seed: int, verdict: str, code: int) -> None:
    found = reproduce(rewritten(run, parameters={"seed": seed}), "reviewer")
    assert (found.verdict, found.exit_code, found.first_diverging_cell) == (verdict, code, 3)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"data": {"nothing": "00" * 32}}, "DATA_MISSING"),
        ({"environment": ["numpy==0.1"]}, "ENV_DRIFT"),
        ({"source": "1 / 0"}, "ERROR(cell 4)"),
        ({"source": "from workbench.errors import AccessDenied\nraise AccessDenied('no')"}, "NO_GRANT"),
    ],
)
def test_what_stops_a_re_run_is_the_cause(run: Run, changed: dict[str, Any], cause: str) -> None:
    found = reproduce(rewritten(run, **changed), "reviewer")
    assert (found.verdict, found.cause, found.exit_code) == ("NOT_RUN", cause, 2)


def test_a_cell_that_takes_too_long_is_a_timeout(run: Run) -> None:
    found = reproduce(rewritten(run, source="import time; time.sleep(60)"), "reviewer", timeout_s=4)
    assert (found.verdict, found.cause) == ("NOT_RUN", "TIMEOUT")


def test_the_command_prints_the_verdict_as_json(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", str(rewritten(run, environment=["numpy==0.1"])), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["cause"] == "ENV_DRIFT"


def test_a_failing_cell_is_named_and_the_notebook_is_kept(gateway: Settings, tmp_path: Path, bubblewrap: None) -> None:
    path = notebook(tmp_path / "n.ipynb", "seed = 1", "print('before')", "1 / 0", "print('after')")
    with pytest.raises(RunFailed, match="Cell 4 stopped with ZeroDivisionError") as stop:
        run_notebook(path, tmp_path / "o.ipynb", {}, "researcher")
    assert (stop.value.cell, stop.value.error) == (4, "ZeroDivisionError")
    assert "before" in (tmp_path / "o.ipynb").read_text()
    assert not (tmp_path / "o.html").exists()


@pytest.mark.parametrize("pair", ["sede=1", "seed=many"])
def test_wrong_parameters_stop_before_anything_starts(home: Settings, tmp_path: Path, pair: str) -> None:
    path = notebook(tmp_path / "n.ipynb", "seed: int = 7")
    assert main(["run", str(path), "-p", pair, "-o", str(tmp_path / "o.ipynb")]) == 2
    assert not home.home.exists()


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"cells": 5, "nbformat": 4}'])
def test_what_is_no_notebook_is_refused(home: Settings, tmp_path: Path, content: str) -> None:
    (tmp_path / "n.ipynb").write_text(content)
    with pytest.raises(InvalidInput):
        run_notebook(tmp_path / "n.ipynb", tmp_path / "o.ipynb")


@pytest.mark.parametrize(("place", "why"), [("file/o.ipynb", "cannot be written"), ("folder.ipynb", "is a folder")])
def test_a_run_that_cannot_be_written_does_not_start(home: Settings, tmp_path: Path, place: str, why: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.ipynb").mkdir()
    with pytest.raises(InvalidInput, match=why):
        run_notebook(notebook(tmp_path / "n.ipynb", "seed = 1"), tmp_path / place)
    assert not home.home.exists()


def test_a_time_that_is_no_time_is_refused(home: Settings, tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "seed = 1")
    assert main(["run", str(path), "--timeout", "0", "-o", str(tmp_path / "o.ipynb")]) == 2


def test_a_parameter_that_must_be_given_is_no_unknown_one(
    gateway: Settings, tmp_path: Path, bubblewrap: None, capfd: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path / "n.ipynb", "scans: int", "scans")
    assert main(["run", str(path), "-p", "scans=3", "-o", str(tmp_path / "o.ipynb")]) == 0
    assert "unknown" not in capfd.readouterr().err


def test_a_run_never_overwrites_its_notebook(home: Settings, tmp_path: Path) -> None:
    path = notebook(tmp_path / "n.ipynb", "seed = 1")
    with pytest.raises(InvalidInput, match="overwrite"):
        run_notebook(path, path)
