"""What a person may see, worked out in the plainest way: value by value, without Arrow, Cedar or any cache.

The differential test holds the gateway's answers against it. It shares no code with what it checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b, "in": lambda a, b: a == b, "not in": lambda a, b: a != b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
ORDERED = ("<", "<=", ">", ">=")
COARSE = ("subject", "split", "modality")


class Refused(Exception):
    """Nothing of the table is given."""


class NothingGiven(Refused):
    """Nothing at all is given."""


@dataclass(frozen=True)
class Filter:
    table: str
    column: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    kind: str
    table: str
    column: str
    amount: Fraction = Fraction(0)


@dataclass(frozen=True)
class Table:
    """Columns as (name, type), and rows as (whose, values)."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True)
class Policy:
    """One permit or forbid, and whether it is about the person who reads."""

    effect: str
    matches: bool
    filters: tuple[Filter, ...] = ()
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class World:
    """A dataset version: scans as mappings, tables by name, and the policies of its custodian."""

    scans: tuple[dict[str, Any], ...]
    tables: dict[str, Table]
    policies: tuple[Policy, ...] = field(default=())

    def allowed(self) -> bool:
        permits = [p for p in self.policies if p.effect == "permit"]
        is_forbidden = any(p.matches for p in self.policies if p.effect == "forbid")
        return not is_forbidden and (not permits or any(p.matches for p in permits))

    def filters(self, table: str) -> list[Filter]:
        return [f for p in self._binding() for f in p.filters if f.table == table]

    def rules(self, table: str, column: str) -> list[Rule]:
        return [r for p in self._binding() for r in p.rules if r.table in (table, "*") and r.column == column]

    def require_all_known(self) -> None:
        """Refuse everything where a restriction is about a table, or a column in every table, that is not there."""
        known = {"scans": set(self.scans[0]), **{n: {c for c, _ in t.columns} for n, t in self.tables.items()}}
        for policy in self._binding():
            places = [(part.table, part.column) for part in policy.filters]
            for table, column in places + [(part.table, part.column) for part in policy.rules]:
                if table == "*" and not any(column in columns for columns in known.values()):
                    raise NothingGiven
                if table != "*" and table not in known:
                    raise NothingGiven

    def visible(self) -> list[dict[str, Any]]:
        """Give the scans that there are."""
        self.require_all_known()
        for one in self.filters("scans"):
            for scan in self.scans:
                keeps(scan[one.column], _scan_kind(one), one)
        return [s for s in self.scans if all(keeps(s[f.column], _scan_kind(f), f) for f in self.filters("scans"))]

    def seen(self, name: str, shift: Callable[[str, int], int]) -> list[dict[str, Any]]:
        """Give the rows of a table as they are shown."""
        scans = self.visible()
        all_scans = not self.filters("scans")
        ids, people = {s["scan"] for s in scans}, {s["subject"] for s in scans}
        table = self.tables[name]
        named = [c for c, _ in table.columns]
        self._require_columns(name, named)
        kept = []
        for owner, values in table.rows:
            row = dict(zip(named, values, strict=True))
            if not all_scans and not (
                owner in people and row.get("scan", "") in {"", *ids} and row.get("subject", owner) in people
            ):
                continue
            kept.append((owner, row))
        kept = [(o, r) for o, r in kept if all(keeps(r[f.column], _kind(table, f), f) for f in self.filters(name))]
        return self._treated(name, table, kept, shift)

    def seen_scans(self, shift: Callable[[str, int], int]) -> list[dict[str, Any]]:
        """Give the rows of the table of scans, as far as they can be hidden, and the name of each."""
        columns = (("scan", "string"), *((c, "string") for c in COARSE))
        rows = [(s["subject"], {c: s[c] for c, _ in columns}) for s in self.visible()]
        return self._treated("scans", Table(columns, ()), rows, shift)

    def _binding(self) -> list[Policy]:
        return [p for p in self.policies if p.effect == "permit" and p.matches]

    def _require_columns(self, name: str, named: Sequence[str]) -> None:
        wanted = [f.column for f in self.filters(name)]
        wanted += [r.column for p in self._binding() for r in p.rules if r.table == name]
        if set(wanted) - set(named):
            raise Refused
        table = self.tables[name]
        for one in self.filters(name):
            # A value that does not read as the column's type refuses the table, whatever the rows hold.
            for _, values in table.rows:
                keeps(values[named.index(one.column)], _kind(table, one), one)
            keeps(None, _kind(table, one), one)

    def _treated(
        self, name: str, table: Table, rows: list[tuple[str, dict[str, Any]]], shift: Callable[[str, int], int]
    ) -> list[dict[str, Any]]:
        for column, kind in table.columns:
            rules = self.rules(name, column)
            if rules:
                made = treated([(owner, row[column]) for owner, row in rows], kind, rules, shift)
                for (_, row), value in zip(rows, made, strict=True):
                    row[column] = value
                if any(rule.kind == "drop" for rule in rules):
                    for _, row in rows:
                        del row[column]
        return [row for _, row in rows]


