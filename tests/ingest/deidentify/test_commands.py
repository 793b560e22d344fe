"""`workbench deidentify` and `workbench crosswalk` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main
from workbench.ingest.deidentify.crosswalk import Crosswalk
from workbench.settings import Settings


def run(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.fixture
def done(draw_series: Any, home: Settings, tmp_path: Path, capsys: Any) -> dict[str, Any]:
    folder = draw_series(count=3).folder
    (folder / "notes.txt").write_text("Okonkwo")
    assert run("deidentify", folder, tmp_path / "out", "--workers", 1, "--json") == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_json_accounts_for_every_file(done: dict[str, Any], tmp_path: Path) -> None:
    assert (done["files"], done["written"], done["resumed"], done["refused"]) == (4, 3, 0, 1)
    assert done["refusals"][0]["file"] == "notes.txt" and done["refusals"][0]["code"] == "not-dicom"
    assert all((tmp_path / "out" / one["file"]).is_file() for one in done["per_file"])
    assert done["actions"] == {rule: 3 * number for rule, number in done["per_file"][0]["actions"].items()}
    assert (done["profile"], done["project"], len(done["profile_sha256"])) == ("standard", "default", 64)
    assert done["files_per_s"] > 0


def test_text_tells_what_was_done_and_refused(draw_series: Any, home: Settings, tmp_path: Path, capsys: Any) -> None:
    folder = draw_series(count=2).folder
    (folder / "no\x1btes\n.txt").write_text("Okonkwo")
    assert run("deidentify", folder, tmp_path / "out") == 0
    told = capsys.readouterr().out
    assert told.startswith("2 of 3 files lie de-identified in ")
    assert "not a DICOM file" in told and "[not-dicom]" in told and "\x1b" not in told and "Okonkwo" not in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere", "out"], "no such source"),
        (["in", "in/out"], "in one another"),
        (["in", "strange"], "no earlier run"),
        (["in", "out", "--profile", "best"], "best"),
        (["in", "out", "--project", "My Project"], "My Project"),
        (["in", "out", "--workers", "0"], "0 worker"),
    ],
)
def test_bad_arguments_are_one_sentence_and_exit_2(
    draw_series: Any, home: Settings, tmp_path: Path, capsys: Any, monkeypatch: Any, words: list[str], says: str
) -> None:
    draw_series(count=1)
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "precious.doc").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert run("deidentify", *words) == 2
    told = capsys.readouterr().err
    assert says in told and "Traceback" not in told and not (tmp_path / "out").exists()


def test_crosswalk_finds_the_patient_and_notes_the_question(done: dict[str, Any], home: Settings, capsys: Any) -> None:
    pseudonym = done["per_file"][0]["file"].split("/")[0]
    assert run("crosswalk", "find", pseudonym, "--json") == 0
    assert json.loads(capsys.readouterr().out)["found"][0]["source"] == "MRN-5550199"
    assert run("crosswalk", "find", pseudonym) == 0
    assert capsys.readouterr().out == "patient: MRN-5550199\n"
    assert [one.pseudonym for one in Crosswalk(home, "default").questions()] == [pseudonym] * 2


def test_crosswalk_of_another_project_knows_nothing(done: dict[str, Any], capsys: Any) -> None:
    pseudonym = done["per_file"][0]["file"].split("/")[0]
    assert run("crosswalk", "find", pseudonym, "--project", "other") == 5
    assert "5550199" not in capsys.readouterr().err


def test_help_says_that_the_crosswalk_prints_identifiers(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        run("crosswalk", "--help")
    assert "source's own identifiers" in " ".join(capsys.readouterr().out.split())
