"""Whether the rows of a table are people: the one judgement that notebooks, texts and payloads share.

A table of groups has labels that tell its rows apart, or a column of counts; a table of people has identifiers, or
rows that nothing but their position tells apart.

Runs in: anywhere
Source: SDC handbook v1.0 (Griffiths et al. 2019), section 4: no release holds a record of one respondent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from workbench.airlock.findings import Hit

FEW_ROWS = 5
LONG_TABLE = 60
FREE_TEXT = 60
MINIMUM_COUNT = 10

_PERSON = re.compile(
    r"(subject|patient|participant|person|scan|respondent)(_?(id|uid|no|nr|num|number|name|key|code|pseudonym))?"
    r"|(study|series|sop|accession|mrn|nhs|case|sample|record|visit|encounter|hospital)_?"
    r"(instance)?_?(id|uid|no|nr|num|number|mrn)"
    r"|(\w+_)?(mrn|dob|uid|ssn|pid)|(\w+_)?(birth_?date|birthday|date_of_birth|surname|last_?name|first_?name)|seriesuid"
)
_COUNT = re.compile(
    r"n|count|counts|size|freq|frequency|n_\w+|num_\w+|\w+_count|scans|subjects|patients|people|cases|support"
)
_UID = re.compile(
    r"\d+(\.\d+){5,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}(\.\.\.)?", re.I
)
_PADDED = re.compile(r"([A-Za-z][A-Za-z0-9]{0,15}?[-_ ]?)(0\d+|\d{3,})(\.[a-z]{2,5})?")
_NUMBER = re.compile(r"[-+−]?(\d[\d,  ]*(\.\d*)?|\.\d+)(e[-+]?\d+)?\s?%?", re.I)
_DATE = re.compile(r"\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*")
_EMPTY = {"", "nan", "none", "nat", "<na>", "null", "...", "…", "na"}


def is_person_column(name: str) -> bool:
    """Whether a column's name says that each value stands for one person or one scan.

    >>> is_person_column("Subject ID"), is_person_column("subjects")
    (True, False)
    """
    return _PERSON.fullmatch(re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")) is not None


def is_count_column(name: str) -> bool:
    """Whether a column's name says that it counts the members of a group."""
    return _COUNT.fullmatch(re.sub(r"[\W_]+", "_", name.strip().lower()).strip("_")) is not None


def are_identifiers(values: Sequence[str]) -> bool:
    """Whether several values are names such as P0001, LUNG1-003 or a UID: one pattern, hardly ever the same twice."""
    there = [value.strip() for value in values if value.strip().lower() not in _EMPTY]
    if len(there) < 3 or len(set(there)) < 0.6 * len(there):
        return False
    if sum(_UID.fullmatch(value) is not None for value in there) > 0.8 * len(there):
        return True
    parts = [match for match in map(_PADDED.fullmatch, there) if match]
    return len(parts) > 0.8 * len(there) and len({match[1] for match in parts}) <= max(1, len(parts) // 4)


def judge_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Hit]:
    """Judge one table.

    Parameters
    ----------
    header : sequence of str
        The names of the columns; empty where the table has none, and an empty name for an index.
    rows : sequence of sequence of str
        What stands in the cells; rows of another width than most are left out.

    Returns
    -------
    list of Hit
        Nothing for a table of groups.

    Examples
    --------
    >>> judge_rows(["scan", "age"], [["S0001", "61"]])[0].rule
    'row-level-table'
    """
    width = max((len(row) for row in rows), key=[len(row) for row in rows].count, default=0)
    body = [row for row in rows if len(row) == width]
    if not body or width == 0:
        return []
    names = [name.strip() for name in header][-width:]
    names = [""] * (width - len(names)) + names
    columns = [[row[at].strip() for row in body] for at in range(width)]
    person = next((name for name in names if is_person_column(name)), None)
    if person is not None:
        return [_rows(f"{len(body)} rows, each about one person: the column “{person[:40]}” names them")]
    if any(are_identifiers(column) for column in columns):
        return [_rows(f"{len(body)} rows with an identifier in each")]
    counts = [at for at, name in enumerate(names) if name and is_count_column(name) and _is_numeric(columns[at])]
    if counts:
        return _small_counts(names[counts[0]], columns[counts[0]])
    return _without_names(names, columns, len(body)) if width > 1 else []


def _without_names(names: Sequence[str], columns: Sequence[list[str]], rows: int) -> list[Hit]:
    """Judge a table that has neither identifiers nor counts by what tells its rows apart."""
    if rows < FEW_ROWS:
        return []
    texts = [column for column in columns if not _is_numeric(column) and not _are_dates(column)]
    if any(sum(len(value) > FREE_TEXT for value in column) >= FEW_ROWS for column in texts) and names[0] == "":
        return [_rows(f"{rows} rows of free text")]
    labels = [column for column in texts if len(set(column)) == rows and any(c.isalpha() for c in "".join(column))]
    if labels:
        long = Hit("long-table", f"A table of {rows} rows; check that each row is a group.", "look")
        return [long] if rows > LONG_TABLE else []
    varying = sum(len(set(column)) > 1 for column in columns)
    is_unnamed_pair = not any(names) and varying < 3 and not _says_person(columns) and columns[0][:2] != ["0", "1"]
    if (names[0] and not _is_position(columns[0])) or is_unnamed_pair:
        return [Hit("unlabelled-table", f"{rows} rows that no label or count tells apart; say what they are.", "look")]
    if texts and len(set(zip(*texts, strict=True))) == rows and len(texts) > 1:
        return [Hit("unlabelled-table", f"{rows} rows without counts; check that each row is a group.", "look")]
    return [_rows(f"{rows} rows that nothing but their position tells apart")]


def _says_person(columns: Sequence[list[str]]) -> bool:
    """Whether a word that stands in every row, as a loop prints it, names a person or a scan."""
    return any(len(set(column)) == 1 and is_person_column(column[0]) for column in columns)


def _small_counts(name: str, values: Sequence[str]) -> list[Hit]:
    small = sum(0 < number < MINIMUM_COUNT for number in map(_as_number, values) if number is not None)
    if not small:
        return []
    return [
        Hit("small-count", f"{small} counts in “{name[:40]}” are below {MINIMUM_COUNT}; merge or hide those groups.")
    ]


def _rows(what: str) -> Hit:
    return Hit("row-level-table", f"{what}; release groups of at least {MINIMUM_COUNT} instead.")


def _as_number(value: str) -> float | None:
    try:
        return float(re.sub(r"[,  %]", "", value.replace("−", "-")))
    except ValueError:
        return None


def _is_numeric(column: Sequence[str]) -> bool:
    there = [value for value in column if value.lower() not in _EMPTY]
    return bool(there) and all(_NUMBER.fullmatch(value) for value in there)


def _are_dates(column: Sequence[str]) -> bool:
    return all(_DATE.fullmatch(value) for value in column if value.lower() not in _EMPTY)


def _is_position(column: Sequence[str]) -> bool:
    """Whether a first column only counts up, as the index of a frame does (parts left out, or filtered)."""
    numbers = [_as_number(value) for value in column if value.lower() not in _EMPTY]
    whole = [int(number) for number in numbers if number is not None and number == int(number)]
    return len(whole) == len(numbers) > 0 and all(a < b for a, b in zip(whole, whole[1:], strict=False))