def keeps(value: Any, kind: str, one: Filter) -> bool:
    """Whether a filter keeps a value; raises where the two cannot be compared."""
    if kind == "string" and one.operator in ORDERED:
        kind = "date" if one.values[0].count("-") == 2 else "float64"
        value = None if value is None else read(value, kind)
    wanted = [read(text, kind) for text in one.values]
    if value is None:
        return False
    value = Fraction(value) if kind in ("int64", "float64") else value
    answers = [TESTS[one.operator](value, want) for want in wanted]
    return any(answers) if one.operator == "in" else all(answers)


def read(text: str, kind: str) -> Any:
    """Read a policy's word as a type."""
    try:
        if kind == "string":
            return text
        if kind == "bool":
            return {"true": True, "false": False}[text.lower()]
        if kind == "date":
            return date.fromisoformat(text)
        if kind == "time":
            return datetime.fromisoformat(text)
        return Fraction(text)
    except (ValueError, KeyError):
        raise Refused from None


def treated(cells: list[tuple[str, Any]], kind: str, rules: list[Rule], shift: Callable[[str, int], int]) -> list[Any]:
    """Give a column's values as they are shown."""
    asked: dict[str, list[Fraction]] = {}
    for rule in rules:
        asked.setdefault(rule.kind, []).append(rule.amount)
    if "drop" in asked or "mask" in asked:
        return [None] * len(cells)
    values = [value for _, value in cells]
    if "shift" in asked:
        if kind not in ("date", "time"):
            raise Refused
        most = int(max(asked["shift"]))
        values = [None if v is None else v + timedelta(shift(owner, most)) for owner, v in cells]
    if "cap" in asked or "bin" in asked:
        values = coarse(values, kind, min(asked.get("cap", [Fraction(10**9)])), asked.get("bin", []))
    return values


def coarse(values: list[Any], kind: str, cap: Fraction, steps: list[Fraction]) -> list[Any]:
    """Give numbers not above the cap, each at the start of its step."""
    if kind not in ("int64", "float64", "string"):
        raise Refused
    numbers = [None if v is None else read(str(v), "float64") for v in values]
    is_whole = kind == "int64" or (kind == "string" and all("." not in str(v) for v in values if v is not None))
    step = Fraction(1)
    if steps:
        # The first multiple of one step that is a multiple of them all.
        step = next(n * steps[0] for n in range(1, 10**6) if all((n * steps[0] / s).denominator == 1 for s in steps))
        if is_whole and step.denominator != 1:
            raise Refused
    cap = Fraction(math.floor(cap)) if is_whole else cap
    return [n if n is None else min(n, cap) // step * step if steps else min(n, cap) for n in numbers]


def _scan_kind(one: Filter) -> str:
    return "int64" if one.column == "slices" else "string"


def _kind(table: Table, one: Filter) -> str:
    return dict(table.columns)[one.column]
