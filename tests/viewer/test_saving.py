"""Marks are saved whole or not at all, over nothing that was there, and only where they belong are they read."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marked import CANDIDATES, FINDINGS, GRID, JUDGEMENTS, LABELS, scan

from workbench.errors import InvalidInput
from workbench.viewer.mark_set import Marks
from workbench.viewer.marks import read_boxes
from workbench.viewer.marks_table import COLUMNS, marks_table
from workbench.viewer.saving import load_marks, save_marks
from workbench.viewer.shown_volume import as_shown

NAMES = ("boxes", "contours", "measurements", "candidates", "judgements")


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".CSV"])
def test_a_table_gives_every_mark_back_to_the_last_digit(tmp_path: Path, ending: str) -> None:
    path = save_marks(tmp_path / f"marks{ending}", FINDINGS, scan())
    again = load_marks(path, scan())
    for name in NAMES:
        assert getattr(again, name) == getattr(FINDINGS, name)


def test_a_table_says_of_which_slab_a_region_was_measured(tmp_path: Path) -> None:
    region = FINDINGS.measurements[2]
    of_slab = {**region, "statistics": {**region["statistics"], "slab_mm": 10.0, "slab_mode": "mip"}}
    path = save_marks(tmp_path / "slab.csv", Marks(measurements=(of_slab,)), scan())
    assert load_marks(path, scan()).measurements == (of_slab,)


def test_the_table_has_a_row_for_each_mark_with_its_place_and_numbers() -> None:
    table = marks_table(FINDINGS, as_shown(scan()))
    assert tuple(table) == COLUMNS
    assert table["kind"].tolist() == [
        "box", "box", *["contour"] * 4, "distance", "angle", "ellipse", "rectangle", "candidate", "candidate",
    ]  # fmt: skip
    assert set(table["scan"]) == {"S0001"}
    first = table.iloc[0]
    assert (first["x_mm"], first["y_mm"], first["z_mm"]) == pytest.approx(GRID.to_patient_mm([3, 10, 15]), abs=1e-3)
    # 7 rows of 0.8 mm by 12 columns of 0.7 mm.
    assert table["area_mm2"][2] == pytest.approx(5.6 * 8.4)


def test_the_table_counts_the_voxels_of_label_sets() -> None:
    table = marks_table(LABELS, as_shown(scan()))
    assert table["label"].tolist() == ["left lung", "right lung", "label 3", "label 65535"]
    assert table["pixels"].iloc[-1] == 1
    assert table["volume_ml"].iloc[-1] == pytest.approx(2.5 * 0.8 * 0.7 / 1000)


@pytest.mark.parametrize("label", ["NA", "null", "=1+1", "'quoted", "@x", "-1", 'a,b\n"c"', "größer", "nan", " "])
def test_labels_that_mean_something_to_spreadsheets_come_back_as_they_were(tmp_path: Path, label: str) -> None:
    marks = Marks(read_boxes([{**FINDINGS.boxes[0].as_dict(), "label": label}], GRID))
    path = save_marks(tmp_path / "marks.csv", marks, scan())
    assert load_marks(path, scan()).boxes[0].label == label
    assert ",=" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["marks.csv", "marks.parquet", "marks.dcm"])
def test_the_same_marks_make_the_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        save_marks(tmp_path / folder / name, FINDINGS, scan(), kind="sr" if name.endswith("dcm") else None)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text("mine")
    with pytest.raises(InvalidInput, match=r"marks\.csv exists already.*overwrite=True"):
        save_marks(path, FINDINGS, scan())
    assert path.read_text() == "mine"
    save_marks(path, FINDINGS, scan(), overwrite=True)
    assert len(load_marks(path, scan()).boxes) == 2


def test_a_file_made_meanwhile_by_somebody_else_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "marks.csv"
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (path.write_text("theirs"), real(descriptor)))
    with pytest.raises(InvalidInput, match="meanwhile"):
        save_marks(path, FINDINGS, scan())
    assert [file.read_text() for file in tmp_path.iterdir()] == ["theirs"]


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="No space left"):
        save_marks(tmp_path / "marks.csv", FINDINGS, scan())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "marks", "kind", "words"),
    [
        ("marks.csv", Marks(), None, "Nothing is marked"),
        ("marks.nii", FINDINGS, None, "ends in no form"),
        ("marks", FINDINGS, None, "ends in no form"),
        ("marks.csv", FINDINGS, "sr", "does not go with .csv"),
        ("marks.dcm", FINDINGS, "table", "does not go with .dcm"),
        ("marks.dcm", FINDINGS, "rtstruct", "does not go with .dcm"),
        ("marks.dcm", FINDINGS, None, "Say kind='seg'"),
        ("marks.dcm", Marks(FINDINGS.boxes), "seg", "boxes_as_masks=True"),
        ("marks.dcm", LABELS, "sr", "use kind='seg'"),
        ("absent/marks.csv", FINDINGS, None, "There is no folder"),
        ("", FINDINGS, None, "is a folder"),
    ],
)
def test_what_cannot_be_saved_is_refused_with_a_sentence(
    tmp_path: Path, name: str, marks: Marks, kind: str | None, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        save_marks(tmp_path / name, marks, scan(), kind=kind)
    assert list(tmp_path.iterdir()) == []


def test_a_name_as_long_as_the_disk_takes_is_saved_and_a_longer_one_refused(tmp_path: Path) -> None:
    longest = tmp_path / ("x" * 251 + ".csv")
    assert load_marks(save_marks(longest, FINDINGS, scan()), scan()).boxes == FINDINGS.boxes
    with pytest.raises(InvalidInput, match="File name too long"):
        save_marks(tmp_path / ("x" * 300 + ".csv"), FINDINGS, scan())
    with pytest.raises(InvalidInput, match="There is no file"):
        load_marks(tmp_path / ("x" * 300 + ".csv"), scan())
    assert list(tmp_path.iterdir()) == [longest]


@pytest.mark.parametrize("name", ["marks.csv", "marks.parquet", "marks.dcm"])
def test_files_that_may_not_be_opened_are_refused_with_the_reason(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_marks(tmp_path / name, Marks(FINDINGS.boxes), scan())

    def forbid(self: Path, *_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(self))

    # Root may open anything, so the system's answer is given for it.
    for method in ("open", "unlink"):
        monkeypatch.setattr(Path, method, forbid)
    with pytest.raises(InvalidInput, match="could not be read: Permission denied"):
        load_marks(path, scan())
    with pytest.raises(InvalidInput, match="could not be written: Permission denied"):
        save_marks(tmp_path / f"new-{name}", Marks(FINDINGS.boxes), scan())


@pytest.mark.parametrize("path", [None, 3, "", "a\0b.csv"])
def test_what_is_no_name_of_a_file_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInput, match="no name of a file"):
        save_marks(path, FINDINGS, scan())


def test_the_one_dicom_form_that_holds_the_marks_is_taken(tmp_path: Path) -> None:
    save_marks(tmp_path / "sr.dcm", Marks(FINDINGS.boxes), scan())
    save_marks(tmp_path / "seg.dcm", LABELS, scan())
    assert load_marks(tmp_path / "sr.dcm", scan()).boxes
    assert load_marks(tmp_path / "seg.dcm", scan()).labels


@pytest.mark.parametrize("name", ["marks.csv", "marks.parquet", "sr.dcm", "seg.dcm"])
def test_marks_of_another_scan_are_not_read(tmp_path: Path, name: str) -> None:
    path = save_marks(tmp_path / name, LABELS if name == "seg.dcm" else Marks(FINDINGS.boxes), scan())
    with pytest.raises(InvalidInput, match="another scan|none of chest-ct S0002"):
        load_marks(path, scan("S0002"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("marks.csv", "a,b\n1,2\n", "no column dataset"),
        ("marks.csv", "", "no table of marks"),
        ("marks.csv", ",".join(COLUMNS) + "\nchest-ct,v1,S0001,box,," + "x," * 20 + "\n", "number belongs|no table"),
        ("marks.parquet", "PAR1", "no table of marks"),
        ("marks.dcm", "", "neither a table"),
        ("marks.txt", "hello", "neither a table"),
    ],
)
def test_a_file_that_holds_no_marks_is_refused(tmp_path: Path, name: str, content: str, words: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(InvalidInput, match=words):
        load_marks(path, scan())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (",box,", ",cube,", "kind “cube”; the kinds are box"),
        (",agree,", ",maybe,", "verdict “maybe”; the verdicts are agree, reject"),
        (",0.5,", ",,", "candidate without a score"),
    ],
)
def test_a_table_changed_by_hand_is_refused_rather_than_read_in_part(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    place = {"position_mm": list(FINDINGS.boxes[0].centre_mm), "score": 0.5}
    marks = Marks(FINDINGS.boxes, candidates=(place,), judgements=({"candidate": 0, "verdict": "agree"},))
    path = save_marks(tmp_path / "marks.csv", marks, scan())
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InvalidInput, match=words):
        load_marks(path, scan())


@pytest.mark.parametrize("name", ["marks.csv", "marks.parquet", "report.dcm", "regions.dcm"])
def test_damaged_files_are_read_or_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    kind = {"report.dcm": "sr", "regions.dcm": "seg"}.get(name)
    path = save_marks(tmp_path / name, LABELS if kind == "seg" else FINDINGS, scan(), kind=kind)
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    refused = 0
    for number in range(40):
        damaged = bytearray(whole[: len(whole) * number // 20] if number < 20 else whole)
        for at in rng.integers(0, max(1, len(damaged)), 4 if number >= 20 else 0):
            damaged[at] = int(rng.integers(0, 256))
        path.write_bytes(damaged)
        with warnings.catch_warnings(action="ignore"), suppress(InvalidInput):
            load_marks(path, scan())
            refused -= 1
        refused += 1
    assert refused >= 20


@pytest.mark.parametrize("name", ["marks.csv", "marks.parquet", "marks.dcm"])
def test_half_a_letter_in_a_label_does_not_stop_saving(tmp_path: Path, name: str) -> None:
    box = {"centre_mm": FINDINGS.boxes[0].centre_mm, "size_mm": 4, "label": "nodule \ud83d"}
    marks = Marks(read_boxes([box], scan().geometry))
    assert load_marks(save_marks(tmp_path / name, marks, scan()), scan()).boxes[0].label == "nodule ?"


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"no file gone\.csv"):
        load_marks(tmp_path / "gone.csv", scan())


def test_the_last_judgement_of_a_candidate_counts() -> None:
    marks = Marks(candidates=CANDIDATES, judgements=(*JUDGEMENTS, {**JUDGEMENTS[0], "verdict": "agree"}))
    assert marks.verdict(1)["verdict"] == "agree"
    assert marks.verdict(0) == {}
    assert repr(marks) == "Marks(2 candidates)"
