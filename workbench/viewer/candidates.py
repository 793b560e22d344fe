"""Places that a detector proposes, the thresholds at which it is read, and what somebody said of each place.

A judgement belongs to a place in the patient, not to a row: it stays when the candidates are scored and sorted anew.

Runs in: kernel
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from workbench.errors import InvalidInput
from workbench.viewer.marks import read_label, read_position

MOST_CANDIDATES = 5000
MOST_POINTS = 100
VERDICTS = ("agree", "reject")
# Wider than any body; a diameter beyond it is a mistake of units.
WIDEST_MM = 2000.0
AXES = ("x_mm", "y_mm", "z_mm")
FORM = "a DataFrame with x_mm, y_mm, z_mm and score (or probability), or a list of {'position_mm': …, 'score': …}"

Plain = dict[str, Any]


def read_candidates(value: object, view: Any) -> list[Plain]:
    """Read candidates, and sort them by score, best first; equal scores stay in the order they were given.

    Parameters
    ----------
    value : DataFrame, iterable of mappings or objects, or None
        Each has `position_mm` (or `x_mm, y_mm, z_mm`), patient mm (x, y, z), LPS, and `score` or `probability`;
        it may have `diameter_mm` and `label`. Nothing else is taken, so that no column of the truth travels along.
    view : CTView
        The view they are for: each must lie inside its volume.

    Returns
    -------
    list of dict
        `position_mm, score, diameter_mm, label` each; a diameter of 0 mm is one that nobody gave.

    Raises
    ------
    InvalidInput
        When they are no candidates, malformed, of several scans, outside the volume, more than 5,000, or when one
        that has been judged is no longer among them.
    """
    rows = _rows(value)
    if len(rows) > MOST_CANDIDATES:
        raise InvalidInput(
            f"{len(rows):,} candidates are more than anybody reads; give at most {MOST_CANDIDATES:,}, those with the "
            "highest scores."
        )
    read = [_read_candidate(number, row, view) for number, row in enumerate(rows)]
    read.sort(key=lambda one: -float(one["score"]))
    places = {tuple(one["position_mm"]) for one in read}
    for judgement in view.judgements if isinstance(view.judgements, list) else []:
        _keep_judged(_part(judgement, "position_mm"), places)
    return read


def read_operating_points(value: object, view: Any) -> list[Plain]:
    """Read operating points: the score at which a detector gives so many false positives per scan.

    Parameters
    ----------
    value : iterable, mapping or None
        `fp_per_scan` and `threshold` each, as `score.operating_points()` gives them, or ``{fp_per_scan: threshold}``.
    view : CTView
        The view they are for.

    Returns
    -------
    list of dict
        Fewest false positives first.

    Raises
    ------
    InvalidInput
        When one is malformed, or a higher rate has a higher threshold.
    """
    if isinstance(value, Mapping):
        value = [{"fp_per_scan": rate, "threshold": threshold} for rate, threshold in value.items()]
    points = []
    for number, row in enumerate(_rows(value, "operating_points", "[{'fp_per_scan': 1, 'threshold': 0.4}]")):
        point = {name: _number(_part(row, name)) for name in ("fp_per_scan", "threshold")}
        if math.isnan(point["threshold"]) or not point["fp_per_scan"] >= 0:
            raise InvalidInput(
                f"Operating point {number} is {row!r}; it needs fp_per_scan, at least 0, and threshold, a score."
            )
        points.append(point)
    if len(points) > MOST_POINTS:
        raise InvalidInput(f"{len(points)} operating points are more than a slider has; give at most {MOST_POINTS}.")
    points.sort(key=lambda one: (one["fp_per_scan"], -one["threshold"]))
    for before, after in zip(points, points[1:], strict=False):
        if after["threshold"] > before["threshold"]:
            raise InvalidInput(
                f"At {after['fp_per_scan']:g} false positives per scan the threshold is {after['threshold']:g}, higher "
                f"than {before['threshold']:g} at {before['fp_per_scan']:g}; more marks come with a lower threshold."
            )
    return points


def read_judgements(value: object, view: Any) -> list[Plain]:
    """Read judgements, and find the candidate that each is about by its place.

    Parameters
    ----------
    value : iterable or None
        `verdict` (agree or reject), `seconds`, and `position_mm` or, without it, `candidate`: the row in
        `view.candidates`.
    view : CTView
        The view whose candidates they are about.

    Returns
    -------
    list of dict
        `candidate, verdict, seconds, position_mm` each, one a place, in the order in which they were given.

    Raises
    ------
    InvalidInput
        When one is malformed or about no candidate.
    """
    rows = _rows(value, "judgements", "[{'candidate': 0, 'verdict': 'agree'}]")
    places: dict[tuple[float, ...], int] = {}
    for number, one in enumerate(view.candidates if rows else []):
        places.setdefault(tuple(one["position_mm"]), number)
    read: dict[int, Plain] = {}
    for row in rows:
        number = _judged(row, places, view.candidates)
        verdict, seconds = _part(row, "verdict"), _number(_part(row, "seconds") or 0.0)
        if verdict not in VERDICTS or not seconds >= 0:
            raise InvalidInput(f"The judgement {row!r} needs a verdict, agree or reject, and seconds of at least 0.")
        place = list(view.candidates[number]["position_mm"])
        read[number] = {"candidate": number, "verdict": verdict, "seconds": seconds, "position_mm": place}
    return list(read.values())


def judgement_table(view: Any) -> Any:
    """Give what was said of the candidates as a table, in the order in which it was said.

    Parameters
    ----------
    view : CTView
        Where they were judged.

    Returns
    -------
    DataFrame
        One row a judgement: `candidate` (row in `view.candidates`), `x_mm, y_mm, z_mm`, `score`, `diameter_mm` (NaN
        where nobody gave it), `label`, `verdict` (agree or reject), `seconds` since the read or the view began.

    Examples
    --------
    >>> view.judgement_table().verdict.value_counts()  # doctest: +SKIP
    """
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    columns = ["candidate", *AXES, "score", "diameter_mm", "label", "verdict", "seconds"]
    rows = []
    for judgement in view.judgements:
        one = view.candidates[judgement["candidate"]]
        rows.append([
            judgement["candidate"], *one["position_mm"], one["score"], one["diameter_mm"] or math.nan, one["label"],
            judgement["verdict"], judgement["seconds"],
        ])  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def lowest_score(view: Any) -> float:
    """Give the threshold that shows every candidate of a view; 0 where it has none."""
    return min((float(one["score"]) for one in view.candidates), default=0.0)


def read_threshold(value: object) -> float:
    """Read the score below which candidates are hidden.

    Raises
    ------
    InvalidInput
        When it is no finite number.
    """
    threshold = _number(value)
    if math.isnan(threshold):
        raise InvalidInput(f"The threshold is {value!r}; it is a score, a finite number.")
    return threshold


def _rows(value: object, name: str = "candidates", form: str = FORM) -> list[Any]:
    """Give the rows of a table or a list."""
    if value is None:
        return []
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        scans = set(value["scan"]) if "scan" in value.columns else set()  # type: ignore[index]
        if len(scans) > 1:
            raise InvalidInput(
                f"`{name}` holds rows of {len(scans)} scans; give those of the shown one, for example "
                f"table[table.scan == {min(map(str, scans))!r}]."
            )
        return list(value.to_dict("records"))
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise InvalidInput(f"`{name}` is a {type(value).__name__}; give {form}.")
    return list(value)


def _read_candidate(number: int, row: object, view: Any) -> Plain:
    place = _part(row, "position_mm")
    if place is None:
        place = [_part(row, axis) for axis in AXES]
        if None in place:
            raise InvalidInput(f"Candidate {number} has no position_mm and no x_mm, y_mm, z_mm; give {FORM}.")
    given = _part(row, "score")
    score = _number(_part(row, "probability") if given is None else given)
    if math.isnan(score):
        raise InvalidInput(
            f"Candidate {number} has no finite score, so it has no place in the list; give each a score or probability."
        )
    try:
        position = read_position(place, view.volume.geometry)
    except InvalidInput as refusal:
        raise InvalidInput(f"Candidate {number}: {refusal.message}") from None
    return {
        "position_mm": list(position), "score": score, "diameter_mm": _diameter(number, _part(row, "diameter_mm")),
        "label": _words(_part(row, "label")),
    }  # fmt: skip


def _diameter(number: int, value: object) -> float:
    """Give a diameter in mm; 0 where a table has none."""
    if value is None or (isinstance(value, float | np.floating) and math.isnan(value)):
        return 0.0
    diameter = _number(value)
    if not 0 <= diameter <= WIDEST_MM:
        raise InvalidInput(
            f"diameter_mm of candidate {number} is {value!r}; give millimetres from 0 (not known) to {WIDEST_MM:g}."
        )
    return diameter


def _keep_judged(place: Any, places: Collection[tuple[float, ...]]) -> None:
    """Refuse candidates without a place that has been judged, so that no work is lost."""
    if place is not None and (not isinstance(place, Sequence) or tuple(map(_number, place)) not in places):
        raise InvalidInput(
            f"There is no candidate at {place!r}, but one there has been judged. To give other candidates, keep "
            "view.judgement_table(), set view.judgements = [], then set view.candidates."
        )


def _judged(row: object, places: Mapping[tuple[float, ...], int], candidates: list[Plain]) -> int:
    """Find the candidate that a judgement is about."""
    place, number = _part(row, "position_mm"), _part(row, "candidate")
    if place is not None:
        _keep_judged(place, places.keys())
        return places[tuple(map(_number, place))]
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 0 <= number < len(candidates):
        raise InvalidInput(
            f"A judgement is about candidate {number!r}, but the view has {len(candidates)}; count them from 0."
        )
    return places[tuple(candidates[int(number)]["position_mm"])]


def _part(row: object, name: str) -> Any:
    return row.get(name) if isinstance(row, Mapping) else getattr(row, name, None)


def _number(value: object) -> float:
    """Give a finite number, or NaN for what is none."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.number):
        return math.nan
    return float(value) if math.isfinite(float(value)) else math.nan


def _words(value: object) -> str:
    """Give a label; nothing where a table has none."""
    missing = value is None or (isinstance(value, float | np.floating) and math.isnan(value))
    return "" if missing else read_label(str(value))
