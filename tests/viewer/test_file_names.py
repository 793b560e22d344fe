"""Names of files that people give: read, and refused in one sentence where nothing can be saved."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from workbench.errors import InvalidInput
from workbench.viewer.file_names import check_place, could_not_write, read_path


def test_a_tilde_is_the_home_folder_and_a_text_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_path("~/a.csv", "a.csv") == tmp_path / "a.csv"
    assert read_path(Path("a.csv"), "a.csv") == Path("a.csv")


@pytest.mark.parametrize("path", [None, 5, True, b"a.csv", "", "  ", "a\0.csv", ["a.csv"]])
def test_what_is_no_name_is_refused_with_an_example(path: object) -> None:
    with pytest.raises(InvalidInput, match=r"no name of a file; give one such as marks\.csv\.$"):
        read_path(path, "marks.csv")


def test_a_missing_folder_and_a_folder_in_the_way_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no folder"):
        check_place(tmp_path / "absent" / "a.csv", "a.csv")
    with pytest.raises(InvalidInput, match="is a folder; give the name of a file in it"):
        check_place(tmp_path, "a.csv")
    check_place(tmp_path / ("x" * 300), "a.csv")


@pytest.mark.parametrize(
    "problem", [OSError(errno.EACCES, "Failed to open /home/me/.12.draft"), OSError(errno.EACCES, "", ".12.draft")]
)
def test_the_reason_is_the_systems_and_names_no_draft(problem: OSError) -> None:
    said = str(could_not_write(Path("a.csv"), problem))
    assert said == "“a.csv” could not be written: Permission denied; save it elsewhere."
