"""Reads CSV files row by row, and refuses what cannot carry a number, by file and line.

Runs in: anywhere
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from workbench.errors import InvalidInput, cause_of

Row = tuple[int, list[str]]
Names = Sequence[str]
LARGEST = 1e100  # of what is squared: the square of a larger number, summed, may be beyond every number


def refuse(path: Path, line: int, problem: str) -> InvalidInput:
    """Give the error for a line of a file."""
    return InvalidInput(f"{path.name}, line {line}: {problem}")


def lines(path: Path) -> Iterator[Row]:
    """Give (line number, fields) of every line that is not blank."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            for row in reader:
                if any(field.strip() for field in row):
                    yield reader.line_num, [field.strip() for field in row]
    except FileNotFoundError:
        raise InvalidInput(f"{path.name} does not exist; give the path of a CSV file.") from None
    except IsADirectoryError:
        raise InvalidInput(f"“{path.name or path}” is a folder; give the path of a CSV file.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path.name} is not text in UTF-8; save it as CSV in UTF-8, not packed.") from None
    except csv.Error as problem:
        raise InvalidInput(f"{path.name} is not CSV ({problem}); save it as CSV with commas.") from None
    except OSError as problem:
        raise InvalidInput(
            f"{path.name} cannot be read ({cause_of(problem)}); give a file that you may read."
        ) from None


def table(path: Path) -> tuple[list[str], Iterator[Row]]:
    """Give the header, and (line number, fields) of each row; a row as long as the header is sure."""
    rows = lines(path)
    _, header = next(rows, (1, []))
    if not header:
        raise refuse(path, 1, "the file is empty; it needs a header and rows.")
    return header, _whole(path, header, rows)


def _whole(path: Path, header: list[str], rows: Iterator[Row]) -> Iterator[Row]:
    for number, row in rows:
        if len(row) != len(header):
            raise refuse(path, number, f"{len(row)} fields where the header has {len(header)}; mend the row.")
        yield number, row


def place(path: Path, header: list[str], names: Names, wanted: Sequence[Names]) -> int:
    """Give the place of a column that may have several names; the first of them that is there."""
    for name in names:
        if header.count(name) > 1:
            raise refuse(path, 1, f"the column “{name}” stands there twice; keep one.")
        if name in header:
            return header.index(name)
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        raise refuse(path, 1, "the fields are not separated by commas; save the file as CSV with commas.")
    every = ", ".join(" or ".join(choice) for choice in wanted)
    raise refuse(path, 1, f"the column “{names[0]}” is missing; the header must name {every}.")


def columns(path: Path, wanted: Sequence[Names]) -> Iterator[Row]:
    """Give (line number, wanted fields) of each row; each wanted column may have several names."""
    header, rows = table(path)
    places = [place(path, header, names, wanted) for names in wanted]
    for line, row in rows:
        yield line, [row[at] for at in places]


def number(path: Path, line: int, name: str, text: str, *, most: float = math.inf) -> float:
    """Read a finite number, no further from 0 than `most`."""
    try:
        # Python also takes 1_000 and digits of other scripts, which no other reader of CSV does.
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise refuse(path, line, f"{name} is “{text}”, which is not a finite number; mend the row.")
    if abs(value) > most:
        raise refuse(path, line, f"{name} is {text}, which is beyond ±{most:g}; mend the row.")
    return value


def whole(path: Path, line: int, name: str, text: str) -> int:
    """Read a whole number, which may be written as 2 or 2.0."""
    value = number(path, line, name, text)
    if value != round(value) or abs(value) > 2**31:
        raise refuse(path, line, f"{name} is “{text}”, which is not a whole number; mend the row.")
    return int(value)
