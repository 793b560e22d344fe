"""`workbench train` as people run it: refused at once, killed and resumed to the same weights, its files in place."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from workbench.cli import main
from workbench.compute import train_command
from workbench.compute.train_command import WORK
from workbench.connection import sign_in
from workbench.settings import Settings

TASK = "lung-nodule-detection"
CONFIG = "seed: 3\nepochs: 2\nbatches: 8\ncheckpoint_every: 2\nbootstrap: 100\n"
LONGEST_S = 400.0


@pytest.fixture(scope="module")
def home(demo_home: Settings) -> Iterator[Settings]:
    """Have the demo's home in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(demo_home.home))
        for name in ("WORKBENCH_GATEWAY", "WORKBENCH_TOKEN", "WORKBENCH_ACCOUNT"):
            patch.delenv(name, raising=False)
        yield demo_home


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "train.yaml").write_text(CONFIG)
    return tmp_path / "train.yaml"


def verb(config: Path, *more: str, task: str = TASK) -> list[str]:
    return ["train", task, "--config", str(config), "--json", "--as", "researcher", *more]


def refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> tuple[int, str]:
    code = main(words)
    return code, json.loads(capsys.readouterr().out)["message"]


def test_a_misspelt_key_is_refused_with_the_nearest(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("epoch: 3\n")
    code, said = refused(capsys, verb(config))
    assert code == 2 and "did you mean “epochs”?" in said


@pytest.mark.parametrize("count", ["0", "65", "-1"])
def test_workers_out_of_range_are_refused(config: Path, count: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, verb(config, "--workers", count))
    assert code == 2 and said == f"workers must be a whole number from 1 to 64; got {count}."


def test_an_output_outside_of_the_workspace_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, verb(config, "--out", "../out"))[0] == 2


def test_an_unknown_task_is_refused(home: Settings, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, verb(config, task="lung-nodule-detektion"))
    assert code == 5 and TASK in said


def inside(home: Settings) -> psutil.Process | None:
    """Give the process in the sandbox that leads the training of this home."""
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            # Python itself; bubblewrap and what sets the limits have the same last word.
            if words[-1:] != [WORK] or words[1] not in ("-c", "-m"):
                continue
            if str(home.home) in " ".join(word for one in process.parents() for word in one.cmdline()):
                return process
        except psutil.Error:
            continue
    return None


def kill_when_there(home: Settings, file: Path, verb: subprocess.Popen[str]) -> None:
    """Kill what leads the training as soon as it has written its first checkpoint."""
    deadline, driver = time.monotonic() + LONGEST_S, None
    while driver is None and verb.poll() is None and time.monotonic() < deadline:
        driver = inside(home)
        time.sleep(0.1)
    assert driver is not None
    while not file.exists() and verb.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    driver.kill()


@pytest.mark.timeout(900)
def test_a_killed_run_goes_on_to_the_weights_of_one_that_was_not(
    home: Settings, config: Path, bubblewrap: None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home.workspace("researcher") / "killed"
    words = [sys.executable, "-m", "workbench.cli", *verb(config, "--workers", "1", "--out", "killed")]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    kill_when_there(home, folder / "run.ckpt", started)
    said, _ = started.communicate(timeout=LONGEST_S)
    assert started.returncode == 13 and "--resume" in said, said

    code, why = refused(capsys, verb(config, "--workers", "1", "--out", "killed"))
    assert code == 6 and "holds a checkpoint already; add --resume" in why

    assert main(verb(config, "--workers", "1", "--out", "killed", "--resume")) == 0
    done = json.loads(capsys.readouterr().out)
    check(folder, done)
    # What an undisturbed run gives, in this process, with the same code.
    assert done["fingerprint"] == undisturbed(home)


def check(folder: Path, done: dict[str, Any]) -> None:
    """Check that everything is in the workspace."""
    wanted = ["config.json", "history.csv", "model.card.json", "model.card.md", "model.onnx", "run.ckpt"]
    assert done["files"] == wanted == sorted(file.name for file in folder.iterdir())
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"] and float(rows[-1]["loss"]) == done["loss"]
    assert done["interval"][0] <= done["score"] <= done["interval"][1]


def undisturbed(home: Settings) -> str:
    """Learn the same in a kernel of the researcher's that is this process."""
    from workbench.benchmark.task import task
    from workbench.compute.training import train
    from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection, operator_secret

    operator = Connection(home.socket, operator_secret(home))
    token = operator.post("/v1/kernels", {"person": "researcher", "isolation": "bubblewrap"})["token"]
    operator.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SOCKET_VARIABLE, str(home.socket))
        patch.setenv(TOKEN_VARIABLE, token)
        return train(task(TASK), ranks=1, seed=3, epochs=2, batches=8).fingerprint


def test_an_account_that_does_not_exist_is_refused(
    home: Settings, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, [*verb(config)[:-1], "nobody-here"])[0] == 5


def test_data_without_a_grant_are_refused_before_anything_starts(
    home: Settings, config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tasks that are shipped learn from open data; this one learns from the clinic's, which needs a grant.
    line = sign_in(home, "reviewer")
    monkeypatch.setattr(train_command, "_splits", lambda _line, _task: {"train": {"dataset": "clinic-ct"}})
    code, said = refused(capsys, [*verb(config)[:-1], "reviewer"])
    assert code == 4 and said.startswith("“clinic-ct” may not be read: ")
    assert line.get("/v1/jobs")["jobs"] == []
