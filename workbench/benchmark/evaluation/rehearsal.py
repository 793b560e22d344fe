"""Made-up items on which a model or a folder shows that it runs and answers in form; nothing hidden is read.

Runs in: evaluator
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.benchmark.evaluation.parts import Part, Scan
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.geometry import Geometry

SCANS = 2
SHAPE, SPACING_MM = (24, 64, 64), (2.5, 1.5, 1.5)
PATCHES = 3


def rehearsal_parts(task: TaskDefinition, kind: str) -> Iterator[Part]:
    """Give one part of two scans of noise, with the items that the task's kind has."""
    chance = np.random.default_rng(0)
    scans, centres = [], {}
    for number in range(1, SCANS + 1):
        name = f"rehearsal-{number}"
        grid = Geometry(SHAPE, SPACING_MM, (0.0, 0.0, 0.0))
        scans.append(Scan(name, chance.integers(-1000, 400, SHAPE, dtype=np.int16), grid))
        item = name if task.truth.item == "scan" else f"{name}-1"
        centres[item] = grid.to_patient_mm(np.array([[size / 2 for size in SHAPE]]))[0]
    items = tuple(sorted(centres))
    patches = None
    if kind == "onnx" and task.kind != "segmentation3d":
        size = task.patch.size
        count = PATCHES if task.kind == "detection3d" else len(items)
        patches = chance.random((count, 1, size, size, size), dtype=np.float32)
    places: Sequence[str] = [items[0]] * PATCHES if task.kind == "detection3d" else items
    where = np.stack([centres[item] for item in places])
    yield Part(items, tuple(scans), centres if task.truth.item == "nodule" else {}, patches, tuple(places), where)
