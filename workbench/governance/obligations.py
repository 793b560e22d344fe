"""What a policy obliges the gateway to do to the data it gives: which rows, which columns, and how exactly.

Obligations are typed annotations on Cedar policies, never program text. Restrictions add up: whoever reads under two
of them reads what both allow. What does not parse is refused, so that a typo never opens anything.

    @rows("scans.split in train, validation; people.age >= 18")
    @drop("nodules.place, *.notes")         @mask("scans.subject")
    @bin("people.age by 5")                 @cap("people.age at 89")           @shift("*.study_date by 30")

Runs in: anywhere
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from fractions import Fraction
from typing import TypeVar

from workbench.errors import InvalidInput

_Part = TypeVar("_Part")

EVERY_TABLE = "*"
SCANS = "scans"
# The columns of the table of scans, which every dataset has. The first ones may be left out, emptied or made coarser;
# the others name the scan or stand in the header of its image too, so hiding them in a table would hide nothing.
COARSE_SCAN_COLUMNS = ("subject", "split", "modality", "sha256")
SCAN_COLUMNS = (
    *COARSE_SCAN_COLUMNS, "scan", "slices", "rows", "columns", "spacing_z_mm", "spacing_y_mm", "spacing_x_mm",
)  # fmt: skip
# Annotations that say something about a policy and oblige nobody to anything.
TEXTS = ("id", "title", "because", "advice")
MOST_DAYS = 3650
_LISTED = ("in", "not in")
_ORDERED = ("<=", ">=", "<", ">")
OPERATORS = ("=", "!=", *_LISTED, *_ORDERED)

_TABLE, _COLUMN = r"(\*|[a-z0-9][a-z0-9_-]{0,62})", r"(?:'([^']{1,200})'|([^\s.,;=!<>'\"][^\s,;=!<>'\"]{0,199}))"
_PLACE = re.compile(rf"{_TABLE}\.{_COLUMN}")
_COMPARISON = re.compile(rf"{_TABLE}\.{_COLUMN}\s*(!=|<=|>=|=|<|>|\s(?:not\s+in|in)\s)\s*(.+)", re.DOTALL)
_VALUE = re.compile(r"\s*(?:'([^']*)'|([^,'\"=<>!]+?))\s*(?:,|$)")
# Pieces end at a semicolon (or a comma) outside of quotes.
_PIECES = re.compile(r"(?:[^;']|'[^']*')+")
_LIST = re.compile(r"(?:[^;,']|'[^']*')+")


@dataclass(frozen=True)
class RowFilter:
    """Only rows whose column compares so are shown; a row without a value never is.

    Parameters
    ----------
    table, column : str
        What is compared. A filter on the table `scans` decides which scans there are at all.
    operator : str
        One of `OPERATORS`.
    values : tuple of str
        One value, or for ``in`` and ``not in`` several; read as the column's type.
    """

    table: str
    column: str
    operator: str
    values: tuple[str, ...]

    def sentence(self) -> str:
        """Say it to the person who reads."""
        what = "scans (and what belongs to them)" if self.table == SCANS else f"rows of {self.table}"
        return f"Only {what} with {self.column} {self.operator} {', '.join(self.values)}."


@dataclass(frozen=True)
class ColumnRule:
    """What becomes of one column: `drop`, `mask`, `bin`, `cap` or `shift`, the last three with an amount.

    Parameters
    ----------
    kind, table, column : str
        The table may be ``*``: every table that has the column.
    amount : Fraction, optional
        The width of a step, the highest value shown, or the most days.
    """

    kind: str
    table: str
    column: str
    amount: Fraction | None = None

    def sentence(self) -> str:
        """Say it to the person who reads."""
        name = self.column if self.table == EVERY_TABLE else f"{self.table}.{self.column}"
        return _SENTENCES[self.kind].format(name=name, amount=_number(self.amount or Fraction(0)))


@dataclass(frozen=True)
class Treatment:
    """All that becomes of one column of one table, worked out of every rule that names it."""

    drop: bool = False
    mask: bool = False
    bin: Fraction | None = None
    cap: Fraction | None = None
    shift: int | None = None


@dataclass(frozen=True)
class Obligations:
    """What the gateway must do to the data before it gives them; false when there is nothing to do.

    Examples
    --------
    >>> found = obligations_of({"rows": "scans.split = train", "bin": "people.age by 5"})
    >>> found.sentences()
    ('Only scans (and what belongs to them) with split = train.', 'people.age is given in steps of 5.')
    """

    rows: tuple[RowFilter, ...] = ()
    columns: tuple[ColumnRule, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.rows or self.columns)

    def plus(self, other: Obligations) -> Obligations:
        """Give both together, in an order that does not depend on which came first."""
        return Obligations(_sorted((*self.rows, *other.rows)), _sorted((*self.columns, *other.columns)))

    def sentences(self) -> tuple[str, ...]:
        """Say each to the person who reads."""
        return (*(part.sentence() for part in self.rows), *(part.sentence() for part in self.columns))

    def digest(self) -> str:
        """Give a short name of exactly these obligations, for ETags; empty when there are none."""
        return hashlib.sha256(repr((self.rows, self.columns)).encode()).hexdigest()[:16] if self else ""

    def places(self) -> list[tuple[str, str]]:
        """Give every (table, column) that is named; the table may be ``*``."""
        return [
            *((part.table, part.column) for part in self.rows),
            *((part.table, part.column) for part in self.columns),
        ]

    def filters(self, table: str) -> tuple[RowFilter, ...]:
        """Give the filters on a table."""
        return tuple(part for part in self.rows if part.table == table)

    def treatment(self, table: str, column: str) -> Treatment:
        """Work out what becomes of a column.

        Each rule must hold on its own, whatever the others do: the lowest cap, the widest shift, and steps that are
        a multiple of every step asked for, since values cut by 4 and then by 6 still tell more than values cut by 6.
        """
        rules = [part for part in self.columns if part.table in (table, EVERY_TABLE) and part.column == column]
        amounts: dict[str, list[Fraction]] = {}
        for rule in rules:
            amounts.setdefault(rule.kind, []).append(rule.amount or Fraction(0))
        return Treatment(
            "drop" in amounts, "mask" in amounts, _multiple(amounts.get("bin", ())),
            min(amounts.get("cap", ()), default=None), max(map(int, amounts.get("shift", ())), default=None),
        )  # fmt: skip


NONE = Obligations()


def obligations_of(annotations: Mapping[str, str]) -> Obligations:
    """Read the annotations of one policy.

    Raises
    ------
    InvalidInput
        When one is unknown or does not parse; the message names it and the nearest word that would do.
    """
    found = NONE
    for name, text in annotations.items():
        if name in TEXTS:
            continue
        reader = _READERS.get(name)
        if reader is None:
            known = (*_READERS, *TEXTS)
            raise InvalidInput(f"There is no annotation @{name[:40]}{nearest(name, known, '@')}.", code="bad-policy")
        found = found.plus(reader(name, text))
    return found


def nearest(word: str, known: Iterable[str], sign: str = "") -> str:
    """Give how a sentence about an unknown word ends: the nearest known one, or all of them.

    >>> nearest("drpo", ("drop", "mask"), "@")
    ' (did you mean @drop?)'
    """
    words = sorted(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    return f" (did you mean {sign}{close[0]}?)" if close else f" (there are {', '.join(sign + w for w in words)})"


def _read_rows(name: str, text: str) -> Obligations:
    return Obligations(rows=_sorted(_comparison(piece) for piece in _pieces(name, text, _PIECES)))


def _comparison(piece: str) -> RowFilter:
    match = _COMPARISON.fullmatch(piece)
    if match is None:
        raise _bad("rows", piece, f"write TABLE.COLUMN, one of {' '.join(OPERATORS)}, and a value")
    table, column = match[1], match[2] or match[3]
    operator = " ".join(match[4].split())
    values = tuple(found[1] if found[1] is not None else found[2] for found in _VALUE.finditer(match[5]))
    if "".join(_VALUE.split(match[5])[::3]).strip() or not values:
        raise _bad("rows", piece, "put commas between values, and quotes ('…') around one that holds a comma")
    if operator not in _LISTED and len(values) > 1:
        raise _bad("rows", piece, f"{operator} takes one value; “in” takes several")
    if table == EVERY_TABLE:
        raise _bad("rows", piece, "a filter on rows names its table")
    if operator in _ORDERED and not _has_order(values[0]):
        raise _bad("rows", piece, f"{operator} compares numbers or dates such as 2024-05-31")
    _check_scan_column("rows", piece, table, column, SCAN_COLUMNS)
    return RowFilter(table, column, operator, values)


def _read_names(kind: str, text: str) -> Obligations:
    rules = []
    for piece in _pieces(kind, text, _LIST):
        match = _PLACE.fullmatch(piece)
        if match is None:
            raise _bad(kind, piece, "write TABLE.COLUMN, with * for every table")
        rules.append(_rule(kind, piece, match, None))
    return Obligations(columns=_sorted(rules))


def _amounts(word: str, checked: Callable[[Fraction], bool], wanted: str) -> Callable[[str, str], Obligations]:
    shape = re.compile(rf"{_TABLE}\.{_COLUMN}\s+{word}\s+(-?\d{{1,9}}(?:\.\d{{1,6}})?)")

    def read(kind: str, text: str) -> Obligations:
        rules = []
        for piece in _pieces(kind, text, _LIST):
            match = shape.fullmatch(piece)
            if match is None or not checked(Fraction(match[4])):
                raise _bad(kind, piece, f"write TABLE.COLUMN {word} {wanted}, with * for every table")
            rules.append(_rule(kind, piece, match, Fraction(match[4])))
        return Obligations(columns=_sorted(rules))

    return read


def _rule(kind: str, piece: str, match: re.Match[str], amount: Fraction | None) -> ColumnRule:
    table, column = match[1], match[2] or match[3]
    _check_scan_column(kind, piece, table, column, COARSE_SCAN_COLUMNS)
    return ColumnRule(kind, table, column, amount)


def _check_scan_column(kind: str, piece: str, table: str, column: str, allowed: tuple[str, ...]) -> None:
    """Refuse a column that the table of scans does not have, or that stands in the image's header as well."""
    if table == SCANS and column not in SCAN_COLUMNS:
        raise _bad(kind, piece, f"the table scans has no column “{column[:40]}”{nearest(column, SCAN_COLUMNS)}")
    if table in (SCANS, EVERY_TABLE) and column in SCAN_COLUMNS and column not in allowed:
        raise _bad(kind, piece, f"{column} is known from the image itself; use @rows to withhold whole scans")


