"""Predictions as every kind of submission gives them: checked against the task's items, and written in one form.

A file that somebody sends, what a sandboxed program wrote and what a model answered all pass through here, so that
they are refused for the same reasons. No label is read.

Runs in: gateway | evaluator | terminal
Source: the submission format of LUNA16 (marks), the ITU/WHO benchmarking platform's `predictions.json`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.benchmark.evaluation.failures import failed
from workbench.benchmark.evaluation.prediction_files import (
    ALSO,
    ID_NAMES,
    MAX_ENTRIES,
    malformed,
    number,
    read_entries,
)
from workbench.errors import InvalidInput

DETECTION, SEGMENTATION = "detection3d", "segmentation3d"
MARK = ("x_mm", "y_mm", "z_mm", "probability")
ONE_VALUE = ("binary", "regression", "survival", "ordinal")
BY_CLASS = ("multiclass", "ranking")
KINDS = (DETECTION, SEGMENTATION, *ONE_VALUE, *BY_CLASS)
CLASS = "class:"
# A place in a body cannot be further from its origin; it also keeps squares of distances exact enough.
FARTHEST_MM = 100_000.0
# The square of a larger error, summed over items, may be beyond every number.
LARGEST = 1e100
HEADER_WORDS = frozenset((*ID_NAMES, "scans", "series", "seriesinstanceuid", "uid", "ids"))
Row = tuple[float, ...]


@dataclass(frozen=True)
class Predictions:
    """What a submission says about the items of a task.

    Parameters
    ----------
    kind : str
        The task's kind.
    items : tuple of str
        Every item that was asked for, sorted.
    columns : tuple of str
        What the numbers of a row are: the four of a mark, ``prediction``, or one ``class:NAME`` for each class.
    rows : mapping of str to tuple of tuple of float
        For each answered item its marks, which may be none, or the one row of its numbers.
    masks : mapping of str to bytes
        For segmentation instead of rows: each item's NIfTI file.
    """

    kind: str
    items: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Row, ...]]
    masks: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def answered(self) -> tuple[str, ...]:
        """The items with an answer, sorted."""
        return tuple(sorted(self.masks if self.kind == SEGMENTATION else self.rows))

    @property
    def coverage(self) -> float:
        """The share of the items with an answer, 0 to 1."""
        return len(self.answered) / len(self.items) if self.items else 1.0

    def value(self, item: str) -> float:
        """Give the one number about an item, for the kinds that have one."""
        return self.rows[item][0][0]

    def restrict(self, items: Collection[str]) -> Predictions:
        """Give the same predictions of some of the items alone, such as those of the public test."""
        wanted = frozenset(items)
        return Predictions(
            self.kind, tuple(sorted(wanted)), self.columns,
            {item: rows for item, rows in self.rows.items() if item in wanted},
            {item: mask for item, mask in self.masks.items() if item in wanted},
        )  # fmt: skip

    def require_complete(self) -> None:
        """Refuse predictions that leave items out, for a task that says `missing: reject`.

        Raises
        ------
        SubmissionRefused
            With MALFORMED_OUTPUT and how many are missing.
        """
        lacking = len(self.items) - len(self.answered)
        if lacking:
            raise failed(
                "MALFORMED_OUTPUT",
                f"{lacking} of {len(self.items)} items have no prediction, and this task takes only complete ones; "
                "predict every item of its list.",
            )

    def joined(self, other: Predictions) -> Predictions:
        """Give these predictions and those of another part of the items together; the other's win."""
        items = tuple(sorted({*self.items, *other.items}))
        columns = self.columns or other.columns
        return Predictions(self.kind, items, columns, {**self.rows, **other.rows}, {**self.masks, **other.masks})

    def canonical(self) -> bytes:
        """Give the one form that is stored and scored again: sorted, in ITU form, numbers as `repr` writes them.

        Equal predictions give equal bytes, and `parse` of the bytes gives equal predictions.
        """
        if self.kind == SEGMENTATION:
            from workbench.benchmark.evaluation.masks import write_masks  # noqa: PLC0415 - segmentation alone

            return write_masks(self.masks)
        lines = ",\n".join(
            json.dumps(self._entry(item), ensure_ascii=False, separators=(",", ":")) for item in self.answered
        )
        return f'{{"predictions":[\n{lines}\n]}}\n'.encode()

    def _entry(self, item: str) -> dict[str, Any]:
        rows = self.rows[item]
        if self.kind == DETECTION:
            return {"id": item, "marks": [dict(zip(MARK, row, strict=True)) for row in sorted(rows)]}
        return {"id": item, **dict(zip(self.columns, rows[0], strict=True))}


