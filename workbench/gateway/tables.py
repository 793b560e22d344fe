"""Tables of a version: one part per subject under the subject's key, joined when they are read.

Runs in: gateway
Source: Apache Arrow columnar format, IPC files for the parts and IPC streams for readers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from workbench.errors import InvalidInput

# What a declaration may say of a column's type.
TYPES = {
    "string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "date": pa.date32(),
    "time": pa.timestamp("us"),
}  # fmt: skip
NODULES = pa.schema([
    ("scan", pa.string()), ("nodule", pa.string()), ("x_mm", pa.float64()), ("y_mm", pa.float64()),
    ("z_mm", pa.float64()), ("diameter_mm", pa.float64()), ("texture", pa.string()), ("place", pa.string()),
    ("malignant", pa.bool_()),
])  # fmt: skip
SCANS = pa.schema([
    ("scan", pa.string()), ("subject", pa.string()), ("split", pa.string()), ("modality", pa.string()),
    ("slices", pa.int64()), ("rows", pa.int64()), ("columns", pa.int64()), ("spacing_z_mm", pa.float64()),
    ("spacing_y_mm", pa.float64()), ("spacing_x_mm", pa.float64()), ("sha256", pa.string()),
])  # fmt: skip
# Tables that every dataset has; nobody sends them.
MADE_HERE = ("scans",)
MOST_COLUMNS = 1000
MOST_NAME = 200


@dataclass(frozen=True)
class Rows:
    """Rows of a table, and the subject to whom each of them belongs."""

    table: pa.Table
    owners: pa.Array


def scan_rows(scans: Sequence[Mapping[str, Any]]) -> Rows:
    """Give the table of scans out of what is known of each."""
    rows = []
    for facts in scans:
        row = {name: facts.get(name) for name in ("scan", "subject", "split", "modality", "sha256")}
        row |= dict(zip(("slices", "rows", "columns"), facts["shape"], strict=True))
        row |= dict(zip(("spacing_z_mm", "spacing_y_mm", "spacing_x_mm"), facts["spacing_mm"], strict=True))
        rows.append(row)
    table = pa.Table.from_pylist(rows, schema=SCANS)
    return Rows(table, pa.array([row["subject"] for row in rows], pa.string()))


def schema_of(table: str, declaration: Mapping[str, Any]) -> pa.Schema:
    """Give the Arrow schema that a declaration describes.

    Parameters
    ----------
    table : str
        The table's name.
    declaration : mapping
        `title` and `columns`: a list of `{name, type, unit, description}`, the types being those of `TYPES`.

    Raises
    ------
    InvalidInput
        When it is not a declaration.
    """
    columns = declaration.get("columns")
    if not isinstance(declaration.get("title"), str) or not isinstance(columns, list) or not columns:
        raise InvalidInput(f"tables/{table}.json needs a “title” and “columns”, a list with each column's name.")
    fields = []
    for column in columns[: MOST_COLUMNS + 1]:
        name, kind = (column.get("name"), column.get("type")) if isinstance(column, dict) else (None, None)
        if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME or kind not in TYPES:
            raise InvalidInput(f"Each column of tables/{table}.json needs a name and a type: {', '.join(TYPES)}.")
        fields.append(pa.field(name, TYPES[kind]))
    if len(fields) > MOST_COLUMNS or len({field.name for field in fields}) != len(fields):
        raise InvalidInput(f"tables/{table}.json declares a column twice, or more than {MOST_COLUMNS} columns.")
    schema = pa.schema(fields)
    if table == "nodules" and schema != NODULES:
        raise InvalidInput(f"The table of nodules has the columns {', '.join(NODULES.names)}, and no others.")
    return schema


def read_part(data: bytes, schema: pa.Schema, table: str) -> pa.Table:
    """Give the rows of one part, which must hold exactly the declared columns."""
    try:
        found = pa.ipc.open_file(pa.BufferReader(data)).read_all()
        if sorted(found.column_names) == sorted(schema.names):
            return found.select(schema.names).cast(schema)
    except (pa.ArrowException, KeyError, ValueError):
        pass
    raise InvalidInput(f"A part of the table “{table}” does not hold the columns that tables/{table}.json declares.")


def join(parts: Sequence[tuple[str, pa.Table]], schema: pa.Schema) -> Rows:
    """Give the rows of all subjects' parts, by scan where the rows name one."""
    whole = pa.concat_tables([schema.empty_table(), *(part for _, part in parts)]).combine_chunks()
    owners = pa.array([subject for subject, part in parts for _ in range(part.num_rows)], pa.string())
    if "scan" not in schema.names:
        return Rows(whole, owners)
    # `sort_indices` is stable, so the rows of a scan keep their order.
    order = pc.sort_indices(whole, sort_keys=[("scan", "ascending")])
    return Rows(whole.take(order), owners.take(order))


def renewed(before: pa.Table, now: pa.Table) -> pa.Table:
    """Give a subject's rows after an ingest: new ones replace those of the same scans, or all where none is named."""
    if "scan" not in now.column_names:
        return now
    kept = before.filter(pc.invert(pc.is_in(before["scan"], value_set=now["scan"].combine_chunks())))
    return pa.concat_tables([kept, now]).combine_chunks()


def to_file(table: pa.Table) -> bytes:
    """Give a table as an Arrow IPC file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def to_stream(table: pa.Table) -> bytes:
    """Give a table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def described(table: str, schema: pa.Schema, declaration: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give what a reader is told of a table: its name, title and columns."""
    if declaration is not None:
        return {"name": table, "title": declaration["title"], "columns": declaration["columns"]}
    names = {kind: name for name, kind in TYPES.items()}
    return {
        "name": table, "title": table.capitalize(),
        "columns": [{"name": field.name, "type": names[field.type]} for field in schema],
    }  # fmt: skip
