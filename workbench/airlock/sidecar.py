"""The sidecar of a table: who is in each cell and how much of it the largest contribute, so that checks are exact.

It goes into the airlock with its table, is read by the checks and never leaves. It is written by code that the
author can edit, so it makes an honest table easy to judge and a dishonest one no easier to smuggle: it counts only for
the very bytes it was written with, and where it contradicts the table both are refused.

Runs in: anywhere
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.airlock.tables import Cell, Table, plain

FORM = "workbench-cells-1"
ENDING = ".cells.json"
SUBJECTS = "subjects"


@dataclass(frozen=True)
class Contribution:
    """How much of a cell's sum its largest contributors hold; each contributor is one subject.

    Attributes
    ----------
    total : float
        Sum of the absolute contributions.
    largest : tuple of float
        The two largest absolute contributions, the largest first.
    """

    total: float
    largest: tuple[float, ...]


@dataclass(frozen=True)
class SideCell:
    """One row of the table: its group, its subjects, and the contributions to each value."""

    key: Mapping[str, str]
    members: frozenset[str]
    contributions: Mapping[str, Contribution]


@dataclass(frozen=True)
class Sidecar:
    """What a table does not show, cell by cell in the order of its rows."""

    table_sha256: str
    dataset: str
    round_to: int
    cells: tuple[SideCell, ...]

    def joined(self, table: Table) -> tuple[Cell, ...]:
        """Give the cells of its table with their members.

        Raises
        ------
        ValueError
            When rows and cells differ in number or in what they say.
        """
        if len(table.rows) != len(self.cells) or SUBJECTS not in table.names:
            raise ValueError("its cells are not the rows of the table")
        counts, found = table.numbers(table.names.index(SUBJECTS)), []
        for number, (row, side) in enumerate(zip(table.rows, self.cells, strict=True), start=2):
            shown = dict(zip(table.names, row, strict=True))
            if any(plain(shown.get(plain(name), "")) != plain(value) for name, value in side.key.items()):
                raise ValueError(f"it names another group than row {number}")
            count = counts[number - 2]
            if count is not None and abs(count - len(side.members)) >= max(1, self.round_to):
                raise ValueError(f"it counts other subjects than row {number}")
            # A rounded number tells nothing exact, so it stands here without its members.
            key = frozenset((plain(name), plain(value)) for name, value in side.key.items())
            members = side.members if count is not None and not self.round_to else None
            place = f"row {number}, column “{SUBJECTS}”"
            found.append(Cell(key, None if count is None else int(count), place, members))
        return tuple(found)


def sidecar_name(table: str) -> str:
    """Give the name of a table's sidecar.

    >>> sidecar_name("ages.csv")
    'ages.csv.cells.json'
    """
    return f"{table}{ENDING}"


def write_sidecar(table: bytes, cells: Sequence[SideCell], *, dataset: str = "", round_to: int = 0) -> bytes:
    """Give the sidecar of a table's bytes as JSON; subjects are numbered, under hashes that depend on the dataset."""
    names = sorted({member for cell in cells for member in cell.members})
    number = {name: at for at, name in enumerate(names)}
    body = {
        "form": FORM, "table_sha256": hashlib.sha256(table).hexdigest(), "dataset": dataset, "round_to": round_to,
        "subjects": [_hashed(dataset, name) for name in names],
        "cells": [
            {
                "key": dict(cell.key),
                "members": sorted(number[name] for name in cell.members),
                "contributions": {
                    name: {"total": one.total, "largest": list(one.largest)} for name, one in cell.contributions.items()
                },
            }
            for cell in cells
        ],
    }  # fmt: skip
    return json.dumps(body, separators=(",", ":")).encode()


def read_sidecar(content: bytes) -> Sidecar:
    """Read a sidecar.

    Raises
    ------
    ValueError
        When it is none.
    """
    try:
        body = json.loads(content)
        if body["form"] != FORM:
            raise ValueError("another form")
        names = [str(name) for name in body["subjects"]]
        if len(set(names)) != len(names):
            raise ValueError("a subject twice")
        cells = tuple(_read_cell(cell, names) for cell in body["cells"])
        return Sidecar(str(body["table_sha256"]), str(body["dataset"]), int(body["round_to"]), cells)
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError) as problem:
        raise ValueError("no sidecar") from problem


def _read_cell(cell: dict[str, Any], names: Sequence[str]) -> SideCell:
    if any(number < 0 for number in cell["members"]):
        raise ValueError("a negative number")
    return SideCell(
        {str(name): str(value) for name, value in cell["key"].items()},
        frozenset(names[number] for number in cell["members"]),
        {
            str(name): Contribution(float(one["total"]), tuple(float(part) for part in one["largest"]))
            for name, one in cell["contributions"].items()
        },
    )


def _hashed(dataset: str, subject: str) -> str:
    return hashlib.sha256(f"{dataset}\0{subject}".encode()).hexdigest()[:20]
