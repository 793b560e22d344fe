"""The fields of a task must go together: kind, truth, metrics, splits, baselines and ceiling."""

from __future__ import annotations

from importlib import resources

import pytest

from workbench.benchmark.tasks.definition import find_problems, parse, task_definition
from workbench.benchmark.tasks.rules import KINDS
from workbench.errors import InvalidInput

FILES = resources.files("workbench.benchmark") / "tasks"
TEXT = (FILES / "nodule-malignancy.yaml").read_text()
MARKS = (FILES / "lung-nodule-detection.yaml").read_text()


def fields(text: str) -> list[str]:
    return [problem.field for problem in find_problems(text, "x.yaml")[1]]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("[auc_delong:v1]", "[froc_cpm:v1]", "metrics.0"),
        ("[auc_delong:v1]", "[calibration:v1]", "metrics.0"),
        ("[auc_delong:v1]", "[auc_delong:v1, auc_delong:v1]", "metrics.1"),
        ("method: delong", "method: bootstrap", "interval.method"),
        (", column: malignant}", "}", "truth.column"),
        ("column: malignant}", "column: malignant, event: died}", "truth.event"),
        ("column: malignant}", "column: malignant, labels: lungs}", "truth.labels"),
        ("  public_test: {dataset: chest-ct-test, split: public_test}\n", "", "splits.public_test"),
        ("split: final_test}", "split: public_test}", "splits.final_test"),
        ("public_test: {dataset: chest-ct-test", "public_test: {dataset: chest-ct", "splits.public_test.dataset"),
        ("split: final_test}", f"split: final_test, version: {'a' * 64}}}", "splits.final_test.version"),
        ("rule: column, column: diameter_mm", "rule: column", "baselines.0.column"),
        ("rule: column, column: diameter_mm", "rule: constant, column: diameter_mm", "baselines.0.column"),
        ("rule: column, column: diameter_mm", "rule: column, column: malignant", "baselines.0.column"),
        ("rule: column, column: diameter_mm", "rule: blob-filter", "baselines.0.rule"),
        ("ceiling: phantom-malignancy\n", "", "ceiling"),
        ("ceiling: phantom-malignancy", "ceiling: phantom-lungs", "ceiling"),
        ("synthetic: true", "synthetic: false", "ceiling"),
        ("bands: [6, 10]", "bands: [10, 6]", "subgroups.0.bands"),
        ("name: texture", "name: diameter in mm", "subgroups.1"),
        ("scored_in_all: 200", "scored_in_all: 19", "quota.scored_in_all"),
        ("submissions: [predictions, onnx", "submissions: [onnx, onnx", "submissions.1"),
        ("metrics:", "k: 3\nmetrics:", "k"),
    ],
)
def test_fields_that_do_not_go_together_are_named(old: str, new: str, field: str) -> None:
    assert old in TEXT
    assert field in fields(TEXT.replace(old, new, 1))


def test_a_binary_task_says_how_common_positives_are_and_no_other_does() -> None:
    start = TEXT.index("prevalence:")
    block = TEXT[start : TEXT.index("trap:")]
    assert fields(TEXT.replace(block, "")) == ["prevalence"]
    assert fields(MARKS + block) == ["prevalence"]


def test_an_opinion_is_not_a_verified_label() -> None:
    text = TEXT.replace("  verified: true", "  verified: true\n  id: lidc-reader-malignancy")
    assert fields(text) == ["label.verified"]
    assert fields(text.replace("verified: true", "verified: false")) == []


def test_classes_levels_and_events_belong_to_their_kinds() -> None:
    base = TEXT[: TEXT.index("prevalence:")] + TEXT[TEXT.index("trap:") :]
    base = base.replace("rule: column, column: diameter_mm", "rule: constant").replace(
        "ceiling: phantom-malignancy\n", ""
    )
    base = base.replace("synthetic: true", "synthetic: false").replace("onnx, ", "").replace("method: delong, ", "")
    made = {
        "multiclass": ("column: malignant, classes: [a, b, c]", "topk:v1"),
        "ordinal": ("column: malignant, levels: [1, 5]", "qwk:v1"),
        "survival": ("column: days, event: died", "cindex:v1"),
        "regression": ("column: volume_ml", "rmse:v1"),
    }
    for kind, (truth, metric) in made.items():
        text = base.replace("kind: binary", f"kind: {kind}").replace("column: malignant", truth, 1)
        assert fields(text.replace("auc_delong:v1", metric)) == [], kind


@pytest.mark.parametrize("levels", ["[5, 1]", "[1, 1]"])
def test_levels_rise(levels: str) -> None:
    text = TEXT.replace("kind: binary", "kind: ordinal").replace(
        "column: malignant", f"column: malignant, levels: {levels}"
    )
    assert "truth.levels" in fields(text)


def test_every_kind_has_rules_and_the_shipped_tasks_keep_them() -> None:
    assert set(KINDS) == {
        "detection3d", "segmentation3d", "binary", "multiclass", "ordinal", "regression", "ranking", "survival"
    }  # fmt: skip
    assert task_definition("nodule-malignancy") == parse(TEXT, "x.yaml")


def test_a_task_with_broken_rules_is_not_a_task() -> None:
    with pytest.raises(InvalidInput, match="line 18: metrics.0: froc_cpm:v1 does not measure binary"):
        parse(TEXT.replace("[auc_delong:v1]", "[froc_cpm:v1]"), "x.yaml")
