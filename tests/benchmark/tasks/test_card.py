"""The card says what a label is, what can be reached, and what a positive answer is worth."""

from __future__ import annotations

import pytest

from workbench.benchmark.tasks.card import card, ppv, proven_specificity, sentences
from workbench.benchmark.tasks.definition import definitions, task_definition


def test_ppv_is_bayes_theorem() -> None:
    # .9 · .05 = .045; .05 · .95 = .0475; .045 / .0925
    assert ppv(0.9, 0.95, 0.05) == pytest.approx(0.045 / 0.0925)
    assert (ppv(1.0, 1.0, 0.01), ppv(0.0, 1.0, 0.5)) == (1.0, 0.0)


@pytest.mark.parametrize(("negatives", "proven"), [(200, 0.982), (1000, 0.996), (3000, 0.9988)])
def test_zero_false_alarms_prove_little(negatives: int, proven: float) -> None:
    assert proven_specificity(negatives) == pytest.approx(proven, abs=5e-4)


def test_a_binary_card_reads_ppv_at_its_prevalence_and_at_the_ceiling() -> None:
    worth = card(task_definition("nodule-malignancy"))["prevalence"]
    assert [round(row["ppv"], 3) for row in worth["ppv"]] == [0.191, 0.321, 0.486, 0.826]
    assert worth["ceiling"]["specificity"] < 0.6
    assert worth["ceiling"]["ppv"] == pytest.approx(ppv(0.9, worth["ceiling"]["specificity"], 0.05))


def test_a_card_says_label_ceiling_and_trap() -> None:
    said = " ".join(sentences(task_definition("nodule-malignancy")))
    assert "Label (verified): Drawn by the phantom generator" in said
    assert "Ceiling of AUC: 0.798 ± 0.004 (Monte Carlo" in said
    assert "Trap – " in said and "Honest: Score every nodule." in said


def test_what_is_not_verified_is_called_so() -> None:
    task = task_definition("nodule-malignancy")
    opinion = task.model_copy(update={"label": task.label.model_copy(update={"verified": False})})
    assert sentences(opinion)[0].startswith("Label (not verified): ")


def test_every_shipped_task_has_a_card_with_ceiling_trap_and_baselines() -> None:
    for task in definitions().values():
        shown = card(task)
        assert shown["ceilings"] and shown["trap"] and shown["baselines"] and shown["licence"]
