"""The rows of a CSV or Parquet file as text, piece by piece, or a refusal that names row and column, never a value.

Runs in: ingest host
Source: RFC 4180 (CSV).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import IngestRefused, InvalidInput
from workbench.ingest.refusals import Refusal, refuse

DELIMITERS = (",", ";", "\t", "|")
BLOCK_BYTES, BATCH_ROWS = 8 << 20, 200_000
HEADER_BYTES = 1 << 20
NAMED_ROWS = 5
# A first row with such a cell is no header but somebody's data.
DATA_CELL = re.compile(r"[+-]?\d+(?:[.,]\d+)?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|")
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# Arrow says so in a row with a letter that the encoding does not have.
BAD_ROW = re.compile(r"Row #(\d+)")


@dataclass(frozen=True)
class Form:
    """How a file is written.

    Parameters
    ----------
    kind : str
        `csv` or `parquet`.
    header : tuple of str
        The names of its columns.
    delimiter, encoding : str
        Of a CSV file.
    """

    kind: str
    header: tuple[str, ...]
    delimiter: str = ","
    encoding: str = "utf-8"


def read_form(path: Path, *, delimiter: str = "", encoding: str = "utf-8") -> Form:
    """Look at the beginning of a file.

    Raises
    ------
    InvalidInput
        When there is no such file, or it is neither CSV nor Parquet.
    IngestRefused
        When it has no header, or one that cannot be used.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(HEADER_BYTES)
    except OSError:
        raise InvalidInput("The table cannot be opened; give the path of a CSV or Parquet file.") from None
    if start[:4] == b"PAR1":
        return Form("parquet", _checked(_parquet_names(path), path))
    if any(start.startswith(mark) for mark in BYTE_ORDER_MARKS) and encoding == "utf-8":
        raise refused(path, "bad-encoding", "it is written in UTF-16; save it as UTF-8, or declare `encoding: utf-16`.")
    try:
        text = start.decode(encoding, "ignore" if len(start) == HEADER_BYTES else "strict").removeprefix("\ufeff")
    except UnicodeDecodeError as problem:
        row = start[: problem.start].count(b"\n") + 1
        raise refused(path, "bad-encoding", _encoding_reason(row, encoding)) from None
    except LookupError:
        raise InvalidInput("The declared “encoding” is not known; name one such as utf-8 or latin-1.") from None
    if "\0" in text[:4096] or not text.strip():
        raise refused(path, "not-a-table", "it is empty, or neither CSV nor Parquet.")
    line = text.splitlines()[0]
    delimiter = delimiter or max(DELIMITERS, key=line.count)
    return Form("csv", _checked(next(csv.reader([line], delimiter=delimiter)), path), delimiter, encoding)


def batches(path: Path, form: Form) -> Iterator[Any]:
    """Give the rows as pandas frames of text, at most some 100 thousand at a time; a missing value is an empty text.

    Raises
    ------
    IngestRefused
        `ragged-rows`, `bad-encoding` or `not-a-table`, with the numbers of rows; the header is row 1.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use

    ragged: list[int] = []
    try:
        for batch in _parquet(path) if form.kind == "parquet" else _csv(path, form, ragged):
            if ragged:
                break
            yield batch.to_pandas()
    except pa.ArrowInvalid as problem:
        found = BAD_ROW.search(str(problem))
        if "UTF8" not in str(problem) and "encod" not in str(problem).lower():
            raise refused(path, "not-a-table", f"it cannot be read as {form.kind}: it is damaged or cut.") from None
        raise refused(path, "bad-encoding", _encoding_reason(int(found[1]) if found else 0, form.encoding)) from None
    except UnicodeDecodeError:
        raise refused(path, "bad-encoding", _encoding_reason(0, form.encoding)) from None
    if ragged:
        where = f"{rows_named(ragged)} {'has' if len(ragged) == 1 else 'have'} not {len(form.header)} fields"
        raise refused(path, "ragged-rows", f"{where}, as the header has; quote fields that hold the delimiter.")


def rows_named(rows: list[int]) -> str:
    """Name a few rows and count the rest.

    >>> rows_named([3, 5, 8, 9, 11, 12, 40])
    'rows 3, 5, 8, 9, 11 and 2 more'
    """
    rows = sorted(rows)
    more = f" and {len(rows) - NAMED_ROWS} more" if len(rows) > NAMED_ROWS else ""
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows[:NAMED_ROWS]))}{more}"


def refused(path: Path, code: str, reason: str) -> IngestRefused:
    """Give the error for a table that may not come in."""
    return refuse([Refusal(code, reason, (path.name,))])


def _csv(path: Path, form: Form, ragged: list[int]) -> Iterator[Any]:
    from pyarrow import csv as arrow  # noqa: PLC0415 - heavy, loaded on first use
    from pyarrow import string  # noqa: PLC0415 - heavy, loaded on first use

    def note(row: Any) -> str:
        ragged.append(row.number or 0)
        return "skip"

    reader = arrow.open_csv(
        path,
        read_options=arrow.ReadOptions(
            use_threads=False, block_size=BLOCK_BYTES, encoding=form.encoding, column_names=list(form.header),
            skip_rows=1,
        ),
        parse_options=arrow.ParseOptions(
            delimiter=form.delimiter, newlines_in_values=True, invalid_row_handler=note
        ),
        convert_options=arrow.ConvertOptions(
            column_types={name: string() for name in form.header}, strings_can_be_null=False
        ),
    )  # fmt: skip
    yield from reader


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use
    from pyarrow import compute, parquet  # noqa: PLC0415 - heavy, loaded on first use

    with parquet.ParquetFile(path) as source:
        for batch in source.iter_batches(BATCH_ROWS):
            columns = []
            for column in batch.columns:
                if pa.types.is_timestamp(column.type):
                    column = compute.strftime(column, format="%Y-%m-%d")
                if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
                    raise pa.ArrowInvalid("a column that is no plain value")
                columns.append(compute.fill_null(compute.cast(column, pa.string()), ""))
            yield pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _parquet_names(path: Path) -> list[str]:
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use
    from pyarrow import parquet  # noqa: PLC0415 - heavy, loaded on first use

    try:
        return [str(name) for name in parquet.read_schema(path).names]
    except (pa.ArrowException, OSError):
        raise refused(path, "not-a-table", "it is a damaged or cut Parquet file.") from None


def _checked(header: list[str], path: Path) -> tuple[str, ...]:
    names = tuple(name.strip() for name in header)
    if any(DATA_CELL.fullmatch(name) for name in names):
        raise refused(path, "no-header", "its first row is not a header: a name is missing or is a number or date.")
    twice = sorted({index + 1 for index, name in enumerate(names) if names.index(name) != index})
    if twice:
        raise refused(path, "duplicated-header", f"column {twice[0]} has the name of an earlier one; rename it.")
    return names


def _encoding_reason(row: int, encoding: str) -> str:
    where = f"row {row}" if row else "a row"
    return f"{where} is not {encoding}; save the file as UTF-8, or declare its `encoding` (such as latin-1)."
