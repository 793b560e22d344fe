"""What is declared comes in de-identified; what is not is refused by row and column, never by value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydicom.dataset import Dataset

from workbench.errors import IngestRefused
from workbench.ingest.deidentify.pseudonyms import Pseudonyms, patient_identity
from workbench.ingest.tables.declaration import parse_declaration
from workbench.ingest.tables.prepared import subjects_of
from workbench.ingest.tables.table import read_table


def refusal(read: Any, *args: Any, **options: Any) -> tuple[str, str]:
    with pytest.raises(IngestRefused) as refused:
        read(*args, **options)
    return refused.value.code, refused.value.message


def test_a_patient_has_one_pseudonym_in_tables_and_images(read: Any, rows: Any) -> None:
    header = Dataset()
    header.PatientID = "MRN-00000 "
    expected = Pseudonyms(b"k" * 32, patient_identity(header)).patient_id
    assert read(rows).frame["subject"][0] == expected


def test_dates_move_with_the_patients_images(read: Any, rows: Any, pseudonyms: Any) -> None:
    frame = read(rows).frame
    assert frame["seen"][3].date() == pseudonyms("MRN-00003").day(date(2019, 5, 4))


def test_an_accession_number_gets_the_pseudonym_that_images_have(read: Any, rows: Any, pseudonyms: Any) -> None:
    assert read(rows).frame["accession"][7] == pseudonyms("MRN-00007").text("AccessionNumber", "ACC000007")


def test_nothing_of_the_source_is_left_in_the_parts(read: Any, rows: Any) -> None:
    table = read(rows)
    content = b"".join(table.by_subject().values())
    for secret in (b"MRN", b"ACC0", b"Meyer", b"2019-05"):
        assert secret not in content
    assert "note" not in table.frame and "note" not in str(table.schema)


def test_parts_hold_one_subject_each_under_the_datasets_name(read: Any, rows: Any) -> None:
    table = read([*rows, rows[0]])
    names = {pseudonym: f"P{n:04d}" for n, pseudonym in enumerate(table.frame["subject"].unique(), 1)}
    parts = table.by_subject(names)
    first = pa.ipc.open_file(parts["P0001"]).read_all()
    assert len(parts) == 24
    assert first["subject"].to_pylist() == ["P0001", "P0001"]
    assert first.schema.field("seen").type == pa.date32()


def test_an_age_above_89_is_one_of_the_oldest(read: Any, rows: Any, declare: Any) -> None:
    rows = [row.replace(",70,", ",97,") for row in rows]
    frame = read(rows, declare(age={"type": "number", "role": "quasi"})).frame
    assert set(frame["age"]) == {30.0, 90.0}


def test_numbers_are_written_as_declared_groups_and_multiples(read: Any, rows: Any, declare: Any) -> None:
    frame = read(rows, declare(size={"type": "number", "round": 10})).frame
    assert set(frame["age"]) == {"0-50", "50-91"}
    assert frame["size"].tolist()[:6] == [0, 0, 0, 0, 0, 10]
    assert set(frame["sex"]) == {"male", "female"}


def test_an_undeclared_column_is_refused_by_name(read: Any, rows: Any, declare: Any) -> None:
    code, message = refusal(read, rows, declare(note=None))
    assert code == "undeclared-column"
    assert "“note” is not declared" in message and "suggest" in message and "Meyer" not in message


def test_a_column_that_is_not_there_is_refused(read: Any, rows: Any, declare: Any) -> None:
    assert refusal(read, rows, declare(weight={"type": "number"}))[0] == "absent-column"


def test_a_file_without_header_tells_no_patient(read: Any, rows: Any) -> None:
    code, message = refusal(read, rows[1:], header=rows[0])
    assert code == "no-header" and "MRN" not in message
    code, message = refusal(read, ["x,y"], header="Okonkwo,Adaeze")
    assert code == "no-header" and "Okonkwo" not in message


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (",30,", ",thirty,", "wrong-type"),
        (",30,", ",-3,", "wrong-type"),
        ("MRN-00001", "", "missing-subject"),
        (",M,", ",Okonkwo,", "unknown-code"),
        ("2019-05-02", "02.05.2019", "wrong-type"),
        ("1.5", "inf", "wrong-type"),
        ("1.5", "1.5,7", "ragged-rows"),
        (",1.5", "", "ragged-rows"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_row(read: Any, rows: Any, old: str, new: str, code: str) -> None:
    rows[1] = rows[1].replace(old, new, 1)
    found, message = refusal(read, rows)
    assert found == code and "row 3" in message
    assert not new or len(new) < 3 or new not in message


def test_every_wrong_column_is_named_at_once(read: Any, rows: Any) -> None:
    rows[0] = rows[0].replace(",70,", ",?,").replace(",M,", ",?,")
    message = refusal(read, rows)[1]
    assert "“age”" in message and "“sex”" in message


def test_decimal_commas_are_refused_and_read_when_declared(read: Any, rows: Any, declare: Any) -> None:
    rows = [row.replace(",", ";").replace(".5", ",5") for row in rows]
    header = ";".join(["mrn", "age", "sex", "seen", "accession", "stage", "size", "note"])
    code, message = refusal(read, rows, header=header)
    assert code == "decimal-comma" and 'decimal: ","' in message
    assert read(rows, declare({"decimal": ","}), header=header).frame["size"][2] == 2.5


def test_a_duplicated_header_is_refused(read: Any, rows: Any) -> None:
    code, message = refusal(read, rows, header="mrn,age,sex,seen,accession,stage,size,sex")
    assert code == "duplicated-header" and "column 8" in message


def test_a_byte_order_mark_is_no_part_of_a_name(read: Any, rows: Any) -> None:
    content = "\ufeff" + "\r\n".join(["mrn,age,sex,seen,accession,stage,size,note", *rows])
    assert len(read(content.encode()).frame) == 24


def test_another_encoding_is_refused_and_read_when_declared(read: Any, rows: Any, declare: Any) -> None:
    content = "\n".join(["mrn,age,sex,seen,accession,stage,size,note", *rows]).replace("Meyer 4", "Müller")
    code, message = refusal(read, content.encode("latin-1"))
    assert code == "bad-encoding" and "row 6" in message and "ller" not in message
    assert len(read(content.encode("latin-1"), declare({"encoding": "latin-1"})).frame) == 24
    assert refusal(read, content.encode("utf-16"))[0] == "bad-encoding"


@pytest.mark.parametrize("content", [b"", b"\n\n", b"PAR1" + b"\0" * 40, b"mrn\0\0\0age\n"])
def test_what_is_no_table_is_refused(read: Any, content: bytes) -> None:
    assert refusal(read, content)[0] in ("not-a-table", "no-header")


def test_a_header_alone_is_refused(read: Any) -> None:
    assert refusal(read, [])[0] == "no-rows"


def test_a_number_that_tells_people_apart_is_refused(read: Any, rows: Any, declare: Any) -> None:
    rows = [row.replace(f",{n}.5,", f",{6125550000 + n * 7},") for n, row in enumerate(rows)]
    code, message = refusal(read, rows)
    assert code == "looks-like-id" and "“size”" in message


def test_a_code_list_that_holds_an_identity_is_found(read: Any, rows: Any, declare: Any) -> None:
    names = [f"MRN-{n:05d}" for n in range(24)]
    rows = [row.replace(f",{n}.5,", f",{names[n]},") for n, row in enumerate(rows)]
    declaration = declare(size={"type": "code", "values": ["x"]})
    assert refusal(read, rows, declaration)[0] == "unknown-code"


def test_parquet_gives_what_csv_gives(read: Any, rows: Any, tmp_path: Path, declare: Any) -> None:
    expected = read(rows).frame
    frame = pd.read_csv(tmp_path / "t.csv", parse_dates=["seen"])
    frame.to_parquet(tmp_path / "t.parquet")
    made = read_table(tmp_path / "t.parquet", declare(), subjects_of(b"k" * 32)).frame
    pd.testing.assert_frame_equal(made, expected)


def test_quoted_line_breaks_do_not_move_the_count(read: Any, rows: Any) -> None:
    rows[0] = rows[0].replace("seen by", '"first\nsecond').replace("Meyer 0", 'Meyer"').replace('"first', '"first')
    rows[4] = rows[4].replace(",70,", ",old,")
    assert "row 6" in refusal(read, rows)[1]


def test_real_clinical_data_come_in_with_their_gaps(shared_data: Callable[[str], Path]) -> None:
    path = next(shared_data("tab-lung1-clinical").glob("*.csv"))
    codes = {"clinical.T.Stage": 5, "Clinical.N.Stage": 4, "Clinical.M.Stage": 3}
    columns: dict[str, Any] = {name: {"type": "code", "values": list(range(n + 1))} for name, n in codes.items()}
    columns |= {
        "PatientID": {"type": "subject"},
        "age": {"type": "age", "role": "quasi", "bins": [0, 55, 65, 75, 91]},
        "gender": {"type": "code", "role": "quasi", "values": ["male", "female"]},
        "Overall.Stage": {"type": "code", "role": "sensitive", "values": ["I", "II", "IIIa", "IIIb"]},
        "Histology": {"type": "text"},
        "Survival.time": {"type": "integer", "unit": "days"},
        "deadstatus.event": {"type": "boolean"},
    }
    table = read_table(
        path, parse_declaration({"table": "clinical", "columns": columns, "missing": ["NA"]}), subjects_of(b"k" * 32)
    )
    assert (table.report["rows"], table.report["subjects"], len(table.by_subject())) == (422, 422, 422)
    assert (int(table.frame["age"].isna().sum()), int(table.frame["Overall.Stage"].isna().sum())) == (22, 1)
    assert np.all(table.frame["Survival.time"] > 0)
