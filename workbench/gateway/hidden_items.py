"""The ids of a hidden test's items: what an answer must name, and nothing that says what the answer is.

Runs in: gateway
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.benchmark.tasks.definition import HIDDEN_SPLITS, TaskDefinition

if TYPE_CHECKING:
    from workbench.gateway.archive import Archive


def items_of(archive: Archive, task: TaskDefinition, data: Mapping[str, str]) -> list[str]:
    """Give the ids of both hidden splits, sorted, so that nobody learns which item is in which.

    Parameters
    ----------
    archive : Archive
        The versions of the home.
    task : TaskDefinition
        Says where the splits are and what one item is: a scan, or row N of a scan in its table, `SCAN-N`.
    data : mapping of str to str
        The version of each dataset.
    """
    found: set[str] = set()
    for split in HIDDEN_SPLITS:
        place = task.splits[split]
        version = data[place.dataset]
        scans = {str(one["scan"]) for one in archive.scans(place.dataset, version) if one.get("split") == place.split}
        if task.truth.item == "scan":
            found |= scans
            continue
        count: Counter[str] = Counter()
        for scan in archive.rows(place.dataset, version, str(task.truth.table)).table["scan"].to_pylist():
            if scan in scans:
                count[scan] += 1
                found.add(f"{scan}-{count[scan]}")
    return sorted(found)
