"""A declared table de-identified: pseudonyms for subjects, shifted dates, no small cells; or a refusal.

Runs in: ingest host
Source: DICOM PS3.15 2026c E.3.6 (shifted dates), so that a table's dates and its images' fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from workbench.ingest.deidentify.pseudonyms import Pseudonyms, patient_identity
from workbench.ingest.refusals import Refusal, refuse
from workbench.ingest.tables.declaration import Column, Declaration
from workbench.ingest.tables.small_cells import Cells, find_cells
from workbench.ingest.tables.values import generalised

Subjects = Callable[[str], Pseudonyms]
SOME_DAY = date(2000, 1, 1)
# A whole number of six digits that hardly ever repeats is somebody's number, whatever it was declared as.
ID_DIGITS, ID_SHARE, ID_ROWS = 100_000, 0.95, 20


def subjects_of(key: bytes, issuer: str = "") -> Subjects:
    """Give the pseudonyms of patients by ID, equal to those of their DICOM images under the same key.

    Parameters
    ----------
    key : bytes
        The project's (`project_key`).
    issuer : str, optional
        (0010,0021) of the images, where they name one.
    """

    def pseudonyms(subject: str) -> Pseudonyms:
        # Only `get` is asked of a header, and a plain mapping is ten times faster to make.
        header = {"PatientID": subject, "IssuerOfPatientID": issuer}
        return Pseudonyms(key, patient_identity(cast(Dataset, header)))

    return pseudonyms


@dataclass
class People:
    """The subjects of a table, numbered as they appear.

    Parameters
    ----------
    subjects : callable
        Gives the pseudonyms of a subject.
    """

    subjects: Subjects
    numbers: dict[str, int] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    pseudonyms: list[str] = field(default_factory=list)
    shifts: list[int] = field(default_factory=list)
    some: Pseudonyms | None = None

    def number(self, texts: Any) -> NDArray[np.int64]:
        """Give the numbers of the subjects of a series, meeting new ones."""
        import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

        codes, names = pd.factorize(texts)
        return np.array([self._of(name) for name in names.tolist()], np.int64)[codes]

    def _of(self, name: str) -> int:
        known = self.numbers.get(name)
        if known is None:
            one = self.some = self.subjects(name)
            # Differently padded IDs are one patient.
            known = self.places.setdefault(one.patient_id, len(self.pseudonyms))
            if known == len(self.pseudonyms):
                self.pseudonyms.append(one.patient_id)
                self.shifts.append((SOME_DAY - one.day(SOME_DAY)).days)
            self.numbers[name] = known
        return known


@dataclass(frozen=True)
class PreparedTable:
    """A table that may go to the gateway.

    Parameters
    ----------
    name : str
        `tables/<name>`.
    schema : dict
        Title and columns, for `tables/<name>.json`.
    frame : pandas.DataFrame
        The rows; the column `subject` holds pseudonyms.
    report : dict
        What was done, in numbers; no value of the source.
    """

    name: str
    schema: dict[str, Any]
    frame: Any
    report: dict[str, Any]

    def parts(self, names: Mapping[str, str] | None = None) -> Iterator[tuple[str, bytes]]:
        """Give each subject's rows as an Arrow IPC file, one subject after the other.

        Parameters
        ----------
        names : mapping of str to str, optional
            Pseudonym to the dataset's subject (`P0001`), which is then written in the rows and given as the name.
        """
        import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use

        schema = _arrow_schema(self.schema)
        order = self.frame.sort_values("subject", kind="stable")
        column = order["subject"].to_numpy()
        bounds = np.flatnonzero(np.r_[True, column[1:] != column[:-1], True]) if len(column) else np.zeros(0, int)
        if names is not None:
            order = order.assign(subject=order["subject"].map(names))
        whole = pa.Table.from_pandas(order, schema=schema, preserve_index=False)
        for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, schema) as writer:
                writer.write_table(whole.slice(start, stop - start).combine_chunks())
            pseudonym = str(column[start])
            yield (names[pseudonym] if names is not None else pseudonym), bytes(sink.getvalue().to_pybytes())

    def by_subject(self, names: Mapping[str, str] | None = None) -> dict[str, bytes]:
        """Give all parts at once, by subject."""
        return dict(self.parts(names))


def deidentified(values: Any, column: Column, people: People, numbers: NDArray[np.int64]) -> Any:
    """Give a piece of a column as it may be published.

    Parameters
    ----------
    values : pandas.Series
        Of the declared type.
    column : Column
        What is declared.
    people : People
        The subjects met so far.
    numbers : ndarray of int, shape (row,)
        The subject of each row.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    if column.type == "subject":
        return pd.Series(np.array(people.pseudonyms, object)[numbers], index=values.index)
    if column.type == "date":
        days = np.array(people.shifts, "timedelta64[D]")[numbers]
        return values.astype("datetime64[s]") - days.astype("timedelta64[s]")
    if column.type == "id" and people.some is not None:
        codes, ids = pd.factorize(values)
        made = [people.some.text(column.kind, one) for one in ids.tolist()]
        return pd.Series(np.array([*made, None], object)[codes], index=values.index)
    return generalised(values, column)


