"""What a person at the ingest host's terminal gets: one JSON value, a sentence, the right exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.cli import main
from workbench.ingest.refusals import Refusal, refuse


def run(capsys: Any, *words: object) -> tuple[int, Any, str]:
    code = main([str(word) for word in words])
    caught = capsys.readouterr()
    return code, caught.out, caught.err


def test_ingest_prints_what_was_made(gateway: Any, draw_series: Any, signed_off: Any, capsys: Any) -> None:
    folder = draw_series().folder
    code, out, err = run(capsys, "ingest", folder, "--dataset", "clinic-ct", "--json")
    made = json.loads(out)
    assert (code, err) == (0, "")
    assert set(made) == {
        "dataset", "version", "status", "series", "labels", "tables", "ignored", "refusals", "findings", "deidentified",
    }  # fmt: skip
    assert made["series"][0]["spacing_mm"] == [2.5, 0.75, 0.625]
    code, out, err = run(capsys, "ingest", folder, "--dataset", "clinic-ct")
    assert (code, out) == (6, "") and "workbench sign-off clinic-ct" in err
    signed_off("clinic-ct")
    code, out, err = run(capsys, "ingest", folder, "--dataset", "clinic-ct")
    assert (code, out) == (6, "") and "nothing new" in err


def test_a_refusal_prints_its_reasons(gateway: Any, draw_series: Any, capsys: Any) -> None:
    drawn = draw_series()
    drawn.files[2].unlink()
    code, out, _ = run(capsys, "ingest", drawn.folder, "--dataset", "clinic-ct", "--json")
    body = json.loads(out)
    assert code == 7 and body["code"] == body["refusals"][0]["code"] == "missing-slice"
    code, out, err = run(capsys, "ingest", drawn.folder, "--dataset", "clinic-ct")
    assert (code, out) == (7, "") and "missing-slice" in err


@pytest.mark.parametrize(("words", "code"), [(["nowhere", "--dataset", "clinic-ct"], 2), ([".", "--dataset", "No"], 2)])
def test_a_wrong_word_is_a_sentence(gateway: Any, capsys: Any, words: list[str], code: int) -> None:
    got, out, err = run(capsys, "ingest", *words)
    assert (got, out) == (code, "") and err.endswith(".\n")


def test_a_person_reads_what_was_made(gateway: Any, draw_series: Any, capsys: Any) -> None:
    folder = draw_series().folder
    (folder / "notes.txt").write_text("-")
    _, out, _ = run(capsys, "ingest", folder, "--dataset", "clinic-ct")
    assert "with 1 new scan:" in out and "S0001 of P0001: CT, 6 × 40 × 36 voxels of 2.5 × 0.75 × 0.625 mm" in out
    assert "left out: notes.txt (not a DICOM file)" in out


def test_a_researcher_may_not_ingest(gateway: Any, draw_series: Any, capsys: Any) -> None:
    code, _, err = run(capsys, "ingest", draw_series().folder, "--dataset", "clinic-ct", "--as", "researcher")
    assert code == 4 and "custodian" in err


def test_phantoms_are_written_beside_their_annotations(tmp_path: Path, capsys: Any) -> None:
    code, out, _ = run(capsys, "phantoms", tmp_path / "p", "--count", 1, "--seed", 2, "--size", 96, "--json")
    assert code == 0 and json.loads(out)["series"][0]["folder"] == "phantom-00002"
    assert (tmp_path / "p" / "annotations.csv").is_file()


def test_a_reason_that_many_files_share_is_said_once() -> None:
    error = refuse([Refusal("unreadable", "the file is damaged", (f"{n}.dcm",)) for n in range(9)])
    assert str(error).count("the file is damaged") == 1
    assert "and 4 more" in str(error)
    assert len(error.refusals[0]["files"]) == 9
