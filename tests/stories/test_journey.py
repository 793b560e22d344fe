"""The researcher's journey against real processes: gateway, kernel, evaluator; no part of it stood in for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from workbench.settings import Settings

KERNELSPEC = {"name": "workbench-python", "display_name": "Governed Python", "language": "python"}
QUICK = ["-p", "epochs=1", "-p", "bootstrap=50"]


class Shell:
    """The command line of one home."""

    def __init__(self, settings: Settings) -> None:
        self.environment = {**os.environ, "WORKBENCH_HOME": str(settings.home)}

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "workbench.cli", *words], env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == code, f"{words} gave {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 or "--json" in words else done.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code))


@pytest.fixture
def shell(demo_home: Settings, bubblewrap: None) -> Shell:
    return Shell(demo_home)


def notebook(tmp_path: Path, *cells: str) -> str:
    body = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in cells], metadata={"kernelspec": KERNELSPEC}
    )
    path = tmp_path / "story.ipynb"
    nbformat.write(body, path)
    return str(path)


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(out.get("text", "") for cell in cells for out in cell.get("outputs", []))


def allowed(shell: Shell, dataset: str, account: str) -> bool:
    rows = shell.json("datasets", "--as", account)
    rows = rows["datasets"] if isinstance(rows, dict) else rows
    return bool(next(row for row in rows if row["name"] == dataset)["allowed"])


def test_access_is_asked_for_given_used_and_taken_away(shell: Shell, tmp_path: Path) -> None:
    read = notebook(tmp_path, "import workbench as wb", "print(wb.dataset('clinic-ct').volume('S0001').read().shape)")
    out = tmp_path / "out.ipynb"
    assert not allowed(shell, "clinic-ct", "reviewer")
    shell.run("run", read, "--as", "reviewer", "-o", str(out), code=13)
    words = ("request", "clinic-ct", "--purpose", "nodule malignancy", "--days", "2", "--as", "reviewer")
    request = shell.json(*words)["id"]
    assert "own request" in shell.run("approve", request, "--as", "reviewer", code=4)
    grant = shell.json("approve", request, "--as", "custodian")["grant"]
    shell.run("run", read, "--as", "reviewer", "-o", str(out))
    assert "224, 224" in printed(out)
    shell.run("revoke", grant, "--reason", "the story ends")
    shell.run("run", read, "--as", "reviewer", "-o", str(out), code=13)


def test_a_grant_revoked_while_a_notebook_runs_reads_nothing_more(shell: Shell, tmp_path: Path) -> None:
    words = ("request", "clinic-ct", "--purpose", "teaching", "--days", "1", "--as", "teacher")
    grant = shell.json("approve", shell.json(*words)["id"])["grant"]
    read = notebook(
        tmp_path,
        "import time, pathlib, workbench as wb",
        "scan = wb.dataset('clinic-ct').volume('S0001')\nprint('first', scan[0].shape)\npathlib.Path('ready').touch()",
        "while not pathlib.Path('go').exists():\n    time.sleep(0.05)",
        "try:\n    scan[50]\nexcept wb.WorkbenchError as error:\n    print('second', type(error).__name__, error)",
    )
    workspace = Path(shell.environment["WORKBENCH_HOME"]) / "workspaces" / "teacher"
    out = tmp_path / "out.ipynb"
    run = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "run", read, "--as", "teacher", "-o", str(out)],
        env=shell.environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while not (workspace / "ready").exists():
        assert run.poll() is None, "the notebook stopped before it had read anything"
        time.sleep(0.05)
    shell.run("revoke", grant, "--reason", "the story ends")
    (workspace / "go").touch()
    assert run.wait(timeout=120) == 0
    assert "first (224, 224)" in printed(out)
    assert "second AccessDenied" in printed(out)


def test_undisclosed_data_are_read_by_nobodys_kernel(shell: Shell, tmp_path: Path) -> None:
    for account in ("researcher", "custodian", "teacher"):
        read = notebook(tmp_path, "import workbench as wb", "wb.dataset('chest-ct-test').volume('S0001').read()")
        message = shell.run("run", read, "--as", account, "-o", str(tmp_path / "out.ipynb"), code=13)
        assert "undisclosed" in message


def test_what_a_notebook_writes_to_its_workspace_stays(shell: Shell, demo_home: Settings, tmp_path: Path) -> None:
    write = notebook(tmp_path, "from pathlib import Path", "Path('kept.txt').write_text('kept')")
    shell.run("run", write, "--as", "researcher", "-o", str(tmp_path / "out.ipynb"))
    assert (demo_home.workspace("researcher") / "kept.txt").read_text() == "kept"


def test_a_report_is_run_again_and_is_identical(shell: Shell, tmp_path: Path) -> None:
    out = tmp_path / "report.ipynb"
    words = ("report", "lung-nodule-detection", *QUICK, "--as", "researcher", "-o", str(out))
    run = shell.json(*words)
    assert {result["name"] for result in run["results"]}
    html = Path(run["report"]).read_text()
    assert "<svg" in html or "data:image/png" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    verdict = shell.json("reproduce", run["crate"])
    assert verdict["verdict"] == "IDENTICAL", verdict
    model = demo_model(shell)
    entry = shell.json("submit", "lung-nodule-detection", str(model), "--note", "story")
    assert entry["state"] == "scored"
    board = shell.json("leaderboard", "lung-nodule-detection")
    assert "story" in json.dumps(board)


def demo_model(shell: Shell) -> Path:
    return Path(shell.environment["WORKBENCH_HOME"]) / "workspaces" / "researcher" / "model.onnx"


def test_a_crate_that_was_changed_is_refused(shell: Shell, tmp_path: Path) -> None:
    run = shell.json("run", notebook(tmp_path, "print(1)"), "-o", str(tmp_path / "one.ipynb"))
    changed = tmp_path / "changed.crate.zip"
    with zipfile.ZipFile(run["crate"]) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content.replace(b"print(1)", b"print(2)"))
    refused = shell.json("reproduce", str(changed), code=2)
    assert "changed" in refused["message"] or refused["verdict"] == "NOT_RUN"


def test_a_real_series_goes_through_the_same_door(
    shared_data: Callable[[str], Path], home: Settings, tmp_path: Path
) -> None:
    shell = Shell(home)
    series = shell.json("ingest", str(shared_data("ct-lung1-003")), "--dataset", "real-ct")["series"]
    assert [one["shape"] for one in series] == [[107, 512, 512]]
    assert series[0]["spacing_mm"] == [3.0, 0.977, 0.977]
    assert series[0]["origin_mm"] == [-250.112, -250.112, -305.9]
    assert (series[0]["hu"]["min"], series[0]["hu"]["max"]) == (-1024, 3071)
    assert round(series[0]["hu"]["mean"], 3) == -676.265


def test_the_audit_log_of_all_this_is_whole(shell: Shell) -> None:
    assert shell.json("audit", "verify")["ok"] is True
