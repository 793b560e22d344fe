"""Marks as a table, one row for each, and back.

Runs in: kernel
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import InvalidInput
from workbench.viewer.candidates import VERDICTS
from workbench.viewer.contours import read_contours
from workbench.viewer.dicom_source import identity
from workbench.viewer.mark_set import Marks
from workbench.viewer.marks import read_boxes
from workbench.viewer.shown_volume import ShownVolume

if TYPE_CHECKING:
    import pandas as pd

TEXTS = ("dataset", "version", "scan", "kind", "label", "plane", "points_mm", "unit", "slab_mode", "verdict")
STATISTICS = ("mean", "sd", "minimum", "maximum", "area_mm2", "pixels", "slab_mm")
NUMBERS = (
    "x_mm", "y_mm", "z_mm", "size_x_mm", "size_y_mm", "size_z_mm", "value", *STATISTICS, "volume_ml", "score",
    "diameter_mm", "seconds",
)  # fmt: skip
COLUMNS = (
    "dataset", "version", "scan", "kind", "label", "x_mm", "y_mm", "z_mm", "size_x_mm", "size_y_mm", "size_z_mm",
    "plane", "value", "unit", *STATISTICS, "slab_mode", "volume_ml", "score", "diameter_mm", "verdict", "seconds",
    "points_mm",
)  # fmt: skip
KINDS = ("box", "contour", "distance", "angle", "ellipse", "rectangle", "candidate", "region")
# What makes a spreadsheet run a cell; a quote before it is what spreadsheets themselves write.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def marks_table(marks: Marks, scan: ShownVolume) -> pd.DataFrame:
    """Give one row for each mark.

    Returns
    -------
    DataFrame
        `kind` is box, contour, distance, angle, ellipse, rectangle, candidate or region (of a label set, `value` is
        its number). Places are patient millimetres (LPS): the middle of a box or of the points, and all points as
        JSON in `points_mm`. What a kind has not is left empty.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    dataset, version, name = identity(scan)[:3]
    rows = [*_boxes(marks), *_contours(marks, scan), *_measurements(marks), *_candidates(marks), *_regions(marks, scan)]
    told = [{"dataset": dataset, "version": version, "scan": name, **row} for row in rows]
    frame = pd.DataFrame([{column: row.get(column) for column in COLUMNS} for row in told], columns=list(COLUMNS))
    for column in TEXTS:
        frame[column] = frame[column].fillna("").astype("str")
    return frame.astype({column: "float64" for column in NUMBERS})


def write_table(marks: Marks, scan: ShownVolume, draft: Path, ending: str) -> None:
    """Write the table as CSV or Parquet."""
    frame = marks_table(marks, scan)
    if ending == ".parquet":
        frame.to_parquet(draft, index=False)
    else:
        for column in TEXTS:
            frame[column] = [f"'{text}" if text.startswith((*FORMULA, "'")) else text for text in frame[column]]
        frame.to_csv(draft, index=False, encoding="utf-8", lineterminator="\n")


def read_table(path: Path, scan: ShownVolume) -> Marks:
    """Read the marks of a scan from a table that `write_table` wrote.

    Raises
    ------
    InvalidInput
        When it is no such table, or one of another scan.
    """
    frame = _read_frame(path)
    dataset, _, name = identity(scan)[:3]
    mine = (frame["dataset"] == dataset) & (frame["scan"] == name)
    if len(frame) and not mine.any():
        others = ", ".join(sorted({f"{row.dataset} {row.scan}".strip() for row in frame.itertuples()})[:3])
        raise InvalidInput(f"{path.name} holds marks of {others}, and none of {scan.title}; give the right scan.")
    rows = [_checked(_plain(row), path.name) for row in frame[mine].to_dict("records")]
    boxes = [
        {"centre_mm": _three(row, "{}_mm"), "size_mm": _three(row, "size_{}_mm"), "label": row["label"]}
        for row in rows
        if row["kind"] == "box"
    ]
    contours = [row for row in rows if row["kind"] == "contour"]
    candidates = [row for row in rows if row["kind"] == "candidate"]
    return Marks(
        read_boxes(boxes, scan.geometry),
        read_contours(contours, scan.geometry),
        tuple(_measurement(row) for row in rows if row["kind"] in ("distance", "angle", "ellipse", "rectangle")),
        tuple(
            {"position_mm": _three(row, "{}_mm"), "score": row["score"], "label": row["label"],
             "diameter_mm": row.get("diameter_mm", 0.0)}
            for row in candidates
        ),
        tuple(
            {"candidate": number, "verdict": row["verdict"], "seconds": row.get("seconds", 0.0)}
            for number, row in enumerate(candidates)
            if row["verdict"]
        ),
    )  # fmt: skip


