"""Reads the LUNA16-format files that `froc_cpm:v1` is measured on.

Runs in: anywhere
Source: file formats of the LUNA16 challenge (annotations, excluded annotations, series ids, submissions).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from workbench.benchmark.metrics.csv_files import LARGEST, columns, lines, number, refuse
from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.evaluate import Evaluation, MarksAnswer, evaluate
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.errors import InvalidInput

SCAN = ("seriesuid", "scan")
COORDINATES = (("coordX", "x_mm"), ("coordY", "y_mm"), ("coordZ", "z_mm"))
DIAMETER, PROBABILITY = ("diameter_mm",), ("probability",)
HEADER_WORDS = {"seriesuid", "scan", "scans", "series", "seriesinstanceuid", "id", "uid"}
Row = tuple[int, float, float, float, float]


def read_scans(path: Path) -> dict[str, int]:
    """Read one scan id a line, without a header; give each id's index."""
    scans: dict[str, int] = {}
    for line, row in lines(path):
        if row[0].lower() in HEADER_WORDS:
            raise refuse(path, line, f"“{row[0]}” is a header, not a scan id; the file holds one id a line, no header.")
        if len(row) != 1:
            raise refuse(path, line, f"{len(row)} fields where one scan id is expected; keep only the id.")
        if row[0] in scans:
            raise refuse(path, line, "this scan id stands in an earlier line already; keep one.")
        scans[row[0]] = len(scans)
    if not scans:
        raise InvalidInput(f"{path.name} holds no scan id; it needs one a line.")
    return scans


def _read_points(
    path: Path, value: tuple[str], scans: dict[str, int], *, is_prediction: bool, may_repeat: bool
) -> list[Row]:
    """Read (scan, x, y, z, value) rows; findings of other scans are left out, marks on them are refused."""
    rows: list[Row] = []
    seen: dict[Row, int] = {}
    names = [*(choice[0] for choice in COORDINATES), value[0]]
    most = [LARGEST] * 3 + [math.inf if is_prediction else LARGEST]  # a score is only compared, lengths are squared
    for line, (scan, *texts) in columns(path, (SCAN, *COORDINATES, value)):
        numbers = [number(path, line, n, text, most=m) for n, text, m in zip(names, texts, most, strict=True)]
        if scan not in scans:
            # One fold of a challenge is scored against its complete annotation files, so only marks are refused.
            if is_prediction:
                raise refuse(path, line, "this scan id is not in the list of scans; remove the row or add the id.")
            continue
        row = (scans[scan], numbers[0], numbers[1], numbers[2], numbers[3])
        if not may_repeat and row in seen:
            raise refuse(path, line, f"the same row stands in line {seen[row]} already; keep one.")
        seen[row] = line
        rows.append(row)
    return rows


def _arrays(rows: list[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return found[:, 0].astype(np.int64), np.ascontiguousarray(found[:, 1:4]), np.ascontiguousarray(found[:, 4])


def read_answer(annotations: Path, excluded: Path | None, scans: Path, predictions: Path) -> MarksAnswer:
    """Read marks and findings of a list of scans.

    Parameters
    ----------
    annotations, excluded : Path
        CSV with seriesuid, coordX, coordY, coordZ, diameter_mm; `excluded` may be None. The excluded findings may
        repeat a row (those of the challenge do, 11,105 times).
    scans : Path
        One scan id a line, no header.
    predictions : Path
        CSV with seriesuid, coordX, coordY, coordZ, probability. A row that stands twice is two marks, as the
        challenge's own script takes it: a second hit does not count, a second false one does.

    Raises
    ------
    InvalidInput
        With file and line, for a missing file or column, a repeated scan or nodule, an unknown id, or a number that is
        not finite.
    """
    index = read_scans(scans)
    true = _read_points(annotations, DIAMETER, index, is_prediction=False, may_repeat=False)
    other = _read_points(excluded, DIAMETER, index, is_prediction=False, may_repeat=True) if excluded else []
    marks = _read_points(predictions, PROBABILITY, index, is_prediction=True, may_repeat=True)
    scan, centre_mm, diameter_mm = _arrays(true + other)
    findings = Findings(scan, centre_mm, diameter_mm, np.arange(len(scan)) < len(true))
    return MarksAnswer(Marks(*_arrays(marks)), findings, len(index))


def evaluate_froc_files(
    annotations: Path, excluded: Path | None, scans: Path, predictions: Path, *, bootstrap: int, seed: int
) -> Evaluation:
    """Measure ``froc_cpm:v1`` on LUNA16-format files, with its draws."""
    answer = read_answer(annotations, excluded, scans, predictions)
    return evaluate("froc_cpm:v1", answer, units=answer.scans, resamples=bootstrap, seed=seed)


def score_froc_files(
    annotations: Path, excluded: Path | None, scans: Path, predictions: Path, *, bootstrap: int = 0, seed: int = 0
) -> Measured:
    """Measure ``froc_cpm:v1`` on LUNA16-format files; see `read_answer`."""
    return evaluate_froc_files(annotations, excluded, scans, predictions, bootstrap=bootstrap, seed=seed).measured
