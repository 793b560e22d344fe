"""The lung-nodule baseline on the embedded phantoms beside the blob filter: CPM, and the paired difference.

The network learns on the 24 embedded training scans, as `wb.train(wb.task("lung-nodule-detection"))` does with the
shipped notebook's numbers. Both are scored on the 8 validation scans, and on these with the 16 scans of the two hidden
tests, which only the owner of a home may read. Each scan is a patient; patients are drawn again 10,000 times, the same
for both, so the difference is paired.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.froc import measure_froc
from workbench.benchmark.metrics.marks import Marks
from workbench.benchmark.metrics.resampling import paired, shared_weights
from workbench.benchmark.scoring import Truth, hits
from workbench.benchmark.tasks.definition import task_definition
from workbench.compute.training import train
from workbench.imaging import extract_patches, find_candidates
from workbench.imaging.phantom import make_phantom
from workbench.ingest.phantom_series import phantom_plan

TASK, SEED, RESAMPLES = task_definition("lung-nodule-detection"), 7, 10_000
SETS = {"validation": ("validation",), "validation and hidden tests": ("validation", "public_test", "final_test")}


@dataclass(frozen=True)
class Scan:
    """The patches of one phantom at its candidates (and, to learn from, at its nodules), and what is true."""

    name: str
    split: str
    patches: NDArray[np.float32]
    centres_mm: NDArray[np.float64]
    scores: NDArray[np.float64]
    nodules_mm: NDArray[np.float64]
    diameters_mm: NDArray[np.float64]


@dataclass(frozen=True)
class Learnt:
    """What a task gives to learn from."""

    inputs: NDArray[np.float32]
    labels: NDArray[np.bool_]
    form: str = "patches"


class Embedded:
    """The task on scans in memory, as `wb.task` prepares those of a home."""

    id = TASK.id

    def __init__(self, scans: list[Scan]) -> None:
        self.scans = scans

    def examples(self, split: str, cluster: object = None) -> Learnt:
        """Give the patches of a split with their labels."""
        scans = [scan for scan in self.scans if scan.split == split]
        names, centres_mm, truth = _joined(scans)
        return Learnt(np.concatenate([scan.patches for scan in scans]), hits(names, centres_mm, truth))


def run() -> list[dict[str, Any]]:
    """Make the phantoms, train, score both, and give the rows."""
    started = time.process_time()
    scans = [_prepare(split, seed) for split, seed in phantom_plan(0)]
    prepared = time.process_time()
    model = train(Embedded(scans), seed=SEED)  # type: ignore[arg-type]
    learnt = time.process_time()
    rows: list[dict[str, Any]] = []
    for name, splits in SETS.items():
        tested = [scan for scan in scans if scan.split in splits]
        rows += _compare(name, tested, model.predict(np.concatenate([scan.patches for scan in tested])))
    return [
        *rows,
        {"bench": "lung_nodules", "subject": "48 phantoms made and cut", "value": prepared - started, "unit": "s CPU"},
        {"bench": "lung_nodules", "subject": "training, 8 epochs", "value": learnt - prepared, "unit": "s CPU"},
    ]  # fmt: skip


def _prepare(split: str, seed: int) -> Scan:
    phantom = make_phantom(seed)
    spacing_mm = phantom.geometry.spacing_mm
    found = find_candidates(phantom.hu, spacing_mm, max_candidates=TASK.candidates_per_scan)
    centres, scores = found[:, :3], found[:, 3]
    nodules_mm = np.array([nodule.centre_mm for nodule in phantom.nodules], dtype=np.float64).reshape(-1, 3)
    if split == "train":
        # To learn from what the detector misses; never to score.
        centres = np.concatenate([centres, phantom.geometry.to_index(nodules_mm)])
        scores = np.concatenate([scores, np.ones(len(nodules_mm))])
    patches = extract_patches(phantom.hu, spacing_mm, centres, size=TASK.patch.size, spacing=TASK.patch.spacing_mm)
    diameters_mm = np.array([nodule.diameter_mm for nodule in phantom.nodules], dtype=np.float64)
    return Scan(
        f"{split}-{seed}", split, patches, phantom.geometry.to_patient_mm(centres), scores, nodules_mm, diameters_mm
    )


def _joined(scans: list[Scan]) -> tuple[tuple[str, ...], NDArray[np.float64], Truth]:
    """Give the scan and the place of each patch, and what is true of all of them."""
    names = tuple(scan.name for scan in scans for _ in scan.scores)
    truth = Truth(
        [scan.name for scan in scans], [scan.name for scan in scans for _ in scan.diameters_mm],
        np.concatenate([scan.nodules_mm for scan in scans]), np.concatenate([scan.diameters_mm for scan in scans]),
    )  # fmt: skip
    return names, np.concatenate([scan.centres_mm for scan in scans]), truth


def _compare(name: str, scans: list[Scan], probability: NDArray[np.float32]) -> list[dict[str, Any]]:
    names, centres_mm, truth = _joined(scans)
    weights = shared_weights(len(scans), RESAMPLES, SEED)
    blob = np.concatenate([scan.scores for scan in scans])
    (ours, our_draws), (other, other_draws) = (
        measure_froc(Marks(truth.index(names), centres_mm, score), truth.findings(), len(scans), weights)
        for score in (probability.astype(np.float64), blob)
    )
    apart = paired(our_draws, other_draws, difference=ours.value - other.value)
    beaten = float(np.mean(our_draws > other_draws))
    (low, high), (other_low, other_high) = ours.interval or (0, 0), other.interval or (0, 0)
    sys.stderr.write(
        f"{name}: {len(scans)} patients, {ours.details['nodules']} nodules, of which candidates reach "
        f"{ours.details['nodules_found']}; network CPM {ours.value:.3f} ({low:.3f} to {high:.3f}), blob filter "
        f"{other.value:.3f} ({other_low:.3f} to {other_high:.3f}), difference {apart.difference:.3f} "
        f"({apart.interval[0]:.3f} to {apart.interval[1]:.3f}), p = {apart.p:.2g}, ahead in {beaten:.2%} of resamples\n"
    )
    rows = [
        ("CPM", ours.value, "blob filter", other.value),
        ("CPM, low end", low, "blob filter", other_low),
        ("CPM, high end", high, "blob filter", other_high),
        ("difference", apart.difference, None, None),
        ("difference, low end", apart.interval[0], None, None),
        ("difference, high end", apart.interval[1], None, None),
        ("p of the difference", apart.p, None, None),
    ]
    return [
        {"bench": "lung_nodules", "subject": f"{len(scans)} patients, {what}", "value": value, "unit": "",
         "peer": peer, "peer_value": against, "ratio": value / against if against else None}
        for what, value, peer, against in rows
    ]  # fmt: skip


if __name__ == "__main__":
    for row in run():
        print(row)
