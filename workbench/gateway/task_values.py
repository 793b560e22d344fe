"""Whether the values of a task's hidden tables can be measured: numbers where numbers are asked for, every class named.

A task whose truth cannot be measured would fail each of its submissions later, when nobody can mend it any more. What
comes out are names and counts, never a value.

Runs in: gateway
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from workbench.governance.obligations import SCANS

if TYPE_CHECKING:
    from workbench.benchmark.tasks.definition import SplitName, TaskDefinition
    from workbench.gateway.state import State

CENTRE = ("x_mm", "y_mm", "z_mm")
Test = Callable[[object], bool]


def places_of(task: TaskDefinition) -> tuple[str, ...]:
    """Name the columns of the table of truth that say where an item lies, as far as the task needs them."""
    if task.kind == "detection3d":
        return (*CENTRE, "diameter_mm")
    # A model is shown the nodule, and a program is told where it is.
    is_run = any(kind != "predictions" for kind in task.submissions)
    return CENTRE if task.truth.item == "nodule" and is_run else ()


def unfit_values(state: State, task: TaskDefinition, name: SplitName, version: str) -> Iterator[str]:
    """Say what of a hidden split's truth cannot be measured, with counts; its tables and columns are there."""
    split, truth = task.splits[name], task.truth
    scans = [str(one["scan"]) for one in state.archive.scans(split.dataset, version) if one["split"] == split.split]
    for field, table, column, may_be, what in _wanted(task):
        rows = state.archive.rows(split.dataset, version, table).table
        values = rows.filter(pc.is_in(rows["scan"], value_set=pa.array(scans, pa.string())))[column].to_pylist()
        wrong = sum(not may_be(value) for value in values)
        if wrong:
            yield f"{field}: {wrong} of {len(values)} values of “{column}” in splits.{name} are not {what}."
    if truth.table is not None and truth.item == "scan" and task.kind != "detection3d":
        held = Counter(state.archive.rows(split.dataset, version, truth.table).table["scan"].to_pylist())
        others = sum(held[scan] != 1 for scan in scans)
        if others:
            yield (
                f"truth.item: {others} of {len(scans)} scans of splits.{name} have no row of their own in "
                f"“{truth.table}”, or several; an item that is a scan needs one."
            )
    for number, group in enumerate(task.subgroups):
        if group.table not in (None, SCANS, truth.table):
            held = Counter(state.archive.rows(split.dataset, version, str(group.table)).table["scan"].to_pylist())
            several = sum(held[scan] > 1 for scan in scans)
            if several:
                yield (
                    f"subgroups.{number}.table: {several} of {len(scans)} scans of splits.{name} have several rows in "
                    f"“{group.table}”; a group is of one scan or none."
                )


def _wanted(task: TaskDefinition) -> Iterator[tuple[str, str, str, Test, str]]:
    """Give (field, table, column, test, what it must be) of everything that is measured or grouped."""
    truth = task.truth
    if truth.table is not None:
        for column in places_of(task):
            yield "truth.table", truth.table, column, is_number, "finite numbers"
        if truth.column is not None:
            yield "truth.column", truth.table, truth.column, *_answer(task)
        if truth.event is not None:
            yield "truth.event", truth.table, truth.event, is_true_or_false, "true or false"
        for number, baseline in enumerate(task.baselines):
            if baseline.column is not None:
                yield f"baselines.{number}.column", truth.table, baseline.column, may_be_missing, "numbers"
    for number, group in enumerate(task.subgroups):
        if group.bands:
            table = group.table or truth.table or SCANS
            yield f"subgroups.{number}.column", table, group.column, may_be_missing, "numbers, which bands need"


def _answer(task: TaskDefinition) -> tuple[Test, str]:
    truth = task.truth
    if task.kind == "binary":
        return is_true_or_false, "true or false"
    if truth.classes:
        return lambda value: str(value) in truth.classes, "among the task's classes"
    if truth.levels is not None:
        first, last = truth.levels
        grades = {float(grade) for grade in range(first, last + 1)}
        return lambda value: is_number(value) and float(str(value)) in grades, f"grades from {first} to {last}"
    return is_number, "finite numbers"


def is_number(value: object) -> bool:
    """Whether a value is a finite number, also one that is written as text."""
    try:
        return value is not None and math.isfinite(float(str(value)))
    except ValueError:
        return False


def is_true_or_false(value: object) -> bool:
    """Whether a value is true or false, or 1 or 0."""
    return isinstance(value, bool | int | float) and value in (0, 1)


def may_be_missing(value: object) -> bool:
    """Whether a value is a number, or not there; what is not there is in no group and has no answer."""
    return value is None or value != value or is_number(value)  # NaN alone differs from itself