def _pieces(kind: str, text: str, cut: re.Pattern[str]) -> list[str]:
    pieces = [piece.strip() for piece in cut.findall(text) if piece.strip()]
    if not pieces or text.count("'") % 2:
        raise _bad(kind, text, "it names nothing, or a quote does not end")
    return pieces


def _bad(kind: str, piece: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"@{kind}(“{piece.strip()[:80]}”) does not read: {wanted}.", code="bad-policy")


def _has_order(value: str) -> bool:
    try:
        Fraction(value)
    except (ValueError, ZeroDivisionError):
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return True


def _multiple(widths: Iterable[Fraction]) -> Fraction | None:
    """Give the least common multiple of step widths."""
    whole: Fraction | None = None
    for width in widths:
        if whole is None:
            whole = width
        else:
            top = math.lcm(whole.numerator, width.numerator)
            whole = Fraction(top, math.gcd(whole.denominator, width.denominator))
    return whole


def _sorted(parts: Iterable[_Part]) -> tuple[_Part, ...]:
    return tuple(sorted(set(parts), key=repr))


def _number(value: Fraction) -> str:
    return f"{float(value):g}" if value.denominator != 1 else str(value.numerator)


_SENTENCES = {
    "drop": "{name} is left out.",
    "mask": "{name} is empty.",
    "bin": "{name} is given in steps of {amount}.",
    "cap": "{name} above {amount} reads {amount}.",
    "shift": "{name} is moved by up to {amount} days, each subject by their own number of days.",
}
_READERS: dict[str, Callable[[str, str], Obligations]] = {
    "rows": _read_rows,
    "drop": _read_names,
    "mask": _read_names,
    "bin": _amounts("by", lambda amount: amount > 0, "a step above 0"),
    "cap": _amounts("at", lambda amount: True, "the highest value to show"),
    "shift": _amounts(
        "by", lambda amount: amount.denominator == 1 and 1 <= amount <= MOST_DAYS, f"whole days, 1 to {MOST_DAYS}"
    ),
}
ANNOTATIONS = tuple(_READERS)