def check_cells(frame: Any, declaration: Declaration, file: str) -> tuple[Any, Cells, int]:
    """Give the frame without small cells, the groups it forms, and how many rows were left out.

    Raises
    ------
    IngestRefused
        `small-cells`, with the columns and counts; or `looks-like-id`.
    """
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    _refuse_ids(frame, declaration, file)
    subjects = np.asarray(pd.factorize(frame["subject"])[0], np.int64)
    kept = [column for column in declaration.columns if column.is_kept]
    quasi = [column.name for column in kept if column.role == "quasi"]
    sensitive = [column.name for column in kept if column.role == "sensitive"]
    cells = find_cells(frame, subjects, quasi, sensitive, k=declaration.k, l=declaration.l)
    if not cells.small and not cells.alike:
        return frame, cells, 0
    left = frame[~cells.rows]
    if not declaration.suppress or left.empty:
        raise refuse([Refusal("small-cells", _small_reason(cells, declaration, quasi, sensitive), (file,))])
    left = left.reset_index(drop=True)
    subjects = subjects[~cells.rows]
    return left, find_cells(left, subjects, quasi, sensitive, k=declaration.k, l=declaration.l), int(cells.rows.sum())


def _small_reason(cells: Cells, declaration: Declaration, quasi: list[str], sensitive: list[str]) -> str:
    by = ", ".join(quasi) or "no quasi-identifier"
    parts = []
    if cells.small:
        parts.append(f"{cells.small} of {cells.groups} groups by {by} have fewer than {declaration.k} patients")
    if cells.alike:
        parts.append(
            f"{cells.alike} of {cells.groups} groups by {by} share fewer than {declaration.l} values of "
            f"{', '.join(sensitive)}"
        )
    return (
        f"{' and '.join(parts)} ({int(cells.rows.sum())} of {len(cells.rows)} rows). Declare `bins` or `round` for the "
        "numbers, or one value for several codes, or `suppress: true` to leave these rows out."
    )


def _refuse_ids(frame: Any, declaration: Declaration, file: str) -> None:
    for column in declaration.columns:
        if not column.is_kept or column.type not in ("integer", "number") or column.bins or column.round:
            continue
        known = frame[column.name].dropna()
        whole = known[(known.astype("float64") % 1 == 0) & (known.abs() >= ID_DIGITS)]
        if len(whole) >= ID_ROWS and len(whole) > len(known) / 2 and whole.nunique() > ID_SHARE * len(whole):
            reason = (
                f"column “{column.source}” holds long whole numbers that hardly repeat, as record or telephone numbers "
                "do; declare it as `type: id`, `role: drop`, or give it `round`."
            )
            raise refuse([Refusal("looks-like-id", reason, (file,))])


def _arrow_schema(schema: Mapping[str, Any]) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - heavy, loaded on first use

    types = {
        "string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_(), "date": pa.date32(),
    }  # fmt: skip
    return pa.schema([pa.field(column["name"], types[column["type"]]) for column in schema["columns"]])
