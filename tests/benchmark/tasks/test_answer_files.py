"""Truth and predictions of a check are read by the task's own columns, and refused with file and line."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from workbench.benchmark.metrics.evaluate import ItemAnswer, MarksAnswer
from workbench.benchmark.tasks.answer_files import Files, trial_of
from workbench.benchmark.tasks.definition import TaskDefinition, parse, task_definition
from workbench.errors import InvalidInput

TEXT = (resources.files("workbench.benchmark") / "tasks" / "nodule-malignancy.yaml").read_text()
BINARY = task_definition("nodule-malignancy")


def put(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def of_kind(kind: str, truth: str, metric: str) -> TaskDefinition:
    text = TEXT[: TEXT.index("prevalence:")] + TEXT[TEXT.index("trap:") :]
    for old, new in (
        ("kind: binary", f"kind: {kind}"), ("column: malignant", truth), ("auc_delong:v1", metric), ("onnx, ", ""),
        ("method: delong, ", ""), ("ceiling: phantom-malignancy\n", ""), ("synthetic: true", "synthetic: false"),
        ("rule: column, column: diameter_mm", "rule: constant"),
    ):  # fmt: skip
        text = text.replace(old, new, 1)
    return parse(text, "task.yaml")


def test_items_of_one_scan_are_one_unit(tmp_path: Path) -> None:
    truth = put(tmp_path, "t.csv", "id,malignant\nS1-1,true\nS1-2,0\nS2-1,1\n")
    said = put(tmp_path, "p.csv", "id,probability\nS2-1,0.5\nS1-1,0.25\nS1-2,1\n")
    trial = trial_of(BINARY, Files(truth, {"a": said}))
    answer = trial.answers["a"]["auc_delong:v1"]
    assert isinstance(answer, ItemAnswer)
    assert (answer.unit.tolist(), answer.truth.tolist(), answer.prediction.tolist()) == (
        [0, 0, 1], [1.0, 0.0, 1.0], [0.25, 1.0, 0.5]
    )  # fmt: skip
    assert trial.counts.as_dict() == {"units": 2, "items": 3, "positives": 2}


def test_a_column_of_units_wins(tmp_path: Path) -> None:
    truth = put(tmp_path, "t.csv", "id,malignant,unit\nS1-1,1,a\nS1-2,0,b\nS2-1,1,a\n")
    trial = trial_of(BINARY, Files(truth, {}))
    assert trial.counts.units == 2


def test_marks_are_read_in_the_columns_of_luna16_too(tmp_path: Path) -> None:
    truth = put(tmp_path, "t.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\na,1,2,3,8\n")
    said = put(tmp_path, "p.csv", "seriesuid,coordX,coordY,coordZ,probability\na,1,2,3,0.5\nb,0,0,0,0.1\n")
    scans = put(tmp_path, "s.csv", "a\nb\n")
    trial = trial_of(task_definition("lung-nodule-detection"), Files(truth, {"x": said}, scans))
    answer = trial.answers["x"]["froc_cpm:v1"]
    assert isinstance(answer, MarksAnswer)
    assert (answer.scans, answer.marks.scan.tolist(), answer.findings.diameter_mm.tolist()) == (2, [0, 1], [8.0])
    assert trial.counts.as_dict() == {"units": 2, "items": 2, "findings": 1}


def test_classes_times_and_grades_are_read(tmp_path: Path) -> None:
    task = of_kind("multiclass", "column: type, classes: [a, b]", "topk:v1")
    truth, said = (
        put(tmp_path, "t.csv", "id,type\n1,b\n2,a\n"),
        put(tmp_path, "p.csv", "id,class:a,class:b\n1,0,1\n2,3,1\n"),
    )
    answer = trial_of(task, Files(truth, {"x": said})).answers["x"]["topk:v1"]
    assert isinstance(answer, ItemAnswer)
    assert (answer.truth.tolist(), answer.prediction.tolist()) == ([1.0, 0.0], [[0.0, 1.0], [3.0, 1.0]])
    task = of_kind("survival", "column: days, event: died", "cindex:v1")
    truth, said = (
        put(tmp_path, "t.csv", "id,days,died\n1,30,1\n2,9,0\n"),
        put(tmp_path, "p.csv", "id,prediction\n1,2\n2,3\n"),
    )
    trial = trial_of(task, Files(truth, {"x": said}))
    assert trial.counts.positives == 1
    assert np.array_equal(trial.answers["x"]["cindex:v1"].truth, [[30.0, 1.0], [9.0, 0.0]])  # type: ignore[union-attr]


TRUTH = "id,malignant\nS1-1,1\nS1-2,0\n"
SAID = "id,probability\nS1-1,0.5\nS1-2,0.5\n"


@pytest.mark.parametrize(
    ("truth", "said", "says"),
    [
        (TRUTH.replace("S1-2", "S1-1"), SAID, "t.csv, line 3: this id stands in line 2 already"),
        (TRUTH.replace(",0", ",2"), SAID, "t.csv: malignant must be 0 or 1"),
        (TRUTH.replace(",0", ",nan"), SAID, "t.csv, line 3: malignant is not a finite number"),
        (TRUTH.replace(",0", ",0,7"), SAID, "t.csv, line 3: it has another number of fields"),
        (TRUTH.replace("malignant", "sick"), SAID, "t.csv, line 2: it needs a column “malignant”"),
        ("id,malignant\n", SAID, "t.csv holds no row"),
        (TRUTH, SAID.replace("S1-2,0.5\n", ""), "p.csv: 1 of 2 items have no prediction"),
        (TRUTH, SAID.replace("S1-2", "S9-9"), "p.csv: .*its id is not one of the 2 items"),
        (TRUTH, SAID.replace("S1-2,0.5", "S1-2,1.5"), "p.csv: .*outside 0 to 1"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_file_and_line(tmp_path: Path, truth: str, said: str, says: str) -> None:
    files = Files(put(tmp_path, "t.csv", truth), {"x": put(tmp_path, "p.csv", said)})
    with pytest.raises(InvalidInput, match=f"^{says}"):
        trial_of(BINARY, files)


def test_masks_are_no_matter_of_tables(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Masks are scored by `workbench score`"):
        trial_of(task_definition("lung-segmentation"), Files(tmp_path / "t.csv", {}))


def test_findings_outside_the_list_of_scans_are_refused(tmp_path: Path) -> None:
    truth = put(tmp_path, "t.csv", "scan,x_mm,y_mm,z_mm,diameter_mm\na,1,2,3,8\n")
    scans = put(tmp_path, "s.csv", "b\n")
    with pytest.raises(InvalidInput, match="t.csv has 1 scans that are not in the list"):
        trial_of(task_definition("lung-nodule-detection"), Files(truth, {}, scans))
