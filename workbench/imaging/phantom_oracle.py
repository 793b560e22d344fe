"""The ceiling of the phantom tasks: what a perfect reader could score.

Malignancy is drawn with a known chance, so the best possible score is that chance, and the best possible AUC is the
area it reaches. Nodules and lungs are painted and the truth holds nothing else, so their ceilings are exact: a reader
who marks every centre and nothing besides (CPM 1), and one who outlines every voxel of lung (Dice 1, HD95 0 mm).

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
# What nobody can pass on what is painted, by the name of the measure.
PAINTED = {"cpm": 1.0, "dice": 1.0, "hd95": 0.0}


@dataclass(frozen=True)
class DrawnNodules:
    """Nodules as the generator draws them, without a scan around them.

    Parameters
    ----------
    scan : ndarray, int64, shape (nodules,)
        The patient of each, numbered from 0; patients without nodules have no number.
    diameter_mm : ndarray, float64, shape (nodules,)
    chance : ndarray, float64, shape (nodules,)
        Of malignancy: the oracle's answer.
    malignant : ndarray, bool, shape (nodules,)
    """

    scan: NDArray[np.int64]
    diameter_mm: NDArray[np.float64]
    chance: NDArray[np.float64]
    malignant: NDArray[np.bool_]


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
    drawn = draw_nodules(nodules, seed=seed)
    return Oracle(
        float(drawn.malignant.mean()), _auc(drawn.chance, drawn.malignant), _auc(drawn.diameter_mm, drawn.malignant)
    )


def draw_nodules(nodules: int, *, seed: int = 0) -> DrawnNodules:
    """Draw patients with their nodules until there are at least so many.

    Parameters
    ----------
    nodules : int
    seed : int, default 0

    Examples
    --------
    >>> drawn = draw_nodules(100, seed=3)
    >>> len(drawn.chance) >= 100, bool(drawn.scan[0] == 0)
    (True, True)
    """
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, float, float, bool]] = []
    scans = 0
    while len(rows) < nodules:
        count, age, sex = draw_count(rng), int(rng.integers(50, 76)), "F" if rng.random() < 0.5 else "M"
        for _ in range(count):
            diameter = draw_diameter(rng)
            texture = draw_texture(diameter, rng)
            chance = malignancy_chance(
                diameter, texture, age=age, sex=sex, count=count,
                is_spiculated=draw_spiculation(diameter, texture, rng), is_upper_lobe=bool(rng.random() < UPPER_SHARE),
            )  # fmt: skip
            rows.append((scans, diameter, chance, bool(rng.random() < chance)))
        scans += count > 0
    scan, diameters, chances, malignant = zip(*rows, strict=True)
    return DrawnNodules(np.array(scan), np.array(diameters), np.array(chances), np.array(malignant))


def _auc(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Give the area under the ROC curve; ties count one half (Mann and Whitney 1947)."""
    ordered, which = np.unique(score, return_inverse=True)
    positives = np.bincount(which[positive], minlength=len(ordered))
    negatives = np.bincount(which[~positive], minlength=len(ordered))
    below = np.cumsum(negatives) - negatives
    return float((positives * (below + negatives / 2)).sum() / (positives.sum() * negatives.sum()))
