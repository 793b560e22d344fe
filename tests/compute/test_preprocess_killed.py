"""`workbench preprocess` as people run it: a job on a cluster that ends complete, whoever is killed on the way."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.cli import main
from workbench.compute.prepared import open_prepared
from workbench.compute.prepared_files import MANIFEST, PARTIAL, SCANS, read_json
from workbench.compute.preprocess_command import problem_of
from workbench.compute.progress import Progress, duration
from workbench.connection import running_gateway
from workbench.errors import AccessDenied, DiskFull, RunFailed
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).parent))
from prepared_homes import fill_scans, lines_of, small_phantoms

SCAN_COUNT = 6
MOMENT = secrets.SystemRandom()
LONGEST_S = 240.0
VERB = ("preprocess", "clinic", "--spacing", "2", "--workers", "2", "--as", "researcher")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the researcher's workspace of a home with six scans, `clinic`, and one without a grant, `closed`."""
    folder = tmp_path_factory.mktemp("killed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(folder / "home"))
        for name in ("WORKBENCH_GATEWAY", "WORKBENCH_TOKEN", "WORKBENCH_ACCOUNT"):
            patch.delenv(name, raising=False)
        settings = load_settings()
        with running_gateway(settings), lines_of(settings) as lines:
            fill_scans(lines, "clinic", small_phantoms(SCAN_COUNT))
            fill_scans(lines, "closed", small_phantoms(1))
            lines.grant("researcher", "clinic")
            yield settings.workspace("researcher")


@pytest.fixture(scope="module")
def expected(workspace: Path) -> dict[str, Any]:
    """Give the manifest of a run under which a worker was killed at a random moment."""
    verb = start("undisturbed")
    wait_for_scans(workspace / "undisturbed", 1)
    time.sleep(MOMENT.uniform(0.0, 0.3))
    worker = one_of(is_worker)
    if worker is not None:
        worker.kill()
    code, text = ended(verb)
    assert code == 0, text
    return read_json(workspace / "undisturbed" / MANIFEST)


def start(out: str, *more: str) -> subprocess.Popen[str]:
    """Start the verb in a process of its own."""
    words = [sys.executable, "-m", "workbench.cli", *VERB, "--out", out, *more]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(verb: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a verb to end and give its exit code and everything it said."""
    text = verb.communicate(timeout=LONGEST_S)[0]
    return verb.returncode, text


def wait_for_scans(folder: Path, count: int) -> None:
    """Wait until so many scans are there, or all are written."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        if (folder / SCANS).is_dir() and len(list((folder / SCANS).iterdir())) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"{count} scans did not appear")


def is_driver(process: psutil.Process) -> bool:
    """Whether this is the process inside the sandbox that holds the list of scans and the scheduler."""
    words, parent = process.cmdline(), process.parent()
    is_inside = words[1:2] in (["-c"], ["-m"]) and "workbench.compute.job_inside" in " ".join(words[2:3])
    # What it starts has its words, too, for the moment before it becomes a program of its own.
    return is_inside and (parent is None or parent.cmdline() != words)


def is_worker(process: psutil.Process) -> bool:
    """Whether this is a Dask worker: a process that a driver has spawned."""
    return "spawn_main" in " ".join(process.cmdline()) and any(map(is_driver, process.parents()))


def one_of(wanted: Callable[[psutil.Process], bool]) -> psutil.Process | None:
    """Give one process of this home's jobs, which are nobody's children but the gateway's."""
    found = []
    for process in psutil.process_iter():
        try:
            own = os.environ["WORKBENCH_HOME"] in " ".join(word for one in process.parents() for word in one.cmdline())
            if own and wanted(process):
                found.append(process)
        except psutil.Error:
            continue
    return MOMENT.choice(found) if found else None


def wait_for_one(wanted: Callable[[psutil.Process], bool]) -> psutil.Process:
    """Wait until there is such a process."""
    deadline = time.monotonic() + LONGEST_S
    while (found := one_of(wanted)) is None:
        assert time.monotonic() < deadline, "there was no such process"
        time.sleep(0.05)
    return found


def check_complete(folder: Path, expected: dict[str, Any]) -> None:
    """Check that every scan is there once, as it is from any other run."""
    assert read_json(folder / MANIFEST) == expected
    assert sorted(entry.name for entry in (folder / SCANS).iterdir()) == sorted(expected["scans"])
    assert list((folder / PARTIAL).iterdir()) == []
    prepared = open_prepared(folder)
    assert len(prepared) == SCAN_COUNT
    for scan in prepared.scans:
        prepared[scan].check()


def test_a_killed_worker_costs_nobody_a_scan(bubblewrap: None, workspace: Path, expected: dict[str, Any]) -> None:
    assert len(expected["scans"]) == SCAN_COUNT
    check_complete(workspace / "undisturbed", expected)


def test_killed_drivers_and_terminals_leave_no_hole_and_no_duplicate(
    bubblewrap: None, workspace: Path, expected: dict[str, Any]
) -> None:
    folder = workspace / "killed"
    verb = start("killed")
    # Looked for before the first scan is there: looking takes long enough for the others to be made meanwhile.
    driver = wait_for_one(is_driver)
    wait_for_scans(folder, 1)
    driver.kill()
    code, text = ended(verb)
    assert code == RunFailed.exit_code, text
    assert "again" in text

    verb = start("killed")
    time.sleep(MOMENT.uniform(0.0, 1.5))
    verb.kill()
    ended(verb)

    # The job goes on without its terminal, so the verb finds it, or what it has made.
    verb = start("killed", "--json")
    code, text = ended(verb)
    assert code == 0, text
    assert json.loads(text)["scans"] == SCAN_COUNT
    check_complete(folder, expected)


def test_a_run_that_is_done_is_checked_and_says_so(
    bubblewrap: None, workspace: Path, expected: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*VERB, "--out", "undisturbed"]) == 0
    assert "6 scans of clinic" in (said := capsys.readouterr().out)
    assert "6 there before, checked" in said
    assert main([*VERB, "--out", "undisturbed", "--window", "40", "400", "--json"]) == 6
    assert "choose another name" in json.loads(capsys.readouterr().out)["message"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("preprocess", "nothing", "--out", "x"), 5, "nothing"),
        (("preprocess", "closed", "--out", "x"), 4, "may not be read"),
        (("preprocess", "clinic", "--out", "../x"), 2, "not a path"),
        (("preprocess", "clinic", "--out", "/x"), 2, "not a path"),
        (("preprocess", "clinic", "--out", "x", "--workers", "0"), 2, "from 1 to 64"),
        (("preprocess", "clinic", "--out", "x", "--spacing", "zero"), 2, "such as 1"),
        (("preprocess", "clinic", "--out", "x", "--spacing", "-1"), 2, "0.1 to 20 mm"),
        (("preprocess", "clinic", "--out", "x", "--window", "0", "nan"), 2, "width"),
        (("preprocess", "clinic", "--out", "x", "--order", "nearest"), 2, "linear, cubic"),
    ],
)
def test_wrong_words_end_in_one_sentence_and_a_code(
    workspace: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, says: str
) -> None:
    assert main([*words, "--as", "researcher"]) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.out == ""
    assert not (workspace / "x").exists()


def test_a_job_that_did_not_end_well_becomes_its_own_error() -> None:
    full = problem_of({"state": "failed", "error": "disk-full", "message": "No room; run the same command again."})
    refused = problem_of({"state": "refused", "message": "Your grant has ended."})
    killed = problem_of({"state": "killed", "message": "The job was ended by SIGKILL.\x1b[2J"})

    assert (type(full), type(refused), type(killed)) == (DiskFull, AccessDenied, RunFailed)
    assert "goes on from there" in killed.message
    assert "\x1b" not in killed.message


def test_the_bar_says_how_long_the_rest_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, *([30.0] * 20)])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    bar = Progress("scans", 10, shows_time=True)
    bar.skip(4)
    assert bar.rest() == ""
    bar.step(2)

    assert bar.rest() == "about 60 s left"
    assert [duration(seconds) for seconds in (42, 150, 9000)] == ["42 s", "2 min", "2.5 h"]
    bar.step(4)
    assert bar.rest() == ""
