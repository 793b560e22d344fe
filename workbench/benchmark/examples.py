"""Patches that a model sees: cut at a detector's candidates or at known nodules, scan by scan.

The same code prepares the splits that a notebook reads and, in the evaluator, the hidden test.

Runs in: kernel | evaluator
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.scoring import Truth
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.data.catalogue import dataset
from workbench.data.dataset import Dataset
from workbench.imaging import extract_patches, find_candidates

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Labelled patches of a split, in the order of the scans.

    Parameters
    ----------
    patches : ndarray, float32, shape (n, 1, 32, 32, 32)
        Cubes of 40 mm, HU -1000…400 scaled to 0…1.
    labels : ndarray, bool, shape (n,)
        For detection whether the candidate lies in a nodule; else the label of the nodule.
    scans : tuple of str
        The scan of each patch.
    centres_mm : ndarray, float64, shape (n, 3)
        Patient position (x, y, z), LPS, mm.
    scores : ndarray, float64, shape (n,)
        The detector's own score 0…1, for true nodules cut besides 1; where nodules are the items, the diameter in mm.
    """

    task: str
    split: str
    patches: NDArray[np.float32]
    labels: NDArray[np.bool_]
    scans: tuple[str, ...]
    centres_mm: Floats
    scores: Floats

    form = "patches"

    @property
    def inputs(self) -> NDArray[np.float32]:
        """What a network looks at: the patches."""
        return self.patches

    def __len__(self) -> int:
        """Count the patches."""
        return len(self.scans)

    def __repr__(self) -> str:
        """Say what it is in one line."""
        return (
            f"<Examples of {self.task}, {self.split}: {len(self)} patches of {len(set(self.scans))} scans, "
            f"{int(self.labels.sum())} positive>"
        )

    def _repr_html_(self) -> str:
        return f"<p><b>{self.split}</b>: {len(self):,} patches of {len(set(self.scans))} scans, " \
               f"{int(self.labels.sum()):,} positive</p>"  # fmt: skip


@dataclass(frozen=True)
class ScanWork:
    """What a worker needs to prepare one scan.

    `candidates` is how many to look for, 0 for none; `centres_mm` names positions to cut besides, such as nodules.
    """

    dataset: str
    scan: str
    candidates: int
    size: int
    spacing_mm: float
    centres_mm: Floats | None = None


@dataclass(frozen=True)
class ScanPatches:
    """One scan's patches with their positions and detector scores."""

    scan: str
    patches: NDArray[np.float32]
    centres_mm: Floats
    scores: Floats


def prepare_scan(work: ScanWork) -> ScanPatches:
    """Read one scan and cut its patches; runs in the kernel, on a worker, or in the evaluator."""
    volume = dataset(work.dataset).volume(work.scan)
    hu = volume.read()
    centres, scores = np.empty((0, 3)), np.empty(0)
    if work.candidates:
        found = find_candidates(hu, volume.spacing_mm, max_candidates=work.candidates)
        centres, scores = found[:, :3], found[:, 3]
    if work.centres_mm is not None:
        centres = np.concatenate([centres, volume.geometry.to_index(work.centres_mm)])
        scores = np.concatenate([scores, np.ones(len(work.centres_mm))])
    patches = extract_patches(hu, volume.spacing_mm, centres, size=work.size, spacing=work.spacing_mm)
    return ScanPatches(work.scan, patches, volume.geometry.to_patient_mm(centres), scores)


def truth_of(task: TaskDefinition, source: Dataset, scans: Sequence[str]) -> Truth:
    """Read the nodules of some scans from the task's table of truth."""
    table = source.table(str(task.truth.table))
    table = table[table["scan"].isin(list(scans))]
    return Truth(
        list(scans), table["scan"].tolist(),
        table[["x_mm", "y_mm", "z_mm"]].to_numpy(dtype=np.float64), table["diameter_mm"].to_numpy(dtype=np.float64),
    )  # fmt: skip


def scan_names(source: Dataset, split: str) -> list[str]:
    """Name the scans of a split, sorted."""
    return sorted(source.scans(split=split)["scan"].tolist())


def scan_work(
    task: TaskDefinition, source: Dataset, scans: Sequence[str], *, with_nodules: bool = False
) -> list[ScanWork]:
    """Plan the preparation of some scans for a task.

    Parameters
    ----------
    task : TaskDefinition
        For detection candidates are looked for; else the nodules are the items, and scans without any are left out.
    source : Dataset
        Where the scans are.
    scans : sequence of str
        Their names.
    with_nodules : bool
        Whether to cut the true nodules besides the candidates: to train on what the detector misses, never to score.
    """
    size, spacing_mm = task.patch.size, task.patch.spacing_mm
    looked_for = task.candidates_per_scan if task.kind == "detection3d" else 0
    if looked_for and not with_nodules:
        return [ScanWork(source.name, scan, looked_for, size, spacing_mm) for scan in scans]
    truth = truth_of(task, source, scans)
    places = {scan: [n for n, other in enumerate(truth.scan) if other == scan] for scan in scans}
    return [
        ScanWork(source.name, scan, looked_for, size, spacing_mm, truth.centre_mm[rows])
        for scan, rows in places.items()
        if rows or looked_for
    ]


def labels_of(task: TaskDefinition, source: Dataset, scans: Sequence[str]) -> tuple[NDArray[np.bool_], Floats]:
    """Give label and diameter of every nodule, in the order in which `scan_work` names them."""
    table = source.table(str(task.truth.table))
    rows = [table[table["scan"] == scan] for scan in scans]
    label = np.concatenate([part[str(task.truth.column)].to_numpy(dtype=bool) for part in rows])
    return label, np.concatenate([part["diameter_mm"].to_numpy(dtype=np.float64) for part in rows])
