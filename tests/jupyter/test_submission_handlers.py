"""Files and folders of the workspace go to a hidden test, and nothing from outside it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from workbench.errors import InvalidInput, NotFound
from workbench.jupyter import submission_handlers
from workbench.jupyter.accounts import workspace_of
from workbench.jupyter.submission_handlers import list_submittable, read_submittable

API = "/workbench/api"


@pytest.fixture
def workspace(home) -> Path:
    folder = workspace_of(home, "researcher")
    (folder / "runner").mkdir()
    (folder / "runner" / "predict.py").write_text("print('here')")
    (folder / "runner" / "weights.json").write_text("{}")
    (folder / "answers.csv").write_text("id,prediction\n")
    return folder


def test_files_and_folders_with_a_program_are_listed(home, workspace):
    found = [one["path"] for one in list_submittable(home, "researcher")]

    assert found[0] == "runner/" and "answers.csv" in found


def test_a_folder_is_packed_the_same_way_twice(home, workspace):
    packed = [read_submittable(home, "researcher", "runner/") for _ in range(2)]

    assert packed[0] == packed[1]
    assert zipfile.ZipFile(io.BytesIO(packed[0])).namelist() == ["predict.py", "weights.json"]


def test_a_link_in_a_folder_takes_nothing_along(home, workspace, tmp_path):
    (tmp_path / "secret").write_text("x")
    (workspace / "runner" / "weights.json").unlink()
    (workspace / "runner" / "weights.json").symlink_to(tmp_path / "secret")

    with pytest.raises(NotFound):
        read_submittable(home, "researcher", "runner/")


@pytest.mark.parametrize("path", ["../", "/etc/", "missing/", "missing.csv", "../custodian/x.csv", ""])
def test_nothing_but_the_workspace_is_read(home, workspace, path):
    with pytest.raises(NotFound):
        read_submittable(home, "researcher", path)


def test_a_folder_that_is_too_large_is_refused(home, workspace, monkeypatch):
    monkeypatch.setattr(submission_handlers, "MOST_FILES", 1)

    with pytest.raises(InvalidInput, match="more than 1 files"):
        read_submittable(home, "researcher", "runner/")


def test_an_unknown_task_and_a_missing_file_are_told_apart(signed_in):
    browser = signed_in("researcher")
    form = {"path": "missing.csv", "intent": "validation", "note": ""}

    status, _, text = browser.ask("POST", f"{API}/tasks/lung-nodule-detection/submissions", [form])

    assert status == 404 and "no file" in json.loads(text)["message"]


def test_the_gateways_refusal_of_a_task_comes_through(signed_in, governed_home):
    (workspace_of(governed_home, "researcher") / "answers.csv").write_text("id,prediction\n")
    browser = signed_in("researcher")
    form = {"path": "answers.csv", "intent": "validation", "note": ""}

    status, _, text = browser.ask("POST", f"{API}/tasks/no-such-task/submissions", [form])

    assert status == 404 and "no-such-task" in json.loads(text)["message"]
