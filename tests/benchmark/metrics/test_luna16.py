"""FROC on the challenge's own tables, against its script's algorithm written anew, and in exact fractions.

Source of the algorithm: the published noduleCADEvaluationLUNA16.py (reading order, limits, matching, ROC, resampling).
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from workbench.benchmark.metrics.froc_files import evaluate_froc_files

SharedData = Callable[[str], Path]
POINTS = [Fraction(n, 8) for n in (1, 2, 4, 8, 16, 32, 64)]
HEADER = ["seriesuid", "coordX", "coordY", "coordZ", "probability"]
Entry = tuple[int, float | None]  # nodule or not, its score; None for a nodule that was missed


def read(path: Path) -> dict[str, list[list[float]]]:
    """Give the rows of each scan in the order of the file."""
    found: dict[str, list[list[float]]] = {}
    with path.open(newline="") as file:
        for row in list(csv.reader(file))[1:]:
            found.setdefault(row[0], []).append([float(field) for field in row[1:]])
    return found


def make_predictions(folder: Path, target: Path, seed: int) -> Path:
    """Write marks near nodules, near excluded findings and anywhere; some scans have over 100, many scores tie."""
    draw = np.random.default_rng(seed)
    rows = []
    for name, near in (("annotations.csv", 0.8), ("annotations_excluded.csv", 0.1)):
        for scan, findings in read(folder / name).items():
            for x, y, z, diameter in findings:
                for _ in range(int(draw.random() < near) + int(draw.random() < near / 4)):
                    reach = max(diameter, 6.0) * 0.45
                    where = np.array([x, y, z]) + draw.normal(0, reach / 2, 3)
                    rows.append([scan, *where.tolist(), round(float(draw.beta(3, 2 if near > 0.5 else 4)), 3)])
    scans = (folder / "seriesuids.csv").read_text().split()
    for number, scan in enumerate(scans):
        for _ in range(140 if number % 40 == 0 else 12):
            rows.append([scan, *draw.uniform(-150, 150, 3).tolist(), round(float(draw.beta(1, 3)), 3)])
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return target


def by_the_script(folder: Path, predictions: Path) -> list[list[Entry]]:
    """Give the entries of each scan, in the order of the list of scans, as the script collects them."""
    nodules, others = read(folder / "annotations.csv"), read(folder / "annotations_excluded.csv")
    marks_of = read(predictions)
    collected = []
    for scan in (folder / "seriesuids.csv").read_text().split():
        marks = dict(enumerate(marks_of.get(scan, [])))
        if len(marks) > 100:
            limit = sorted((mark[3] for mark in marks.values()), reverse=True)[100]
            marks = dict([(key, mark) for key, mark in marks.items() if mark[3] > limit][:100])
        left, entries = dict(marks), []
        findings = [(f, True) for f in nodules.get(scan, [])] + [(f, False) for f in others.get(scan, [])]
        for (x, y, z, diameter), included in findings:
            square = pow((10.0 if diameter < 0 else diameter) / 2.0, 2.0)
            hits = [k for k, m in marks.items() if pow(x - m[0], 2) + pow(y - m[1], 2) + pow(z - m[2], 2) < square]
            for key in hits:
                left.pop(key, None)
            if included:
                entries.append((1, max((marks[key][3] for key in hits), default=None)))
        collected.append(entries + [(0, mark[3]) for mark in left.values()])
    return collected


def as_script(entries: list[Entry], scans: int) -> list[float]:
    """Read the seven sensitivities from scikit-learn's curve, in floating point as the script does."""
    shown = [(truth, score) for truth, score in entries if score is not None]
    found, total = sum(truth for truth, _ in shown), sum(truth for truth, _ in entries)
    false_rate, true_rate, _ = roc_curve([truth for truth, _ in shown], [score for _, score in shown])
    per_scan = false_rate * (len(shown) - found) / scans
    return [float(np.interp(float(point), per_scan, true_rate * found / total)) for point in POINTS]


def exactly(entries: list[Entry], scans: int) -> list[Fraction]:
    """Read the seven sensitivities in fractions: straight between points, the upper end of a step."""
    shown = sorted(((score, truth) for truth, score in entries if score is not None), reverse=True)
    total = sum(truth for truth, _ in entries)
    false, true, found = [0], [0], 0
    for place, (score, truth) in enumerate(shown, start=1):
        found += truth
        if place == len(shown) or shown[place][0] != score:
            true.append(found)
            false.append(place - found)
    values = []
    for point in POINTS:
        at = bisect_right(false, point * scans) - 1
        value = Fraction(true[at])
        if at + 1 < len(false):
            value += (point * scans - false[at]) * Fraction(true[at + 1] - true[at], false[at + 1] - false[at])
        values.append(value / total)
    return values


Made = tuple[list[Path], list[list[Entry]]]


@cache
def prepare(folder: Path, place: Path) -> Made:
    """Make the predictions once for the tests of this file, and collect their entries as the script does."""
    place.mkdir(exist_ok=True)
    predictions = make_predictions(folder, place / "predictions.csv", seed=1)
    names = ("annotations.csv", "annotations_excluded.csv", "seriesuids.csv")
    return [*(folder / name for name in names), predictions], by_the_script(folder, predictions)


@pytest.fixture
def made(shared_data: SharedData, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return prepare(shared_data("luna16-tables"), tmp_path_factory.getbasetemp() / "luna16")


def test_888_scans_give_the_scripts_numbers_and_the_exact_ones(made: Made) -> None:
    files, collected = made
    found = evaluate_froc_files(*files, bootstrap=0, seed=0).measured
    every = [entry for entries in collected for entry in entries]
    assert found.details["sensitivity_as_script"] == pytest.approx(as_script(every, 888), abs=1e-12)
    exact = exactly(every, 888)
    assert found.details["sensitivity"] == pytest.approx([float(value) for value in exact], abs=1e-12)
    assert found.value == pytest.approx(float(sum(exact) / 7), abs=1e-12)
    assert found.details["nodules"] == 1186
    assert 0.3 < found.value < 0.9


def test_resamples_are_the_scripts(made: Made) -> None:
    files, collected = made
    draws = evaluate_froc_files(*files, bootstrap=3, seed=13).draws
    np.random.seed(13)
    for draw in draws:
        chosen = np.random.randint(888, size=888)
        exact = exactly([entry for scan in chosen for entry in collected[scan]], 888)
        assert draw == pytest.approx(float(sum(exact) / 7), abs=1e-12)
