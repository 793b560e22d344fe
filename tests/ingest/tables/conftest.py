"""Small tables drawn here, and what is declared of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.ingest.deidentify.pseudonyms import Pseudonyms
from workbench.ingest.tables.declaration import Declaration, parse_declaration
from workbench.ingest.tables.prepared import PreparedTable, subjects_of
from workbench.ingest.tables.table import read_table

KEY = b"k" * 32
COLUMNS: dict[str, Any] = {
    "mrn": {"type": "subject"},
    "age": {"type": "age", "role": "quasi", "bins": [0, 50, 91]},
    "sex": {"type": "code", "role": "quasi", "values": {"M": "male", "F": "female"}},
    "seen": {"type": "date"},
    "accession": {"type": "id", "kind": "AccessionNumber"},
    "stage": {"type": "code", "role": "sensitive", "values": ["I", "II"]},
    "size": {"type": "number", "unit": "mm"},
    "note": {"type": "text"},
}
HEADER = ",".join(COLUMNS)


def make_rows(count: int = 24) -> list[str]:
    """Give rows of as many patients, six in each group of age and sex."""
    return [
        f"MRN-{n:05d},{30 if n % 2 else 70},{'MF'[n // 2 % 2]},2019-05-{n % 28 + 1:02d},ACC{n:06d},"
        f"{'I' * (n // 4 % 2 + 1)},{n}.5,seen by Dr. Meyer {n}"
        for n in range(count)
    ]


@pytest.fixture
def rows() -> list[str]:
    """Give good rows."""
    return make_rows()


@pytest.fixture
def declare() -> Callable[..., Declaration]:
    """Give a function that declares the usual columns, some of them changed."""

    def make(table: dict[str, Any] | None = None, **changes: dict[str, Any] | None) -> Declaration:
        columns = {name: changes.get(name, entry) for name, entry in {**COLUMNS, **changes}.items()}
        kept = {name: entry for name, entry in columns.items() if entry is not None}
        return parse_declaration({"table": "visits", "columns": kept, **(table or {})})

    return make


@pytest.fixture
def read(tmp_path: Path, declare: Callable[..., Declaration]) -> Callable[..., PreparedTable]:
    """Give a function that writes lines (or bytes) as a file and reads it as declared."""

    def make(
        lines: list[str] | bytes, declaration: Declaration | None = None, *, header: str = HEADER, name: str = "t.csv"
    ) -> PreparedTable:
        path = tmp_path / name
        path.write_bytes(lines if isinstance(lines, bytes) else "\n".join([header, *lines]).encode() + b"\n")
        return read_table(path, declaration or declare(), subjects_of(KEY))

    return make


@pytest.fixture
def pseudonyms() -> Callable[[str], Pseudonyms]:
    """Give the pseudonyms of a subject."""
    return subjects_of(KEY)
