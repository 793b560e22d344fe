"""Items from CSV files: what each metric reads, units, and what is refused by file and line."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from workbench.benchmark.metrics.score_files import Files, compare, evaluate_files
from workbench.errors import InvalidInput

# One truth for every metric: four patients, two of one family.
TRUTH = (
    "id,family,label,grade,value,time,event\na,f1,1,3,1.0,2,1\nb,f1,0,1,2.0,4,0\nc,f2,1,2,3.0,1,1\nd,f3,0,1,4.0,3,1\n"
)
SAID = "id,probability,grade,prediction,risk\nd,0.1,1,4.0,0.2\na,0.9,3,2.0,0.8\nb,0.4,2,2.0,0.1\nc,0.3,2,3.0,0.9\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "truth.csv").write_text(TRUTH)
    (tmp_path / "said.csv").write_text(SAID)
    return tmp_path


def value(folder: Path, metric: str, **given: object) -> float:
    files = Files(folder / "said.csv", folder / "truth.csv", **given)  # type: ignore[arg-type]
    return evaluate_files(metric, files, bootstrap=0).measured.value


def refusal(folder: Path, metric: str, *, truth: str = TRUTH, said: str = SAID, **given: object) -> str:
    (folder / "truth.csv").write_text(truth)
    (folder / "said.csv").write_text(said)
    with pytest.raises(InvalidInput) as stop:
        value(folder, metric, **given)
    return stop.value.message


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("auc_delong:v1", 0.75),  # 0.9 > 0.4, 0.9 > 0.1, 0.3 > 0.1, 0.3 < 0.4
        ("brier:v1", (0.01 + 0.16 + 0.49 + 0.01) / 4),
        ("rmse:v1", 0.5),  # one difference of 1 among four
        ("cindex:v1", 1.0),  # events at 1, 2, 3 have risks 0.9, 0.8, 0.2; the censored one 0.1
        # Truth 3 1 2 1, said 3 2 2 1: Σ 1; all pairings: 4 × 15 + 4 × 18 - 2 × 7 × 8 = 20, over 4 items 5.
        ("qwk:v1", 0.8),
    ],
)
def test_each_metric_by_hand(folder: Path, metric: str, expected: float) -> None:
    assert value(folder, metric) == pytest.approx(expected, abs=1e-12)


def test_the_unit_column_names_what_is_resampled(folder: Path) -> None:
    files = Files(folder / "said.csv", folder / "truth.csv", unit="family")
    found = evaluate_files("rmse:v1", files, bootstrap=50).measured.details
    assert (found["units"], found["items"]) == (3, 4)


def test_a_label_names_the_positive_kind(folder: Path) -> None:
    (folder / "truth.csv").write_text("id,label\na,solid\nb,calcified\nc,solid\nd,part-solid\n")
    assert value(folder, "auc_delong:v1", label="solid") == 0.75


def classes(folder: Path, header: str) -> Path:
    (folder / "truth.csv").write_text("id,label\na,solid\nb,calcified\n")
    (folder / "said.csv").write_text(f"{header}\na,0.2,0.7\nb,0.9,0.1\n")
    return folder


@pytest.mark.parametrize("header", ["id,class:solid,class:calcified", "id,solid,calcified"])
def test_classes_are_columns_by_name(folder: Path, header: str) -> None:
    assert value(classes(folder, header), "topk:v1") == 0.0
    assert value(classes(folder, header), "topk:v1", k=2) == 1.0


def test_a_class_that_no_column_names_is_refused(folder: Path) -> None:
    said = "id,class:solid,class:other\na,0.1,0.2\nb,0.1,0.2\n"
    assert "truth.csv, line 3: “calcified” is not among" in refusal(
        folder, "topk:v1", truth="id,label\na,solid\nb,calcified\n", said=said
    )
    assert "fewer than two classes" in refusal(folder, "topk:v1", said="id,class:solid\na,0.1\n")


@pytest.mark.parametrize(
    ("metric", "said", "message"),
    [
        (
            "auc_delong:v1",
            SAID.replace("\nd,", "\nx,"),
            "said.csv, line 2: this id is not among the items of",
        ),
        ("auc_delong:v1", SAID.replace("\nb,", "\na,"), "said.csv, line 4: this id stands in an earlier line"),
        ("auc_delong:v1", SAID.replace("\nb,", "\nid,"), "said.csv, line 4: “id” is a header, not an id"),
        ("auc_delong:v1", SAID.replace("\nb,", "\n,"), "said.csv, line 4: the id is empty"),
        ("auc_delong:v1", SAID.replace("0.9", "nan"), "said.csv, line 3: probability is “nan”, which is not a finite"),
        ("auc_delong:v1", SAID.replace("0.9", "1e999"), "is not a finite number"),
        ("auc_delong:v1", SAID[: SAID.rindex("c,")], "said.csv lacks 1 of 4 items, the first is c"),
        (
            "auc_delong:v1",
            SAID.replace("probability", "p").replace("prediction", "q").replace("risk", "r"),
            "is missing",
        ),
        ("brier:v1", SAID.replace("0.9,3", "1.1,3"), "said.csv, line 3: probability is 1.1, which is not from 0 to 1"),
        ("qwk:v1", SAID.replace("0.9,3", "0.9,2.5"), "said.csv, line 3: grade is “2.5”, which is not a whole number"),
        ("rmse:v1", SAID + "d,0.1,1,4.0,0.2\n", "said.csv, line 6: this id stands in an earlier line"),
        ("rmse:v1", SAID + "d,0.1\n", "said.csv, line 6: 2 fields where the header has 5"),
        ("rmse:v1", "", "said.csv, line 1: the file is empty"),
        ("rmse:v1", SAID.replace("4.0", "-1e200"), "said.csv, line 2: prediction is -1e200, which is beyond ±1e+100"),
        ("rmse:v1", SAID.replace("4.0", "4_0"), "said.csv, line 2: prediction is “4_0”, which is not a finite number"),
        ("rmse:v1", SAID.replace("4.0", "４.0"), "is not a finite number"),
        ("rmse:v1", SAID.replace(",", ";"), "said.csv, line 1: the fields are not separated by commas"),
    ],
)
def test_bad_predictions_are_refused_by_line(folder: Path, metric: str, said: str, message: str) -> None:
    assert message in refusal(folder, metric, said=said)


@pytest.mark.parametrize(
    ("metric", "truth", "message"),
    [
        (
            "auc_delong:v1",
            TRUTH.replace("f1,0", "f1,maybe"),
            "truth.csv, line 3: the label is “maybe”",
        ),
        ("auc_delong:v1", TRUTH.replace("\nb,", "\na,"), "truth.csv, line 3: this id stands in an earlier line"),
        ("auc_delong:v1", "id,label\n", "truth.csv holds no item"),
        ("cindex:v1", TRUTH.replace("2.0,4,0", "2.0,-4,0"), "truth.csv, line 3: time is -4; it must not be negative"),
        ("cindex:v1", TRUTH.replace("2.0,4,0", "2.0,4,2"), "truth.csv, line 3: event is “2”"),
        ("cindex:v1", TRUTH.replace("event", "ended"), "the column “event” is missing"),
        ("rmse:v1", TRUTH.replace("2.0,4", "1e101,4"), "truth.csv, line 3: value is 1e101, which is beyond"),
        ("rmse:v1", TRUTH.replace("2.0,4", "inf,4"), "truth.csv, line 3: value is “inf”"),
        ("rmse:v1", TRUTH.replace("family", "value"), "the column “value” stands there twice"),
    ],
)
def test_bad_truth_is_refused_by_line(folder: Path, metric: str, truth: str, message: str) -> None:
    assert message in refusal(folder, metric, truth=truth)


@pytest.mark.parametrize(
    ("metric", "given", "message"),
    [
        ("auc_delong:v1", {"label": "solid"}, "No item of truth.csv has the label “solid”"),
        ("auc_delong:v1", {"k": 2}, "has no use for --k"),
        ("rmse:v1", {"label": "1"}, "has no use for --label"),
        ("rmse:v1", {"scans": Path("s.csv")}, "has no use for --scans"),
        ("rmse:v1", {"unit": "hospital"}, "the column “hospital” is missing"),
        ("froc_cpm:v1", {}, "needs --annotations"),
        ("dice:v1", {"unit": "family"}, "has no use for --unit"),
    ],
)
def test_choices_that_do_not_fit_are_refused(folder: Path, metric: str, given: dict[str, object], message: str) -> None:
    assert message in refusal(folder, metric, **given)


def test_an_empty_unit_is_refused(folder: Path) -> None:
    message = refusal(folder, "rmse:v1", truth=TRUTH.replace("c,f2", "c,"), unit="family")
    assert "truth.csv, line 4: the column family is empty" in message


def test_two_predictions_are_compared_in_pairs(folder: Path) -> None:
    (folder / "other.csv").write_text(SAID.replace("d,0.1,1,4.0", "d,0.1,1,6.0"))
    first, second = (Files(folder / name, folder / "truth.csv") for name in ("said.csv", "other.csv"))
    one, two = (evaluate_files("rmse:v1", files, bootstrap=200) for files in (first, second))
    apart, test = compare(one, two, first, second)
    assert (apart.difference, test) == (one.measured.value - two.measured.value, "paired bootstrap")
    areas = [evaluate_files("auc_delong:v1", files, bootstrap=0) for files in (first, second)]
    assert compare(areas[0], areas[1], first, second)[1] == "DeLong"


def test_k_of_zero_is_refused(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="k from 1 to the 2 classes; got 0"):
        value(classes(folder, "id,solid,calcified"), "topk:v1", k=0)


@pytest.mark.parametrize("header", ["scan,probability", "scan,patient,probability", "id,probability"])
def test_the_column_of_the_unit_is_not_the_id_where_there_is_another(folder: Path, header: str) -> None:
    (folder / "truth.csv").write_text("patient,scan,label\np,s1,1\np,s2,0\nq,s3,0\n")
    middle = "p," if "patient" in header else ""
    (folder / "said.csv").write_text(f"{header}\ns1,{middle}0.9\ns2,{middle}0.2\ns3,{middle}0.1\n")
    files = Files(folder / "said.csv", folder / "truth.csv", unit="patient")
    found = evaluate_files("auc_delong:v1", files, bootstrap=0).measured
    assert (found.value, found.details["items"], found.details["units"]) == (1.0, 3, 2)


def test_the_id_is_a_column_that_both_files_have(folder: Path) -> None:
    (folder / "truth.csv").write_text("scan,patient,label\ns1,p,1\ns2,q,0\n")
    (folder / "said.csv").write_text("patient,probability\nq,0.2\np,0.9\n")
    assert value(folder, "auc_delong:v1") == 1.0


def test_a_path_that_the_system_refuses_is_one_sentence(folder: Path) -> None:
    for metric in ("rmse:v1", "dice:v1"):
        with pytest.raises(InvalidInput, match=r"cannot be read \(file name too long\)"):
            evaluate_files(metric, Files(folder / "said.csv", folder / ("a" * 300)), bootstrap=0)


def test_what_can_be_read_but_once_is_read_once(folder: Path) -> None:
    pipe = folder / "pipe.csv"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_text, args=(SAID,))
    writer.start()
    found = evaluate_files("rmse:v1", Files(pipe, folder / "truth.csv"), bootstrap=0)
    writer.join()
    assert found.measured.value == 0.5
