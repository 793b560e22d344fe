"""The server lays files into a workspace, and no link that a kernel put there leads it elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import AccessDenied, InvalidInput
from workbench.jupyter.accounts import workspace_of
from workbench.jupyter.workspace_writing import lay_files


@pytest.fixture
def workspace(home) -> Path:
    return workspace_of(home, "researcher")


def test_files_lie_in_folders_that_are_made(home, workspace):
    paths = lay_files(home, "researcher", "reports/mean", {"a.html": b"1", "a.ipynb": b"2"})

    assert paths == {"a.html": "reports/mean/a.html", "a.ipynb": "reports/mean/a.ipynb"}
    assert (workspace / paths["a.html"]).read_bytes() == b"1"


def test_a_file_is_replaced_and_nothing_else_left_behind(home, workspace):
    for content in (b"1", b"2"):
        lay_files(home, "researcher", "", {"a.html": content})

    assert [file.name for file in workspace.iterdir()] == ["a.html"] and (workspace / "a.html").read_bytes() == b"2"


def test_a_linked_folder_is_not_followed(home, workspace, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (workspace / "reports").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(AccessDenied, match="not a folder of it"):
        lay_files(home, "researcher", "reports", {"a.html": b"1"})
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_linked_file_is_replaced_and_its_target_left_alone(home, workspace, tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (workspace / "a.html").symlink_to(target)

    lay_files(home, "researcher", "", {"a.html": b"1"})

    assert target.read_bytes() == b"precious" and not (workspace / "a.html").is_symlink()


@pytest.mark.parametrize(("folder", "name"), [("../x", "a"), ("/etc", "a"), ("x", "../a"), ("x", ""), ("x", "a\0b")])
def test_nothing_is_laid_outside(home, folder, name):
    with pytest.raises(InvalidInput):
        lay_files(home, "researcher", folder, {name: b""})
