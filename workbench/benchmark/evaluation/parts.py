"""The hidden scans in parts, each small enough for memory: what a model or a program is shown at once.

A part is read while the one before it runs. Only one is ever held besides it, and none is written to a disk.

Runs in: evaluator
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.evaluation.hidden_test import HiddenTest, numbers
from workbench.geometry import Geometry

Floats = NDArray[np.float64]
# Scan -> its items.
Group = Mapping[str, tuple[str, ...]]
# Of one part; a larger scan is a part of its own.
PART_BYTES = 192 * 2**20
PART_SCANS = 8


@dataclass(frozen=True)
class Scan:
    """One scan: `hu`, int16, shape (z, y, x), and its grid."""

    name: str
    hu: NDArray[np.int16]
    grid: Geometry


@dataclass(frozen=True)
class Part:
    """Some scans with their items.

    Parameters
    ----------
    items : tuple of str
        The items of these scans, sorted.
    scans : tuple of Scan
        Empty where a model is shown patches alone.
    centres_mm : mapping of str to ndarray
        Where nodules are the items: patient position (x, y, z), LPS, of each.
    patches : ndarray or None, float32, shape (n, 1, 32, 32, 32)
    places : tuple of str
        The item of each patch; for detection the scan.
    where : ndarray, float64, shape (n, 3)
        Patient position of each patch, mm.
    scores : ndarray, float64, shape (n,)
        The detector's own score of each patch.
    """

    items: tuple[str, ...]
    scans: tuple[Scan, ...]
    centres_mm: Mapping[str, Floats]
    patches: NDArray[np.float32] | None = None
    places: tuple[str, ...] = ()
    where: Floats | None = None
    scores: Floats | None = None


def hidden_parts(hidden: HiddenTest, items: Sequence[str], *, as_patches: bool) -> Iterator[Part]:
    """Give the scans of some items part by part, reading one ahead.

    Parameters
    ----------
    hidden : HiddenTest
    items : sequence of str
        Those that are still without an answer.
    as_patches : bool
        Whether patches are wanted, as models see them, or the scans.
    """
    groups = groups_of_items(hidden, items)
    with ThreadPoolExecutor(1, thread_name_prefix="reading") as reader:
        made = [reader.submit(read_part, hidden, group, as_patches=as_patches) for group in groups[:1]]
        for number in range(len(groups)):
            part = made.pop().result()
            if number + 1 < len(groups):
                made.append(reader.submit(read_part, hidden, groups[number + 1], as_patches=as_patches))
            yield part
            del part


def groups_of_items(hidden: HiddenTest, items: Sequence[str]) -> list[Group]:
    """Give the items of each part by their scan; the same whoever reads the parts, and how many do."""
    wanted = set(items)
    by_scan: dict[str, list[str]] = {}
    for item, scan in zip(hidden.items, hidden.scan, strict=True):
        if item in wanted:
            by_scan.setdefault(scan, []).append(item)
    return [{scan: tuple(by_scan[scan]) for scan in group} for group in _grouped(hidden, sorted(by_scan))]


def _grouped(hidden: HiddenTest, scans: Sequence[str]) -> Iterator[list[str]]:
    """Give the scans in groups that fit in memory."""
    group: list[str] = []
    size = 0
    for name in scans:
        voxels = 2 * int(np.prod(hidden.source.volume(name).shape))
        if group and (size + voxels > PART_BYTES or len(group) == PART_SCANS):
            yield group
            group, size = [], 0
        group.append(name)
        size += voxels
    if group:
        yield group


def read_part(hidden: HiddenTest, group: Group, *, as_patches: bool) -> Part:
    """Read the scans of one part."""
    items = tuple(sorted(item for own in group.values() for item in own))
    centres = _centres(hidden, items)
    if as_patches:
        return _patches(hidden, group, items, centres)
    volumes = [hidden.source.volume(name) for name in group]
    scans = tuple(Scan(volume.scan, volume.read(), volume.geometry) for volume in volumes)
    return Part(items, scans, centres)


def _centres(hidden: HiddenTest, items: Sequence[str]) -> dict[str, Floats]:
    if hidden.task.truth.item != "nodule" or hidden.truth is None:
        return {}
    rows = np.stack([numbers(hidden.truth[name]) for name in ("x_mm", "y_mm", "z_mm")], axis=1)
    return {item: rows[hidden.items.index(item)] for item in items}


def _patches(hidden: HiddenTest, group: Group, items: tuple[str, ...], centres: Mapping[str, Floats]) -> Part:
    from workbench.benchmark.examples import ScanWork, prepare_scan  # noqa: PLC0415 - scipy, heavy, not for folders

    task = hidden.task
    looked_for = task.candidates_per_scan if task.kind == "detection3d" else 0
    parts = []
    places: list[str] = []
    for scan, own in group.items():
        known = np.stack([centres[item] for item in own]) if centres else None
        work = ScanWork(hidden.source.name, scan, looked_for, task.patch.size, task.patch.spacing_mm, known)
        part = prepare_scan(work)
        parts.append(part)
        places += own if centres else own * len(part.patches)
    return Part(
        items, (), centres, np.concatenate([part.patches for part in parts]), tuple(places),
        np.concatenate([part.centres_mm for part in parts]), np.concatenate([part.scores for part in parts]),
    )  # fmt: skip
