"""`workbench score` reads the challenge's files and refuses, with file and line, what cannot carry a number."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.benchmark.metrics.froc_files import read_scans, score_froc_files
from workbench.benchmark.metrics.score_files import Files, evaluate_files
from workbench.cli import main
from workbench.errors import InvalidInput

FINDINGS = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"
MARKS = "seriesuid,coordX,coordY,coordZ,probability\n"
SharedData = Callable[[str], Path]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    texts = {
        "annotations": FINDINGS + "a,0,0,0,10\nb,5,5,5,6\n",
        "excluded": FINDINGS + "a,50,0,0,-1\na,50,0,0,-1\n",
        "scans": "a\nb\n",
        "predictions": MARKS + "a,1,0,0,0.9\na,50,1,0,0.8\nb,9,9,9,0.7\n",
    }
    paths = {}
    for name, text in texts.items():
        paths[name] = tmp_path / f"{name}.csv"
        paths[name].write_text(text)
    return paths


def refusal(files: dict[str, Path], **changed: str) -> str:
    for name, text in changed.items():
        files[name].write_text(text)
    with pytest.raises(InvalidInput) as stop:
        score_froc_files(files["annotations"], files["excluded"], files["scans"], files["predictions"])
    return stop.value.message


def test_a_case_by_hand(files: dict[str, Path]) -> None:
    # Nodule of a found at 0.9; the mark at 50 is excluded; that of b is 6.9 mm away: false. One of two nodules.
    found = score_froc_files(files["annotations"], files["excluded"], files["scans"], files["predictions"])
    assert found.value == 0.5
    assert found.details["marks_on_excluded"] == 1


def test_windows_line_ends_and_blank_lines_are_fine(files: dict[str, Path]) -> None:
    files["scans"].write_bytes(b"a\r\nb\r\n\r\n")
    assert read_scans(files["scans"]) == {"a": 0, "b": 1}


def test_a_header_in_the_scans_is_refused(files: dict[str, Path]) -> None:
    assert refusal(files, scans="seriesuid\na\nb\n").startswith("scans.csv, line 1: “seriesuid” is a header")


def test_a_scan_listed_twice_is_refused(files: dict[str, Path]) -> None:
    assert refusal(files, scans="a\nb\na\n").startswith("scans.csv, line 3:")


def test_a_mark_on_an_unknown_scan_is_refused(files: dict[str, Path]) -> None:
    assert "predictions.csv, line 2: this scan id is not" in refusal(files, predictions=MARKS + "zz,1,0,0,0.9\n")


def test_findings_of_other_scans_are_left_out(files: dict[str, Path]) -> None:
    files["annotations"].write_text(FINDINGS + "a,0,0,0,10\nother,5,5,5,6\n")
    found = score_froc_files(files["annotations"], None, files["scans"], files["predictions"])
    assert found.details["nodules"] == 1


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "", "high"])
def test_a_probability_that_is_no_number_is_refused(files: dict[str, Path], value: str) -> None:
    text = refusal(files, predictions=MARKS + f"a,1,0,0,0.9\nb,1,0,0,{value}\n")
    assert text.startswith("predictions.csv, line 3: probability is")


def test_a_coordinate_that_is_no_number_is_refused(files: dict[str, Path]) -> None:
    assert refusal(files, annotations=FINDINGS + "a,0,nan,0,10\n").startswith("annotations.csv, line 2: coordY")


def test_a_missing_column_is_refused(files: dict[str, Path]) -> None:
    text = refusal(files, predictions="seriesuid,coordX,coordY,coordZ\na,1,0,0\n")
    assert text.startswith("predictions.csv, line 1: the column “probability” is missing")


def test_a_file_without_a_header_is_refused(files: dict[str, Path]) -> None:
    assert "line 1: the column “seriesuid” is missing" in refusal(files, predictions="a,1,0,0,0.9\n")


def test_the_same_mark_twice_counts_as_two_marks(files: dict[str, Path]) -> None:
    # The second hit on the nodule of a does not count; both marks of b are 6.9 mm away from its nodule.
    files["predictions"].write_text(MARKS + 2 * "a,1,0,0,0.9\n" + 2 * "b,9,9,9,0.7\n")
    found = score_froc_files(files["annotations"], files["excluded"], files["scans"], files["predictions"])
    assert found.value == 0.5
    assert (found.details["marks_repeated"], found.details["false_positives"]) == (1, 2)


def test_the_same_nodule_twice_is_refused(files: dict[str, Path]) -> None:
    assert "line 3: the same row" in refusal(files, annotations=FINDINGS + "a,0,0,0,10\na,0,0,0,10\n")


def test_a_short_row_is_refused(files: dict[str, Path]) -> None:
    assert "line 2: 4 fields where the header has 5" in refusal(files, predictions=MARKS + "a,1,0,0\n")


def test_a_missing_file_is_refused(files: dict[str, Path]) -> None:
    files["predictions"].unlink()
    with pytest.raises(InvalidInput, match="does not exist"):
        score_froc_files(files["annotations"], None, files["scans"], files["predictions"])


def test_the_command_prints_one_json_value(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for name in files for word in (f"--{name}", str(files[name]))]
    assert main(["score", "--metric", "froc_cpm:v1", *words, "--bootstrap", "50", "--seed", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["cpm"] == 0.5
    assert len(printed["sensitivity"]) == 7
    assert printed["interval"][0] <= 0.5 <= printed["interval"][1]
    assert "strictly" in printed["definition"]


def test_the_command_gives_the_exit_code_of_the_refusal(files: dict[str, Path]) -> None:
    files["scans"].write_text("a\na\n")
    words = [word for name in files for word in (f"--{name}", str(files[name]))]
    assert main(["score", "--metric", "froc_cpm:v1", *words, "--json"]) == 2


def write_marks(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([MARKS.strip().split(","), *rows])
    return path


def test_perfect_marks_on_the_real_annotations_reach_one(shared_data: SharedData, tmp_path: Path) -> None:
    folder = shared_data("luna16-tables")
    with (folder / "annotations.csv").open() as file:
        rows = [[*row[:4], 1.0] for row in list(csv.reader(file))[1:]]
    found = score_froc_files(
        folder / "annotations.csv", folder / "annotations_excluded.csv", folder / "seriesuids.csv",
        write_marks(tmp_path / "perfect.csv", rows), bootstrap=20,
    )  # fmt: skip
    assert (found.value, found.interval) == (1.0, (1.0, 1.0))
    assert found.details["nodules"] == 1186


def test_marks_on_the_real_excluded_findings_do_not_count(shared_data: SharedData, tmp_path: Path) -> None:
    folder = shared_data("luna16-tables")
    with (folder / "annotations_excluded.csv").open() as file:
        rows = {tuple(row[:4]) for row in list(csv.reader(file))[1:6000]}
    marks = write_marks(tmp_path / "excluded.csv", [[*row, 0.5 + n / 1e6] for n, row in enumerate(sorted(rows))])
    found = score_froc_files(
        folder / "annotations.csv", folder / "annotations_excluded.csv", folder / "seriesuids.csv", marks
    )
    assert found.details["false_positives"] == 0


@pytest.fixture
def binary(tmp_path: Path) -> tuple[Path, Path]:
    truth, predictions = tmp_path / "truth.csv", tmp_path / "predictions.csv"
    truth.write_text("id,label\n1,1\n2,1\n3,0\n4,0\n")
    predictions.write_text("id,probability\n4,0.6\n1,0.8\n2,0.5\n3,0.3\n")
    return truth, predictions


def score_auc(truth: Path, predictions: Path) -> float:
    return evaluate_files("auc_delong:v1", Files(predictions, truth), bootstrap=0).measured.value


def test_auc_matches_ids_not_rows(binary: tuple[Path, Path]) -> None:
    assert score_auc(*binary) == 0.75


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,probability\n1,0.8\n2,0.5\n3,0.3\n", "lacks 1 of 4 items"),
        ("id,probability\n1,0.8\n1,0.5\n3,0.3\n4,0.1\n", "line 3: this id stands in an earlier line"),
        ("id,probability\n9,0.8\n", "line 2: this id is not among the items"),
        ("id,probability\n1,nan\n", "line 2: probability is “nan”"),
    ],
)
def test_bad_predictions_are_refused(binary: tuple[Path, Path], text: str, message: str) -> None:
    binary[1].write_text(text)
    with pytest.raises(InvalidInput, match=message):
        score_auc(*binary)


def test_a_label_that_is_not_0_or_1_is_refused(binary: tuple[Path, Path]) -> None:
    binary[0].write_text("id,label\n1,2\n")
    with pytest.raises(InvalidInput, match="truth.csv, line 2: the label is “2”"):
        score_auc(*binary)


def test_a_length_whose_square_is_no_number_is_refused(files: dict[str, Path]) -> None:
    assert "line 2: coordX is 1e200, which is beyond" in refusal(files, predictions=MARKS + "a,1e200,0,0,0.9\n")
    assert "line 2: diameter_mm is 1e200, which is" in refusal(files, annotations=FINDINGS + "a,0,0,0,1e200\n")


def test_a_score_may_be_any_finite_number(files: dict[str, Path]) -> None:
    files["predictions"].write_text(MARKS + "a,1,0,0,1e300\nb,9,9,9,-1e300\n")
    assert score_froc_files(files["annotations"], None, files["scans"], files["predictions"]).value == 0.5


def test_what_is_no_text_is_refused_in_words(files: dict[str, Path]) -> None:
    files["predictions"].write_bytes(MARKS.encode("utf-16"))
    with pytest.raises(InvalidInput, match=r"predictions.csv is not text in UTF-8; save it as CSV in UTF-8"):
        score_froc_files(files["annotations"], None, files["scans"], files["predictions"])
    assert "predictions.csv is not CSV (field larger than" in refusal(files, predictions=MARKS + "a" * 200_000)
