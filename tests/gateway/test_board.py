"""Boards, re-scoring and the final test from the terminal, through a real gateway and its evaluator processes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import pytest
from homes import Lines, lines_of
from submission_homes import TASK, fill_tasks, marks

from workbench.cli import main
from workbench.connection import running_gateway
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.settings import Settings, load_settings

NOTHING = b"scan,x_mm,y_mm,z_mm,probability\nS0001,500,500,500,0.5\n"

Reply = tuple[int, Any]


def verb(*words: str) -> Reply:
    """Run a verb with --json and give its exit code and value."""
    said = io.StringIO()
    with redirect_stdout(said):
        code = main([*words, "--json"])
    return code, json.loads(said.getvalue())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Give a home with the tasks' data and two people on the board of one: B1 of researcher, B2 of teacher."""
    folder = tmp_path_factory.mktemp("board")
    settings: Settings = load_settings(folder / "home")
    with pytest.MonkeyPatch.context() as patch, running_gateway(settings), lines_of(settings) as lines:
        patch.setenv("WORKBENCH_HOME", str(settings.home))
        fill_tasks(lines)
        for account, content in (("researcher", marks()), ("teacher", NOTHING)):
            (folder / f"{account}.csv").write_bytes(content)
            code, entry = verb("submit", TASK, str(folder / f"{account}.csv"), "--scored", "--as", account)
            assert (code, entry["state"]) == (0, "scored"), entry
        yield lines


@pytest.fixture(scope="module")
def story(home: Lines) -> dict[str, Reply]:
    """Play the board's whole life once, and give every answer."""
    said = {"open": verb("leaderboard", TASK), "exact": verb("leaderboard", TASK, "--as", "custodian")}
    said["appeal"], said["appeal again"] = verb("rescore", TASK, "B1"), verb("rescore", TASK, "B1")
    said["custodian's"] = verb("rescore", TASK, "B1", "--as", "custodian")
    said["stranger's"] = verb("rescore", TASK, "B1", "--as", "teacher")
    said["wrong proposer"] = verb("final", TASK, "--propose", "--as", "researcher")
    said["too early"] = verb("final", TASK, "--open")
    said["proposed"] = verb("final", TASK, "--propose", "--reason", "the challenge ends")
    said["same person"] = verb("final", TASK, "--open", "--as", "custodian")
    said["late"] = verb("submit", TASK, str(home.settings.home.parent / "teacher.csv"), "--scored")
    said["chosen"] = verb("final", TASK, "--choose", "B1")
    said["others'"] = verb("final", TASK, "--choose", "B2")
    said["done"] = verb("final", TASK, "--open")
    said["twice"] = verb("final", TASK, "--open")
    said["board"] = verb("leaderboard", TASK)
    return said


def test_the_board_ranks_people_and_the_baseline(story: dict[str, Reply]) -> None:
    code, board = story["open"]
    assert (code, board["closed"], board["final"]["state"]) == (0, False, "none")
    # One of the two nodules of each scan is marked, and nothing else: a sensitivity of one half everywhere.
    entry = next(entry for entry in board["entries"] if entry["person"] == "researcher")
    assert (entry["value"], entry["submission"], entry["isolation"]) == (0.5, "B1", "author")
    assert {entry["kind"] for entry in board["entries"]} == {"submission", "baseline"}
    assert all(low <= e["rank"] <= high for e in board["entries"] for low, high in [e["rank_interval"]])


def test_exact_numbers_are_the_custodian_s(story: dict[str, Reply]) -> None:
    assert all("exact" in entry for entry in story["exact"][1]["entries"])
    assert not any("exact" in entry for entry in story["open"][1]["entries"])


@pytest.mark.parametrize("asked", ["appeal", "custodian's"])
def test_re_scoring_gives_identical_bytes(story: dict[str, Reply], asked: str) -> None:
    code, found = story[asked]
    assert (code, found["identical"], found["first_sha256"] == found["second_sha256"]) == (0, True, True)
    assert found["scores"]["value"] == 0.5


def test_what_is_scored_again_says_to_its_author_what_the_ladder_says(story: dict[str, Reply]) -> None:
    assert story["appeal"][1]["scores"]["is_shown"] is True
    assert list(story["appeal"][1]) == ["submission", "identical", "first_sha256", "second_sha256", "scores"]
    assert story["appeal again"] == story["appeal"]
    assert "is_shown" not in story["custodian's"][1]["scores"]


@pytest.mark.parametrize(
    ("deed", "error"),
    [("stranger's", NotFound), ("wrong proposer", AccessDenied), ("too early", InvalidInput),
     ("same person", AccessDenied), ("others'", NotFound), ("twice", Conflict)],
)  # fmt: skip
def test_who_may_not_is_refused(story: dict[str, Reply], deed: str, error: type[Any]) -> None:
    code, refusal = story[deed]
    assert (code, refusal["error"]) == (error.exit_code, error.name), refusal


def test_a_proposal_closes_the_task(story: dict[str, Reply]) -> None:
    assert (story["proposed"][0], story["proposed"][1]["state"]) == (0, "proposed")
    code, refusal = story["late"]
    assert (code, refusal["code"]) == (8, "CLOSED")


def test_the_final_test_runs_what_was_chosen_and_ranks_the_board(story: dict[str, Reply]) -> None:
    code, final = story["done"]
    assert (code, final["state"], final["proposed_by"], final["opened_by"]) == (0, "done", "custodian", "checker-1")
    assert final["chosen"] == {"researcher": "B1", "teacher": "B2"}
    board = story["board"][1]
    assert board["closed"]
    assert [e["final"]["rank"] for e in board["entries"]] == sorted(e["final"]["rank"] for e in board["entries"])
    # The final scans, too, have one of their two nodules marked.
    assert {e["person"]: e["final"]["value"] for e in board["entries"]}["researcher"] == 0.5


def test_every_step_is_on_record(story: dict[str, Reply], home: Lines) -> None:
    rows = home.person("custodian").get("/v1/audit?limit=1000")["events"]
    said = [row["action"] for row in rows if row["action"].startswith("final.") and row["outcome"] == "done"]
    assert sorted(said) == ["final.choose", "final.open", "final.propose"]
    assert sum(row["action"] == "submission.rescore" and row["outcome"] == "done" for row in rows) == 3
