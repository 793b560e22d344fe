"""The ceiling of the phantom tasks: what a perfect reader could score.

Malignancy is drawn with a known chance, so the best possible score is that chance, and the best possible AUC is the
area it reaches. For detection the ceiling is 1: every nodule is painted, and the truth holds nothing else.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.imaging.phantom_nodules import (
    draw_count,
    draw_diameter,
    draw_spiculation,
    draw_texture,
    malignancy_chance,
)

UPPER_SHARE = 0.5


@dataclass(frozen=True)
class Oracle:
    """What can be reached at most on phantoms.

    Parameters
    ----------
    malignant_share : float
        Share of malignant nodules.
    auc : float
        Area under the ROC curve of the true chance of malignancy.
    size_auc : float
        The same for diameter alone: what a reader with a ruler reaches.
    """

    malignant_share: float
    auc: float
    size_auc: float


def oracle(nodules: int = 20_000, *, seed: int = 0) -> Oracle:
    """Estimate the ceiling by drawing nodules without painting them.

    Parameters
    ----------
    nodules : int, default 20000
        How many to draw; the standard error of the areas is about 0.5 / √nodules.
    seed : int, default 0

    Returns
    -------
    Oracle
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[float, float, bool]] = []
    while len(rows) < nodules:
        count, age, sex = draw_count(rng), int(rng.integers(50, 76)), "F" if rng.random() < 0.5 else "M"
        for _ in range(count):
            diameter = draw_diameter(rng)
            texture = draw_texture(diameter, rng)
            chance = malignancy_chance(
                diameter, texture, age=age, sex=sex, count=count,
                is_spiculated=draw_spiculation(diameter, texture, rng), is_upper_lobe=bool(rng.random() < UPPER_SHARE),
            )  # fmt: skip
            rows.append((chance, diameter, bool(rng.random() < chance)))
    chances, diameters, labels = (np.array(column) for column in zip(*rows, strict=True))
    return Oracle(float(labels.mean()), _auc(chances, labels), _auc(diameters, labels))


def _auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Give the area under the ROC curve; ties count one half (Mann and Whitney 1947)."""
    ordered, which = np.unique(score, return_inverse=True)
    positives = np.bincount(which[positive], minlength=len(ordered))
    negatives = np.bincount(which[~positive], minlength=len(ordered))
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / (positives.sum() * negatives.sum()))
