"""Sums of hidden groups, solved: which groups of few subjects follow from the counts that are shown.

Each count that is shown is an equation: it is the sum of some of the smallest groups. Groups that are alone in an
equation are known, and taken out of the others; then whoever is left is solved by elimination, exactly, in numbers
modulo a prime.

Runs in: anywhere
Source: Hundepool et al., Statistical Disclosure Control (2012), section 4.3; elimination modulo a large prime gives
the same answers as in rational numbers but for a chance of about one in two thousand million for each step.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRIME = 2_147_483_647
# Elimination takes the cube of this; what is larger is left to the sums that are plain to see.
MOST_EQUATIONS = 300


@dataclass(frozen=True)
class Equation:
    """One count that is shown.

    Attributes
    ----------
    groups : frozenset of int
        The smallest groups of which it is the sum.
    count : int
    source : object
        Where it stands, handed back by whoever asked.
    """

    groups: frozenset[int]
    count: int
    source: Any


@dataclass(frozen=True)
class Solved:
    """A group of few subjects that follows.

    Attributes
    ----------
    groups : frozenset of int
        The smallest groups that it is made of; empty for subjects that are in none that is named.
    count : int
    equations : frozenset of int
        The numbers of the equations from which it follows.
    """

    groups: frozenset[int]
    count: int
    equations: frozenset[int]


def small_groups(equations: Sequence[Equation], threshold: int) -> Iterator[Solved]:
    """Give the groups of 1 to `threshold` - 1 subjects that follow from several equations together.

    Examples
    --------
    >>> shown = [Equation(frozenset({0, 1, 2}), 50, "all"), Equation(frozenset({0, 1}), 47, "two of three")]
    >>> [(one.count, sorted(one.equations)) for one in small_groups(shown, 10)]
    [(3, [0, 1])]
    """
    rows = _distinct(equations)
    told: set[frozenset[int]] = set()
    # The shortest ways first; taking known groups out mends what is too large to solve, and changes the rows.
    found = [*_contained(rows, threshold), *_eliminated(rows, threshold)]
    found += [*_peeled(rows, threshold), *_eliminated(rows, threshold)]
    for solved in found:
        name = solved.groups or solved.equations
        if len(solved.equations) > 1 and name not in told:
            told.add(name)
            yield solved


@dataclass
class _Row:
    groups: set[int]
    count: int
    used: set[int]


def _distinct(equations: Sequence[Equation]) -> list[_Row]:
    """Keep one of several equations that say the same."""
    seen: dict[tuple[frozenset[int], int], int] = {}
    for at, equation in enumerate(equations):
        seen.setdefault((equation.groups, equation.count), at)
    return [_Row(set(groups), count, {at}) for (groups, count), at in seen.items()]


def _contained(rows: Sequence[_Row], threshold: int) -> Iterator[Solved]:
    """Find sums inside each other whose counts differ by few."""
    by_count = sorted(rows, key=lambda row: row.count)
    start = 0
    for at, large in enumerate(by_count):
        while by_count[start].count <= large.count - threshold:
            start += 1
        for small in by_count[start:at]:
            if small.count < large.count and small.groups and small.groups < large.groups:
                groups = frozenset(large.groups - small.groups)
                yield Solved(groups, large.count - small.count, frozenset(small.used | large.used))


def _peeled(rows: list[_Row], threshold: int) -> Iterator[Solved]:
    """Take known groups out of every sum until nothing changes; tell each remainder that is small."""
    holders: dict[int, list[_Row]] = {}
    for row in rows:
        for group in row.groups:
            holders.setdefault(group, []).append(row)
    # In order: what is shown itself comes before what follows from it.
    waiting = deque(row for row in rows if len(row.groups) == 1 or row.count == 0)
    known: set[int] = set()
    while waiting:
        row = waiting.popleft()
        # A sum of nobody is nobody in each of its groups.
        if row.count == 0:
            values = dict.fromkeys(row.groups - known, 0)
        elif len(row.groups) == 1:
            values = dict.fromkeys(row.groups - known, row.count)
        else:
            continue
        for group, count in values.items():
            known.add(group)
            for other in holders[group]:
                if other is row or group not in other.groups:
                    continue
                other.groups.discard(group)
                other.count -= count
                other.used |= row.used
                if 0 < other.count < threshold:
                    yield Solved(frozenset(other.groups), other.count, frozenset(other.used))
                if len(other.groups) == 1 or (other.count == 0 and other.groups):
                    waiting.append(other)


def _eliminated(rows: Sequence[_Row], threshold: int) -> Iterator[Solved]:
    """Solve what is left, part by part."""
    left = [row for row in rows if row.groups]
    for part in _connected(left):
        if 1 < len(part) <= MOST_EQUATIONS:
            yield from _solve(part, threshold)


def _connected(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Give the equations in parts that share no group."""
    holders: dict[int, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        for group in row.groups:
            holders[group].append(number)
    seen: set[int] = set()
    parts = []
    for start in range(len(rows)):
        part, waiting = [], [start]
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen.add(number)
                part.append(rows[number])
                waiting += [other for group in rows[number].groups for other in holders.pop(group, ())]
        parts.append(part)
    return parts


def _solve(rows: Sequence[_Row], threshold: int) -> Iterator[Solved]:
    import numpy as np  # noqa: PLC0415 - loaded on first use

    groups = sorted({group for row in rows for group in row.groups})
    at = {group: number for number, group in enumerate(groups)}
    width = len(groups)
    # Left the groups, then the count, then which equations went in.
    matrix = np.zeros((len(rows), width + 1 + len(rows)), dtype=np.int64)
    for number, row in enumerate(rows):
        matrix[number, [at[group] for group in row.groups]] = 1
        matrix[number, width] = row.count % PRIME
        matrix[number, width + 1 + number] = 1
    _reduce(matrix, width)
    for line in matrix:
        sums, count = line[:width], int(line[width])
        # Only a plain sum of groups is a group; a difference of two hidden ones tells of neither.
        if 0 < count < threshold and bool(((sums == 0) | (sums == 1)).all()):
            used = {one for number in np.flatnonzero(line[width + 1 :]) for one in rows[int(number)].used}
            solved = frozenset(groups[int(number)] for number in np.flatnonzero(sums))
            yield Solved(solved, count, frozenset(used))


def _reduce(matrix: NDArray[np.int64], width: int) -> None:
    """Bring a matrix modulo the prime to reduced row echelon form in its first columns, in place."""
    top = 0
    for column in range(width):
        if top == len(matrix):
            return
        candidates = matrix[top:, column].nonzero()[0]
        if not len(candidates):
            continue
        pivot = top + int(candidates[0])
        matrix[[top, pivot]] = matrix[[pivot, top]]
        matrix[top] = matrix[top] * pow(int(matrix[top, column]), -1, PRIME) % PRIME
        for number in matrix[:, column].nonzero()[0]:
            if number != top:
                matrix[number] = (matrix[number] - matrix[number, column] * matrix[top]) % PRIME
        top += 1
