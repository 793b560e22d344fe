"""A reader study without the browser: what it shows, what it saves, what it refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.errors import AccessDenied, InvalidInput
from workbench.viewer.reader_study import ReaderStudy

SCANS = {f"S{number}": np.full((8, 8, 8), number, dtype=np.int16) for number in range(6)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reads.csv"


def study(path: Path, *, reader: str = "R1", **given: Any) -> ReaderStudy:
    return ReaderStudy(given.pop("scans", SCANS), reader=reader, path=path, spacing_mm=1.0, **given)


def read(one: ReaderStudy, seconds: float = 12.5) -> None:
    """Do what the browser does: start, and finish after a while."""
    one.view.reading = {"state": "running", "seconds": 0, "paused_seconds": 0}
    one.view.reading = {"state": "finished", "seconds": seconds, "paused_seconds": 2}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_scans_come_once_each_in_the_reader_s_own_order(path: Path) -> None:
    one = study(path)
    for _ in SCANS:
        read(one)
    assert [row["scan"] for row in rows(path)] == one.order
    assert sorted(one.order) == sorted(SCANS)
    assert [row["order"] for row in rows(path)] == ["1", "2", "3", "4", "5", "6"]
    assert "All 6 scans are read" in one._head.value


def test_picture_is_hidden_until_somebody_starts(path: Path) -> None:
    one = study(path)
    assert one.view.reading["state"] == "idle"
    read(one)
    assert one.view.reading == {"state": "idle", "seconds": 0.0, "paused_seconds": 0.0}


def test_a_row_holds_time_verdicts_and_marks(path: Path) -> None:
    found = [{"position_mm": (1, 2, 3), "score": 0.9, "kind": "hit"}]
    one = study(path, candidates={name: found for name in SCANS})
    one.view.judgements = [{"candidate": 0, "verdict": "agree", "seconds": 4}]
    one.view.boxes = [{"centre_mm": (3, 3, 3), "size_mm": 2, "label": "mine"}]
    read(one)
    (row,) = rows(path)
    assert (row["reader"], row["seconds"], row["paused_seconds"]) == ("R1", "12.500", "2.000")
    assert json.loads(row["judgements"]) == [
        {"position_mm": [1.0, 2.0, 3.0], "score": 0.9, "label": "", "verdict": "agree", "seconds": 4.0}
    ]
    assert json.loads(row["boxes"])[0]["label"] == "mine"
    assert pd.Timestamp(row["started"]).tzinfo is not None


def test_next_scan_carries_nothing_over(path: Path) -> None:
    one = study(path, questions={"Nodule?": ["yes", "no"]})
    one.view.boxes = [{"centre_mm": (3, 3, 3), "size_mm": 2, "label": "mine"}]
    one._form._fields["Nodule?"].value = "yes"
    read(one)
    assert one.view.boxes == []
    assert one._form.missing == ["Nodule?"]


def test_a_new_kernel_goes_on_where_the_old_one_stopped(path: Path) -> None:
    old = study(path, seed=3)
    read(old)
    read(old)
    # Begun, but not finished: it is begun anew.
    old.view.reading = {"state": "running", "seconds": 5, "paused_seconds": 0}
    new = study(path, seed=3)
    assert new.done == new.order[:2]
    assert new.view.title == "Scan 3 of 6"
    assert new.view.reading["seconds"] == 0


def test_readers_share_a_file_and_see_their_own_rows_only(path: Path) -> None:
    first = study(path, reader="R1", questions={"Remark": str})
    first._form._fields["Remark"].value = "a secret of R1"
    read(first)
    second = study(path, reader="R2", questions={"Remark": str})
    assert (second.done, len(second.table())) == ([], 0)
    sent = repr([child.get_state() for child in second.children]) + repr(second.view.get_state())
    assert "secret" not in sent
    assert "R1" not in sent
    read(second)
    assert [row["reader"] for row in rows(path)] == ["R1", "R2"]


def test_nothing_of_the_truth_or_of_other_scans_is_sent(path: Path) -> None:
    table = pd.DataFrame({"scan": ["S1"], "x_mm": 1.0, "y_mm": 1.0, "z_mm": 1.0, "score": 0.5, "kind": "hit"})
    one = study(path, candidates={name: table for name in SCANS})
    state = {name: value for name, value in one.view.get_state().items() if name not in ("_esm", "_css")}
    assert state["truth"] == []
    assert "hit" not in repr(state)
    assert not any(repr(name) in repr(state) for name in one.order)


def test_questions_hold_a_read_back_until_they_are_answered(path: Path) -> None:
    one = study(path, questions={"Nodule?": ["yes", "no"], "Remark": str})
    assert not one._form.is_open
    read(one)
    assert not path.exists()
    assert "Still to answer: Nodule?" in one._notice.value
    assert one._next.layout.display is None
    one._form._fields["Nodule?"].value = "no"
    one._next.click()
    assert rows(path)[0]["answer: Nodule?"] == "no"
    assert one.table()["Nodule?"].tolist() == ["no"]
    assert one.view.reading["state"] == "idle"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scans": {**SCANS, "S9": SCANS["S0"]}}, "other scans or questions"),
        ({"seed": 4}, "seed 3"),
        ({"questions": {"Nodule?": ["yes", "no"]}}, "other scans or questions"),
    ],
)
def test_the_file_of_another_study_is_refused_and_stays_as_it_is(path: Path, given: dict[str, Any], words: str) -> None:
    read(study(path, seed=3))
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match=f"another study .*{words}"):
        study(path, **{"seed": 3, **given})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "no table at all", "\0\0", "study,seed\n1\n"])
def test_any_other_file_is_refused_and_stays_as_it_is(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(InvalidInput, match="reads of a study|no file of a reader study"):
        study(path)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"scans": {}}, "nothing to read"),
        ({"scans": [SCANS["S0"]]}, "has no name"),
        ({"scans": SCANS["S0"]}, "`scans` is a ndarray"),
        ({"scans": "S0001"}, "`scans` is a str"),
        ({"reader": " "}, "give a name or a number"),
        ({"reader": "x" * 61}, "give a name or a number"),
        ({"seed": 1.5}, "whole number"),
        ({"truth": []}, "no ground truth"),
        ({"boxes": []}, "no argument 'boxes'"),
        ({"candidates": {"S99": []}}, "candidates for S99"),
        ({"questions": ["Nodule?"]}, "must be a mapping"),
        ({"questions": {"Nodule?": ["yes"]}}, "2 to 30 different choices"),
        ({"questions": {"Nodule?": ["yes", "yes"]}}, "2 to 30 different choices"),
        ({"questions": {"Nodule?": "yes"}}, "2 to 30 different choices"),
    ],
)
def test_arguments_that_make_no_study_are_refused(path: Path, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        study(path, **given)
    assert not path.exists()


@pytest.mark.parametrize("name", ["missing/reads.csv", "reads.xlsx", ""])
def test_a_place_where_no_reads_can_be_kept_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="ending in .csv"):
        study(tmp_path / name)


def test_a_read_that_cannot_be_saved_stays_and_can_be_saved_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = study(path)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        read(one)
    assert "no space left on device" in one._notice.value
    assert [file.suffix for file in path.parent.iterdir()] == [".lock"]
    one._next.click()
    assert rows(path)[0]["seconds"] == "12.500"


def test_a_scan_that_may_not_be_read_leaves_a_sentence_and_a_way_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AccessDenied("No grant for chest-ct: yours ended on 3 May.")

    with monkeypatch.context() as patch:
        patch.setattr("workbench.viewer.reader_study.view", refuse)
        one = study(path)
    assert "ended on 3 May" in one._notice.value
    one._again.click()
    assert one.view.title == "Scan 1 of 6"


def test_a_scan_is_saved_once_a_reader_also_from_two_kernels(path: Path) -> None:
    first, second = study(path), study(path)
    read(first, 10)
    read(second, 20)
    assert [(row["scan"], row["seconds"]) for row in rows(path)] == [(first.order[0], "10.000")]
    assert second.view.title == "Scan 2 of 6"


def test_the_output_says_in_words_how_far_it_is(path: Path) -> None:
    one = study(path)
    read(one)
    assert repr(one) == "<ReaderStudy of 6 scans, reader R1: 1 read>"
    assert one._repr_mimebundle_()["text/plain"] == repr(one)


def test_names_are_shown_as_words_not_as_markup(path: Path) -> None:
    assert "<img" not in study(path, reader="<img src=x>")._head.value
