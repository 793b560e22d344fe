"""The generator publishes what can be reached at most, and nothing that it draws passes it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from workbench.benchmark.metrics.evaluate import ItemAnswer
from workbench.benchmark.tasks.definition import Baseline, task_definition
from workbench.benchmark.tasks.oracles import draw_trial, oracle
from workbench.benchmark.tasks.trials import BELOW, ORACLE, measure
from workbench.errors import InvalidInput
from workbench.imaging.phantom_oracle import draw_nodules


def test_what_is_painted_has_an_exact_ceiling() -> None:
    lungs, marks = task_definition("lung-segmentation"), task_definition("lung-nodule-detection")
    found = [oracle(lungs, "dice:v1"), oracle(lungs, "hd95:v1"), oracle(marks, "froc_cpm:v1")]
    assert [(one.value, one.standard_error) for one in found if one] == [(1.0, 0.0), (0.0, 0.0), (1.0, 0.0)]


def test_malignancy_s_ceiling_is_the_area_of_the_true_chance() -> None:
    drawn = draw_nodules(20_000)
    sick, well = drawn.chance[drawn.malignant], drawn.chance[~drawn.malignant]
    area = stats.mannwhitneyu(sick, well).statistic / (len(sick) * len(well))
    found = oracle(task_definition("nodule-malignancy"), "auc_delong:v1")
    assert found is not None
    assert found.value == pytest.approx(area, abs=1e-12)
    assert found.standard_error == pytest.approx(0.5 / np.sqrt(len(drawn.chance)))


def test_real_data_have_no_ceiling_and_nothing_to_draw() -> None:
    task = task_definition("nodule-malignancy").model_copy(update={"ceiling": None})
    assert oracle(task, "auc_delong:v1") is None
    with pytest.raises(InvalidInput, match="its ceiling is not known"):
        draw_trial(task)


def test_size_alone_lies_below_the_chance() -> None:
    task = task_definition("nodule-malignancy")
    trial = draw_trial(task, seed=4)
    rows = measure(trial, task.metric, higher_is_better=True, resamples=300, seed=0)
    assert [(row.name, row.verdict) for row in rows] == [(ORACLE, ""), ("diameter alone", BELOW)]
    assert trial.counts.items >= 2000 and trial.counts.units < trial.counts.items


def test_another_seed_draws_another_test_and_the_same_one_the_same() -> None:
    task = task_definition("nodule-malignancy")
    first, again, other = (draw_trial(task, seed=seed).answers[ORACLE]["auc_delong:v1"] for seed in (1, 1, 2))
    assert isinstance(first, ItemAnswer) and isinstance(again, ItemAnswer) and isinstance(other, ItemAnswer)
    assert np.array_equal(first.prediction, again.prediction)
    assert not np.array_equal(first.prediction[:50], other.prediction[:50])


def test_a_baseline_of_a_column_that_is_not_drawn_is_refused() -> None:
    task = task_definition("nodule-malignancy").model_copy(
        update={"baselines": (Baseline(name="texture", rule="column", column="texture"),)}
    )
    with pytest.raises(InvalidInput, match="reads texture, which is not drawn"):
        draw_trial(task)


def test_no_probability_is_measured_as_one() -> None:
    task = task_definition("nodule-malignancy").model_copy(update={"metrics": ("auc_delong:v1", "brier:v1")})
    answers = draw_trial(task).answers
    assert set(answers[ORACLE]) == {"auc_delong:v1", "brier:v1"}
    assert set(answers["diameter alone"]) == {"auc_delong:v1"}


def test_painted_lungs_hold_a_threshold_below_the_ceiling() -> None:
    task = task_definition("lung-segmentation")
    trial = draw_trial(task, scans=1)
    for metric, higher in (("dice:v1", True), ("hd95:v1", False)):
        ceiling, guess = measure(trial, metric, higher_is_better=higher, resamples=100, seed=0)
        assert ceiling.value == (1.0 if higher else 0.0)
        assert guess.gap is not None and guess.gap > 0


def test_painted_nodules_are_all_found_by_the_oracle() -> None:
    task = task_definition("lung-nodule-detection")
    trial = draw_trial(task, scans=1)
    ceiling, blobs = measure(trial, task.metric, higher_is_better=True, resamples=50, seed=0)
    assert ceiling.value == 1.0
    assert blobs.value < 0.9
