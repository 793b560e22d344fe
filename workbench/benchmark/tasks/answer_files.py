"""Truth and predictions from files, for a check of a task whose data the terminal has at hand.

Runs in: terminal
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.evaluation.predictions import Predictions, parse
from workbench.benchmark.metrics.evaluate import Answer, ItemAnswer, MarksAnswer
from workbench.benchmark.metrics.marks import Findings, Marks
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.benchmark.tasks.numbers import Counts
from workbench.benchmark.tasks.trials import Trial
from workbench.errors import InvalidInput, SubmissionRefused, cause_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
IDS = ("id", "scan", "seriesuid")
POINT = (("x_mm", "coordX"), ("y_mm", "coordY"), ("z_mm", "coordZ"), ("diameter_mm",))
MAX_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Files:
    """What the author of a task has at hand.

    Parameters
    ----------
    truth : Path
        CSV: `id` and the task's own columns; for detection `scan,x_mm,y_mm,z_mm,diameter_mm`.
    predictions : mapping of str to Path
        By name; `oracle` is the ceiling.
    scans : Path, optional
        For detection: one scan id a line, those without findings included.
    """

    truth: Path
    predictions: Mapping[str, Path]
    scans: Path | None = None


def trial_of(task: TaskDefinition, files: Files) -> Trial:
    """Read the files into a trial.

    Raises
    ------
    InvalidInput
        With file and line, for whatever cannot be measured.
    """
    if task.kind == "segmentation3d":
        raise InvalidInput("Masks are scored by `workbench score`; a check from files takes tables.")
    if task.kind == "detection3d":
        return _detection(task, files)
    return _items(task, files)


def read_bytes(file: Path, most: int = MAX_BYTES) -> bytes:
    """Read a file that is not too large.

    Raises
    ------
    InvalidInput
        When it cannot be read, or holds more.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as problem:
        raise InvalidInput(f"{file.name or file} cannot be read: {cause_of(problem)}.") from None
    if len(content) > most:
        raise InvalidInput(f"{file.name} has more than {most:,} bytes.")
    return content


def _items(task: TaskDefinition, files: Files) -> Trial:
    rows = _rows(files.truth)
    ids = _ids(files.truth, rows)
    truth = _truth(task, files.truth, rows)
    unit = _units(task, rows, ids)
    classes = task.truth.classes or _grades(task)
    answers: dict[str, dict[str, Answer]] = {}
    for name, file in files.predictions.items():
        said = _parsed(task, file, ids, classes)
        answers[name] = dict.fromkeys(task.metrics, ItemAnswer(unit, truth, _values(task, said, ids), task.k))
    positives = int((truth[:, 1] if truth.ndim == 2 else truth).sum()) if task.kind in ("binary", "survival") else None
    return Trial(Counts(int(unit.max()) + 1, len(ids), positives), answers)


def _detection(task: TaskDefinition, files: Files) -> Trial:
    rows = _rows(files.truth)
    names = [_cell(files.truth, line, row, IDS) for line, row in rows]
    scans = _lines(files.scans) if files.scans else sorted(set(names))
    number = {name: place for place, name in enumerate(scans)}
    table = np.array([[_number(files.truth, line, row, column) for column in POINT] for line, row in rows])
    unknown = sorted(set(names) - set(number))
    if unknown or not rows:
        raise InvalidInput(
            f"{files.truth.name} has {len(unknown)} scans that are not in the list of scans, of {len(rows)} rows."
        )
    scan = np.array([number[name] for name in names])
    findings = Findings(scan, table[:, :3], table[:, 3], np.ones(len(scan), dtype=bool))
    answers: dict[str, dict[str, Answer]] = {}
    for name, file in files.predictions.items():
        said = _parsed(task, file, scans, ())
        marks = [(number[item], *mark) for item in said.answered for mark in said.rows[item]]
        where = np.array(marks, dtype=np.float64).reshape(-1, 5)
        found = Marks(where[:, 0].astype(np.int64), where[:, 1:4], where[:, 4])
        answers[name] = dict.fromkeys(task.metrics, MarksAnswer(found, findings, len(scans)))
    return Trial(Counts(len(scans), len(scans), findings=len(scan)), answers)


