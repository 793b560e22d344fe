"""Whether a task fits the data it names: splits, tables, columns and values that are there, and numbers to carry it.

The hidden data are looked at whole, for their own custodian who publishes the task; what comes out are names and
counts, never a value.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from workbench.benchmark.tasks.definition import HIDDEN_SPLITS, SplitName, TaskDefinition
from workbench.benchmark.tasks.numbers import Counts, too_few
from workbench.benchmark.tasks.wording import did_you_mean
from workbench.errors import InvalidInput, NotFound
from workbench.gateway.task_values import places_of, unfit_values
from workbench.governance.obligations import SCANS

if TYPE_CHECKING:
    from workbench.gateway.state import State


def check_fit(state: State, task: TaskDefinition) -> dict[str, dict[str, int]]:
    """Give the counts of both hidden splits.

    Raises
    ------
    InvalidInput
        With everything of the task that its hidden data do not hold or cannot carry.
    """
    found: dict[str, dict[str, int]] = {}
    problems: list[str] = []
    for name in HIDDEN_SPLITS:
        split = task.splits[name]
        try:
            version = state.archive.version(split.dataset, split.version)
        except NotFound as problem:
            problems.append(f"splits.{name}: {problem.message}")
            continue
        lacking = [*_lacking(state, task, name, version)] or [*unfit_values(state, task, name, version)]
        problems += lacking
        if not lacking:
            counts = count(state, task, name, version)
            found[name] = counts.as_dict()
            few = too_few(task.metric, counts)
            problems += [f"splits.{name}: {few}."] if few else []
    if problems:
        raise InvalidInput(f"The task does not fit its data. {' '.join(problems)}", code="task-misfit")
    return found


def count(state: State, task: TaskDefinition, name: SplitName, version: str) -> Counts:
    """Count what a split of the task holds."""
    split = task.splits[name]
    scans = [scan for scan in state.archive.scans(split.dataset, version) if scan["split"] == split.split]
    names = [str(scan["scan"]) for scan in scans]
    subjects = {str(scan["scan"]): str(scan["subject"]) for scan in scans}
    if task.truth.table is None:
        return Counts(len(set(names if task.unit == "scan" else subjects.values())), len(names))
    table = state.archive.rows(split.dataset, version, task.truth.table).table
    rows = table.filter(pc.is_in(table["scan"], value_set=pa.array(names, pa.string())))
    holders = [str(scan) for scan in (names if task.truth.item == "scan" else rows["scan"].to_pylist())]
    units = len({scan if task.unit == "scan" else subjects[scan] for scan in holders})
    if task.kind == "detection3d":
        return Counts(units, len(names), findings=rows.num_rows)
    column = task.truth.event if task.kind == "survival" else task.truth.column
    is_counted = task.kind in ("binary", "survival")
    positives = sum(bool(value) for value in rows[column].to_pylist()) if is_counted else None
    return Counts(units, len(holders), positives)


def _lacking(state: State, task: TaskDefinition, name: SplitName, version: str) -> Iterator[str]:
    split = task.splits[name]
    scans = state.archive.scans(split.dataset, version)
    splits = {str(scan["split"]) for scan in scans}
    if split.split not in splits:
        near = did_you_mean(split.split, sorted(splits))
        yield f"splits.{name}: “{split.dataset}” has no split “{split.split}”{near}."
        return
    if task.truth.labels is not None:
        yield from _without_labels(state, task, name, version)
    schemas = state.archive.schemas(split.dataset, version)
    for field, table, column in _columns(task):
        if table not in schemas:
            yield f"{field}: “{split.dataset}” has no table “{table}”{did_you_mean(table, sorted(schemas))}."
        elif column and column not in schemas[table].names:
            yield f"{field}: the table “{table}” has no column “{column}”{did_you_mean(column, schemas[table].names)}."


def _without_labels(state: State, task: TaskDefinition, name: SplitName, version: str) -> Iterator[str]:
    split, labels = task.splits[name], task.truth.labels
    here = {entry.path for entry in state.archive.manifest(split.dataset, version).under("scans/")}
    without = [
        scan["scan"]
        for scan in state.archive.scans(split.dataset, version)
        if scan["split"] == split.split and f"scans/{scan['scan']}/labels/{labels}.json" not in here
    ]
    if without:
        yield f"truth.labels: {len(without)} scans of splits.{name} have no label volume “{labels}”."


def _columns(task: TaskDefinition) -> Iterator[tuple[str, str, str | None]]:
    """Give (field, table, column) of everything that the task reads out of tables."""
    truth = task.truth
    if truth.table is not None:
        yield "truth.table", truth.table, "scan"
        yield "truth.column", truth.table, truth.column
        yield "truth.event", truth.table, truth.event
        for column in places_of(task):
            yield "truth.table", truth.table, column
        for number, baseline in enumerate(task.baselines):
            yield f"baselines.{number}.column", truth.table, baseline.column
    for number, group in enumerate(task.subgroups):
        yield f"subgroups.{number}.column", group.table or truth.table or SCANS, group.column
        yield f"subgroups.{number}.table", group.table or truth.table or SCANS, "scan"
