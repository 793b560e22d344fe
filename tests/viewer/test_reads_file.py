"""The CSV file of a reader study: whole rows, one study, many readers."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workbench.errors import InvalidInput
from workbench.viewer.reads_file import ReadsFile, reading_order, study_name

STUDY = study_name(["S0"], {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "reads.csv"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_order_depends_on_seed_and_reader_and_on_nothing_else() -> None:
    names = [f"S{number:02}" for number in range(20)]
    first = reading_order(names, 7, "R1")
    assert first == reading_order(names[::-1], 7, "R1") != names
    assert len({tuple(reading_order(names, seed, reader)) for seed in (7, 8) for reader in ("R1", "R2")}) == 4


def test_rows_saved_at_the_same_moment_are_all_kept(path: Path) -> None:
    def save(number: int) -> bool:
        return ReadsFile(path, study_name(["S0"], {}), 0, []).append({"reader": f"R{number}", "scan": "S0"})

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(save, range(24)))
    assert sorted(row["reader"] for row in rows(path)) == sorted(f"R{number}" for number in range(24))


def test_a_row_with_commas_quotes_and_lines_comes_back_as_it_was(path: Path) -> None:
    file = ReadsFile(path, STUDY, 0, ["Remark"])
    words = 'one, "two"\nthree; ünï'
    file.append({"reader": "R1", "scan": "S0", "answer: Remark": words})
    assert file.rows("R1")[0]["answer: Remark"] == words


def test_a_study_is_named_by_its_scans_and_questions_not_by_their_order() -> None:
    assert study_name(["a", "b"], {}) == study_name(["b", "a"], {})
    assert len({study_name(["a", "b"], {}), study_name(["a"], {}), study_name(["a", "b"], {"Nodule?": None})}) == 3


def test_a_file_that_became_another_study_s_takes_no_row(path: Path) -> None:
    file = ReadsFile(path, STUDY, 0, [])
    ReadsFile(path, STUDY, 1, []).append({"reader": "R1", "scan": "S0"})
    with pytest.raises(InvalidInput, match="another study"):
        file.append({"reader": "R2", "scan": "S0"})
    assert [row["reader"] for row in rows(path)] == ["R1"]
