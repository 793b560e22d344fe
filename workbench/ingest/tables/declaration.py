"""What a table's custodian declares of it: each column's type, unit, meaning and role. Nothing undeclared comes in.

Runs in: ingest host
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput

TYPES = ("subject", "code", "integer", "number", "boolean", "date", "age", "id", "text")
ROLES = ("subject", "quasi", "sensitive", "measure", "free-text", "drop")
SUFFIXES = (".columns.yaml", ".columns.yml", ".columns.json")
TABLE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
AGE_NAME = re.compile(r"(?:^|[\W_])age(?:$|[\W_])", re.IGNORECASE)
YEARS = ("year", "years", "a", "y", "yr")
LEAST_K, LEAST_L = 5, 2
NUMERIC = ("integer", "number", "age")
COLUMN_KEYS = frozenset(
    ("type", "role", "unit", "description", "values", "missing", "bins", "round", "issuer", "kind", "name", "format")
)
TABLE_KEYS = frozenset(
    ("table", "title", "description", "columns", "delimiter", "decimal", "encoding", "suppress", "k", "l", "missing")
)


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    source : str
        Its name in the file.
    name : str
        Its name in the dataset; that of the subjects is always `subject`.
    type : str
        One of `TYPES`. An `age` is in years and capped; an `id` becomes a pseudonym; `text` never comes in.
    role : str
        One of `ROLES`: `quasi` columns together could point at somebody, `sensitive` ones are what nobody may learn
        of a person, `free-text` and `drop` are left out.
    unit, description : str
        For the reader.
    values : mapping of str to str, optional
        For a code: what the file may hold, and what is written for it.
    missing : frozenset of str
        What stands for a missing value, besides nothing at all.
    bins : tuple of float
        Edges of half-open groups that numbers are written as.
    round : float, optional
        Numbers are written as the nearest multiple.
    issuer : str
        For the subject: the issuer of the patient ID, where the images name one.
    kind : str
        For an id: ids of one kind get equal pseudonyms in every table; the DICOM keyword for those of images.
    format : str
        For a date: how it is written, such as ``%d.%m.%Y``; ISO 8601 when empty.
    """

    source: str
    name: str
    type: str
    role: str
    unit: str = ""
    description: str = ""
    values: Mapping[str, str] | None = None
    missing: frozenset[str] = frozenset()
    bins: tuple[float, ...] = ()
    round: float | None = None
    issuer: str = ""
    kind: str = ""
    format: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the column comes in at all."""
        return self.role not in ("free-text", "drop") and self.type != "text"

    @property
    def stored_type(self) -> str:
        """The type in the dataset: string, int64, float64, bool or date."""
        if self.bins:
            return "string"
        stored = {"integer": "int64", "number": "float64", "age": "float64", "boolean": "bool", "date": "date"}
        return stored.get(self.type, "string")


@dataclass(frozen=True)
class Declaration:
    """A table.

    Parameters
    ----------
    table : str
        Its name in the dataset.
    title, description : str
        For the reader.
    columns : tuple of Column
        In the order they are written.
    delimiter, decimal, encoding : str
        How a CSV file is written; the delimiter is found out when empty.
    suppress : bool
        Whether rows of groups that are too small are left out, rather than the table refused.
    k, l : int
        At least this many subjects share each combination of quasi-identifiers, with this many sensitive values.
    """

    table: str
    title: str
    columns: tuple[Column, ...]
    description: str = ""
    delimiter: str = ""
    decimal: str = "."
    encoding: str = "utf-8"
    suppress: bool = False
    k: int = LEAST_K
    l: int = LEAST_L  # noqa: E741 - the word of the field
    subject: Column = field(init=False)

    def __post_init__(self) -> None:
        """Find the column of subjects."""
        found = [column for column in self.columns if column.type == "subject"]
        object.__setattr__(self, "subject", found[0])

    def schema(self) -> dict[str, Any]:
        """Give what a reader is told of the table: title and columns."""
        told = []
        for column in self.columns:
            if column.is_kept:
                entry: dict[str, Any] = {"name": column.name, "type": column.stored_type, "role": column.role}
                entry |= {"unit": column.unit} if column.unit else {}
                entry |= {"description": column.description} if column.description else {}
                entry |= {"values": sorted(set(column.values.values()))} if column.values else {}
                told.append(entry)
        return {"title": self.title, "description": self.description, "columns": told}


def find_declaration(table: Path) -> Path | None:
    """Give the declaration that lies beside a table: `trial.csv` has `trial.columns.yaml`."""
    stem = table.name.removesuffix(table.suffix)
    return next((path for suffix in SUFFIXES if (path := table.with_name(stem + suffix)).is_file()), None)


def read_declaration(path: Path) -> Declaration:
    """Read a declaration from YAML or JSON.

    Raises
    ------
    InvalidInput
        When there is none, or an entry of it is not usable (`bad-declaration`); the message names the entry.
    """
    import yaml  # noqa: PLC0415 - heavy, loaded on first use

    try:
        text = path.read_text("utf-8")
        body = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except FileNotFoundError:
        raise InvalidInput("There is no declaration of the columns there; give --columns FILE.") from None
    except (OSError, UnicodeDecodeError, ValueError, RecursionError, yaml.YAMLError) as problem:
        raise _bad(f"it cannot be read ({type(problem).__name__})") from None
    return parse_declaration(body)


def parse_declaration(body: object) -> Declaration:
    """Check a declaration that was read, and give it.

    Parameters
    ----------
    body : mapping
        `table`, `title`, `columns` (by name: `type`, `role` and what the type needs), and how the file is written.

    Raises
    ------
    InvalidInput
        When an entry is not usable; the message names it.

    Examples
    --------
    >>> columns = {"PatientID": {"type": "subject"}, "age": {"type": "age", "role": "quasi", "bins": [0, 50, 90]}}
    >>> parse_declaration({"table": "clinical", "columns": columns}).subject.source
    'PatientID'
    """
    if not isinstance(body, Mapping) or not isinstance(body.get("columns"), Mapping) or not body["columns"]:
        raise _bad("it needs “columns”, each with a type")
    _only_known(body, TABLE_KEYS, "the table")
    table = str(body.get("table") or "")
    if not TABLE_NAME.fullmatch(table):
        raise _bad("“table” must name it with small letters, digits, - and _ (such as clinical)")
    shared = _texts(body.get("missing"), "missing")
    columns = tuple(_column(str(name), entry, shared) for name, entry in body["columns"].items())
    if sum(column.type == "subject" for column in columns) != 1:
        raise _bad("exactly one column must have the type “subject”")
    names = [column.name for column in columns if column.is_kept]
    if len(set(names)) != len(names):
        raise _bad("two columns would have one name; the column of subjects is always named subject")
    decimal = str(body.get("decimal") or ".")
    if decimal not in (".", ","):
        raise _bad("“decimal” is . or ,")
    return Declaration(
        table, str(body.get("title") or table.capitalize()), columns, str(body.get("description") or ""),
        delimiter=str(body.get("delimiter") or ""), decimal=decimal, encoding=str(body.get("encoding") or "utf-8"),
        suppress=body.get("suppress") is True, k=_at_least(body, "k", LEAST_K), l=_at_least(body, "l", LEAST_L),
    )  # fmt: skip


def _column(source: str, entry: object, missing: frozenset[str]) -> Column:
    if not isinstance(entry, Mapping):
        raise _bad(f"column “{source}” needs a type, such as {{type: number}}")
    _only_known(entry, COLUMN_KEYS, f"column “{source}”")
    kind = str(entry.get("type") or "")
    if kind not in TYPES:
        raise _bad(f"the type of column “{source}” must be one of {', '.join(TYPES)}")
    usual = {"subject": "subject", "text": "free-text"}.get(kind, "measure")
    role = str(entry.get("role") or usual)
    if role not in ROLES or (kind == "subject") != (role == "subject") or (kind == "text" and role != "free-text"):
        raise _bad(f"the role of column “{source}” must be one of {', '.join(ROLES)}, and fit its type")
    unit = str(entry.get("unit") or "")
    if kind in ("number", "integer") and AGE_NAME.search(source) and unit.casefold() in ("", *YEARS):
        kind = "age"
    values = _values(source, entry.get("values")) if kind == "code" and role not in ("drop", "free-text") else None
    return Column(
        source, "subject" if kind == "subject" else str(entry.get("name") or source), kind, role,
        unit or ("years" if kind == "age" else ""), str(entry.get("description") or ""), values,
        missing | _texts(entry.get("missing"), f"missing of {source}"), _bins(source, kind, entry.get("bins")),
        _rounding(source, kind, entry.get("round")), str(entry.get("issuer") or ""), str(entry.get("kind") or source),
        str(entry.get("format") or ""),
    )  # fmt: skip


def _values(source: str, values: object) -> Mapping[str, str]:
    if isinstance(values, Mapping) and values:
        return {_plain(key): _plain(value) for key, value in values.items()}
    if isinstance(values, list) and values and all(isinstance(value, str | int | float | bool) for value in values):
        return {_plain(value): _plain(value) for value in values}
    raise _bad(f"the code column “{source}” needs its “values”: a list, or what is written for each")


def _plain(value: object) -> str:
    """Give a value as a file spells it; YAML reads an unquoted yes, no or 1 as something else."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bins(source: str, kind: str, edges: object) -> tuple[float, ...]:
    if edges is None:
        return ()
    if kind not in NUMERIC or not isinstance(edges, list) or len(edges) < 2:
        raise _bad(f"the “bins” of column “{source}” must be two or more rising numbers, of a numeric column")
    numbers = tuple(float(edge) for edge in edges if isinstance(edge, int | float) and not isinstance(edge, bool))
    if len(numbers) != len(edges) or any(low >= high for low, high in zip(numbers, numbers[1:], strict=False)):
        raise _bad(f"the “bins” of column “{source}” must be two or more rising numbers, of a numeric column")
    return numbers


def _rounding(source: str, kind: str, step: object) -> float | None:
    if step is None:
        return None
    if kind not in NUMERIC or isinstance(step, bool) or not isinstance(step, int | float) or step <= 0:
        raise _bad(f"“round” of column “{source}” must be a number above 0, of a numeric column")
    return float(step)


def _texts(values: object, what: str) -> frozenset[str]:
    if values is None:
        return frozenset()
    if not isinstance(values, list):
        raise _bad(f"“{what}” must be a list")
    return frozenset(_plain(value) for value in values)


def _at_least(body: Mapping[str, Any], name: str, least: int) -> int:
    value = body.get(name, least)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _bad(f"“{name}” must be a whole number of at least {least}")
    return value


def _only_known(entry: Mapping[Any, Any], known: frozenset[str], what: str) -> None:
    unknown = sorted(str(key) for key in entry if key not in known)
    if unknown:
        raise _bad(f"{what} has an unknown entry “{unknown[0]}”; known are {', '.join(sorted(known))}")


def _bad(why: str) -> InvalidInput:
    return InvalidInput(
        f"The declaration of the columns is not usable: {why}. Mend it and try again.", code="bad-declaration"
    )
