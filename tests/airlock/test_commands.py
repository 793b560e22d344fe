"""The verbs, against a real gateway: offered, looked at, voted on twice, released, and refused in every wrong state."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main
from workbench.settings import Settings

WORDS = ("--reason", "figure 2", "--controls", "groups below 10 are hidden")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Give a clean table, one with a small group, one with rows about people, and a text."""
    texts = {
        "sex.csv": "sex,subjects\nF,47\nM,60\n",
        "small.csv": "sex,subjects\nF,47\nM,3\n",
        "rows.csv": "subject,age\nP0001,61\nP0002,48\n",
        "notes.txt": "What was done.\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in texts}


def say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_scan_says_what_it_found_and_needs_no_gateway(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, body = say(capsys, "scan", files["small.csv"])
    assert code == 16 and list(body) == ["file", "kind", "sha256", "allowed", "findings"]
    assert (body["file"], body["kind"], body["allowed"]) == ("small.csv", "table", False)
    assert body["sha256"] == hashlib.sha256(Path(files["small.csv"]).read_bytes()).hexdigest()
    assert [found["rule"] for found in body["findings"]] == ["small-cell"]
    assert say(capsys, "scan", files["sex.csv"])[0] == 0
    assert main(["scan", files["rows.csv"]]) == 16 and "STOP" in capsys.readouterr().out


def test_a_file_goes_out_by_two_votes(
    gateway: Settings, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(capsys, "offer", files["sex.csv"], files["notes.txt"], *WORDS)[1]["state"] == "submitted"
    assert say(capsys, "review", "X1", "--vote", "approve")[1]["state"] == "partially reviewed"
    assert (
        say(capsys, "review", "X1", "--as", "checker-2", "--look", str(tmp_path / "seen"), "--vote", "approve")[0] == 0
    )
    assert (tmp_path / "seen" / "sex.csv").read_bytes() == Path(files["sex.csv"]).read_bytes()
    assert say(capsys, "release", "X1", "--to", str(tmp_path / "out"))[1]["state"] == "released"
    assert (tmp_path / "out" / "sex.csv").read_bytes() == Path(files["sex.csv"]).read_bytes()
    ledger = json.loads((tmp_path / "out" / "X1.release.json").read_text())
    assert ledger["entry"]["files"][0]["sha256"] == hashlib.sha256(Path(files["sex.csv"]).read_bytes()).hexdigest()


def test_each_verb_refuses_what_the_table_forbids(
    gateway: Settings, files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(capsys, "offer", files["sex.csv"], *WORDS)
    code, body = say(capsys, "release", "X1", "--to", str(tmp_path / "out"))
    assert (code, body["code"]) == (6, "wrong-state") and "possible now: vote (checker)" in body["message"]
    assert say(capsys, "release", "X1", "--to", str(Path(files["sex.csv"]).parent))[1]["code"] == "wrong-state"
    assert say(capsys, "review", "X1", "--vote", "changes")[0] == 2
    assert say(capsys, "review", "X1", "--as", "researcher", "--vote", "approve")[0] == 4
    assert say(capsys, "release", "X1", "--withdraw")[1]["state"] == "withdrawn"
    assert say(capsys, "review", "X1", "--vote", "approve")[0] == 6
    assert say(capsys, "offer", "--replace", "X1", files["notes.txt"])[0] == 6
    assert say(capsys, "review", "X9")[0] == 5


def test_what_a_check_stops_is_drafted_changed_and_handed_in(
    gateway: Settings, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, body = say(capsys, "offer", files["small.csv"], *WORDS)
    assert (code, body["code"]) == (16, "small-cell") and "row 3" in body["message"]
    assert say(capsys, "offer", "--draft", files["small.csv"], *WORDS)[1]["state"] == "draft"
    assert say(capsys, "offer", "--submit", "X1")[0] == 16
    assert say(capsys, "offer", "--replace", "X1", files["sex.csv"])[1]["state"] == "draft"
    assert say(capsys, "offer", "--remove", "X1", "small.csv")[0] == 0
    assert say(capsys, "offer", "--submit", "X1")[1]["state"] == "submitted"


def test_an_offer_needs_words(gateway: Settings, files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, body = say(capsys, "offer", files["sex.csv"], "--reason", "figure 2")
    assert code == 2 and "--controls" in body["message"]
    assert say(capsys, "offer", *WORDS)[0] == 2


def test_people_read_what_is_going_on(
    gateway: Settings, files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["offers"]) == 0 and "No releases yet" in capsys.readouterr().out
    main(["offer", files["sex.csv"], *WORDS])
    main(["review", "X1", "--vote", "changes", "--comment", "round it"])
    assert "checker-1: changes. round it" in capsys.readouterr().out
    main(["offers"])
    text = capsys.readouterr().out
    assert "X1  partially reviewed  1/2 votes" in text and "round it" not in text
