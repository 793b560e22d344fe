"""Only the account's own files can be offered, whatever links and pipes lie in its workspace."""

from __future__ import annotations

import os

import pytest

from workbench.errors import InvalidInput, NotFound
from workbench.jupyter.accounts import workspace_of
from workbench.jupyter.workspace_files import MOST_FILE_BYTES, list_workspace, read_with_sidecar, read_workspace


@pytest.fixture
def workspace(home):
    return workspace_of(home, "researcher")


def test_files_are_listed_newest_first_and_hidden_ones_are_not(home, workspace):
    (workspace / "figures").mkdir()
    for age, name in enumerate(("figures/froc.png", "table.csv", ".hidden.csv", "script.py")):
        (workspace / name).write_text("x")
        os.utime(workspace / name, (1000 - age, 1000 - age))

    assert [file["path"] for file in list_workspace(home, "researcher")] == ["figures/froc.png", "table.csv"]


def test_a_file_is_read_under_its_plain_name(home, workspace):
    (workspace / "figures").mkdir()
    (workspace / "figures" / "froc.png").write_bytes(b"content")

    assert read_workspace(home, "researcher", "figures/froc.png") == ("froc.png", b"content")


@pytest.mark.parametrize(
    "path", ["missing.csv", "../custodian/secret.csv", "/etc/hostname", "link.csv", "folder/secret.csv", "pipe.csv",
             "figures", "", "a\0b.csv"],
)  # fmt: skip
def test_nothing_else_is_read(home, workspace, path):
    (workspace / "figures").mkdir()
    other = workspace_of(home, "custodian")
    (other / "secret.csv").write_text("secret")
    (workspace / "link.csv").symlink_to(other / "secret.csv")
    (workspace / "folder").symlink_to(other)
    os.mkfifo(workspace / "pipe.csv")

    with pytest.raises(NotFound, match="no file"):
        read_workspace(home, "researcher", path)
    assert list_workspace(home, "researcher") == []


def test_a_file_too_large_for_the_airlock_is_refused_before_it_is_sent(home, workspace):
    with (workspace / "large.csv").open("wb") as file:
        file.truncate(MOST_FILE_BYTES + 1)

    with pytest.raises(InvalidInput, match="larger than 20 MB"):
        read_workspace(home, "researcher", "large.csv")


def test_a_table_brings_its_sidecar_along_and_nobody_chooses_it(home, workspace):
    for name in ("ages.csv", "ages.csv.cells.json", "notes.md"):
        (workspace / name).write_text(name)

    assert set(read_with_sidecar(home, "researcher", "ages.csv")) == {"ages.csv", "ages.csv.cells.json"}
    assert set(read_with_sidecar(home, "researcher", "notes.md")) == {"notes.md"}
    assert {file["path"] for file in list_workspace(home, "researcher")} == {"ages.csv", "notes.md"}
