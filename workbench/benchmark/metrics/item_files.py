"""Reads truth and predictions of items (patients, nodules, molecules) from CSV files and measures them.

Runs in: anywhere
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from os.path import isfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.metrics.csv_files import LARGEST, columns, number, place, refuse, table, whole
from workbench.benchmark.metrics.evaluate import OF_PROBABILITIES, Evaluation, ItemAnswer, evaluate
from workbench.errors import InvalidInput

ID_COLUMNS = ("id", "item", "nodule", "scan", "seriesuid", "patient")  # the finest first
LABELS = ("label", "truth", "malignant")
CLASSES = ("label", "class", "truth")
GRADES = ("grade", "label", "truth")
TIMES, EVENTS = ("time", "survival_time", "days"), ("event", "observed", "status")
VALUES = ("value", "truth", "label")
PROBABILITIES = ("probability", "score", "prediction")
CLASS = "class:"
Values = dict[str, list[float]]


@dataclass(frozen=True)
class Choices:
    """What may be chosen: the label that is positive, k, the truth's column that names the unit, names of the id."""

    label: str | None = None
    k: int = 1
    unit: str | None = None
    ids: tuple[str, ...] = ID_COLUMNS


@dataclass(frozen=True)
class Truth:
    """The truth's rows by item, in the file's order, the unit of each, and what the id's column may be called."""

    path: Path
    ids: tuple[str, ...]
    values: Values
    unit: NDArray[np.int64]
    units: int


def evaluate_item_files(
    metric: str, truth: Path, predictions: Path, choices: Choices, *, bootstrap: int, seed: int
) -> Evaluation:
    """Measure a metric of items on two CSV files with the same ids in both.

    Parameters
    ----------
    metric : str
        Any but ``froc_cpm:v1`` and those of masks.
    truth, predictions : Path
        CSV with an id and the columns that `workbench metrics ID` names.
    choices : Choices
        What may be chosen.
    bootstrap, seed : int
        Resamples for the interval and their seed.

    Raises
    ------
    InvalidInput
        With file and line, for repeated or unknown ids and bad values, and when an item has no prediction.
    """
    answer, units = read_items(metric, truth, predictions, choices)
    return evaluate(metric, answer, units=units, resamples=bootstrap, seed=seed)


def read_items(metric: str, truth: Path, predictions: Path, choices: Choices) -> tuple[ItemAnswer, int]:
    """Read what `evaluate` measures, and the number of units."""
    choices = replace(choices, ids=_id_names(truth, predictions, choices.unit))
    if metric == "topk:v1":
        return _read_classes(truth, predictions, choices)
    true = _read_truth(metric, truth, choices)
    said = _by_item(predictions, true, (PREDICTIONS[metric],), _prediction_reader(metric, predictions))
    values = np.array(list(true.values.values()), dtype=np.float64)
    return ItemAnswer(true.unit, values if values.shape[1] > 1 else values[:, 0], said[:, 0]), true.units


def _id_names(truth: Path, predictions: Path, unit: str | None) -> tuple[str, ...]:
    """Give what the id may be called, best first: a column of both files, then any, then that of the unit."""
    # What is no file, such as a pipe, can be read but once.
    headers = [table(path)[0] for path in (truth, predictions) if isfile(path)]
    shared = (name for name in ID_COLUMNS if len(headers) == 2 and all(name in h for h in headers) and name != unit)
    return tuple(dict.fromkeys((*shared, *(name for name in ID_COLUMNS if name != unit), *ID_COLUMNS)))


PREDICTIONS = {
    "auc_delong:v1": (*PROBABILITIES, "risk"),
    **{metric: PROBABILITIES for metric in OF_PROBABILITIES},
    "qwk:v1": ("grade", "prediction", "label"),
    "rmse:v1": ("prediction", "value"),
    "cindex:v1": ("risk", "prediction", "score"),
}


def _prediction_reader(metric: str, path: Path) -> Callable[[int, list[str]], list[float]]:
    name = PREDICTIONS[metric][0]

    def read(line: int, texts: list[str]) -> list[float]:
        if metric == "qwk:v1":
            return [float(whole(path, line, name, texts[0]))]
        value = number(path, line, name, texts[0], most=LARGEST if metric == "rmse:v1" else math.inf)
        if metric in OF_PROBABILITIES and not 0.0 <= value <= 1.0:
            raise refuse(path, line, f"{name} is {texts[0]}, which is not from 0 to 1; mend the row.")
        return [value]

    return read


