"""The one place where obligations meet data: rows withheld, columns left out, emptied, made coarser or moved.

Everything here gives less than it was given, or refuses: a rule that cannot be carried out refuses what it is about.

Runs in: gateway
Source: Apache Arrow compute functions (three-valued logic: a missing value satisfies no comparison).
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import AccessDenied
from workbench.gateway.tables import Rows, scan_rows
from workbench.governance.obligations import (
    COARSE_SCAN_COLUMNS,
    EVERY_TABLE,
    SCANS,
    Obligations,
    RowFilter,
    Treatment,
    nearest,
)

UNMET = "obligation-not-met"
# What a reader needs to read a scan at all, and what its image says too. Where a rule touches columns of scans, no
# other fact is given: a fact nested in `dicom` could say again what the column no longer says.
NEEDED_FACTS = ("scan", "shape", "spacing_mm", "origin_mm", "direction", "levels", "window", "unit", "scale")
_COMPARISONS = {
    "=": pc.equal, "!=": pc.not_equal, "in": pc.equal, "not in": pc.not_equal,
    "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
_DAY_US = 24 * 3600 * 1_000_000

# Gives the days by which a subject's dates are moved, from the subject and the most days.
Shift = Callable[[str, int], int]


@dataclass(frozen=True)
class Visible:
    """The scans that there are for a person, and whose they are."""

    scans: frozenset[str]
    subjects: frozenset[str]


def day_shift(key: bytes, dataset: str) -> Shift:
    """Give a dataset's keyed shifts: never 0, the same for ever, and nothing to anybody without the key."""

    def days_of(subject: str, most: int) -> int:
        digest = hmac.digest(key, f"{dataset}\0{subject}\0{most}".encode(), "sha256")
        drawn = int.from_bytes(digest[:8], "big") % (2 * most) - most
        return drawn if drawn < 0 else drawn + 1

    return days_of


def check_tables(obligations: Obligations, schemas: Mapping[str, pa.Schema], named: Mapping[str, pa.Schema]) -> None:
    """Refuse everything when an obligation is about a table, or about a column in every table, that nobody knows.

    Parameters
    ----------
    obligations : Obligations
        What a policy asks for.
    schemas, named : mapping of str to schema
        The tables of this version, and of the newest: an older version need not have each table yet.
    """
    known = {**named, **schemas}
    columns = {name for schema in known.values() for name in schema.names}
    for table, column in obligations.places():
        if table == EVERY_TABLE:
            if column not in columns:
                raise unmet("Nothing", f"no table has a column “{column}”{nearest(column, columns)}")
        elif table not in known:
            raise unmet("Nothing", f"there is no table “{table}”{nearest(table, known)}")


def visible_scans(facts: Sequence[Mapping[str, Any]], obligations: Obligations) -> Visible | None:
    """Give which scans there are for a person, or None when no filter is on scans."""
    if not obligations.filters(SCANS):
        return None
    kept = _kept(scan_rows(facts).table, SCANS, obligations.filters(SCANS))
    chosen = [one for one, keep in zip(facts, kept.to_pylist(), strict=True) if keep]
    return Visible(frozenset(str(one["scan"]) for one in chosen), frozenset(str(one["subject"]) for one in chosen))


def shown_scans(
    facts: Sequence[Mapping[str, Any]], obligations: Obligations, visible: Visible | None, shift: Shift
) -> list[dict[str, Any]]:
    """Give the facts of the scans that there are for a person, which never say more than the table of scans does."""
    chosen = [dict(one) for one in facts if visible is None or one["scan"] in visible.scans]
    if not any(rule.table in (SCANS, EVERY_TABLE) for rule in obligations.columns):
        return chosen
    table = shown_table(SCANS, scan_rows(facts), obligations, visible, shift)
    coarse = table.select([name for name in COARSE_SCAN_COLUMNS if name in table.column_names]).to_pylist()
    needed = [{name: one[name] for name in NEEDED_FACTS if name in one} for one in chosen]
    return [{**one, **row} for one, row in zip(needed, coarse or [{}] * len(needed), strict=True)]


def shown_table(name: str, rows: Rows, obligations: Obligations, visible: Visible | None, shift: Shift) -> pa.Table:
    """Give a table as a person may see it.

    Raises
    ------
    AccessDenied
        When an obligation cannot be carried out on this table; nothing of it is given then.
    """
    table, owners = rows.table, rows.owners
    kept = _kept(table, name, obligations.filters(name))
    if visible is not None:
        kept = pc.and_(kept, _among(owners, visible.subjects))
        if "scan" in table.column_names:
            kept = pc.and_(kept, _among(table["scan"].combine_chunks(), visible.scans))
        if "subject" in table.column_names:
            kept = pc.and_(kept, _among(table["subject"].combine_chunks(), visible.subjects))
    table, owners = table.filter(kept), owners.filter(kept)
    for rule in obligations.columns:
        if rule.table == name and rule.column not in table.column_names:
            raise _missing(name, rule.column, table.column_names)
    for column in table.column_names:
        what = obligations.treatment(name, column)
        at = table.column_names.index(column)
        if what.drop:
            table = table.remove_column(at)
        elif what != Treatment():
            treated = _treated(table[column].combine_chunks(), what, f"{name}.{column}", owners, shift)
            table = table.set_column(at, table.schema.field(column), treated)
    return table


