"""The check of an offered table: no row about one person, no small group, nobody who dominates, nothing behind it.

Runs in: anywhere
Source: SDC handbook v1.0 (Griffiths et al. 2019), chapter 4; the rules of numbers are in `airlock/disclosure.py`.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator

from workbench.airlock.disclosure import dominance, extremes, implied_cells, small_cells
from workbench.airlock.findings import Finding, Hit, ScanContext
from workbench.airlock.scanners.rows import are_identifiers, is_person_column
from workbench.airlock.sidecar import Sidecar, read_sidecar, sidecar_name
from workbench.airlock.tables import ACROSS, Cell, Table, is_hidden, read_table

MOST_OF_A_RULE = 10
LONG_VALUE = 200
FREE_TEXT = 60
FEW_ROWS = 5
WIDE_COLUMNS, WIDE_ROWS = 12, 20
LONG_CURVE = 200
_ABOUT_PEOPLE = re.compile(
    r"age|sex|gender|race|ethnicity|diagnosis|weight|height|bmi|smoker|smoking(_.*)?|date|.*_date"
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{4}.*|(19|20)\d{6}")

Placed = Iterator[tuple[str, Hit]]


def scan_table(name: str, content: bytes, context: ScanContext | None = None) -> list[Finding]:
    """Check one table; with its sidecar among the context's files, exactly.

    Raises
    ------
    ValueError
        When it is not readable as a table.
    """
    table = read_table(name, content)
    beside = (context or ScanContext()).files.get(sidecar_name(name))
    placed = [*_rows(table), *_hidden(name, content, table)]
    sidecar, cells = None, table.cells
    if beside is not None:
        try:
            sidecar, cells = _join(table, content, beside)
        except ValueError as problem:
            reason = f"Its sidecar does not belong to it ({problem}); write both again with `tabulate`."
            placed.append(("sidecar", Hit("sidecar", reason)))
    placed += _numbers(table, cells, sidecar)
    return _few(name, placed)


def cells_of(name: str, content: bytes, beside: bytes | None) -> tuple[tuple[Cell, ...], str, bool]:
    """Give a table's cells (with members, if its sidecar says so), the sidecar's dataset, whether they surely count.

    Raises
    ------
    ValueError
        When the table, or its sidecar, is not readable.
    """
    table = read_table(name, content)
    if beside is None:
        return table.cells, "", bool(table.counts) or table.adds_up
    sidecar, cells = _join(table, content, beside)
    return cells, sidecar.dataset, True


def _join(table: Table, content: bytes, beside: bytes) -> tuple[Sidecar, tuple[Cell, ...]]:
    sidecar = read_sidecar(beside)
    if sidecar.table_sha256 != hashlib.sha256(content).hexdigest():
        raise ValueError("the table was changed since")
    return sidecar, sidecar.joined(table)


def _numbers(table: Table, cells: tuple[Cell, ...], sidecar: Sidecar | None) -> Placed:
    yield from small_cells(table, cells)
    yield from implied_cells(table)
    yield from extremes(table)
    if sidecar is not None:
        yield from dominance(table, sidecar)
    elif not table.counts and not table.is_crossed and len(table.rows) > 1:
        reason = "No count of subjects stands beside these numbers, so small groups could not be looked for."
        yield "columns", Hit("no-counts", reason, "look")


def _rows(table: Table) -> Placed:
    """Find what says that a row is one person."""
    rows, columns = len(table.rows), range(len(table.columns))
    advice = "release counts or means of groups of at least 10 instead"
    for at in columns:
        values = table.values(at)
        place = f"column “{table.columns[at][:40]}”"
        if is_person_column(table.columns[at]):
            yield place, Hit("row-level-table", f"{rows} rows, each about one person; {advice}.")
        elif are_identifiers(values):
            yield place, Hit("row-level-table", f"Its values are identifiers, each of one person or scan; {advice}.")
        elif sum(_DATE.fullmatch(value) is not None for value in values) >= FEW_ROWS and at not in table.counts:
            yield place, Hit("dates", "Dates to the day, which are of persons or of single events; use years.", "look")
        if sum(len(value) > FREE_TEXT for value in values) >= FEW_ROWS:
            yield place, Hit("free-text", "Free text in many rows; a reader cannot tell what all of it says.", "look")
    if table.counts or table.is_crossed or rows < FEW_ROWS:
        return
    shown = [at for at in columns if table.is_numeric(at)]
    named = [name for name in table.names if _ABOUT_PEOPLE.fullmatch(name)]
    labels = Counter(tuple(row[at] for at in columns if at not in shown) for row in table.rows)
    is_curve = any(_is_axis(table, at) for at in shown)
    if len(named) >= 2 or (named and len(labels) < rows and not is_curve):
        yield "rows", Hit("row-level-table", f"{rows} rows with what is known of single persons, no counts; {advice}.")
    elif rows >= WIDE_ROWS and len(shown) >= WIDE_COLUMNS:
        yield (
            "rows",
            Hit("row-level-table", f"A matrix of {rows} × {len(shown)} numbers, features or pixels; {advice}."),
        )
    elif is_curve:
        if rows > LONG_CURVE:
            reason = f"A curve of {rows} points, where a step may be one subject; release at most {LONG_CURVE} points."
            yield "rows", Hit("long-curve", reason, "look")
    elif len(labels) < rows and rows >= WIDE_ROWS:
        yield "rows", Hit("row-level-table", f"{rows} rows that no label, axis or count tells apart; {advice}.")
    elif len(labels) < rows:
        yield "rows", Hit("unlabelled-rows", f"{rows} rows that no label or count tells apart.", "look")


def _is_axis(table: Table, at: int) -> bool:
    """Whether a column of numbers runs along a curve: up or down, with few turns back for the next curve."""
    numbers = [number for number in table.numbers(at) if number is not None]
    steps = [after - before for before, after in zip(numbers, numbers[1:], strict=False)]
    ups, downs = sum(step > 0 for step in steps), sum(step < 0 for step in steps)
    is_index = numbers == list(range(len(numbers))) or numbers == list(range(1, len(numbers) + 1))
    is_named = table.names[at] not in ("", "index", "row", "unnamed:_0")
    return len(steps) >= FEW_ROWS - 1 and min(ups, downs) <= len(steps) // 20 + 1 and (is_named or not is_index)


def _hidden(name: str, content: bytes, table: Table) -> Placed:
    """Find what a table carries besides what is read of it."""
    if any(
        row[at].strip() for row in table.rows for at, column in enumerate(table.columns) if not column.strip() and at
    ):
        yield "columns", Hit("unnamed-column", "Values in a column without a name; name it or leave it out.")
    if any(len(value) > LONG_VALUE for row in (table.columns, *table.rows) for value in row):
        yield (
            "values",
            Hit("long-value", f"A value of more than {LONG_VALUE} characters, which is no value of a table."),
        )
    if any(value[:1] in "=@" and value[1:] for row in table.rows for value in row):
        yield "values", Hit("formula", "A value that a spreadsheet would run as a formula.", "look")
    if name.lower().endswith(".parquet"):
        import pyarrow.parquet as pq  # noqa: PLC0415 - heavy, loaded on first use

        kept = pq.ParquetFile(io.BytesIO(content)).schema_arrow.metadata or {}
        if (
            set(kept) - {b"pandas", b"ARROW:schema"}
            or sum(map(len, kept.values())) > 100 * (10 + len(table.columns)) ** 1.5
        ):
            yield "metadata", Hit("metadata", "Metadata that no table shows; write the file again without it.")
    all_hidden = [c for at, c in enumerate(table.columns) if table.rows and all(map(is_hidden, table.values(at)))]
    if all_hidden and len(all_hidden) == len(table.columns):
        yield "values", Hit("empty", "A table without a value.", "look")


def _few(name: str, placed: list[tuple[str, Hit]]) -> list[Finding]:
    """Give the findings, at most ten of a rule, the last of which counts the rest."""
    total = Counter(hit.rule for _, hit in placed)
    seen: Counter[str] = Counter()
    found = []
    for place, hit in placed:
        seen[hit.rule] += 1
        if seen[hit.rule] > MOST_OF_A_RULE:
            continue
        rest = total[hit.rule] - MOST_OF_A_RULE
        more = f" So do {rest} more." if seen[hit.rule] == MOST_OF_A_RULE and rest > 0 else ""
        found.append(Finding(name, place, hit.rule, hit.reason + more, hit.severity))
    return found


__all__ = ["ACROSS", "cells_of", "scan_table"]