def _parsed(task: TaskDefinition, file: Path, ids: Sequence[str], classes: Sequence[str]) -> Predictions:
    try:
        said = parse(task.kind, read_bytes(file), ids, classes=classes)
        if task.kind != "detection3d":
            said.require_complete()
    except SubmissionRefused as refusal:
        raise InvalidInput(f"{file.name}: {refusal.message}") from None
    return said


def _values(task: TaskDefinition, said: Predictions, ids: Sequence[str]) -> Floats:
    if task.truth.classes:
        return np.array([said.rows[item][0] for item in ids], dtype=np.float64)
    return np.array([said.value(item) for item in ids], dtype=np.float64)


def _truth(task: TaskDefinition, file: Path, rows: list[tuple[int, dict[str, str]]]) -> Floats:
    column, event = task.truth.column or "label", task.truth.event
    if task.truth.classes:
        known = {name: place for place, name in enumerate(task.truth.classes)}
        found = [_cell(file, line, row, (column, "label")) for line, row in rows]
        for (line, _), name in zip(rows, found, strict=True):
            if name not in known:
                raise InvalidInput(f"{file.name}, line {line}: {column} is none of the task's classes.")
        return np.array([known[name] for name in found], dtype=np.float64)
    values = np.array([_number(file, line, row, (column, "label", "truth")) for line, row in rows])
    if task.kind == "binary" and not np.isin(values, (0.0, 1.0)).all():
        raise InvalidInput(f"{file.name}: {column} must be 0 or 1 (true or false) in every row.")
    if event is None:
        return values
    return np.stack([values, [_number(file, line, row, (event, "event")) for line, row in rows]], axis=1)


def _units(task: TaskDefinition, rows: list[tuple[int, dict[str, str]]], ids: Sequence[str]) -> Ints:
    """Give each item the number of its unit: a column of that name, the scan of `SCAN-N`, or the item itself."""
    column = next((name for name in ("unit", task.unit) if rows and name in rows[0][1]), None)
    if column is not None:
        names = [row[column] for _, row in rows]
    elif task.truth.item == "nodule":
        names = [item.rpartition("-")[0] or item for item in ids]
    else:
        names = list(ids)
    number: dict[str, int] = {}
    return np.array([number.setdefault(name, len(number)) for name in names])


def _grades(task: TaskDefinition) -> tuple[str, ...]:
    if task.truth.levels is None:
        return ()
    low, high = task.truth.levels
    return tuple(str(grade) for grade in range(low, high + 1))


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        text = read_bytes(file).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InvalidInput(f"{file.name} cannot be read as CSV text ({cause_of(problem)}).") from None
    for line, row in rows:
        if None in row or None in row.values():
            raise InvalidInput(f"{file.name}, line {line}: it has another number of fields than the header.")
    if not rows:
        raise InvalidInput(f"{file.name} holds no row below its header.")
    return rows


def _ids(file: Path, rows: list[tuple[int, dict[str, str]]]) -> list[str]:
    seen: dict[str, int] = {}
    for line, row in rows:
        item = _cell(file, line, row, IDS)
        if item in seen:
            raise InvalidInput(f"{file.name}, line {line}: this id stands in line {seen[item]} already; keep one.")
        seen[item] = line
    return list(seen)


def _cell(file: Path, line: int, row: dict[str, str], names: Sequence[str]) -> str:
    name = next((name for name in names if name in row), None)
    if name is None or not row[name].strip():
        raise InvalidInput(f"{file.name}, line {line}: it needs a column “{names[0]}” with a value.")
    return row[name].strip()


def _number(file: Path, line: int, row: dict[str, str], names: Sequence[str]) -> float:
    text = _cell(file, line, row, names)
    try:
        value = {"true": 1.0, "false": 0.0}.get(text.lower(), math.nan) if text.isalpha() else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"{file.name}, line {line}: {names[0]} is not a finite number.")
    return value


def _lines(file: Path) -> list[str]:
    try:
        found = [line.strip() for line in read_bytes(file).decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise InvalidInput(f"{file.name} is not UTF-8 text.") from None
    if not found or len(set(found)) < len(found):
        raise InvalidInput(f"{file.name} needs one scan id a line, each once.")
    return found
