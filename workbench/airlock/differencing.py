"""Differencing: whether tables that are each harmless give a group of 1 to 9 subjects when one is taken from another.

Three looks, from plain to thorough. Equal groups whose counts differ by 1 to 9 (the same table, made again after
somebody joined or left). Groups inside each other, where sidecars say who is in them. And sums: a total, less the
groups that are shown, leaves one that is not; this is solved as linear equations over the tables together.

Runs in: anywhere
Source: SDC handbook v1.0 (Griffiths et al. 2019), section 4.6 (differencing and linked tables); Hundepool et al.,
Statistical Disclosure Control (2012), section 4.3 (secondary disclosure as a system of linear equations).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from workbench.airlock.disclosure import THRESHOLD, rounding_of
from workbench.airlock.equations import Equation, small_groups
from workbench.airlock.findings import Finding
from workbench.airlock.tables import ACROSS, Cell

RULE = "differencing"
MOST_GROUPS = 20_000
MOST_FINDINGS = 5
ADVICE = "round the counts to 5 in both, or hide this group and one more"


@dataclass(frozen=True)
class Shown:
    """A table that is offered or was released, as the checks see it.

    Attributes
    ----------
    release, file : str
        Such as ``X3`` and ``sex.csv``.
    cells : tuple of Cell
    is_new : bool
        Whether it is offered now; only what it reveals is told.
    is_sure : bool
        Whether its numbers are counts beyond doubt; else a finding is for a person to judge.
    dataset : str
        What its sidecar says it is about; empty when unknown.
    """

    release: str
    file: str
    cells: tuple[Cell, ...]
    is_new: bool
    is_sure: bool = True
    dataset: str = ""

    @property
    def title(self) -> str:
        """How people find it."""
        return f"{self.release} ({self.file})"


def find_differences(tables: Sequence[Shown]) -> list[Finding]:
    """Find the groups of 1 to 9 subjects that new tables reveal, with each other or with what was released.

    Parameters
    ----------
    tables : sequence of Shown
        The new ones and those that went out before.

    Returns
    -------
    list of Finding
        At most five for each new file; each names both releases and the group.
    """
    exact = [_named_alike(table, tables) for table in tables if not rounding_of(table.cells)]
    found: dict[tuple[str, str], Finding] = {}
    for new in (table for table in exact if table.is_new):
        same = [table for table in exact if not (table.dataset and new.dataset and table.dataset != new.dataset)]
        told = 0
        for finding in (*_unequal(new, same), *_nested(new, same), *_sums(new, same)):
            key = (finding.file, finding.place)
            if key not in found and told < MOST_FINDINGS:
                found[key] = finding
                told += 1
    return list(found.values())


def _named_alike(table: Shown, others: Sequence[Shown]) -> Shown:
    """Name the columns of a crossed table by the column of another table that has its values."""
    across = {value for cell in table.cells for column, value in cell.key if column == ACROSS}
    if not across:
        return table
    values: dict[str, set[str]] = defaultdict(set)
    for other in others:
        for cell in other.cells:
            for column, value in cell.key:
                values[column].add(value)
    own = {column for cell in table.cells for column, _ in cell.key}
    name = next((c for c, known in sorted(values.items()) if c not in own and len(across & known) >= 2), ACROSS)
    cells = (
        replace(c, key=frozenset((name if column == ACROSS else column, value) for column, value in c.key))
        for c in table.cells
    )
    return replace(table, cells=tuple(cells))


def _unequal(new: Shown, tables: Sequence[Shown]) -> Iterator[Finding]:
    """Find equal groups whose counts differ by 1 to 9; where members are known, `_nested` says it better."""
    for other in tables:
        if other is new:
            continue
        known = {cell.key: cell for cell in other.cells if cell.count is not None}
        for cell in new.cells:
            old = known.get(cell.key)
            if cell.count is None or old is None or old.count is None:
                continue
            if cell.members is not None and old.members is not None:
                continue
            difference = abs(cell.count - old.count)
            if 0 < difference < THRESHOLD:
                reason = (
                    f"“{cell.label}” has {cell.count} subjects here and {old.count} in {other.title}: whoever takes "
                    f"one from the other learns about {_subjects(difference)}; {ADVICE}."
                )
                yield _finding(new, cell.place, reason, is_sure=new.is_sure and other.is_sure)


def _nested(new: Shown, tables: Sequence[Shown]) -> Iterator[Finding]:
    """Find a group that lies inside another but for 1 to 9 subjects."""
    sized: dict[int, list[tuple[Shown, Cell, frozenset[str]]]] = defaultdict(list)
    for table in tables:
        for cell in table.cells:
            if cell.members:
                sized[len(cell.members)].append((table, cell, cell.members))
    for cell in new.cells:
        own = cell.members or frozenset()
        for difference in range(1, THRESHOLD) if own else ():
            near = (*sized.get(len(own) - difference, ()), *sized.get(len(own) + difference, ()))
            for other, old, theirs in near:
                if own < theirs or theirs < own:
                    reason = (
                        f"“{cell.label}” and “{old.label}” in {other.title} hold the same subjects but for "
                        f"{_subjects(difference)}: whoever takes one from the other learns about them; {ADVICE}."
                    )
                    yield _finding(new, cell.place, reason)


def _sums(new: Shown, tables: Sequence[Shown]) -> Iterator[Finding]:
    """Find what is left of totals when the groups that are shown are taken away."""
    known = [(table, cell) for table in tables for cell in table.cells if cell.members and cell.count is not None]
    systems = [(True, equations_of_members(known))] if any(cell.members for cell in new.cells) else []
    by_keys = _equations_of_keys(new, [table for table in tables if _agree(new, table)])
    for is_exact, equations in (*systems, *((False, equations) for equations in by_keys)):
        for group in small_groups(equations, THRESHOLD):
            used = [equations[at].source for at in sorted(group.equations)]
            mine = [(table, cell) for table, cell in used if table is new]
            # Labels add up only if nobody is in two groups; where members are known, they have said it better.
            if not mine or len(used) < 2 or (not is_exact and all(cell.members for _, cell in used)):
                continue
            cell = mine[0][1]
            others = [f"“{c.label}” in {t.title}" for t, c in used if c is not cell]
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            reason = (
                f"“{cell.label}” here, taken together with {', '.join(others[:3])}{more}, leaves a group of "
                f"{_subjects(group.count)} that no table shows; {ADVICE}."
            )
            yield _finding(new, cell.place, reason, is_sure=all(table.is_sure for table, _ in used))


def equations_of_members(cells: Sequence[tuple[object, Cell]]) -> list[Equation]:
    """Write each cell as the sum of the groups of subjects that no cell tells apart."""
    where: dict[str, set[int]] = defaultdict(set)
    for at, (_, cell) in enumerate(cells):
        for member in cell.members or ():
            where[member].add(at)
    groups: dict[int, set[int]] = defaultdict(set)
    for number, signature in enumerate({frozenset(places) for places in where.values()}):
        for at in signature:
            groups[at].add(number)
    return [
        Equation(frozenset(groups[at]), len(cell.members or ()), (table, cell))
        for at, (table, cell) in enumerate(cells)
    ]


def _agree(new: Shown, other: Shown) -> bool:
    """Whether two tables can be about the same subjects: no group that both show has another count."""
    if new is other:
        return True
    known = {cell.key: cell.count for cell in other.cells if cell.count is not None}
    return all(known.get(cell.key, cell.count) == cell.count for cell in new.cells if cell.count is not None)


def _equations_of_keys(new: Shown, tables: Sequence[Shown]) -> Iterator[list[Equation]]:
    """Write each cell as the sum of the finest groups, for every set of columns that holds all of the new table's."""
    columns = {id(table): frozenset(column for cell in table.cells for column, _ in cell.key) for table in tables}
    own = columns[id(new)]
    frames = {names for names in columns.values() if names >= own}
    for frame in frames:
        inside = [table for table in tables if columns[id(table)] <= frame]
        values: dict[str, set[str]] = defaultdict(set)
        for table in inside:
            for cell in table.cells:
                for column, value in cell.key:
                    values[column].add(value)
        order = sorted(frame)
        size = 1
        for column in order:
            size *= len(values[column])
        if size > MOST_GROUPS:
            continue
        atoms = [frozenset(zip(order, group, strict=True)) for group in product(*(sorted(values[c]) for c in order))]
        holding: dict[tuple[str, str], set[int]] = defaultdict(set)
        for number, atom in enumerate(atoms):
            for pair in atom:
                holding[pair].add(number)
        everybody = set(range(len(atoms)))
        yield [
            Equation(
                frozenset(everybody.intersection(*(holding[pair] for pair in cell.key))), cell.count, (table, cell)
            )
            for table in inside
            for cell in table.cells
            if cell.count is not None
        ]


def _subjects(count: int) -> str:
    return "1 subject" if count == 1 else f"{count} subjects"


def _finding(table: Shown, place: str, reason: str, *, is_sure: bool = True) -> Finding:
    return Finding(table.file, place, RULE, reason, "stop" if is_sure else "look")
