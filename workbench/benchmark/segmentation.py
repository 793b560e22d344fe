"""Segmentation scan by scan: sections to learn from, masks out of probabilities, and what masks are worth.

The same code serves a notebook on the splits that it may read and the evaluator on the hidden ones.

Runs in: kernel | evaluator
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.evaluate import Evaluation, ValueAnswer, evaluate
from workbench.benchmark.metrics.overlap import dice, hd95_mm
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.data.catalogue import dataset
from workbench.data.volume import Volume
from workbench.errors import InvalidInput
from workbench.imaging import cut_sections, lay_back

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
HALF = 0.5
# Every second section teaches as much as all of them: neighbours look alike.
LEARN_EVERY = 2
INSIDE_HU, OUTSIDE_HU = 400, -1000


@dataclass(frozen=True)
class Sections:
    """The sections of some scans with what is true in them.

    Parameters
    ----------
    task, split : str
    inputs : ndarray, float32, shape (n, 1, 128, 128)
        HU -1000…400 scaled to 0…1.
    labels : ndarray, float32, shape (n, 128, 128)
        Share of each pixel that belongs to the structure, 0…1.
    scans : tuple of str
        The scan of each section.
    """

    task: str
    split: str
    inputs: Floats = field(repr=False)
    labels: Floats = field(repr=False)
    scans: tuple[str, ...] = field(repr=False)
    form: str = "sections"

    def __len__(self) -> int:
        """Count the sections."""
        return len(self.scans)

    def _repr_html_(self) -> str:
        return f"<p><b>{self.split}</b>: {len(self):,} sections of {len(set(self.scans))} scans</p>"


@dataclass(frozen=True)
class SectionWork:
    """What a worker needs to prepare one scan to learn from."""

    dataset: str
    scan: str
    labels: str
    value: int | None


def prepare_sections(work: SectionWork) -> tuple[str, Floats, Floats]:
    """Read one scan and its truth, and give its name, its sections and their labels."""
    source = dataset(work.dataset)
    volume = source.volume(work.scan)
    mask = truth_mask(work.dataset, work.scan, work.labels, work.value)
    share = cut_sections(np.where(mask, INSIDE_HU, OUTSIDE_HU).astype(np.int16), volume.spacing_mm)[:, 0]
    sections = cut_sections(volume.read(), volume.spacing_mm)
    return work.scan, sections[::LEARN_EVERY], share[::LEARN_EVERY]


def truth_mask(name: str, scan: str, labels: str, value: int | None) -> Bools:
    """Give where the structure is in a scan: one value of its label volume, or every value above 0."""
    volume = dataset(name).label_volume(scan, labels).read()
    mask: Bools = volume > 0 if value is None else volume == value
    return mask


def mask_of(probability: NDArray[np.float32], spacing_mm: Sequence[float], shape: Sequence[int]) -> Bools:
    """Give the mask on a scan's own grid that sections' probabilities say, from one half on.

    Parameters
    ----------
    probability : ndarray, shape (z, 128, 128) or (z, 1, 128, 128), 0…1
    spacing_mm, shape : sequence of 3
        Of the scan, along (z, y, x).

    Raises
    ------
    InvalidInput
        When there is another number of sections, or a value that is no probability.
    """
    said = np.asarray(probability)
    if not np.issubdtype(said.dtype, np.floating) or not np.isfinite(said).all() or said.min() < 0 or said.max() > 1:
        raise InvalidInput("The model gave values that are not probabilities from 0 to 1 (or NaN).")
    mask: Bools = lay_back(said, spacing_mm, shape) >= HALF
    return mask


def measure_masks(task: TaskDefinition, truth: Mapping[str, Bools], said: Mapping[str, Bools | None],
                  spacing_mm: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:  # fmt: skip
    """Give every scan's value of each of the task's metrics; a scan without a mask counts as an empty one.

    Parameters
    ----------
    task : TaskDefinition
    truth, said : mapping of scan to ndarray, bool, shape (z, y, x)
    spacing_mm : mapping of scan to sequence of 3 float
        Along (z, y, x), mm.

    Returns
    -------
    dict of metric to dict of scan to float
    """
    of_metric = {"dice:v1": lambda a, b, _: dice(a, b), "hd95:v1": hd95_mm}
    result: dict[str, dict[str, float]] = {metric: {} for metric in task.metrics}
    for scan, mask in truth.items():
        given = said.get(scan)
        other = np.zeros_like(mask) if given is None else given
        for metric in task.metrics:
            result[metric][scan] = of_metric[metric](mask, other, spacing_mm[scan])
    return result


def score_scans(metric: str, values: Mapping[str, float], *, resamples: int, seed: int) -> Evaluation:
    """Give the mean over scans with its interval."""
    numbers = np.array([values[scan] for scan in sorted(values)], dtype=np.float64)
    answer = ValueAnswer(np.arange(len(numbers)), numbers)
    return evaluate(metric, answer, units=len(numbers), resamples=resamples, seed=seed)


def geometry_of(volume: Volume) -> tuple[Sequence[float], Sequence[int]]:
    """Give spacing (mm) and shape of a volume, both along (z, y, x)."""
    return volume.spacing_mm, volume.shape
