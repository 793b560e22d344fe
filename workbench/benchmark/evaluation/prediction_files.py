"""Reads the text of a predictions file, CSV or JSON, as entries with the place where each one stands.

Nothing that a file says is repeated in a message, only where it says it: the same sentences are shown for what a
submission wrote while it saw hidden scans.

Runs in: gateway | evaluator | terminal
Source: RFC 4180 (CSV), RFC 8259 (JSON), the ITU/WHO benchmarking platform's form of `predictions.json`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from workbench.benchmark.evaluation.failures import failed
from workbench.errors import SubmissionRefused

# One name for each column, and the names that others use for it; LUNA16's are the second of each.
ID_NAMES = ("id", "scan", "seriesuid", "item", "nodule")
ALSO = {"x_mm": "coordX", "y_mm": "coordY", "z_mm": "coordZ"}
MAX_ENTRIES = 2_000_000
MAX_NUMBER_LENGTH = 40
Entry = tuple[str, Mapping[str, Any]]


def malformed(place: str, problem: str) -> SubmissionRefused:
    """Give the refusal of something that stands at a place, such as `line 3`."""
    return failed("MALFORMED_OUTPUT", f"{place[:1].upper()}{place[1:]}: {problem}")


def read_entries(content: bytes) -> Iterator[Entry]:
    """Give (place, column -> value) of every row of a CSV file or every object of a JSON file.

    Raises
    ------
    SubmissionRefused
        With MALFORMED_OUTPUT, for what is neither.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise malformed("the file", "it is not text in UTF-8; send CSV or JSON.") from None
    if not text.strip():
        raise malformed("the file", "it is empty; it needs a line of column names and a line for each prediction.")
    if text.lstrip()[0] in "{[":
        yield from _json_entries(text)
    else:
        yield from _csv_entries(text)


def number(place: str, name: str, value: object) -> float:
    """Give a finite number that a CSV file holds as text and a JSON file as a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise malformed(place, f"{name} must be a number.")
    try:
        # Python also takes 1_000 and digits of other scripts, which no other reader of CSV does.
        is_odd = isinstance(value, str) and (len(value) > MAX_NUMBER_LENGTH or "_" in value or not value.isascii())
        found = math.nan if is_odd else float(value)
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise malformed(place, f"{name} is not a finite number; mend it.")
    return found + 0.0  # one zero, whatever its sign


def _csv_entries(text: str) -> Iterator[Entry]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if not any(fields):
                continue
            place = f"line {reader.line_num}"
            if not header:
                header = _header(place, fields)
                continue
            if len(fields) != len(header):
                raise malformed(place, f"it has {len(fields)} fields where the header has {len(header)}; mend the row.")
            yield place, dict(zip(header, fields, strict=True))
    except csv.Error:
        raise malformed(f"line {reader.line_num}", "it is not CSV; look for a quote that does not end.") from None


def _header(place: str, fields: list[str]) -> list[str]:
    if not any(name in ID_NAMES for name in fields):
        raise malformed(place, f"the header is missing; it must name the columns, the first is {ID_NAMES[0]} or scan.")
    for name in fields:
        if name and fields.count(name) > 1:
            raise malformed(place, "the header names a column twice; keep one.")
    return fields


def _json_entries(text: str) -> Iterator[Entry]:
    try:
        found = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repeated)
    except RecursionError:
        raise malformed("the file", "its JSON is nested too deeply; it needs a list of objects.") from None
    except json.JSONDecodeError as problem:
        raise malformed(f"line {problem.lineno}", "it is not JSON.") from None
    except ValueError:
        raise malformed("the file", "it holds a number with too many digits.") from None
    if isinstance(found, dict):
        found = found.get("predictions")
    if not isinstance(found, list):
        raise malformed("the file", "its JSON must be a list of predictions, or an object with such a list.")
    for position, entry in enumerate(found, start=1):
        if not isinstance(entry, dict):
            raise malformed(f"entry {position}", "it must be an object with an id and its prediction.")
        yield f"entry {position}", entry


def _no_constant(name: str) -> NoReturn:
    raise malformed("the file", f"it holds {name}, which is not a finite number; mend it.")


def _no_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise malformed("the file", "an object names one of its members twice; keep one.")
    return found
