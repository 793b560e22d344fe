"""What the phantom generator knows: the ceiling of each metric, and tests drawn from it to hold a baseline against it.

Detection and segmentation have an exact ceiling, since nothing but the truth was painted; malignancy has the chance
with which it was drawn, whose area is estimated by drawing (Monte Carlo).

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.definitions import definition
from workbench.benchmark.metrics.evaluate import Answer, ItemAnswer, MarksAnswer, ValueAnswer, evaluate
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.benchmark.metrics.overlap import dice, hd95_mm
from workbench.benchmark.tasks.definition import Baseline, TaskDefinition
from workbench.benchmark.tasks.numbers import Counts
from workbench.benchmark.tasks.trials import ORACLE, Trial
from workbench.errors import InvalidInput
from workbench.imaging.phantom_oracle import PAINTED, DrawnNodules, draw_nodules

if TYPE_CHECKING:
    from workbench.imaging.phantom import Phantom

Floats = NDArray[np.float64]
Watch = Callable[[int, int], None]
PAINTED_CEILINGS = ("phantom-detection", "phantom-lungs")
# Painting is slow and the small slices carry the same anatomy; a seed apart from those of any shipped phantom.
SIZE, FIRST_SEED = 96, 7_000_001
SCANS, NODULES = 8, 2_000
MANY_NODULES = 20_000


@dataclass(frozen=True)
class Ceiling:
    """What can be reached at most by a metric.

    Parameters
    ----------
    metric : str
    value : float
    standard_error : float
        0 when the value is exact.
    says : str
        Where it comes from.
    """

    metric: str
    value: float
    standard_error: float
    says: str


def oracle(task: TaskDefinition, metric: str) -> Ceiling | None:
    """Give a metric's ceiling on a task's data, where its generator knows it."""
    if task.ceiling in PAINTED_CEILINGS:
        value = PAINTED[definition(metric).short]
        return Ceiling(metric, value, 0.0, "exact: the truth is what was painted")
    if task.ceiling == "phantom-malignancy":
        value, error = _malignancy(metric)
        return Ceiling(metric, value, error, f"Monte Carlo: the true chance on {MANY_NODULES:,} drawn nodules")
    return None


def draw_trial(task: TaskDefinition, *, scans: int = SCANS, seed: int = 0, watch: Watch | None = None) -> Trial:
    """Draw a test from the task's generator, with the answers of its oracle and of the task's baselines.

    Parameters
    ----------
    task : TaskDefinition
        One whose ceiling is a generator's.
    scans : int, default 8
        How many phantoms to paint, where that is needed; nodules alone are drawn by the thousand.
    seed : int, default 0
        Other seeds, other tests.
    watch : callable, optional
        Is told how many of how many scans are done.

    Raises
    ------
    InvalidInput
        When the task has no generator, or a baseline names a column that the generator does not draw.
    """
    if task.ceiling == "phantom-malignancy":
        return _malignancy_trial(task, seed)
    if task.ceiling == "phantom-detection":
        return _detection_trial(task, scans, seed, watch)
    if task.ceiling == "phantom-lungs":
        return _lungs_trial(task, scans, seed, watch)
    raise InvalidInput(f"{task.id} has no generator to draw a test from; its ceiling is {task.ceiling or 'not known'}.")


@lru_cache(maxsize=8)
def _malignancy(metric: str) -> tuple[float, float]:
    drawn = draw_nodules(MANY_NODULES)
    answer = ItemAnswer(drawn.scan, drawn.malignant, drawn.chance)
    value = evaluate(metric, answer, units=int(drawn.scan[-1]) + 1, resamples=0, seed=0).measured.value
    return value, 0.5 / len(drawn.scan) ** 0.5


def _malignancy_trial(task: TaskDefinition, seed: int) -> Trial:
    drawn = draw_nodules(NODULES, seed=FIRST_SEED + seed)
    answers = {ORACLE: _items(task, drawn, drawn.chance)}
    for baseline in task.baselines:
        answers[baseline.name] = _items(task, drawn, _column(drawn, baseline))
    counts = Counts(int(drawn.scan[-1]) + 1, len(drawn.scan), int(drawn.malignant.sum()))
    return Trial(counts, answers)


def _items(task: TaskDefinition, drawn: DrawnNodules, said: Floats) -> dict[str, Answer]:
    """Give an answer for each metric that it carries: what is no probability is not measured as one."""
    is_probability = bool(((said >= 0) & (said <= 1)).all())
    return {
        metric: ItemAnswer(drawn.scan, drawn.malignant, said)
        for metric in task.metrics
        if is_probability or metric == "auc_delong:v1"
    }


def _column(drawn: DrawnNodules, baseline: Baseline) -> Floats:
    if baseline.rule == "constant":
        return np.full(len(drawn.scan), 0.5)
    if baseline.column != "diameter_mm":
        raise InvalidInput(
            f"The baseline “{baseline.name}” reads {baseline.column}, which is not drawn without a scan; "
            "it draws diameter_mm."
        )
    return drawn.diameter_mm


def _paint(scans: int, seed: int, number: int, watch: Watch | None) -> Phantom:
    from workbench.imaging.phantom import make_phantom  # noqa: PLC0415 - heavy, loaded on first use

    phantom = make_phantom(FIRST_SEED + 1000 * seed + number, size=SIZE)
    if watch is not None:
        watch(number + 1, scans)
    return phantom


def _detection_trial(task: TaskDefinition, scans: int, seed: int, watch: Watch | None) -> Trial:
    from workbench.imaging import find_candidates  # noqa: PLC0415 - scipy, loaded on first use

    truth, blobs = _Points(), _Points()
    for number in range(scans):
        phantom = _paint(scans, seed, number, watch)
        found = find_candidates(phantom.hu, phantom.geometry.spacing_mm, max_candidates=task.candidates_per_scan)
        for nodule in phantom.nodules:
            truth.add(number, nodule.centre_mm, nodule.diameter_mm)
        for centre, score in zip(phantom.geometry.to_patient_mm(found[:, :3]), found[:, 3], strict=True):
            blobs.add(number, tuple(centre), float(score))
    scan, centre_mm, diameter_mm = truth.arrays()
    if not len(scan):
        raise InvalidInput("The phantoms that were drawn hold no nodule; ask for more scans.")
    findings = Findings(scan, centre_mm, diameter_mm, np.ones(len(scan), dtype=bool))
    perfect = MarksAnswer(Marks(scan, centre_mm, np.ones(len(scan))), findings, scans)
    answers: dict[str, dict[str, Answer]] = {ORACLE: dict.fromkeys(task.metrics, perfect)}
    for baseline in task.baselines:
        answers[baseline.name] = dict.fromkeys(task.metrics, MarksAnswer(Marks(*blobs.arrays()), findings, scans))
    return Trial(Counts(scans, scans, findings=len(scan)), answers)


def _lungs_trial(task: TaskDefinition, scans: int, seed: int, watch: Watch | None) -> Trial:
    from workbench.imaging import air_inside  # noqa: PLC0415 - scipy, loaded on first use

    values: dict[str, dict[str, list[float]]] = {
        name: {metric: [] for metric in task.metrics} for name in (ORACLE, *(one.name for one in task.baselines))
    }
    for number in range(scans):
        phantom = _paint(scans, seed, number, watch)
        spacing = phantom.geometry.spacing_mm
        truth = phantom.lungs == task.truth.value if task.truth.value else phantom.lungs > 0
        guess = air_inside(phantom.hu, spacing)
        for name, measured in values.items():
            for metric, numbers in measured.items():
                said = truth if name == ORACLE else guess
                numbers.append(dice(truth, said) if metric == "dice:v1" else hd95_mm(truth, said, spacing))
    unit = np.arange(scans)
    answers: dict[str, dict[str, Answer]] = {
        name: {metric: ValueAnswer(unit, np.array(numbers)) for metric, numbers in measured.items()}
        for name, measured in values.items()
    }
    return Trial(Counts(scans, scans), answers)


class _Points:
    """Points with a number each, scan by scan."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, float, float, float, float]] = []

    def add(self, scan: int, centre_mm: tuple[float, ...], value: float) -> None:
        x, y, z = centre_mm
        self._rows.append((scan, x, y, z, value))

    def arrays(self) -> tuple[NDArray[np.int64], Floats, Floats]:
        table = np.array(self._rows, dtype=np.float64).reshape(-1, 5)
        return table[:, 0].astype(np.int64), np.ascontiguousarray(table[:, 1:4]), np.ascontiguousarray(table[:, 4])