def parse(
    kind: str, content: bytes, items: Collection[str], *, classes: Sequence[str] = (), may_be_empty: bool = False
) -> Predictions:
    r"""Read predictions and check them against the items of a task.

    Parameters
    ----------
    kind : str
        The task's kind, such as ``detection3d``.
    content : bytes
        CSV or JSON; for ``segmentation3d`` a zip of ``ITEM.nii.gz``.
    items : collection of str
        The ids of every item that may be answered.
    classes : sequence of str, optional
        The names of the classes (multiclass, ranking) or the allowed grades (ordinal) where the task names them.
    may_be_empty : bool
        Whether no prediction at all is right, such as of a part of the scans.

    Returns
    -------
    Predictions

    Raises
    ------
    SubmissionRefused
        With MALFORMED_OUTPUT, UNKNOWN_ITEM_IDS or OUTPUT_TOO_LARGE, and a sentence with the line.

    Examples
    --------
    >>> parse("binary", b"id,probability\nA-1,0.25\n", ["A-1", "A-2"]).coverage
    0.5
    """
    if kind not in KINDS:
        raise InvalidInput(f"There are no predictions of the kind “{kind}”; the kinds are {', '.join(KINDS)}.")
    known = frozenset(items)
    if kind == SEGMENTATION:
        from workbench.benchmark.evaluation.masks import read_masks  # noqa: PLC0415 - segmentation alone

        return Predictions(kind, tuple(sorted(known)), ("mask",), {}, read_masks(content, known))
    reader = _Reader(kind, known, tuple(classes))
    for count, (place, entry) in enumerate(read_entries(content), start=1):
        if count > MAX_ENTRIES:
            raise failed("OUTPUT_TOO_LARGE", f"The file has more than {MAX_ENTRIES:,} predictions; leave some out.")
        reader.take(place, entry)
    if not reader.rows and not may_be_empty:
        raise malformed("the file", "it holds no prediction; it needs at least one.")
    rows = {item: tuple(sorted(found)) for item, found in reader.rows.items()}
    return Predictions(kind, tuple(sorted(known)), reader.columns, rows)


class _Reader:
    """Takes entries one by one and keeps what they say."""

    def __init__(self, kind: str, items: frozenset[str], classes: tuple[str, ...]) -> None:
        self.kind, self.items, self.classes = kind, items, classes
        self.columns: tuple[str, ...] = MARK if kind == DETECTION else ("prediction",) if kind in ONE_VALUE else ()
        self.rows: dict[str, list[Row]] = {}
        self._places: dict[tuple[str, Row], str] = {}

    def take(self, place: str, entry: Mapping[str, Any]) -> None:
        """Check one entry and keep it."""
        item = self._item(place, entry)
        if self.kind != DETECTION:
            self._once(place, item, ())
            self.rows[item] = [self._values(place, entry)]
        elif "marks" in entry:
            self._marks(place, item, entry["marks"])
        else:
            self._mark(place, item, entry)

    def _item(self, place: str, entry: Mapping[str, Any]) -> str:
        name = next((name for name in ID_NAMES if name in entry), None)
        item = entry[name] if name else None
        if not isinstance(item, str) or not item:
            raise malformed(place, f"it has no id; put the item's id under “{ID_NAMES[0]}”.")
        if item in self.items:
            return item
        if item.lower() in HEADER_WORDS:
            raise malformed(place, "a line of column names stands where an id belongs; keep only the first line of it.")
        raise failed(
            "UNKNOWN_ITEM_IDS",
            f"{place[:1].upper()}{place[1:]}: its id is not one of the {len(self.items)} items of this task; take the "
            "ids from the task's list of items.",
        )

    def _once(self, place: str, item: str, row: Row) -> None:
        before = self._places.setdefault((item, row), place)
        if before != place:
            what = "mark" if self.kind == DETECTION and row else "item"
            raise malformed(place, f"the same {what} stands in {before} already; keep one.")

    def _marks(self, place: str, item: str, marks: object) -> None:
        self._once(place, item, ())
        if not isinstance(marks, list) or not all(isinstance(mark, dict) for mark in marks):
            raise malformed(place, "“marks” must be a list of objects with x_mm, y_mm, z_mm and probability.")
        self.rows.setdefault(item, [])
        for position, mark in enumerate(marks, start=1):
            self._mark(f"{place}, mark {position}", item, mark)

    def _mark(self, place: str, item: str, entry: Mapping[str, Any]) -> None:
        row = tuple(self._number(place, entry, name) for name in MARK)
        if any(abs(value) > FARTHEST_MM for value in row[:3]):
            raise malformed(place, f"the position is more than {FARTHEST_MM:,.0f} mm away; it must be in millimetres.")
        _check_probability(place, "probability", row[3])
        self._once(place, item, row)
        self.rows.setdefault(item, []).append(row)

    def _values(self, place: str, entry: Mapping[str, Any]) -> Row:
        if self.kind in BY_CLASS:
            return self._by_class(place, entry)
        name = "probability" if self.kind == "binary" and "probability" in entry else "prediction"
        value = self._number(place, entry, name)
        if self.kind == "binary":
            _check_probability(place, name, value)
        if self.kind == "regression" and abs(value) > LARGEST:
            raise malformed(place, f"{name} is beyond ±{LARGEST:g}; give it in the unit that the task asks for.")
        if self.kind == "ordinal" and (value != int(value) or (self.classes and str(int(value)) not in self.classes)):
            grades = f" ({', '.join(self.classes)})" if self.classes else ""
            raise malformed(place, f"prediction must be one of the task's grades{grades}.")
        return (value,)

    def _by_class(self, place: str, entry: Mapping[str, Any]) -> Row:
        if not self.columns:
            named = tuple(f"{CLASS}{name}" for name in self.classes)
            self.columns = named or tuple(sorted(name for name in entry if name.startswith(CLASS)))
            if len(self.columns) < 2:
                raise malformed(place, "it needs one column “class:NAME” for each class.")
        strange = sum(name.startswith(CLASS) and name not in self.columns for name in entry)
        if strange:
            raise malformed(place, f"it has {strange} columns “class:NAME” of classes that are not expected here.")
        return tuple(self._number(place, entry, name) for name in self.columns)

    def _number(self, place: str, entry: Mapping[str, Any], name: str) -> float:
        found = name if name in entry else ALSO.get(name, name)
        if found not in entry:
            wanted = ", ".join(self.columns)
            raise malformed(place, f"“{name}” is missing; each prediction needs its id and {wanted}.")
        return number(place, name, entry[found])


def _check_probability(place: str, name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise malformed(place, f"{name} is outside 0 to 1; give a probability.")
