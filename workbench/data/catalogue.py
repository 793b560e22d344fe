"""What exists, whether I may use it, and who I am.

Runs in: kernel
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from workbench.connection import VERSIONS_VARIABLE
from workbench.data import cards
from workbench.data.dataset import Dataset
from workbench.data.line import line
from workbench.errors import InvalidInput, NotFound

SHORTEST_VERSION = 8
_COLUMNS = ("name", "tier", "scans", "status", "reason")


class DatasetTable:
    """The datasets this person may know of, each with whether and why it may be read."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._rows = rows

    @property
    def names(self) -> list[str]:
        """The names, for `wb.dataset(name)`."""
        return [str(row["name"]) for row in self._rows]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Go through the datasets as dictionaries."""
        return iter([dict(row) for row in self._rows])

    def __len__(self) -> int:
        """Give how many there are."""
        return len(self._rows)

    def __getitem__(self, name: str) -> Dataset:
        """Give the dataset of a name."""
        return dataset(name)

    def __repr__(self) -> str:
        """Give the table as text."""
        rows = [_COLUMNS, *(tuple(str(row[name]) for name in _COLUMNS) for row in self._rows)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
        return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        return cards.datasets_table(self._rows)


@dataclass(frozen=True)
class Person:
    """Who is signed in, and from which kind of kernel."""

    person: str
    name: str
    roles: tuple[str, ...]
    kind: str
    isolation: str

    def _repr_html_(self) -> str:
        return cards.person_card(vars(self))


def datasets() -> DatasetTable:
    """Give the table of datasets: what exists, whether I may use it, and why (not).

    Raises
    ------
    NotSignedIn
        When this Python was not started by the workbench.
    """
    return DatasetTable(line().get("/v1/datasets")["datasets"])


def dataset(name: str, version: str | None = None) -> Dataset:
    """Give one dataset; no image is read yet.

    Parameters
    ----------
    name : str
        As `datasets()` lists it, such as ``"chest-ct"``.
    version : str, optional
        Id of the version to read, or how it begins (8 digits or more). When left out: the version that a crate names
        in a run that is repeated, else the newest.

    Raises
    ------
    NotFound
        When there is none, or this person may not know of it, or it has no such version.
    """
    if not isinstance(name, str) or not name.strip() or "/" in name:
        raise InvalidInput("A dataset is named by a text such as “chest-ct”; `wb.datasets()` lists the names.")
    row = line().get(f"/v1/datasets/{quote(name.strip(), safe='')}")
    wanted = version or _repeated_versions().get(row["name"])
    return Dataset(row if wanted is None else _at_version(row, wanted))


def _repeated_versions() -> dict[str, str]:
    """Give the version of each dataset that this run repeats; none in a run of its own."""
    try:
        named = json.loads(os.environ.get(VERSIONS_VARIABLE) or "{}")
    except ValueError:
        named = {}
    return named if isinstance(named, dict) else {}


def _at_version(row: dict[str, Any], wanted: str) -> dict[str, Any]:
    """Give what is told of a dataset with the version and the numbers of one of its versions."""
    if not isinstance(wanted, str) or len(wanted) < SHORTEST_VERSION:
        raise InvalidInput(f"A version is named by the {SHORTEST_VERSION} or more digits its id begins with.")
    found = [one for one in row["versions"] if one["version"].startswith(wanted)]
    if len(found) != 1:
        many = "several versions" if found else "no version"
        known = ", ".join(one["version"][:12] for one in row["versions"]) or "none"
        raise NotFound(f"“{row['name']}” has {many} {wanted[:12]}; it has {known}.")
    return {**row, **{name: found[0][name] for name in ("version", "scans", "subjects")}}


def whoami() -> Person:
    """Give who is signed in here.

    Raises
    ------
    NotSignedIn
        When this Python was not started by the workbench.
    """
    row = line().get("/v1/whoami")
    return Person(row["person"], row["name"], tuple(row["roles"]), row["kind"], row["isolation"])