def unmet(what: str, why: str) -> AccessDenied:
    """Give the refusal of what an obligation cannot be carried out on."""
    return AccessDenied(
        f"{what} is given: the policy of this dataset restricts it, and {why}. Ask its custodian to correct the policy "
        "(`workbench policy show`); until then nothing is guessed.", code=UNMET,
    )  # fmt: skip


def _missing(table: str, column: str, known: Sequence[str]) -> AccessDenied:
    return unmet(f"Nothing of the table “{table}”", f"it has no column “{column}”{nearest(column, known)}")


def _among(values: pa.Array, allowed: frozenset[str]) -> pa.Array:
    return pc.fill_null(pc.is_in(values, value_set=pa.array(sorted(allowed), pa.string())), False)


def _kept(table: pa.Table, name: str, filters: Sequence[RowFilter]) -> pa.Array:
    """Say of each row whether every filter keeps it; a missing value is never kept."""
    kept = pa.array(np.ones(table.num_rows, dtype=bool))
    for one in filters:
        if one.column not in table.column_names:
            raise _missing(name, one.column, table.column_names)
        try:
            kept = pc.and_(kept, _compared(table[one.column].combine_chunks(), one))
        except (pa.ArrowException, ValueError, ArithmeticError):
            values = ", ".join(one.values)[:80]
            raise unmet(
                f"Nothing of the table “{name}”", f"its column “{one.column}” cannot be compared with {values}"
            ) from None
    return kept


def _compared(column: pa.Array, one: RowFilter) -> pa.Array:
    if pa.types.is_string(column.type) and one.operator in ("<", "<=", ">", ">="):
        # Numbers or dates that were kept as text; a value that is neither makes the cast fail.
        column = column.cast(pa.date32() if one.values[0].count("-") == 2 else pa.float64())
    answers = [_COMPARISONS[one.operator](column, _operand(value, column.type)) for value in one.values]
    answer = reduce(pc.or_ if one.operator == "in" else pc.and_, answers)
    if pa.types.is_floating(column.type):
        answer = pc.and_(answer, pc.invert(pc.is_nan(column)))
    return pc.fill_null(answer, False)


def _operand(value: str, kind: pa.DataType) -> pa.Scalar:
    """Read a policy's value as a column's type."""
    if pa.types.is_string(kind):
        return pa.scalar(value)
    if pa.types.is_boolean(kind):
        return pa.scalar(("false", "true").index(value.lower()) == 1)
    if pa.types.is_date(kind):
        return pa.scalar(date.fromisoformat(value))
    if pa.types.is_timestamp(kind):
        return pa.scalar(datetime.fromisoformat(value), pa.timestamp("us"))
    number = Fraction(value)
    return pa.scalar(int(number) if number.denominator == 1 else float(number))


def _treated(column: pa.Array, what: Treatment, place: str, owners: pa.Array, shift: Shift) -> pa.Array:
    """Give a column emptied, moved, capped and cut into steps; capped first, so that no step lies above the cap."""
    if what.mask:
        return pa.nulls(len(column), column.type)
    try:
        if what.shift is not None:
            column = _shifted(column, what.shift, owners, shift)
        if what.cap is not None or what.bin is not None:
            column = _coarse(column, what)
    except (pa.ArrowException, ValueError, ArithmeticError):
        raise unmet(
            f"Nothing of the table “{place.partition('.')[0]}”",
            f"its column “{place.partition('.')[2]}” holds more than numbers (to cap or cut) or dates (to move)",
        ) from None
    return column


def _shifted(column: pa.Array, most: int, owners: pa.Array, shift: Shift) -> pa.Array:
    unit = {pa.date32(): (pa.int32(), 1), pa.timestamp("us"): (pa.int64(), _DAY_US)}
    if column.type not in unit or owners.null_count:
        raise ValueError("no dates, or nobody's")
    whole, day = unit[column.type]
    coded = owners.dictionary_encode()
    days = pa.array([shift(str(subject), most) * day for subject in coded.dictionary.to_pylist()], whole)
    return pc.add_checked(column.cast(whole), days.take(coded.indices)).cast(column.type)


def _coarse(column: pa.Array, what: Treatment) -> pa.Array:
    """Give numbers (or text that holds nothing but numbers) capped and cut into steps."""
    kind = column.type
    if pa.types.is_string(kind):
        column = _as_numbers(column)
    is_whole = pa.types.is_integer(column.type)
    if not is_whole and not pa.types.is_floating(column.type):
        raise ValueError("no numbers")
    if what.cap is not None:
        cap = _amount(Fraction(math.floor(what.cap)) if is_whole else what.cap, is_whole)
        column = pc.if_else(pc.greater(column, cap), cap, column)
    if what.bin is not None:
        width = _amount(what.bin, is_whole)
        if is_whole:
            # Arrow divides towards zero: the step below a negative number is one further down.
            rest = pc.subtract(column, pc.multiply_checked(pc.divide_checked(column, width), width))
            below = pc.subtract_checked(column, rest)
            column = pc.if_else(pc.less(rest, 0), pc.subtract_checked(below, width), below)
        else:
            column = pc.multiply(pc.floor(pc.divide(column, width)), width)
    return column.cast(kind) if column.type != kind else column


def _as_numbers(column: pa.Array) -> pa.Array:
    try:
        return column.cast(pa.int64())
    except pa.ArrowException:
        return column.cast(pa.float64())


def _amount(value: Fraction, is_whole: bool) -> pa.Scalar:
    if not is_whole:
        return pa.scalar(float(value))
    if value.denominator != 1:
        raise ValueError("a broken step in whole numbers")
    return pa.scalar(value.numerator, pa.int64())
