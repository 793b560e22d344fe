"""AUC with DeLong's interval beside all pairs, its resamples beside scikit-learn, and HD95 beside distance maps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from workbench.benchmark.metrics.auc import auc_delong, drawn_areas
from workbench.benchmark.metrics.overlap import hd95_mm
from workbench.benchmark.metrics.resampling import shared_weights

ITEMS, RESAMPLED, RESAMPLES, PEER_RESAMPLES = 10_000, 1_000, 1_000, 50
LUNGS, SPACING_MM = (160, 220, 300), (1.25, 0.7, 0.7)


def run() -> list[dict[str, Any]]:
    """Measure each beside its peer and give the rows."""
    truth, score = _drawn(ITEMS)
    ours, pairs = _seconds(lambda: auc_delong(truth, score)), _seconds(lambda: _all_pairs(truth, score))
    truth, score = _drawn(RESAMPLED)
    weights = shared_weights(RESAMPLED, RESAMPLES, 0)
    draws = _seconds(lambda: drawn_areas(truth, score, np.arange(RESAMPLED), weights))
    chosen = np.random.default_rng(0).integers(RESAMPLED, size=(PEER_RESAMPLES, RESAMPLED))
    one_by_one = _seconds(lambda: [roc_auc_score(truth[items], score[items]) for items in chosen])
    masks = _masks()
    distance, maps = _seconds(lambda: hd95_mm(*masks, SPACING_MM)), _seconds(lambda: _by_maps(*masks))
    return [
        _row(f"DeLong, {ITEMS:,} items", ours, "all pairs", pairs),
        _row(f"{RESAMPLES:,} draws, {RESAMPLED:,} items", draws, "scikit-learn, one by one",
             one_by_one * RESAMPLES / PEER_RESAMPLES),
        {**_row(f"HD95 of lungs, {LUNGS[0]} slices", distance, "two distance maps", maps), "bench": "overlap"},
    ]  # fmt: skip


def _row(subject: str, value: float, peer: str, peer_value: float) -> dict[str, Any]:
    return {"bench": "auc", "subject": subject, "value": value, "unit": "s CPU", "peer": peer,
            "peer_value": peer_value, "ratio": value / peer_value}  # fmt: skip


def _seconds(do: Callable[[], object]) -> float:
    started = time.process_time()
    do()
    return time.process_time() - started


def _drawn(items: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    truth = draw.random(items) < 0.3
    return truth, np.round(draw.normal(truth * 1.0), 3)


def _all_pairs(truth: np.ndarray, score: np.ndarray) -> float:
    positive, negative = score[truth][:, None], score[~truth][None, :]
    table = (positive > negative) + 0.5 * (positive == negative)
    return float(table.mean(axis=1).var(ddof=1) / len(positive) + table.mean(axis=0).var(ddof=1) / negative.size)


def _masks() -> tuple[np.ndarray, np.ndarray]:
    """Give two pairs of ellipsoids that differ by a voxel or two, as a good segmentation differs from the truth."""
    z, y, x = np.ogrid[: LUNGS[0], : LUNGS[1], : LUNGS[2]]

    def lungs(shift: int, grow: float) -> np.ndarray:
        sides = [
            ((z - 80) / 70) ** 2 + ((y - 110 - shift) / (80 + grow)) ** 2 + ((x - side) / 60) ** 2 < 1
            for side in (75, 225)
        ]
        found: np.ndarray = sides[0] | sides[1]
        return found

    return lungs(0, 0), lungs(1, 2)


def _by_maps(truth: np.ndarray, said: np.ndarray) -> float:
    edges = [mask ^ ndimage.binary_erosion(mask) for mask in (truth, said)]
    far = [ndimage.distance_transform_edt(~edge, sampling=SPACING_MM) for edge in edges]
    return float(max(np.percentile(far[1][edges[0]], 95), np.percentile(far[0][edges[1]], 95)))


if __name__ == "__main__":
    for row in run():
        print(row)
