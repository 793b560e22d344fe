"""The items of a hidden split with their truth, as the evaluator holds them while it measures.

Runs in: evaluator
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.tasks.definition import HIDDEN_SPLITS, SplitName, TaskDefinition
from workbench.connection import VERSIONS_VARIABLE
from workbench.data.catalogue import dataset
from workbench.data.line import line
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    from workbench.data.dataset import Dataset

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
ITEM = "_item"
# Column -> values. No data frames here: loading their library takes longer than measuring predictions does.
Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class HiddenTest:
    """One split of a hidden test.

    Parameters
    ----------
    task : TaskDefinition
    source : Dataset
        At the version that the task's version names.
    items : tuple of str
        Sorted.
    scan : tuple of str
        The scan of each item.
    unit : ndarray, int64, shape (items,)
        What is drawn together in a resample, 0 … units - 1.
    units : int
    scans : mapping of str to ndarray
        The table of the split's scans, by column.
    truth : mapping of str to ndarray, or None
        The rows of the table of truth: one for each item, in their order; for detection every nodule of the split.
    """

    task: TaskDefinition
    source: Dataset
    items: tuple[str, ...]
    scan: tuple[str, ...]
    unit: Ints
    units: int
    scans: Table
    truth: Table | None

    def column(self, name: str) -> NDArray[Any]:
        """Give a column of the truth, one value for each of its rows.

        Raises
        ------
        InvalidInput
            When there is none of this name; the message is for the operator.
        """
        if self.truth is None or name not in self.truth:
            raise InvalidInput(f"The truth of {self.task.id} has no column “{name}”.")
        return self.truth[name]

    def scan_number(self) -> dict[str, int]:
        """Give the number of each scan, where scans are the items."""
        return {name: number for number, name in enumerate(self.items)}


def use_versions(data: Mapping[str, str]) -> None:
    """Have this process read every dataset at the version that the task's version names."""
    os.environ[VERSIONS_VARIABLE] = json.dumps(dict(data))


def read_hidden(task: TaskDefinition, split: SplitName) -> HiddenTest:
    """Read the items of a hidden split and their truth through the gateway; no scan is read."""
    place = task.splits[split]
    source = dataset(place.dataset)
    every = read_table(source, "scans")
    scans = sorted_by(chosen(every, every["split"] == place.split), "scan")
    names = [str(name) for name in scans["scan"]]
    truth = None
    if task.truth.table is not None:
        truth = read_table(source, task.truth.table)
        truth = chosen(truth, np.isin(truth["scan"].astype(str), names))
    if task.truth.item == "scan":
        items, scan = tuple(names), tuple(names)
        if truth is not None and task.kind != "detection3d":
            truth = _one_row_each(task, truth, names)
    else:
        if truth is None:
            raise InvalidInput(f"{task.id} has no table whose rows are its items.")
        truth = sorted_by({**truth, ITEM: np.array(_numbered(truth["scan"]), dtype=object)}, ITEM)
        items, scan = tuple(truth[ITEM]), tuple(str(one) for one in truth["scan"])
    unit, units = _units(task, scans, scan)
    return HiddenTest(task, source, items, scan, unit, units, scans, truth)


def read_table(source: Dataset, name: str) -> Table:
    """Give a table of a dataset by column, at the version of the dataset; read once."""
    return _read_table(source.name, str(source.version), name)


@cache
def _read_table(dataset_name: str, version: str, name: str) -> Table:
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use

    url = f"/v1/datasets/{quote(dataset_name, safe='')}/tables/{quote(name, safe='')}?version={quote(version)}"
    table = pa.ipc.open_stream(pa.BufferReader(line().request("GET", url)[2])).read_all()
    plain = {column: table[column] for column in table.column_names}
    return {
        column: (values.cast(values.type.value_type) if pa.types.is_dictionary(values.type) else values).to_numpy()
        for column, values in plain.items()
    }


def numbers(values: NDArray[Any]) -> Floats:
    """Give a column as float64; NaN where it holds nothing."""
    return np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64)


def chosen(table: Table, which: NDArray[np.bool_]) -> Table:
    """Give some rows of a table."""
    return {name: values[which] for name, values in table.items()}


def sorted_by(table: Table, name: str) -> Table:
    """Give a table in the order of one column; equal values stay in theirs."""
    order = np.argsort(table[name].astype(str), kind="stable")
    return {column: values[order] for column, values in table.items()}


def _numbered(scans: NDArray[Any]) -> list[str]:
    """Name row N of a scan, in the order of the table, `SCAN-N`; N counts from 1."""
    count: Counter[str] = Counter()
    found = []
    for scan in scans:
        count[str(scan)] += 1
        found.append(f"{scan}-{count[str(scan)]}")
    return found


def every_item(task: TaskDefinition) -> list[str]:
    """Give the ids of both hidden splits: what a predictions file may name."""
    found = [item for split in HIDDEN_SPLITS for item in read_hidden(task, split).items]
    return sorted(found)


def _one_row_each(task: TaskDefinition, truth: Table, names: Sequence[str]) -> Table:
    found = sorted_by(truth, "scan")
    if [str(scan) for scan in found["scan"]] != list(names):
        raise InvalidInput(f"{task.truth.table} must hold one row for each scan of {task.id}.")
    return found


def _units(task: TaskDefinition, scans: Table, scan: Sequence[str]) -> tuple[Ints, int]:
    """Give the number of each item's unit, and how many there are; a patient has all their scans."""
    column = "subject" if task.unit == "patient" else "scan"
    owner = {str(name): str(unit) for name, unit in zip(scans["scan"], scans[column], strict=True)}
    names, unit = np.unique(np.array([owner[name] for name in scan], dtype=str), return_inverse=True)
    return unit.astype(np.int64), len(names)


def groups_of(hidden: HiddenTest) -> Iterator[tuple[str, str, NDArray[np.bool_], bool]]:
    """Give (name, group, which, whether they are nodules) of every subgroup of the task.

    `which` is over the items, or for a column of a detection's table of truth over its nodules.
    """
    for subgroup in hidden.task.subgroups:
        is_of_truth = subgroup.table in (None, hidden.task.truth.table)
        values: Sequence[Any]
        if is_of_truth:
            values = list(hidden.column(subgroup.column))
        else:
            name = str(subgroup.table)
            table = hidden.scans if name == "scans" else read_table(hidden.source, name)
            known = {str(scan): value for scan, value in zip(table["scan"], table[subgroup.column], strict=True)}
            values = [known.get(scan) for scan in hidden.scan]
        groups = [subgroup.group(value) for value in values]
        for group in sorted({group for group in groups if group is not None}):
            which = np.array([one == group for one in groups], dtype=bool)
            yield subgroup.name, group, which, is_of_truth and hidden.task.kind == "detection3d"
