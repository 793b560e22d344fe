"""What a participant without skill gains from the board: exact scores beside the Ladder, and the final split.

The participant guesses 200 cases at random again and again, keeps the guesses that the board praised, and at last sends
the majority of those. True accuracy 0.50, whatever is sent. Their final split is 200 other cases that they guessed too.

Source: the boosting attack of Blum and Hardt, The Ladder, ICML 2015, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.board.climbing import Rung, is_improvement, shown_numbers
from workbench.benchmark.board.ranking import places

CASES, QUERIES, PARTICIPANTS, RESAMPLES = 200, (10, 100, 1000), 20, 500
RANKINGS = 60

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gained:
    """What one participant ends with, as differences from 0.50: the number shown, what is sent, the final split."""

    shown: float
    public: float
    final: float


def run() -> list[dict[str, Any]]:
    """Give the gains for 10, 100 and 1000 queries, and how often rank intervals hold the true ranks."""
    rows = []
    for queries in QUERIES:
        for said, is_guarded in (("exact", False), ("Ladder", True)):
            rows += _gain_rows(queries, said, [attack(queries, is_guarded, seed) for seed in range(PARTICIPANTS)])
    return rows + _coverage_rows()


def attack(queries: int, is_guarded: bool, seed: int) -> Gained:
    """Play one participant without skill against the board, with exact scores or with the Ladder's answers."""
    random = np.random.default_rng(seed)
    truth = random.random(2 * CASES) < 0.5
    public, final = np.arange(CASES), np.arange(CASES, 2 * CASES)
    weights = random.multinomial(CASES, np.full(CASES, 1.0 / CASES), size=RESAMPLES).astype(np.float64)
    best: Rung | None = None
    shown = 0.0
    praised: list[Bools] = []
    for query in range(queries):
        guess = random.random(2 * CASES) < 0.5
        if query == queries - 1 and praised:
            guess = majority(np.array(praised), random)
        right = (guess == truth)[public].astype(np.float64)
        rung = Rung(float(right.mean()), weights @ right / CASES)
        if not is_guarded:
            shown = max(shown, rung.value)
            if rung.value > 0.5:
                praised.append(guess)
        elif is_improvement(rung, best):
            best, shown = rung, shown_numbers(rung.value, None, rung.draws)[0]
            praised.append(guess)
    return Gained(shown - 0.5, float(right.mean()) - 0.5, float((guess == truth)[final].mean()) - 0.5)


def majority(praised: Bools, random: np.random.Generator) -> Bools:
    """Give what most of some guesses say of each case; where they are even, a guess."""
    votes: Floats = praised.mean(axis=0)
    answer: Bools = np.where(votes == 0.5, random.random(votes.shape) < 0.5, votes > 0.5)
    return answer


def _gain_rows(queries: int, said: str, gained: list[Gained]) -> list[dict[str, Any]]:
    subject = f"{queries} queries, {said}"
    return [
        {"bench": "no skill", "subject": f"{subject}: {place}", "value": 100.0 * value, "unit": "points"}
        for place, value in (
            ("number shown", mean(g.shown for g in gained)),
            ("last one, public", mean(g.public for g in gained)),
            ("last one, final", mean(g.final for g in gained)),
        )
    ]  # fmt: skip


def _coverage_rows() -> list[dict[str, Any]]:
    """Tell how often the rank intervals of six equal entries hold all the ranks they share, and what others give."""
    held, usual = [], []
    for seed in range(RANKINGS):
        random = np.random.default_rng(1000 + seed)
        right = (random.random((CASES, 6)) < 0.8).astype(np.float64)
        weights = random.multinomial(CASES, np.full(CASES, 1.0 / CASES), size=RESAMPLES).astype(np.float64)
        draws = (weights @ right / CASES).T
        found = places(right.mean(axis=0).tolist(), list(draws))
        held.append(mean(place.rank_interval == (1, 6) for place in found))
        ranks = 1 + (draws[:, None, :] < draws[None, :, :]).sum(axis=1)
        low, high = np.quantile(ranks, [0.025, 0.975], axis=1, method="inverted_cdf")
        usual.append(float(((low <= 1) & (high >= 6)).mean()))
    return [{
        "bench": "no skill", "subject": "rank intervals of 6 equal entries hold", "value": 100.0 * mean(held),
        "unit": "%", "peer": "percentiles of ranks", "peer_value": 100.0 * mean(usual),
        "ratio": mean(held) / mean(usual),
    }]  # fmt: skip


if __name__ == "__main__":
    print(*run(), sep="\n")
