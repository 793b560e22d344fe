"""The card says what a label is, what can be reached, and what a positive answer is worth."""

from __future__ import annotations

import pytest

from workbench.benchmark.metrics.limits import ppv
from workbench.benchmark.tasks.card import card, sentences
from workbench.benchmark.tasks.definition import definitions, task_definition


def test_a_binary_card_reads_ppv_at_its_prevalence_and_at_the_ceiling() -> None:
    worth = card(task_definition("nodule-malignancy"))["prevalence"]
    assert [round(row["ppv"], 3) for row in worth["ppv"]] == [0.191, 0.321, 0.486, 0.826]
    assert [row["negatives"] for row in worth["zero_false_alarms"]] == [200, 1000, 3000]
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
