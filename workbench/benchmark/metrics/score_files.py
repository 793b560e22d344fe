"""Reads the files that `workbench score` measures, and refuses what cannot carry a number, by file and line.

Runs in: anywhere
Source: file formats of the LUNA16 challenge (annotations, excluded annotations, series ids, submissions).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from workbench.benchmark.metrics.auc import auc_delong
from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.metrics.froc import froc_cpm
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.errors import InvalidInput

COORDINATES = ("coordX", "coordY", "coordZ")
HEADER_WORDS = {"seriesuid", "scan", "scans", "series", "seriesinstanceuid", "id", "uid"}
ID_COLUMNS = ("id", "item", "nodule", "seriesuid", "scan")
TRUTH_COLUMNS = ("label", "truth", "malignant")


def _refuse(path: Path, line: int, problem: str) -> InvalidInput:
    return InvalidInput(f"{path.name}, line {line}: {problem}")


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Give (line number, fields) of every line that is not blank."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            for row in reader:
                if any(field.strip() for field in row):
                    yield reader.line_num, [field.strip() for field in row]
    except FileNotFoundError:
        raise InvalidInput(f"{path.name} does not exist; give the path of a CSV file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise InvalidInput(f"{path.name} cannot be read as CSV text ({type(problem).__name__}).") from None


def _columns(path: Path, wanted: tuple[tuple[str, ...], ...]) -> Iterator[tuple[int, list[str]]]:
    """Give (line number, wanted fields) of each row; each wanted column may have several names."""
    lines = _lines(path)
    number, header = next(lines, (1, []))
    places = []
    for names in wanted:
        name = next((name for name in names if name in header), None)
        if name is None:
            every = ", ".join(" or ".join(choice) for choice in wanted)
            raise _refuse(path, number, f"the column “{names[0]}” is missing; the header must name {every}.")
        if header.count(name) > 1:
            raise _refuse(path, number, f"the column “{name}” stands there twice; keep one.")
        places.append(header.index(name))
    for number, row in lines:
        if len(row) != len(header):
            raise _refuse(path, number, f"{len(row)} fields where the header has {len(header)}; mend the row.")
        yield number, [row[place] for place in places]


def _number(path: Path, line: int, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _refuse(path, line, f"{name} is “{text}”, which is not a finite number; mend the row.")
    return value


def read_scans(path: Path) -> dict[str, int]:
    """Read one scan id a line, without a header; give each id's index."""
    scans: dict[str, int] = {}
    for line, row in _lines(path):
        if line == 1 and row[0].lower() in HEADER_WORDS:
            raise _refuse(path, 1, f"“{row[0]}” is a header, not a scan id; the file holds one id a line, no header.")
        if len(row) != 1:
            raise _refuse(path, line, f"{len(row)} fields where one scan id is expected; keep only the id.")
        if row[0] in scans:
            raise _refuse(path, line, "this scan id stands in an earlier line already; keep one.")
        scans[row[0]] = len(scans)
    if not scans:
        raise InvalidInput(f"{path.name} holds no scan id; it needs one a line.")
    return scans


Row = tuple[int, float, float, float, float]


def _read_points(path: Path, value: str, scans: dict[str, int], *, is_prediction: bool, may_repeat: bool) -> list[Row]:
    """Read (scan, x, y, z, value) rows; findings of other scans are left out, marks on them are refused."""
    rows: list[Row] = []
    seen: dict[Row, int] = {}
    names = (*COORDINATES, value)
    for line, (scan, *texts) in _columns(path, tuple((name,) for name in ("seriesuid", *names))):
        numbers = [_number(path, line, name, text) for name, text in zip(names, texts, strict=True)]
        if scan not in scans:
            # One fold of a challenge is scored against its complete annotation files, so only marks are refused.
            if is_prediction:
                raise _refuse(path, line, "this scan id is not in the list of scans; remove the row or add the id.")
            continue
        row = (scans[scan], numbers[0], numbers[1], numbers[2], numbers[3])
        if not may_repeat and row in seen:
            raise _refuse(path, line, f"the same row stands in line {seen[row]} already; keep one.")
        seen[row] = line
        rows.append(row)
    return rows


def _arrays(rows: list[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return table[:, 0].astype(np.int64), np.ascontiguousarray(table[:, 1:4]), np.ascontiguousarray(table[:, 4])


def score_froc_files(
    annotations: Path, excluded: Path | None, scans: Path, predictions: Path, *, bootstrap: int = 0, seed: int = 0
) -> Measured:
    """Measure ``froc_cpm:v1`` on LUNA16-format files.

    Parameters
    ----------
    annotations, excluded : Path
        CSV with seriesuid, coordX, coordY, coordZ, diameter_mm; `excluded` may be None. The excluded findings may
        repeat a row (those of the challenge do, 11,105 times).
    scans : Path
        One scan id a line, no header.
    predictions : Path
        CSV with seriesuid, coordX, coordY, coordZ, probability.
    bootstrap, seed : int
        Resamples for the interval and their seed.

    Raises
    ------
    InvalidInput
        With file and line, for anything that is missing, repeated, unknown or not a finite number.
    """
    index = read_scans(scans)
    true = _read_points(annotations, "diameter_mm", index, is_prediction=False, may_repeat=False)
    other = _read_points(excluded, "diameter_mm", index, is_prediction=False, may_repeat=True) if excluded else []
    marks = _read_points(predictions, "probability", index, is_prediction=True, may_repeat=False)
    scan, centre_mm, diameter_mm = _arrays(true + other)
    findings = Findings(scan, centre_mm, diameter_mm, np.arange(len(scan)) < len(true))
    return froc_cpm(Marks(*_arrays(marks)), findings, len(index), bootstrap=bootstrap, seed=seed)


def score_auc_files(truth: Path, predictions: Path) -> Measured:
    """Measure ``auc_delong:v1`` on two CSV files: id and label (0 or 1), id and probability, the same ids in both.

    Raises
    ------
    InvalidInput
        With file and line, for repeated or unknown ids and bad values, and when an item has no prediction.
    """
    labels: dict[str, bool] = {}
    for line, (item, text) in _columns(truth, (ID_COLUMNS, TRUTH_COLUMNS)):
        value = _number(truth, line, "label", text)
        if value not in (0.0, 1.0):
            raise _refuse(truth, line, f"the label is “{text}”; it must be 0 or 1.")
        if item in labels:
            raise _refuse(truth, line, "this id stands in an earlier line already; keep one.")
        labels[item] = value == 1.0
    scores: dict[str, float] = {}
    for line, (item, text) in _columns(predictions, (ID_COLUMNS, ("probability",))):
        if item not in labels:
            raise _refuse(predictions, line, f"this id is not among the items of {truth.name}; remove the row.")
        if item in scores:
            raise _refuse(predictions, line, "this id stands in an earlier line already; keep one.")
        scores[item] = _number(predictions, line, "probability", text)
    missing = [item for item in labels if item not in scores]
    if missing:
        raise InvalidInput(
            f"{predictions.name} lacks {len(missing)} of {len(labels)} items, the first is {missing[0]}."
        )
    return auc_delong(np.array(list(labels.values())), np.array([scores[item] for item in labels]))
