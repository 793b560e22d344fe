"""A table is read as groups and how many subjects are in each, however it is written."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest

from workbench.airlock.tables import Table, as_number, is_hidden, plain, read_table


def read(text: str, name: str = "t.csv") -> Table:
    return read_table(name, text.encode())


def shown(table: Table) -> dict[Any, int | None]:
    return {frozenset(value for _, value in cell.key): cell.count for cell in table.cells}


def test_a_long_table_has_a_group_in_each_row() -> None:
    table = read("sex,stage,subjects,mean_mm\nF,I,47,8.1\nM,<all>,<10,\n")
    assert shown(table) == {frozenset({"f", "i"}): 47, frozenset({"m", "<all>"}): None}


def test_a_crossed_table_has_a_group_in_each_cell_and_totals_are_wider_groups() -> None:
    table = read("sex,I,II,All\nF,40,20,60\nAll,70,55,125\n")
    assert shown(table)[frozenset({"f", "ii"})] == 20
    assert shown(table)[frozenset({"f"})] == 60 and shown(table)[frozenset()] == 125


def test_a_second_count_is_of_a_part() -> None:
    cells = read("sex,subjects,cases\nF,47,12\n").cells
    assert [cell.label for cell in cells] == ["sex = f", "counted = cases, sex = f"]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_every_common_separator_is_understood(mark: str) -> None:
    assert shown(read(f"sex{mark}n\nF{mark}47\n")) == {frozenset({"f"}): 47}


def test_parquet_says_the_same_as_csv() -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"sex": ["F", "M"], "n": [47, None]}).astype({"n": "Int64"}).to_parquet(buffer, index=False)
    assert shown(read_table("t.parquet", buffer.getvalue())) == {frozenset({"f"}): 47, frozenset({"m"}): None}


@pytest.mark.parametrize(
    ("name", "content"),
    [("t.csv", b"\xff\xfe"), ("t.csv", b""), ("t.csv", b"a,b\0\n"), ("t.parquet", b"PAR1"), ("t.csv", b'a\n"b')],
    ids=["not-utf8", "empty", "bytes", "no-parquet", "open-quote"],
)
def test_what_is_no_table_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(ValueError):
        read_table(name, content)


def test_values_beyond_the_header_are_kept_to_be_judged() -> None:
    assert read("sex,n\nF,47,S0001\n").rows == (("F", "47", "S0001"),)


def test_parquet_with_lists_or_bytes_is_refused() -> None:
    for value in ([1, 2], b"pixels"):
        buffer = io.BytesIO()
        pd.DataFrame({"a": [value]}).to_parquet(buffer)
        with pytest.raises(ValueError, match="columns inside columns"):
            read_table("t.parquet", buffer.getvalue())


def test_numbers_are_read_as_people_write_them() -> None:
    assert [as_number(text) for text in ("1,204", "12 %", "−3.5", "1e3", "1,2", "F")] == [
        1204, 12, -3.5, 1000, None, None,
    ]  # fmt: skip
    assert is_hidden("<10") and is_hidden(" * ") and not is_hidden("12")
    assert plain("Number of  Patients") == "number_of_patients"
