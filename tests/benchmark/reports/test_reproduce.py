"""Every verdict and every cause, each provoked through the command with a notebook that really runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from homes import fill
from small_crates import Crates, notebook

from workbench.benchmark.reports.crate import read_contents, read_crate
from workbench.benchmark.reports.notebook_run import run_notebook
from workbench.benchmark.reports.reproduce import reproduce as reproduce_crate
from workbench.benchmark.reports.reruns import run_again_of, verdicts_of
from workbench.cli import main

pytestmark = pytest.mark.usefixtures("bubblewrap")
Reproduce = Callable[..., tuple[int, dict[str, Any]]]
ENDINGS = (".html", ".crate.zip")
TOO_MUCH = """import os
with open("/tmp/full", "wb") as file:
    for _ in range(700):
        file.write(os.urandom(2**20))
held = [bytearray(os.urandom(2**20)) for _ in range(450)]
import time
time.sleep(30)"""


@pytest.fixture
def reproduce(crates: Crates, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reproduce:
    """Give the command: its exit code and its JSON."""
    monkeypatch.setenv("WORKBENCH_HOME", str(crates.settings.home))

    def run(crate: Path, *words: str, account: str = "reviewer") -> tuple[int, dict[str, Any]]:
        code = main(["reproduce", str(crate), "--json", "--as", account, *words])
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def crate(crates: Crates, tmp_path: Path) -> Path:
    return Path(shutil.copy(crates.first, tmp_path / "n.crate.zip"))


def test_the_same_again_is_identical_and_the_crate_remembers_it(crate: Path, reproduce: Reproduce) -> None:
    code, found = reproduce(crate)
    assert (code, found["verdict"], found["cause"], found["first_diverging_cell"]) == (0, "IDENTICAL", None, None)
    assert [(row["name"], row["first"] == row["second"], row["verdict"]) for row in found["results"]] == [
        ("scans", True, "IDENTICAL"), ("mean", True, "IDENTICAL"),
    ]  # fmt: skip
    (kept,) = verdicts_of(crate)
    assert (kept["verdict"], kept["account"], kept["environment_changes"]) == ("IDENTICAL", "reviewer", [])
    assert kept["data"] == read_versions(crate) and found["number"] == 1
    assert nbformat.reads(run_again_of(crate, 1) or "", 4).cells[-1].outputs[0]["text"] == "5\n"


def read_versions(crate: Path) -> dict[str, str]:
    return dict(read_crate(crate).about["data"])


@pytest.mark.parametrize("name", ["../../etc/a\0b", "n" * 400])
def test_a_crate_may_call_its_notebook_anything(crates: Crates, tmp_path: Path, name: str) -> None:
    file = crates.changed(tmp_path, notebook=name)
    assert reproduce_crate(file, "reviewer", settings=crates.settings).verdict == "IDENTICAL"


def test_the_report_says_the_verdict_in_the_crate_and_beside_it(crates: Crates, tmp_path: Path) -> None:
    files = {ending: Path(shutil.copy(crates.first.with_name(f"n.run{ending}"), tmp_path)) for ending in ENDINGS}
    done = reproduce_crate(files[".crate.zip"], "reviewer", settings=crates.settings)
    beside, inside = files[".html"].read_text(), read_contents(files[".crate.zip"])["report.html"].decode()
    assert (done.verdict, done.number) == ("IDENTICAL", 1)
    assert beside == inside and "IDENTICAL" in inside
    files[".html"].write_text("<p>my own notes</p>")
    reproduce_crate(files[".crate.zip"], "reviewer", settings=crates.settings, timeout_s=240)
    assert files[".html"].read_text() == "<p>my own notes</p>"


def test_the_command_is_the_real_one_and_says_it_in_words(crate: Path, crates: Crates) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbench.cli", "reproduce", str(crate), "--as", "reviewer"],
        capture_output=True, text=True, env={**os.environ, "WORKBENCH_HOME": str(crates.settings.home)}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "IDENTICAL"
    assert "Added to the crate as re-run 1." in done.stdout


@pytest.mark.parametrize(
    ("cell", "verdict", "code"),
    [
        ("record('mean', mean + 0.25, interval=(mean - 1, mean + 1), tolerance=9)", "WITHIN_TOLERANCE", 0),
        ("record('mean', mean + 0.75, interval=(mean - 1, mean + 1), tolerance=9)", "DIFFERENT", 1),
        ("record('mean', mean, interval=(mean - 1, mean + 1.75))", "DIFFERENT", 1),
        ("print(seed + 1)", "WITHIN_TOLERANCE", 0),
    ],
)
def test_what_another_number_or_text_means(
    crates: Crates, reproduce: Reproduce, tmp_path: Path, cell: str, verdict: str, code: int
) -> None:
    given, found = reproduce(crates.changed(tmp_path, cell=cell))
    assert (given, found["verdict"], found["first_diverging_cell"]) == (code, verdict, 4)


def test_by_how_much_is_told_beside_the_tolerance(crates: Crates, reproduce: Reproduce, tmp_path: Path) -> None:
    cell = "record('mean', mean + 0.75, interval=(mean - 1, mean + 1), tolerance=9)"
    row = reproduce(crates.changed(tmp_path, cell=cell))[1]["results"][1]
    assert (row["name"], row["tolerance"], row["verdict"]) == ("mean", 0.5, "DIFFERENT")
    assert row["second"] - row["first"] == row["difference"] == pytest.approx(0.75)


def test_a_crate_of_somebody_else_neither_finds_nor_overwrites_what_one_keeps(
    crates: Crates, reproduce: Reproduce, tmp_path: Path
) -> None:
    workspace = crates.settings.workspace("reviewer")
    workspace.mkdir(parents=True, exist_ok=True)
    (workspace / "kept.txt").write_text("mine")
    cell = "import os; print(os.listdir('.')); print(seed, file=open('kept.txt', 'w'))"
    file = crates.changed(tmp_path, cell=cell)
    assert reproduce(file)[1]["verdict"] == "WITHIN_TOLERANCE"
    assert nbformat.reads(run_again_of(file, 1) or "", 4).cells[-1].outputs[0]["text"] == "[]\n"
    assert (workspace / "kept.txt").read_text() == "mine"


def test_a_newer_version_does_not_matter(crate: Path, crates: Crates, reproduce: Reproduce) -> None:
    before = crates.lines.person("reviewer").get("/v1/datasets/open-ct")["version"]
    fill(crates.lines.operator(), "open-ct", "open", seeds=(8,))
    assert crates.lines.person("reviewer").get("/v1/datasets/open-ct")["version"] != before
    code, found = reproduce(crate)
    assert (code, found["verdict"]) == (0, "IDENTICAL")
    assert verdicts_of(crate)[0]["data"] == {"open-ct": before}


def test_an_environment_that_changed_is_named(crates: Crates, reproduce: Reproduce, tmp_path: Path) -> None:
    file = crates.changed(tmp_path, environment=["python==2.7.18", "numpy==0.1"])
    code, found = reproduce(file)
    assert (code, found["verdict"], found["cause"]) == (2, "NOT_RUN", "ENV_DRIFT")
    assert "python 2.7.18 →" in found["message"] and "--any-environment" in found["message"]
    code, found = reproduce(file, "--any-environment")
    assert (code, found["verdict"]) == (0, "IDENTICAL")
    assert found["notes"][0].startswith("Run in another environment: python 2.7.18 →")
    assert [one["cause"] for one in verdicts_of(file)] == ["ENV_DRIFT", None]
    assert verdicts_of(file)[1]["environment_changes"][0].startswith("python 2.7.18 →")


@pytest.mark.parametrize(
    ("data", "cause", "said"),
    [
        ({"nothing-ct": "ab" * 32}, "DATA_MISSING", "“nothing-ct” is not in this home"),
        ({"open-ct": "ab" * 32}, "DATA_CHANGED", "has no version abababababab here"),
    ],
)
def test_data_that_are_not_here_are_the_cause(
    crates: Crates, reproduce: Reproduce, tmp_path: Path, data: dict[str, str], cause: str, said: str
) -> None:
    code, found = reproduce(crates.changed(tmp_path, data=data))
    assert (code, found["verdict"], found["cause"]) == (2, "NOT_RUN", cause)
    assert said in found["message"] and found["results"] == []


def test_without_a_grant_nothing_runs(crates: Crates, reproduce: Reproduce, tmp_path: Path) -> None:
    version = crates.lines.person("reviewer").get("/v1/datasets/clinic-ct")["version"]
    file = crates.changed(tmp_path, data={"clinic-ct": version})
    code, found = reproduce(file)
    assert (code, found["cause"]) == (2, "NO_GRANT")
    assert "reviewer may not read “clinic-ct”" in found["message"]
    assert run_again_of(file, 1) is None


CAUSES = {
    "1 / 0": ("ERROR(cell 4)", "Cell 4 stopped with ZeroDivisionError"),
    "wb.dataset('clinic-ct').volume('S0001')": ("NO_GRANT", "No grant for “clinic-ct”"),
    "import time; time.sleep(600)": ("TIMEOUT", "Cell 4 took longer than 20 s"),
    "held = bytearray(3 * 2**30)": ("OOM", "MemoryError"),
    TOO_MUCH: ("OOM", "used more memory than there is for a kernel"),
    "import os; os.kill(os.getpid(), 9)": ("ERROR(cell 4)", "The kernel died in cell 4 (SIGKILL, Killed)"),
    "import ctypes; ctypes.string_at(0)": ("ERROR(cell 4)", "The kernel died in cell 4 (SIGSEGV"),
}


@pytest.mark.parametrize("cell", CAUSES, ids=lambda cell: str(cell).split("\n", 1)[0][:40])
def test_what_stops_a_cell_is_the_cause(crates: Crates, reproduce: Reproduce, tmp_path: Path, cell: str) -> None:
    file = crates.changed(tmp_path, cell=cell)
    code, found = reproduce(file, *(["--timeout", "20"] if "sleep(600)" in cell else []))
    cause, said = CAUSES[cell]
    assert (code, found["verdict"], found["cause"]) == (2, "NOT_RUN", cause)
    assert said in found["message"] and found["first_diverging_cell"] == 4
    kept = nbformat.reads(run_again_of(file, 1) or "", 4).cells
    assert [one.source for one in kept if "injected-parameters" not in one.metadata.get("tags", [])][3] == cell
    assert verdicts_of(file)[0]["cause"] == cause


def test_a_kernel_that_does_not_start_is_no_verdict_on_the_results(
    crate: Path, reproduce: Reproduce, monkeypatch: pytest.MonkeyPatch, crates: Crates
) -> None:
    settings = crates.settings.home / "settings.toml"
    before = settings.read_text()
    settings.write_text("kernel_memory_gib = 0.01\n")
    try:
        code, found = reproduce(crate)
    finally:
        settings.write_text(before)
    assert (code, found["verdict"]) == (2, "NOT_RUN")
    assert found["cause"] in ("ERROR(kernel)", "OOM")


def test_an_unknown_account_does_not_run(crate: Path, reproduce: Reproduce) -> None:
    code, found = reproduce(crate, account="nobody")
    assert (code, found["verdict"], found["cause"]) == (2, "NOT_RUN", "ERROR(not-found)")


def test_a_crate_that_was_changed_is_refused(crate: Path, reproduce: Reproduce) -> None:
    content = bytearray(crate.read_bytes())
    place = content.index(b"results.json") + 40
    content[place] ^= 0xFF
    crate.write_bytes(content)
    code, found = reproduce(crate)
    assert (code, found["error"]) == (2, "invalid-input")


@pytest.mark.parametrize("words", [("--timeout", "0"), ("--timeout", "-5")])
def test_a_time_that_is_none_is_refused(crate: Path, reproduce: Reproduce, words: tuple[str, ...]) -> None:
    code, found = reproduce(crate, *words)
    assert (code, "1 s or more" in found["message"], verdicts_of(crate)) == (2, True, [])


@pytest.mark.parametrize("name", ["", "none.crate.zip", "folder", "text.crate.zip"])
def test_what_is_no_crate_is_refused(reproduce: Reproduce, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.crate.zip").write_text("no zip")
    code, found = reproduce(tmp_path / name)
    assert (code, found["error"], "not a readable crate" in found["message"]) == (2, "invalid-input", True)


def test_unrecorded_leaves_the_crate_as_it_is(crates: Crates, reproduce: Reproduce, tmp_path: Path) -> None:
    file = crates.changed(tmp_path, data={"nothing-ct": "ab" * 32})
    before = file.read_bytes()
    found = reproduce(file, "--unrecorded")[1]
    assert (found["verdict"], found["number"], file.read_bytes() == before) == ("NOT_RUN", None, True)


def test_a_crate_that_takes_no_more_gets_its_verdict_anyway(
    crates: Crates, reproduce: Reproduce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.benchmark.reports.reruns.MAX_RERUNS", 0)
    found = reproduce(crates.changed(tmp_path, data={"nothing-ct": "ab" * 32}))[1]
    assert (found["cause"], found["number"]) == ("DATA_MISSING", None)
    assert "this one is not added" in found["notes"][0]


def test_data_that_shrank_since_have_changed(crates: Crates, reproduce: Reproduce, tmp_path: Path) -> None:
    fill(crates.lines.operator(), "small-ct", "open", seeds=(1, 2))
    path = notebook(tmp_path / "n.ipynb", "import workbench as wb\nlen(wb.dataset('small-ct').scans())")
    run = run_notebook(path, tmp_path / "o" / "n.ipynb", {}, "reviewer", settings=crates.settings)
    assert run.about["data_seen"] == {"small-ct": {"scans": 2, "subjects": 2}}
    crates.lines.person("custodian").post(
        "/v1/datasets/small-ct/subjects/P0002/withdraw", {"reason": "consent was taken back"}
    )
    code, found = reproduce(run.crate)
    assert (code, found["cause"]) == (2, "DATA_CHANGED")
    assert "2 scans then, 1 now" in found["message"] and "withdrew" in found["message"]
