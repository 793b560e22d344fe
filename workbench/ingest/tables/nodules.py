"""The table of nodules that belongs to a dataset's scans.

Runs in: ingest host
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.errors import InvalidInput

# Positions are of the centre in the patient (LPS), mm.
COLUMNS = {
    "scan": "string", "nodule": "string", "x_mm": "float64", "y_mm": "float64", "z_mm": "float64",
    "diameter_mm": "float64", "texture": "string", "place": "string", "malignant": "bool",
}  # fmt: skip
ABOUT = {
    "scan": "the scan that shows it", "nodule": "its name within one ingest", "x_mm": "centre, towards the left",
    "y_mm": "centre, towards the back", "z_mm": "centre, towards the head", "diameter_mm": "largest diameter",
    "texture": "solid, part-solid or ground-glass", "place": "isolated, or what it touches",
    "malignant": "whether it is cancer",
}  # fmt: skip
DECLARATION = {
    "title": "Nodules",
    "columns": [
        {"name": name, "type": kind, "unit": "mm" if name.endswith("_mm") else None, "description": ABOUT[name]}
        for name, kind in COLUMNS.items()
    ],
}
Nodules = Mapping[str, Iterable[Mapping[str, Any]]]


def nodule_rows(scans: Mapping[str, str], nodules: Nodules) -> list[dict[str, Any]]:
    """Give the rows of the table: the nodules of the ingested scans, numbered.

    Parameters
    ----------
    scans : mapping of str to str
        Source series UID to scan id.
    nodules : mapping
        Source series UID to the series' nodules: `x_mm, y_mm, z_mm, diameter_mm` and, where known, `texture, place,
        malignant`.

    Raises
    ------
    InvalidInput
        When a nodule lacks its place or size.
    """
    rows: list[dict[str, Any]] = []
    for uid, scan in sorted(scans.items(), key=lambda pair: pair[1]):
        for nodule in nodules.get(uid, ()):
            row = {"scan": scan, "nodule": f"N{len(rows) + 1:04d}", **nodule}
            lacking = [name for name in ("x_mm", "y_mm", "z_mm", "diameter_mm") if row.get(name) is None]
            if lacking:
                raise InvalidInput(f"A nodule of {scan} has no {lacking[0]}; each needs a centre and a diameter.")
            rows.append({name: row.get(name) for name in COLUMNS})
    return rows


def nodule_parts(rows: list[dict[str, Any]], subjects: Mapping[str, str]) -> dict[str, bytes]:
    """Give each subject's nodules as an Arrow IPC file, by subject; `subjects` says whose each scan is."""
    return {
        subject: nodule_table([row for row in rows if subjects[row["scan"]] == subject])
        for subject in sorted({subjects[row["scan"]] for row in rows})
    }


def nodule_table(rows: list[dict[str, Any]]) -> bytes:
    """Give the rows as an Arrow IPC file."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use

    types = {"string": pa.string(), "float64": pa.float64(), "bool": pa.bool_()}
    schema = pa.schema([pa.field(name, types[kind]) for name, kind in COLUMNS.items()])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    return bytes(sink.getvalue().to_pybytes())
