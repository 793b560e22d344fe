"""Ranks, their intervals and the tie groups; every number here is worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from workbench.benchmark.board.ranking import holm_rejects, pairwise_p, places

# Two draws, 0 apart on average: the standard deviation of (-s, s) is s × √2.
WAVE = np.array([-1.0, 1.0])


def around(value: float, error: float) -> np.ndarray:
    """Give two draws around a value whose standard deviation is `error`."""
    return value + WAVE * error / math.sqrt(2.0)


def test_the_p_of_a_pair_is_that_of_their_difference_over_its_paired_error() -> None:
    # The draws move together: 0.02 and 0.01 leave an error of 0.01, and 0.0196 is 1.96 of it.
    p = pairwise_p([0.5196, 0.5], [around(0.5196, 0.02), around(0.5, 0.01)])
    assert p[0, 1] == p[1, 0] == pytest.approx(2 * norm.sf(1.96))
    assert p.diagonal().tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("p", "rejected"),
    [
        # 0.01 × 3 = 0.03 falls, 0.02 × 2 = 0.04 falls, 0.04 × 1 falls.
        ([0.02, 0.04, 0.01], [True, True, True]),
        # 0.02 × 3 = 0.06 stands, and so do all after it.
        ([0.02, 0.03, 0.04], [False, False, False]),
        # 0.01 × 3 falls, 0.03 × 2 = 0.06 stands, and 0.04 after it too.
        ([0.04, 0.01, 0.03], [False, True, False]),
        ([], []),
    ],
)
def test_holm_steps_down_and_stops_at_the_first_that_stands(p: list[float], rejected: list[bool]) -> None:
    assert holm_rejects(np.array(p)).tolist() == rejected


def test_clear_differences_give_each_entry_its_rank_and_group() -> None:
    values = [0.5, 0.9, 0.7]
    found = places(values, [around(0.5, 0.001), around(0.9, -0.001), around(0.7, 0.002)])
    assert [(p.rank, p.rank_interval, p.tie_group, p.ties) for p in found] == [
        (3, (3, 3), 3, ()), (1, (1, 1), 1, ()), (2, (2, 2), 2, ()),
    ]  # fmt: skip


def test_what_cannot_be_told_apart_shares_a_group_and_the_rank_interval_says_so() -> None:
    # 0.80 and 0.79 are 0.01 apart with an error of 0.02; both are 0.3 ahead of 0.5.
    found = places([0.80, 0.79, 0.50], [around(0.80, 0.01), around(0.79, -0.01), around(0.5, 0.01)])
    assert [(p.rank, p.rank_interval, p.tie_group, p.ties) for p in found] == [
        (1, (1, 2), 1, (1,)), (2, (1, 2), 1, (0,)), (3, (3, 3), 2, ()),
    ]  # fmt: skip


def test_a_chain_of_neighbours_is_cut_where_the_best_can_be_told_apart() -> None:
    # Neighbours are 1 apart with an error of 1; the ends are 2 apart in both draws, so their error is 0.
    found = places([2.0, 1.0, 0.0], [around(2.0, 1.0), around(1.0, 0.0), around(0.0, 1.0)])
    assert [(p.rank_interval, p.tie_group, p.ties) for p in found] == [
        ((1, 2), 1, (1,)), ((1, 3), 1, (0, 2)), ((2, 3), 2, (1,)),
    ]  # fmt: skip


def test_where_less_is_better_the_lowest_value_leads() -> None:
    found = places([2.0, 1.0], [around(2.0, 0.01), around(1.0, 0.0)], higher_is_better=False)
    assert [(p.rank, p.rank_interval) for p in found] == [(2, (2, 2)), (1, (1, 1))]


def test_equal_values_share_a_rank_and_the_next_one_is_left_out() -> None:
    found = places([0.8, 0.8, 0.7], [around(0.8, 0.1), around(0.8, -0.1), around(0.7, 0.2)])
    assert [p.rank for p in found] == [1, 1, 3]


def test_an_entry_without_draws_is_told_apart_from_nobody() -> None:
    found = places([0.9, 0.1], [around(0.9, 0.001), None])
    assert [(p.rank, p.rank_interval, p.tie_group) for p in found] == [(1, (1, 2), 1), (2, (1, 2), 1)]


def test_resamples_without_a_value_are_left_out_of_a_pair() -> None:
    first = np.array([math.nan, 0.0, 1.0])
    assert pairwise_p([1.0, 0.0], [first, np.zeros(3)])[0, 1] == pytest.approx(2 * norm.sf(math.sqrt(2.0)))


def test_an_empty_board_has_no_places() -> None:
    assert places([], []) == []


def test_a_single_entry_leads() -> None:
    assert [(p.rank, p.rank_interval, p.tie_group, p.ties) for p in places([0.4], [None])] == [(1, (1, 1), 1, ())]


def test_rank_intervals_hold_the_true_ranks_of_equal_entries() -> None:
    """Six equal entries share the ranks 1 to 6; 95 % of the intervals must hold all of them."""
    held = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        right = (random.random((200, 6)) < 0.8).astype(float)
        draws = (random.multinomial(200, np.full(200, 0.005), size=300) @ right / 200).T
        held += [place.rank_interval == (1, 6) for place in places(right.mean(axis=0).tolist(), list(draws))]
    # 228 of 240 are expected; a binomial with 0.95 falls below 215 less than once in 10,000.
    assert sum(held) >= 215