def _read_truth(metric: str, path: Path, choices: Choices) -> Truth:
    if metric == "qwk:v1":
        return _truth(path, (GRADES,), lambda line, texts: [whole(path, line, "grade", texts[0])], choices)
    if metric == "rmse:v1":
        return _truth(
            path, (VALUES,), lambda line, texts: [number(path, line, "value", texts[0], most=LARGEST)], choices
        )
    if metric == "cindex:v1":
        return _truth(path, (TIMES, EVENTS), lambda line, texts: _survival(path, line, texts), choices)
    true = _truth(path, (LABELS,), lambda line, texts: [_kind(path, line, texts[0], choices.label)], choices)
    if choices.label is not None and not any(row[0] for row in true.values.values()):
        raise InvalidInput(f"No item of {path.name} has the label “{choices.label}”; give one that stands there.")
    return true


def _kind(path: Path, line: int, text: str, label: str | None) -> float:
    if label is not None:
        return float(text == label)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if value not in (0.0, 1.0):
        raise refuse(path, line, f"the label is “{text}”; it must be 0 or 1 (or name the positive one with --label).")
    return value


def _survival(path: Path, line: int, texts: list[str]) -> list[float]:
    time, event = number(path, line, "time", texts[0]), number(path, line, "event", texts[1])
    if time < 0:
        raise refuse(path, line, f"time is {texts[0]}; it must not be negative.")
    if event not in (0.0, 1.0):
        raise refuse(path, line, f"event is “{texts[1]}”; it must be 1 (it happened) or 0 (censored).")
    return [time, event]


def _truth(
    path: Path, wanted: tuple[tuple[str, ...], ...], read: Callable[[int, list[str]], list[float]], choices: Choices
) -> Truth:
    """Read the truth's rows; without a unit column each item is its own unit."""
    values: Values = {}
    number_of: dict[str, int] = {}
    units: list[int] = []
    names = (choices.ids, *wanted, *([(choices.unit,)] if choices.unit else []))
    for line, (item, *texts) in columns(path, names):
        _check_id(path, line, item, values)
        unit = texts.pop() if choices.unit else item
        if not unit:
            raise refuse(path, line, f"the column {choices.unit} is empty; name the unit of the item.")
        values[item] = read(line, texts)
        units.append(number_of.setdefault(unit, len(number_of)))
    if not values:
        raise InvalidInput(f"{path.name} holds no item; it needs a row for each.")
    return Truth(path, choices.ids, values, np.array(units, dtype=np.int64), len(number_of))


def _check_id(path: Path, line: int, item: str, seen: Values) -> None:
    if not item:
        raise refuse(path, line, "the id is empty; name the item.")
    if item.lower() in ID_COLUMNS:
        raise refuse(path, line, f"“{item}” is a header, not an id; keep one header, in the first line.")
    if item in seen:
        raise refuse(path, line, "this id stands in an earlier line already; keep one.")


def _by_item(
    path: Path, truth: Truth, wanted: tuple[tuple[str, ...], ...], read: Callable[[int, list[str]], list[float]]
) -> NDArray[np.float64]:
    """Read predictions in the order of the truth's items, shape (items, values)."""
    said: Values = {}
    for line, (item, *texts) in columns(path, (truth.ids, *wanted)):
        _check_id(path, line, item, said)
        if item not in truth.values:
            raise refuse(path, line, f"this id is not among the items of {truth.path.name}; remove the row.")
        said[item] = read(line, texts)
    missing = [item for item in truth.values if item not in said]
    if missing:
        raise InvalidInput(f"{path.name} lacks {len(missing)} of {len(truth.values)} items, the first is {missing[0]}.")
    return np.array([said[item] for item in truth.values], dtype=np.float64)


def _read_classes(truth: Path, predictions: Path, choices: Choices) -> tuple[ItemAnswer, int]:
    """Read true classes by name, and a score for each class."""
    header, _ = table(predictions)
    own = header[place(predictions, header, choices.ids, (choices.ids,))]
    named = [name for name in header if name.startswith(CLASS)] or [name for name in header if name != own]
    classes = [name.removeprefix(CLASS) for name in named]
    if len(classes) < 2:
        raise refuse(predictions, 1, "there are fewer than two classes; give one column for each, such as class:NAME.")

    def true_class(line: int, texts: list[str]) -> list[float]:
        if texts[0] not in classes:
            raise refuse(truth, line, f"“{texts[0]}” is not among the classes of {predictions.name}.")
        return [float(classes.index(texts[0]))]

    true = _truth(truth, (CLASSES,), true_class, choices)
    said = _by_item(
        predictions, true, tuple((name,) for name in named),
        lambda line, texts: [number(predictions, line, name, t) for name, t in zip(named, texts, strict=True)],
    )  # fmt: skip
    column = np.array([row[0] for row in true.values.values()], dtype=np.int64)
    return ItemAnswer(true.unit, column, said, k=choices.k), true.units
