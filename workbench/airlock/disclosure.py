"""The rules that the numbers of one table must keep: thresholds, dominance, numbers that follow from others.

Runs in: anywhere
Source: SDC handbook v1.0 (Griffiths et al. 2019), chapters 4 and 5; Hundepool et al., Statistical Disclosure Control
(2012), section 4.2 for the (n, k) and p % rules; the parameters are those of ACRO 1.0.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workbench.airlock.findings import Hit
from workbench.airlock.sidecar import Contribution, Sidecar
from workbench.airlock.tables import PART, SUBJECTS, Cell, Table, plain

# A group of fewer distinct subjects than this is not released.
THRESHOLD = 10
# (n, k): the n largest contributors may not hold k or more of a cell.
NK_N, NK_K = 2, 0.90
# p %: without the two largest, at least this part of the largest must be left, or the second could work it out.
P_PART = 0.10

ONE_SUBJECT = ("min", "max", "minimum", "maximum", "first", "last", "smallest", "largest", "range")
_MERGE = "merge it with another group, or hide it and one more of its row and column"


def breaks_nk(found: Contribution) -> bool:
    """Whether the two largest contributors hold 90 % or more.

    >>> breaks_nk(Contribution(100.0, (80.0, 10.0)))
    True
    """
    return found.total > 0 and sum(found.largest[:NK_N]) >= NK_K * found.total


def breaks_p(found: Contribution) -> bool:
    """Whether the others together hold less than a tenth of what the largest contributor holds.

    >>> breaks_p(Contribution(100.0, (60.0, 35.0))), breaks_p(Contribution(100.0, (60.0, 34.0)))
    (True, False)
    """
    if found.total <= 0 or not found.largest:
        return False
    return found.total - sum(found.largest[:2]) < P_PART * found.largest[0]


def is_dominated(found: Contribution) -> bool:
    """Whether one or two subjects dominate a sum."""
    return breaks_nk(found) or breaks_p(found)


def rounding_of(cells: Sequence[Cell]) -> int:
    """Give the number to whose multiples all counts are rounded (5 or 10), or 0."""
    counts = [cell.count for cell in cells if cell.count]
    return next((base for base in (10, 5) if len(counts) >= 3 and all(count % base == 0 for count in counts)), 0)


def small_cells(table: Table, cells: Sequence[Cell]) -> Iterator[tuple[str, Hit]]:
    """Find groups of 1 to 9; by their members where those are known, else by the counts that are shown."""
    is_sure = bool(table.counts) or table.adds_up
    if not is_sure and not table.is_crossed:
        return
    for cell in cells:
        size = cell.count if cell.members is None or cell.count is None else len(cell.members)
        if size is not None and 0 < size < THRESHOLD:
            if is_sure:
                yield cell.place, Hit("small-cell", f"A group of fewer than {THRESHOLD} subjects; {_MERGE}.")
            else:
                reason = f"A whole number below {THRESHOLD}: if it counts subjects, the group is too small; {_MERGE}."
                yield cell.place, Hit("small-number", reason, "look")


def implied_cells(table: Table) -> Iterator[tuple[str, Hit]]:
    """Find small groups that follow from a share and its base, or from a part and its whole."""
    if table.is_crossed or not table.counts:
        return
    main = next((at for at in table.counts if SUBJECTS.fullmatch(table.names[at])), None)
    if main is None:
        return
    bases = table.numbers(main)
    for at, name in enumerate(table.names):
        if PART.fullmatch(name) and table.is_numeric(at):
            yield from _of_shares(table, at, bases)
        elif at in table.counts and at != main:
            yield from _of_parts(table, at, bases)


def _of_shares(table: Table, at: int, bases: Sequence[float | None]) -> Iterator[tuple[str, Hit]]:
    shares = table.numbers(at)
    hundred = 100 if max((share for share in shares if share is not None), default=0) > 1 else 1
    if any(share is not None and not 0 <= share <= hundred for share in shares):
        return
    for number, (share, base) in enumerate(zip(shares, bases, strict=True), start=2):
        if share is None or base is None:
            continue
        part = share / hundred * base
        if 0.5 < part < THRESHOLD - 0.5 or 0.5 < base - part < THRESHOLD - 0.5:
            place = f"row {number}, column “{table.columns[at][:40]}”"
            reason = f"With the count beside it, this share gives a group of fewer than {THRESHOLD} subjects; {_MERGE}."
            yield place, Hit("implied-cell", reason)


def _of_parts(table: Table, at: int, bases: Sequence[float | None]) -> Iterator[tuple[str, Hit]]:
    parts = table.numbers(at)
    pairs = list(zip(parts, bases, strict=True))
    if any(part is not None and base is not None and part > base for part, base in pairs):
        return
    for number, (part, base) in enumerate(pairs, start=2):
        if part is not None and base is not None and 0 < base - part < THRESHOLD:
            place = f"row {number}, column “{table.columns[at][:40]}”"
            reason = f"Taken from the count beside it, this leaves fewer than {THRESHOLD} subjects; {_MERGE}."
            yield place, Hit("implied-cell", reason)


def extremes(table: Table) -> Iterator[tuple[str, Hit]]:
    """Find smallest and largest values, each of which is one subject's own."""
    advice = "release percentiles of large groups instead"
    for at, name in enumerate(table.names):
        if any(part in ONE_SUBJECT for part in name.split("_")) and table.is_numeric(at):
            hit = Hit("extreme", f"A smallest or largest value is one subject's own; {advice}.")
            sure = bool(table.counts)
            yield f"column “{table.columns[at][:40]}”", hit if sure else Hit(hit.rule, hit.reason, "look")
    first = [value.lower() for value in table.values(0)] if table.columns and table.rows else []
    if {"count", "mean", "min", "max"} <= set(first):
        reason = f"A summary with the smallest and the largest value, each one subject's own; {advice}."
        yield f"row {first.index('min') + 2}", Hit("extreme", reason)


def dominance(table: Table, sidecar: Sidecar) -> Iterator[tuple[str, Hit]]:
    """Find sums and means that one or two subjects dominate."""
    shown = {name: table.numbers(at) for at, name in enumerate(table.names)}
    for number, cell in enumerate(sidecar.cells, start=2):
        for name, found in cell.contributions.items():
            values = shown.get(plain(name), [])
            if not name.endswith(("_sum", "_mean")) or number - 2 >= len(values) or values[number - 2] is None:
                continue
            place = f"row {number}, column “{name[:40]}”"
            if breaks_nk(found):
                reason = f"{NK_N} subjects hold {NK_K:.0%} or more of this value; {_MERGE}."
                yield place, Hit("dominance", reason)
            elif breaks_p(found):
                reason = f"The second largest subject could work out the largest within {P_PART:.0%}; {_MERGE}."
                yield place, Hit("p-percent", reason)
