"""One table of a file, checked and de-identified, ready for the gateway; or a refusal and nothing.

Runs in: ingest host
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.ingest.refusals import Refusal, refuse
from workbench.ingest.tables.declaration import Column, Declaration
from workbench.ingest.tables.leaks import find_leaks
from workbench.ingest.tables.prepared import People, PreparedTable, Subjects, check_cells, deidentified
from workbench.ingest.tables.reading import batches, read_form, rows_named
from workbench.ingest.tables.values import convert

Progress = Callable[[int, int, str], None]
# A column's name is told when it looks like a name; a header that is data would tell a patient's.
NAME_LIKE = re.compile(r"[A-Za-z][\w .()/%-]{0,63}")


@dataclass(frozen=True)
class Piece:
    """Some rows of a source.

    Parameters
    ----------
    frame : pandas.DataFrame
        Texts by source column.
    first : int
        The number of its first row, the header being row 1.
    """

    frame: Any
    first: int


def read_table(
    path: Path, declaration: Declaration, subjects: Subjects, *, progress: Progress | None = None
) -> PreparedTable:
    """Read a CSV or Parquet file as declared, and de-identify it.

    Subjects become pseudonyms equal to those of their images, dates are shifted as the images' are, ids become
    pseudonyms, ages above 89 become 90, free text and dropped columns stay behind.

    Parameters
    ----------
    path : Path
        The file.
    declaration : Declaration
        What is in it; see `read_declaration`.
    subjects : callable
        Gives a subject's pseudonyms; see `subjects_of`.
    progress : callable, optional
        Called with (rows, rows, what).

    Returns
    -------
    PreparedTable
        With everything the gateway needs.

    Raises
    ------
    IngestRefused
        With a code, column and rows: `undeclared-column`, `absent-column`, `no-header`, `duplicated-header`,
        `ragged-rows`, `bad-encoding`, `wrong-type`, `decimal-comma`, `unknown-code`, `missing-subject`,
        `looks-like-id`, `small-cells`, `no-rows` or `leak`.
    InvalidInput
        When there is no such file.
    """
    form = read_form(path, delimiter=declaration.delimiter, encoding=declaration.encoding)
    check_columns(form.header, declaration, path.name)

    def pieces() -> Iterable[Piece]:
        # Row 1 is the header, so that numbers are those that a spreadsheet shows.
        first = 2
        for frame in batches(path, form):
            frame.columns = list(form.header)
            yield Piece(frame, first)
            first += len(frame)
            if progress is not None:
                progress(first - 2, first - 2, "rows")

    return prepare(pieces(), declaration, subjects, path.name)


def check_columns(header: Iterable[str], declaration: Declaration, file: str) -> None:
    """Refuse columns that are not declared, and declared ones that are not there.

    Raises
    ------
    IngestRefused
        With all of them.
    """
    header, declared = list(header), {column.source for column in declaration.columns}
    if not declared & set(header):
        reason = "none of the declared columns is in its first row; perhaps it has no header."
        raise refuse([Refusal("no-header", reason, (file,))])
    refusals = []
    for number, name in enumerate(header, 1):
        if name not in declared:
            told = f"“{name}”" if NAME_LIKE.fullmatch(name) else f"number {number}"
            reason = (
                f"column {told} is not declared; declare it (`role: drop` leaves it out). "
                "`workbench ingest FILE --suggest-columns` writes a skeleton of the declaration."
            )
            refusals.append(Refusal("undeclared-column", reason, (file,)))
    for column in declaration.columns:
        if column.source not in header:
            reason = f"the declared column “{column.source}” is not in it; mend the file or its declaration."
            refusals.append(Refusal("absent-column", reason, (file,)))
    if refusals:
        raise refuse(refusals)


def prepare(
    pieces: Iterable[Piece], declaration: Declaration, subjects: Subjects, file: str, *, secrets: Iterable[str] = ()
) -> PreparedTable:  # fmt: skip
    """De-identify pieces of a table and check the whole; `secrets` are further texts that must not be left.

    Raises
    ------
    IngestRefused
        As `read_table`.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    people, wrong = People(subjects), defaultdict[tuple[str, str, str], list[int]](list)
    done: list[Any] = []
    identifying: dict[str, set[str]] = defaultdict(set, {"": set(secrets)})
    for piece in pieces:
        made = _piece(piece, declaration, people, wrong, identifying)
        if not wrong:
            done.append(made)
    if wrong:
        raise refuse([_wrong_refusal(*key, rows, file) for key, rows in wrong.items()])
    if not sum(map(len, done)):
        raise refuse([Refusal("no-rows", "it has a header and no rows.", (file,))])
    frame = pd.concat(done, ignore_index=True)
    rows = len(frame)
    frame, cells, suppressed = check_cells(frame, declaration, file)
    leaks = find_leaks(frame, declaration, identifying)
    if leaks:
        raise refuse(
            [Refusal("leak", f"column “{name}” would still tell something ({rule}).", (file,)) for name, rule in leaks]
        )
    report = {
        "table": declaration.table, "rows": len(frame), "rows_read": rows, "suppressed_rows": suppressed,
        "subjects": int(frame["subject"].nunique()), "k": cells.k, "l": cells.l, "groups": cells.groups,
        "actions": _actions(declaration),
        "done": {column.name: _action(column) for column in declaration.columns if column.is_kept},
    }  # fmt: skip
    return PreparedTable(declaration.table, declaration.schema(), frame, report)


def _piece(
    piece: Piece, declaration: Declaration, people: People, wrong: dict[tuple[str, str, str], list[int]],
    identifying: dict[str, set[str]],
) -> Any:  # fmt: skip
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    typed = {}
    for column in declaration.columns:
        texts = piece.frame[column.source]
        if column.type in ("subject", "id") or not column.is_kept:
            identifying[column.source].update(texts.drop_duplicates().str.strip().tolist())
        if column.is_kept:
            converted = convert(texts, column, declaration.decimal)
            if converted.wrong:
                rows = [piece.first + place for place in converted.wrong]
                wrong[column.source, converted.code, converted.reason] += rows
            else:
                typed[column.source] = converted.values
    if wrong:
        return None
    numbers = people.number(typed[declaration.subject.source])
    kept = [column for column in declaration.columns if column.is_kept]
    return pd.DataFrame(
        {column.name: deidentified(typed[column.source], column, people, numbers) for column in kept}
    )  # fmt: skip


def _wrong_refusal(source: str, code: str, reason: str, rows: list[int], file: str) -> Refusal:
    return Refusal(code, f"column “{source}” has {reason}, in {rows_named(rows)}.", (file,))


def _actions(declaration: Declaration) -> dict[str, int]:
    """Count the columns by what was done to them."""
    counts: dict[str, int] = defaultdict(int)
    for column in declaration.columns:
        counts[_action(column)] += 1
    return dict(counts)


def _action(column: Column) -> str:
    if not column.is_kept:
        return "removed"
    if column.bins or column.round:
        return "generalised"
    done = {"subject": "pseudonym", "id": "pseudonym", "date": "shifted", "age": "capped", "code": "declared codes"}
    return done.get(column.type, "kept")