def _read_frame(path: Path) -> pd.DataFrame:
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
        else:
            # As texts: a label may be called NA or null, and numbers come back to the last digit.
            frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
            for column in set(TEXTS) & set(frame):
                frame[column] = [text[1:] if text.startswith("'") else text for text in frame[column]]
            for column in set(NUMBERS) & set(frame):
                frame[column] = [float(text) if text else np.nan for text in frame[column]]
    except (ValueError, TypeError, KeyError, OSError, pd.errors.ParserError):
        raise InvalidInput(f"{path.name} is no table of marks, or is cut short; save the marks again.") from None
    if missing := [column for column in COLUMNS if column not in frame]:
        raise InvalidInput(f"{path.name} is no table of marks: it has no column {', '.join(missing[:4])}.")
    try:
        return frame.astype({column: "float64" for column in NUMBERS})
    except (ValueError, TypeError):
        raise InvalidInput(f"{path.name} holds text where a number belongs; save the marks again.") from None


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Give a row without its empty numbers, and its points as numbers."""
    plain = {name: row[name] for name in TEXTS} | {name: row[name] for name in NUMBERS if not np.isnan(row[name])}
    try:
        plain["points_mm"] = json.loads(row["points_mm"] or "[]")
    except ValueError:
        raise InvalidInput(f"The points of a {row['kind']} in the table are no JSON; save the marks again.") from None
    return plain


def _checked(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Give a row back, refused unless it is of a kind that is known, and complete."""
    if row["kind"] not in KINDS:
        raise InvalidInput(f"{name} has a row of the kind “{row['kind']}”; the kinds are {', '.join(KINDS)}.")
    if row["verdict"] not in ("", *VERDICTS):
        raise InvalidInput(f"{name} has the verdict “{row['verdict']}”; the verdicts are {', '.join(VERDICTS)}.")
    if row["kind"] == "candidate" and "score" not in row:
        raise InvalidInput(f"{name} has a candidate without a score; every candidate needs one.")
    return row


def _three(row: dict[str, Any], pattern: str) -> list[float]:
    return [row.get(pattern.format(axis), np.nan) for axis in "xyz"]


def _measurement(row: dict[str, Any]) -> dict[str, Any]:
    measured = {name: row[name] for name in ("kind", "plane", "points_mm", "label", "unit")}
    measured["value"] = row.get("value", 0.0)
    if statistics := {name: row[name] for name in STATISTICS if name in row}:
        slab = {"slab_mode": row["slab_mode"]} if statistics.get("slab_mm") else {}
        measured["statistics"] = statistics | slab | ({"pixels": int(row["pixels"])} if "pixels" in row else {})
    return measured


def _boxes(marks: Marks) -> list[dict[str, Any]]:
    return [
        {"kind": "box", "label": box.label, **_place(box.centre_mm), **_place(box.size_mm, "size_{}_mm")}
        for box in marks.boxes
    ]


def _contours(marks: Marks, scan: ShownVolume) -> list[dict[str, Any]]:
    return [
        {"kind": "contour", "label": one.label, "plane": one.plane, **_points(one.points_mm),
         "area_mm2": one.area_mm2(scan.geometry)}
        for one in marks.contours
    ]  # fmt: skip


def _measurements(marks: Marks) -> list[dict[str, Any]]:
    return [
        {**{name: one.get(name) for name in ("kind", "label", "plane", "value", "unit")}, **_points(one["points_mm"]),
         **(one.get("statistics") or {})}
        for one in marks.measurements
    ]  # fmt: skip


def _candidates(marks: Marks) -> list[dict[str, Any]]:
    return [
        {"kind": "candidate", "label": one.get("label"), **_place(one["position_mm"]), "score": one["score"],
         "diameter_mm": one.get("diameter_mm") or None, "verdict": marks.verdict(number).get("verdict"),
         "seconds": marks.verdict(number).get("seconds")}
        for number, one in enumerate(marks.candidates)
    ]  # fmt: skip


def _regions(marks: Marks, scan: ShownVolume) -> list[dict[str, Any]]:
    voxel_ml = float(np.prod(scan.geometry.spacing_mm)) / 1000
    rows = []
    for labels in marks.labels:
        counts = np.bincount(labels.read(scan.geometry).ravel())
        for value in np.flatnonzero(counts[1:]) + 1:
            count = int(counts[value])
            rows.append({"kind": "region", "label": labels.name(int(value)), "value": value, "pixels": count,
                         "volume_ml": count * voxel_ml})  # fmt: skip
    return rows


def _place(position: Any, pattern: str = "{}_mm") -> dict[str, float]:
    return {pattern.format(axis): float(value) for axis, value in zip("xyz", position, strict=True)}


def _points(points: Any) -> dict[str, Any]:
    places = np.asarray(points, dtype=np.float64)
    return {**_place(places.mean(axis=0)), "points_mm": json.dumps(places.tolist())}
