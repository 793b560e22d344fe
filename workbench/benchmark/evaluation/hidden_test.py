"""The items of a hidden split with their truth, as the evaluator holds them while it measures.

Runs in: evaluator
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.tasks.definition import HIDDEN_SPLITS, SplitName, TaskDefinition
from workbench.connection import VERSIONS_VARIABLE
from workbench.data.catalogue import dataset
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from workbench.data.dataset import Dataset

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


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
    scans : DataFrame
        The table of the split's scans.
    truth : DataFrame or None
        The rows of the table of truth: one for each item, in their order; for detection every nodule of the split.
    """

    task: TaskDefinition
    source: Dataset
    items: tuple[str, ...]
    scan: tuple[str, ...]
    unit: Ints
    units: int
    scans: pd.DataFrame
    truth: pd.DataFrame | None

    def column(self, name: str) -> NDArray[Any]:
        """Give a column of the truth, one value for each of its rows.

        Raises
        ------
        InvalidInput
            When there is none of this name; the message is for the operator.
        """
        if self.truth is None or name not in self.truth:
            raise InvalidInput(f"The truth of {self.task.id} has no column “{name}”.")
        return self.truth[name].to_numpy()

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
    scans = source.scans(split=place.split).sort_values("scan").reset_index(drop=True)
    names = [str(name) for name in scans["scan"]]
    truth = None
    if task.truth.table is not None:
        truth = source.table(task.truth.table)
        truth = truth[truth["scan"].isin(names)].reset_index(drop=True)
    if task.truth.item == "scan":
        items, scan = tuple(names), tuple(names)
        if truth is not None and task.kind != "detection3d":
            truth = _one_row_each(task, truth, names)
    else:
        if truth is None:
            raise InvalidInput(f"{task.id} has no table whose rows are its items.")
        number = truth.groupby("scan").cumcount() + 1
        truth = truth.assign(_item=[f"{one}-{n}" for one, n in zip(truth["scan"], number, strict=True)])
        truth = truth.sort_values("_item").reset_index(drop=True)
        items, scan = tuple(truth["_item"]), tuple(str(one) for one in truth["scan"])
    unit, units = _units(task, scans, scan)
    return HiddenTest(task, source, items, scan, unit, units, scans, truth)


def every_item(task: TaskDefinition) -> list[str]:
    """Give the ids of both hidden splits: what a predictions file may name."""
    found = [item for split in HIDDEN_SPLITS for item in read_hidden(task, split).items]
    return sorted(found)


def _one_row_each(task: TaskDefinition, truth: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    found = truth.set_index("scan", drop=False)
    if found.index.has_duplicates or set(names) - set(found.index):
        raise InvalidInput(f"{task.truth.table} must hold one row for each scan of {task.id}.")
    return found.loc[list(names)].reset_index(drop=True)


def _units(task: TaskDefinition, scans: pd.DataFrame, scan: Sequence[str]) -> tuple[Ints, int]:
    """Give the number of each item's unit, and how many there are; a patient has all their scans."""
    column = "subject" if task.unit == "patient" else "scan"
    owner = dict(zip(scans["scan"], scans[column].astype(str), strict=True))
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
            table = hidden.scans if name == "scans" else hidden.source.table(name)
            known = dict(zip(table["scan"], table[subgroup.column], strict=True))
            values = [known.get(scan) for scan in hidden.scan]
        groups = [subgroup.group(value) for value in values]
        for group in sorted({group for group in groups if group is not None}):
            which = np.array([one == group for one in groups], dtype=bool)
            yield subgroup.name, group, which, is_of_truth and hidden.task.kind == "detection3d"
