"""What a task's card says besides its question: label, ceiling, what a positive answer is worth, and the trap.

Runs in: anywhere
Source: Bayes' theorem for the predictive values; Clopper and Pearson, Biometrika 26 (1934) 404, for what zero false
alarms prove.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.metrics.limits import ppv, proven_specificity
from workbench.benchmark.tasks.definition import Prevalence, TaskDefinition
from workbench.benchmark.tasks.oracles import Ceiling, oracle
from workbench.imaging.phantom_oracle import draw_nodules

# Specificities for which the card reads PPV; zero false alarms among so many negatives prove no more than the second.
SPECIFICITIES = (0.80, 0.90, 0.95, 0.99)
NEGATIVES = (200, 1000, 3000)
DRAWN = 5_000


def card(task: TaskDefinition) -> dict[str, Any]:
    """Give what the card of a task shows, as plain JSON values."""
    ceilings = [found for metric in task.metrics if (found := oracle(task, metric)) is not None]
    return {
        "label": {"id": task.label.id, "says": task.label.says, "verified": task.label.verified},
        "synthetic": task.synthetic, "licence": task.licence,
        "ceilings": [
            {"metric": one.metric, "value": one.value, "standard_error": one.standard_error, "says": one.says}
            for one in ceilings
        ],
        "prevalence": None if task.prevalence is None else _worth(task, task.prevalence),
        "trap": None if task.trap is None else task.trap.model_dump(),
        "subgroups": [group.model_dump() for group in task.subgroups],
        "baselines": [baseline.name for baseline in task.baselines],
    }  # fmt: skip


def sentences(task: TaskDefinition) -> list[str]:
    """Give the card as sentences, for a terminal and for a notebook."""
    said = card(task)
    verified = "verified" if task.label.verified else "not verified"
    lines = [f"Label ({verified}): {task.label.says}"]
    lines += [_ceiling(Ceiling(**one)) for one in said["ceilings"]]
    worth = said["prevalence"]
    if worth is not None:
        pairs = ", ".join(f"{row['ppv']:.2f} ({row['specificity']:.2f})" for row in worth["ppv"])
        lines.append(
            f"{worth['says']} At that prevalence ({worth['share']:g}) and a sensitivity of {worth['sensitivity']:.2f} "
            f"the positive predictive value at a specificity is {pairs}."
        )
        if worth["ceiling"] is not None:
            lines.append(
                f"The ceiling itself has a specificity of {worth['ceiling']['specificity']:.2f} there, so a positive "
                f"predictive value of {worth['ceiling']['ppv']:.2f}."
            )
    if task.trap is not None:
        lines.append(f"Trap – {task.trap.name}. Wrong: {task.trap.wrong} Honest: {task.trap.honest}")
    return lines


def _ceiling(one: Ceiling) -> str:
    around = f" ± {one.standard_error:.3f}" if one.standard_error else ""
    return f"Ceiling of {definition(one.metric).name}: {one.value:.3f}{around} ({one.says})."


def _worth(task: TaskDefinition, given: Prevalence) -> dict[str, Any]:
    rows = [{"specificity": one, "ppv": ppv(given.sensitivity, one, given.share)} for one in SPECIFICITIES]
    ceiling = None
    if task.ceiling == "phantom-malignancy":
        specificity = _oracle_specificity(given.sensitivity)
        ceiling = {"specificity": specificity, "ppv": ppv(given.sensitivity, specificity, given.share)}
    return {
        "share": given.share, "sensitivity": given.sensitivity, "says": given.says, "ppv": rows, "ceiling": ceiling,
        "zero_false_alarms": [{"negatives": n, "specificity_at_least": proven_specificity(n)} for n in NEGATIVES],
    }  # fmt: skip


@lru_cache(maxsize=16)
def _oracle_specificity(sensitivity: float) -> float:
    """Give the specificity of the true chance of malignancy where it reaches a sensitivity."""
    drawn = draw_nodules(DRAWN)
    threshold = np.quantile(drawn.chance[drawn.malignant], 1.0 - sensitivity)
    return float((drawn.chance[~drawn.malignant] < threshold).mean())
