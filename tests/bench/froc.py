"""FROC on files as large as LUNA16's candidates, beside the challenge's algorithm: processor seconds, reading included.

The peer is the published script's algorithm written anew: it goes through all rows for each scan, matches in loops, and
resamples by joining arrays and asking scikit-learn for a curve. It runs a few resamples, which are scaled to as many.
"""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_curve

from workbench.benchmark.metrics.froc_files import score_froc_files

SCANS, NODULES, EXCLUDED, CANDIDATES, RESAMPLES, PEER_RESAMPLES = 888, 1_186, 35_192, 55_677, 1_000, 5
PROMISE_S = 5.0
POINTS = (0.125, 0.25, 0.5, 1, 2, 4, 8)


def run() -> list[dict[str, Any]]:
    """Write the files, measure both, and give the rows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        files = _write(Path(name))
        ours = _seconds(lambda: score_froc_files(*files, bootstrap=RESAMPLES))
        point = _seconds(lambda: score_froc_files(*files))
        peer = _peer(*files)
    subject = f"{SCANS} scans, {CANDIDATES:,} marks"
    return [
        {"bench": "froc", "subject": f"{subject}, {RESAMPLES:,} draws", "value": ours, "unit": "s CPU",
         "peer": "the challenge's algorithm", "peer_value": peer, "ratio": ours / peer},
        {"bench": "froc", "subject": "the same, beside the promise", "value": ours, "unit": "s CPU",
         "peer": "the promise", "peer_value": PROMISE_S, "ratio": ours / PROMISE_S},
        {"bench": "froc", "subject": "without an interval", "value": point, "unit": "s CPU"},
    ]  # fmt: skip


def _seconds(do: Callable[[], object]) -> float:
    started = time.process_time()
    do()
    return time.process_time() - started


def _write(folder: Path) -> tuple[Path, Path, Path, Path]:
    """Write scans, nodules, excluded findings and candidates drawn over them."""
    draw = np.random.default_rng(0)
    scans = [f"1.2.826.0.1.3680043.8.498.{number:039d}" for number in range(SCANS)]
    (folder / "scans.csv").write_text("\n".join(scans) + "\n")
    header = ["seriesuid", "coordX", "coordY", "coordZ"]
    tables = {"annotations": NODULES, "excluded": EXCLUDED}
    nodules = None
    for name, count in tables.items():
        rows = [[scans[draw.integers(SCANS)], *draw.uniform(-150, 150, 3), draw.uniform(3, 20)] for _ in range(count)]
        nodules = nodules or rows
        _csv(folder / f"{name}.csv", [*header, "diameter_mm"], rows)
    hits = [[row[0], *(np.array(row[1:4]) + draw.normal(0, 1.5, 3)), draw.beta(4, 2)] for row in nodules or []]
    false = [[scans[n % SCANS], *draw.uniform(-150, 150, 3), draw.beta(1, 4)] for n in range(CANDIDATES - NODULES)]
    _csv(folder / "predictions.csv", [*header, "probability"], [*hits, *false])
    names = ("annotations.csv", "excluded.csv", "scans.csv", "predictions.csv")
    annotations, excluded, listed, predictions = (folder / name for name in names)
    return annotations, excluded, listed, predictions


def _csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def _peer(annotations: Path, excluded: Path, scans: Path, predictions: Path) -> float:
    """Give the processor seconds of the challenge's algorithm, its resamples scaled up."""
    tables: list[list[list[str]]] = []
    reading = _seconds(lambda: tables.extend(_rows(path) for path in (annotations, excluded, predictions)))
    names = scans.read_text().split()
    entries: dict[str, np.ndarray] = {}
    matching = _seconds(lambda: entries.update((scan, _match(scan, *tables)) for scan in names))
    total = int(sum(part[0].sum() for part in entries.values()))
    resampling = _seconds(lambda: [_resample(names, entries, total) for _ in range(PEER_RESAMPLES)])
    return reading + matching + resampling * RESAMPLES / PEER_RESAMPLES


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]


def _match(scan: str, nodules: list[list[str]], others: list[list[str]], results: list[list[str]]) -> np.ndarray:
    """Give truth, score and whether it was missed, shape (3, entries), of one scan."""
    marks = {n: [float(f) for f in row[1:]] for n, row in enumerate(row for row in results if row[0] == scan)}
    left, entries = dict(marks), []
    findings = [(row, True) for row in nodules if row[0] == scan] + [(row, False) for row in others if row[0] == scan]
    for row, included in findings:
        x, y, z, diameter = (float(field) for field in row[1:])
        square = (diameter / 2) ** 2
        hits = [k for k, m in marks.items() if (x - m[0]) ** 2 + (y - m[1]) ** 2 + (z - m[2]) ** 2 < square]
        for key in hits:
            left.pop(key, None)
        if included:
            entries.append((1.0, max((marks[key][3] for key in hits), default=-1e9), float(not hits)))
    return np.array(entries + [(0.0, mark[3], 0.0) for mark in left.values()]).reshape(-1, 3).T


def _resample(names: list[str], entries: dict[str, np.ndarray], total: int) -> np.ndarray:
    chosen = np.random.randint(len(names), size=len(names))
    joined = entries[names[chosen[0]]]
    for number in chosen[1:]:
        joined = np.concatenate((joined, entries[names[number]]), axis=1)
    truth, score = joined[:2, joined[2] == 0]
    false_rate, true_rate, _ = roc_curve(truth, score)
    sensitivity = true_rate * truth.sum() / max(total, 1)
    return np.interp(POINTS, false_rate * (truth == 0).sum() / len(names), sensitivity)


if __name__ == "__main__":
    for row in run():
        print(row)
