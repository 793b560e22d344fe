"""Harrell's concordance: censoring and ties by hand, and against a count of pairs in loops."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.benchmark.metrics.evaluate import ItemAnswer, evaluate
from workbench.errors import InvalidInput

Row = tuple[float, int, float]  # time, event, risk


def cindex(*rows: Row) -> float:
    table = np.array(rows, dtype=float)
    answer = ItemAnswer(np.arange(len(table)), table[:, :2], table[:, 2])
    return evaluate("cindex:v1", answer, units=len(table), resamples=0, seed=0).measured.value


def test_higher_risk_with_an_earlier_event_is_concordant() -> None:
    assert cindex((1, 1, 0.9), (2, 1, 0.5), (3, 1, 0.1)) == 1.0
    assert cindex((1, 1, 0.1), (2, 1, 0.5), (3, 1, 0.9)) == 0.0


def test_equal_risks_count_one_half() -> None:
    # Pairs: (1, 2) concordant, (1, 3) concordant, (2, 3) tied: 2.5 of 3.
    assert cindex((1, 1, 0.9), (2, 1, 0.5), (3, 1, 0.5)) == pytest.approx(2.5 / 3, abs=1e-15)


def test_a_censored_item_is_no_first_of_a_pair() -> None:
    # The item at 1 is censored, so only (2, 3) is a pair.
    assert cindex((1, 0, 0.0), (2, 1, 0.9), (3, 0, 0.1)) == 1.0


def test_an_event_comes_before_a_censoring_at_the_same_time() -> None:
    assert cindex((2, 1, 0.9), (2, 0, 0.1)) == 1.0
    assert cindex((2, 1, 0.1), (2, 0, 0.9)) == 0.0


def test_two_events_at_the_same_time_are_no_pair() -> None:
    # Only the pairs with the later item count: one concordant, one not.
    assert cindex((1, 1, 0.9), (1, 1, 0.1), (2, 1, 0.5)) == 0.5


@pytest.mark.parametrize("rows", [[(1, 0, 0.5), (2, 0, 0.5)], [(1, 1, 0.5), (1, 1, 0.2)], [(2, 1, 0.5), (1, 0, 0.2)]])
def test_without_a_pair_there_is_no_number(rows: list[Row]) -> None:
    with pytest.raises(InvalidInput, match="No pair"):
        cindex(*rows)


def drawn(seed: int, items: int = 40) -> np.ndarray:
    draw = np.random.default_rng(seed)
    return np.stack([draw.integers(1, 15, items), draw.random(items) < 0.6, draw.integers(0, 9, items)], axis=1) * 1.0


def in_loops(table: np.ndarray) -> float:
    concordant = pairs = 0.0
    for time, event, risk in table:
        for later, happened, other in table:
            if event and (later > time or (later == time and not happened)):
                pairs += 1
                concordant += 1.0 if risk > other else 0.5 if risk == other else 0.0
    return concordant / pairs if pairs else np.nan


@pytest.mark.parametrize("seed", range(6))
def test_it_agrees_with_a_count_in_loops(seed: int) -> None:
    table = drawn(seed)
    assert cindex(*map(tuple, table)) == in_loops(table)


def test_each_draw_is_that_of_its_resampled_items() -> None:
    table, units = drawn(9), 8
    unit = np.arange(len(table)) % units
    found = evaluate("cindex:v1", ItemAnswer(unit, table[:, :2], table[:, 2]), units=units, resamples=25, seed=4)
    generator = np.random.RandomState(4)
    for draw in found.draws:
        chosen = generator.randint(units, size=units)
        assert draw == in_loops(np.concatenate([table[unit == one] for one in chosen]))
