"""Hidden groups that follow from sums are found, and those that do not are left alone."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.airlock.equations import PRIME, Equation, small_groups


def solve(*shown: tuple[set[int], int]) -> list[tuple[list[int], int, list[int]]]:
    equations = [Equation(frozenset(groups), count, None) for groups, count in shown]
    return [(sorted(one.groups), one.count, sorted(one.equations)) for one in small_groups(equations, 10)]


def test_a_total_less_its_parts_leaves_the_hidden_one() -> None:
    assert solve(({0, 1, 2}, 50), ({0}, 20), ({1}, 27)) == [([2], 3, [0, 1, 2])]


def test_two_hidden_groups_that_are_large_together_are_safe() -> None:
    assert solve(({0, 1, 2}, 50), ({0}, 20)) == []


def test_two_hidden_groups_that_are_small_together_are_one_small_group() -> None:
    assert solve(({0, 1, 2}, 50), ({0}, 45)) == [([1, 2], 5, [0, 1])]


def test_a_square_of_four_hidden_cells_cannot_be_solved() -> None:
    # Rows and columns of a two by two table, each cell between 0 and 20.
    assert solve(({0, 1}, 20), ({2, 3}, 20), ({0, 2}, 20), ({1, 3}, 20)) == []


def test_margins_that_nobody_can_subtract_in_one_step_are_solved_together() -> None:
    # 0 + 1 = 30, 1 + 2 = 35, 0 + 2 = 11 gives 0 = 3, 1 = 27, 2 = 8.
    assert {(tuple(groups), count) for groups, count, _ in solve(({0, 1}, 30), ({1, 2}, 35), ({0, 2}, 11))} == {
        ((0,), 3), ((2,), 8),
    }  # fmt: skip


def test_a_total_of_nobody_empties_its_groups() -> None:
    assert ([3], 5, [0, 1, 2]) in solve(({0, 1}, 0), ({1, 2}, 40), ({2, 3}, 45))


def test_the_same_count_twice_reveals_nothing() -> None:
    assert solve(({0, 1}, 50), ({0, 1}, 50)) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=9, max_size=9), st.sets(st.integers(0, 8)))
def test_what_is_said_of_a_square_table_with_margins_is_true(counts: list[int], hidden: set[int]) -> None:
    lines = [{3 * row + column for column in range(3)} for row in range(3)]
    lines += [{3 * row + column for row in range(3)} for column in range(3)]
    sums = [*({cell} for cell in range(9) if cell not in hidden), *lines, set(range(9))]
    for groups, count, _ in solve(*((groups, sum(counts[cell] for cell in groups)) for groups in sums)):
        assert 0 < count < 10 and count == sum(counts[cell] for cell in groups)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(10, 60), min_size=6, max_size=6), st.data())
def test_every_single_group_that_linear_algebra_determines_is_found(counts: list[int], data: st.DataObject) -> None:
    small = data.draw(st.integers(0, 5))
    counts[small] = data.draw(st.integers(1, 9))
    sums = data.draw(st.lists(st.sets(st.integers(0, 5), min_size=2, max_size=5), min_size=3, max_size=6))
    matrix = np.array([[group in groups for group in range(6)] for groups in sums], dtype=float)
    rank = np.linalg.matrix_rank
    is_known = rank(np.vstack([matrix, np.eye(6)[small]])) == rank(matrix)
    found = solve(*((groups, sum(counts[group] for group in groups)) for groups in sums))
    assert any(small in groups for groups, _, _ in found) or not is_known


def test_the_prime_is_one_whose_products_fit_an_integer() -> None:
    assert PRIME**2 < 2**63 and all(PRIME % part for part, _ in product((2, 3, 5, 7, 11, 13), (0,)))
