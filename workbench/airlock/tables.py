"""Tables that are offered, read as cells: which group a number stands for, and how many subjects are in it.

A table may be long (a row for each group) or crossed (a row and a column for each group, as `pandas.crosstab` writes).

Runs in: anywhere
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import cached_property

from workbench.airlock.scanners.rows import is_count_column

MOST_CELLS = 200_000
# How a group is written that is not shown, and one that stands for all of them together.
HIDDEN = {
    "",
    "-",
    "–",
    "—",
    "*",
    "**",
    "x",
    "c",
    "s",
    "na",
    "n/a",
    "nan",
    "none",
    "null",
    "suppressed",
    "hidden",
    "[c]",
}
TOTALS = {"all", "total", "totals", "sum", "overall", "any", "everyone", "grand total", "all subjects", "all patients"}
SUBJECTS = re.compile(
    r"n|count|counts|size|frequency|freq|(n|num|number|no|count|total)_?(of_)?(distinct_)?(subject|patient|participant|people|person|case)?s?"
    r"|subjects|patients|participants|people|persons|individuals|support"
)
PART = re.compile(
    r"(\w+_)?(percent|percentage|pct|share|proportion|prevalence|fraction)(_\w+)?|%.*|.*[(\[]%[)\]]|\w+_rate|rate"
)
# The name of the columns' own variable in a crossed table, which the file does not say.
ACROSS = "columns"

Key = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Cell:
    """One number of subjects that a table shows or hides.

    Attributes
    ----------
    key : frozenset of (column, value)
        The group; empty for everybody.
    count : int or None
        None where the table hides it.
    place : str
        Where it stands in the file.
    members : frozenset of str, optional
        Who is in the group, under names that mean nothing outside, where a sidecar says so.
    """

    key: Key
    count: int | None
    place: str
    members: frozenset[str] | None = None

    @property
    def label(self) -> str:
        """The group as people write it."""
        named = (f"column {value}" if column == ACROSS else f"{column} = {value}" for column, value in sorted(self.key))
        return ", ".join(text[:60] for text in named) or "everybody"


@dataclass(frozen=True)
class Table:
    """A table as text: names of columns, and rows of equal width."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, written one way."""
        return tuple(plain(name) for name in self.columns)

    def values(self, at: int) -> list[str]:
        """Give a column."""
        return [row[at].strip() for row in self.rows]

    def numbers(self, at: int) -> list[float | None]:
        """Give a column as numbers; None where there is none."""
        return [as_number(value) for value in self.values(at)]

    def is_numeric(self, at: int) -> bool:
        """Whether a column holds numbers, and hidden values at most."""
        values = [value for value in self.values(at) if not is_hidden(value)]
        return bool(values) and all(as_number(value) is not None for value in values)

    def is_whole(self, at: int) -> bool:
        """Whether a column holds whole numbers from 0, and hidden values at most."""
        return self.is_numeric(at) and all(n is None or (n >= 0 and n == int(n)) for n in self.numbers(at))

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """The columns that say how many there are in each group."""
        return tuple(
            at for at, name in enumerate(self.names)
            if (SUBJECTS.fullmatch(name) or is_count_column(name)) and self.is_whole(at)
        )  # fmt: skip

    @cached_property
    def keys(self) -> tuple[int, ...]:
        """The columns that name the group of a row: words, and whole numbers left of the first count."""
        first = min(self.counts, default=0)
        return tuple(
            at for at in range(len(self.columns))
            if at not in self.counts and (not self.is_numeric(at) or (at < first and self.is_whole(at)))
        )  # fmt: skip

    @cached_property
    def is_crossed(self) -> bool:
        """Whether rows and columns both name groups: words first, then whole numbers only, at least two columns."""
        if self.counts and not any(name in TOTALS for name in self.names):
            return False
        texts = [at for at in range(len(self.columns)) if not self.is_numeric(at)]
        shown = [at for at in range(len(self.columns)) if at not in texts]
        is_left = texts == list(range(len(texts))) and bool(texts)
        return is_left and len(shown) >= 2 and all(self.is_whole(at) for at in shown)

    @cached_property
    def adds_up(self) -> bool:
        """Whether a column or row of totals says that a crossed table holds counts."""
        return any(name in TOTALS for name in self.names) or any(value.lower() in TOTALS for value in self.values(0))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every number of subjects."""
        return tuple(self._crossed() if self.is_crossed else self._long())

    def _long(self) -> list[Cell]:
        main = next((at for at in self.counts if SUBJECTS.fullmatch(self.names[at])), None)
        found = []
        for number, row in enumerate(self.rows, start=2):
            key = {(self.names[at], plain(row[at])) for at in self.keys if plain(row[at]) not in TOTALS}
            for at in self.counts:
                own = key if at == main else key | {("counted", self.names[at])}
                found.append(
                    Cell(frozenset(own), _as_count(row[at]), f"row {number}, column “{self.columns[at][:40]}”")
                )
        return found

    def _crossed(self) -> list[Cell]:
        texts = [at for at in range(len(self.columns)) if not self.is_numeric(at)]
        found = []
        for number, row in enumerate(self.rows, start=2):
            key = {(self.names[at] or "rows", plain(row[at])) for at in texts if plain(row[at]) not in TOTALS}
            for at in range(len(texts), len(self.columns)):
                across = set() if self.names[at] in TOTALS else {(ACROSS, self.names[at])}
                place = f"row {number}, column “{self.columns[at][:40]}”"
                found.append(Cell(frozenset(key | across), _as_count(row[at]), place))
        return found


def read_table(name: str, content: bytes) -> Table:
    """Read CSV, TSV or Parquet.

    Raises
    ------
    ValueError
        When it is no such table: not UTF-8, without a header, with columns inside columns, or too large to judge.
    """
    table = _read_parquet(content) if name.lower().endswith(".parquet") else _read_text(name, content)
    if len(table.rows) * len(table.columns) > MOST_CELLS:
        raise ValueError(f"more than {MOST_CELLS:,} values")
    return table


def _read_text(name: str, content: bytes) -> Table:
    text = content.decode("utf-8-sig")
    if "\x00" in text:
        raise ValueError("bytes that are no text")
    head = text.partition("\n")[0]
    mark = "\t" if name.lower().endswith(".tsv") else max(",;\t|", key=head.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True) if row]
    except csv.Error as problem:
        raise ValueError("no CSV") from problem
    if not rows or not any(value.strip() for value in rows[0]):
        raise ValueError("no header")
    # What stands beyond the header's last column is kept, so that it is judged with the rest.
    width = max(len(row) for row in rows)
    padded = [tuple(row) + ("",) * (width - len(row)) for row in rows]
    return Table(padded[0], tuple(padded[1:]))


def _read_parquet(content: bytes) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        file = pq.ParquetFile(io.BytesIO(content))
        if file.metadata.num_rows * max(1, file.metadata.num_columns) > MOST_CELLS:
            raise ValueError(f"more than {MOST_CELLS:,} values")
        table = file.read()
    except pa.ArrowException as problem:
        raise ValueError("no Parquet") from problem
    if any(pa.types.is_nested(field.type) or pa.types.is_binary(field.type) for field in table.schema):
        raise ValueError("columns inside columns, or bytes")
    columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
    return Table(tuple(table.column_names), tuple(zip(*columns, strict=True)))


def plain(text: str) -> str:
    """Write a name or value one way.

    >>> plain("  Number of  Patients")
    'number_of_patients'
    """
    return re.sub(r"[\s_]+", "_", text.strip().lower()) if len(text) > 1 else text.strip().lower()


def is_hidden(value: str) -> bool:
    """Whether a value stands for one that is not shown, such as “*” or “<10”."""
    return value.strip().lower() in HIDDEN or re.fullmatch(r"[<≤]\s*\d+", value.strip()) is not None


def as_number(text: str) -> float | None:
    """Read a number as people write it in tables, or give None.

    >>> as_number("1,204"), as_number("12 %"), as_number("<10")
    (1204.0, 12.0, None)
    """
    cleaned = re.sub(r"(?<=\d)[,  ](?=\d{3}\b)", "", text.strip().replace("−", "-")).rstrip("%").strip()
    return float(cleaned) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", cleaned, re.I) else None


def _as_count(text: str) -> int | None:
    number = as_number(text)
    return None if number is None else int(number)
