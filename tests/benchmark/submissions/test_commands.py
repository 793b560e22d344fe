"""`workbench submit` and `workbench submissions`: exit codes, texts and JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main
from workbench.connection import running_gateway
from workbench.settings import Settings, load_settings

sys.path.insert(0, str(Path(__file__).parents[2] / "gateway"))
from homes import lines_of
from submission_homes import TASK, fill_tasks, marks


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Have a home with the tasks' data, and its gateway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("commands") / "home"))
        settings = load_settings()
        with running_gateway(settings), lines_of(settings) as lines:
            fill_tasks(lines)
            yield settings


@pytest.fixture
def file(filled: Settings, tmp_path: Path) -> Path:
    (tmp_path / "marks.csv").write_bytes(marks())
    return tmp_path / "marks.csv"


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    """Run a verb with --json and give its exit code and what it printed."""
    capsys.readouterr()
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_validation_ends_with_zero(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, body = told(capsys, "submit", TASK, str(file), "--validate", "--as", "researcher")
    assert (code, body["state"], body["intent"], body["person"]) == (0, "valid", "validation", "researcher")
    assert main(["submit", TASK, str(file), "--validate"]) == 0
    assert "valid. Its form is right" in capsys.readouterr().out


def test_a_failure_ends_with_eight_and_names_the_submission(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(marks() + b"\nS0099,1,2,3,0.5\n")
    code, body = told(capsys, "submit", TASK, str(file), "--validate")
    assert (code, body["error"], body["code"], body["state"]) == (8, "submission-refused", "UNKNOWN_ITEM_IDS", "failed")
    assert "line 7" in body["message"].lower() and body["submission"].startswith("B")
    assert main(["submit", TASK, str(file), "--validate"]) == 8
    assert "line 7" in capsys.readouterr().err.lower()


def test_a_submission_is_scored_and_listed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, body = told(capsys, "submit", TASK, str(file), "--scored", "--note", "by command")
    assert (code, body["state"], body["quota"]["week_used"]) == (0, "scored", 1)
    assert told(capsys, "submissions", body["submission"]) == (0, body)
    rows = told(capsys, "submissions", TASK)[1]["submissions"]
    assert rows[0] == body
    assert main(["submissions"]) == 0
    assert "scored “by command”" in capsys.readouterr().out


def test_what_nobody_waits_for_ends_all_the_same(
    file: Path, filled: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    code, body = told(capsys, "submit", TASK, str(file), "--no-wait")
    assert (code, body["state"]) in ((0, "queued"), (0, "running"))
    while (now := told(capsys, "submissions", body["submission"])[1])["state"] in ("queued", "running"):
        time.sleep(0.2)
    assert now["state"] == "scored"


def test_what_has_ended_is_not_taken_back(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent = told(capsys, "submit", TASK, str(file), "--validate")[1]["submission"]
    code, body = told(capsys, "submissions", "--withdraw", sent)
    assert (code, body["code"]) == (6, "wrong-state")
    assert told(capsys, "submissions", "--withdraw", sent, "--as", "teacher")[0] == 5


@pytest.mark.parametrize("words", [("--validate", "--scored"), ("--rehearse",)])
def test_two_intents_or_an_unknown_one_are_refused(file: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["submit", TASK, str(file), *words])
    assert stop.value.code == 2


def test_a_file_that_cannot_be_read_is_refused(filled: Settings, tmp_path: Path) -> None:
    assert main(["submit", TASK, str(tmp_path / "none.csv")]) == 2
    assert main(["submit", TASK, str(tmp_path)]) == 2


def test_a_task_that_is_not_there_is_not_found(file: Path) -> None:
    assert main(["submit", "no-such-task", str(file), "--validate"]) == 5
    assert main(["submissions", "B999"]) == 5


@pytest.mark.parametrize("words", [(), (TASK, "x.csv", "--validate", "--scored"), (TASK, "x.csv", "--what")])
def test_wrong_words_are_told_as_json_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["submit", *words, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (stop.value.code, said["error"]) == (2, "invalid-input")
    assert "--help` says what it takes" in said["message"]
