"""Pictures in notebooks: shown by Jupyter, kept by nbconvert, saved whole or not at all."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter

from workbench.errors import InvalidInput
from workbench.viewer.outputs import Animation, Picture, check_path

CELLS = """import numpy as np, workbench as wb
array = (np.arange(4000).reshape(10, 20, 20) % 777).astype("int16")
wb.snapshot(array, spacing_mm=(3, 1, 1), size=300, title="phantom <1>")
"""


def test_notebook_exported_to_html_shows_picture_and_animation() -> None:
    cine = "wb.cine(array, spacing_mm=(3, 1, 1), size=200)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in (CELLS, cine)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    picture, scroll = (cell["outputs"][0]["data"] for cell in notebook["cells"])
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert picture["image/png"].strip() in page.replace("\n", "")
    source = scroll["text/html"].split('src="')[1].split('"')[0]
    assert source.startswith("data:image/webp;base64,")
    assert source in page
    assert 'alt="10 axial slices of array' in page


TWO = (
    """first, second = wb.view(array, spacing_mm=(3, 1, 1)), array[:, ::-1]
first.arrangement = "montage"
first
""",
    """both = wb.view(array, spacing_mm=(3, 1, 1), compare=second)
both
""",
    """both.compare = {"mode": "checkerboard", "square_mm": 5}
both.arrangement = "planes"
both
""",
    "wb.snapshot(array, spacing_mm=(3, 1, 1), compare=second, compare_as='blend', size=300)",
)


def test_notebook_exported_to_html_shows_montages_and_compared_scans(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in (CELLS, *TWO)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    stills = [cell["outputs"][0]["data"]["image/png"].strip() for cell in notebook["cells"]]
    # What was run without a page also keeps the widgets' state, which would need a network to become a picture.
    assert notebook["metadata"]["widgets"]
    nbformat.write(notebook, tmp_path / "run.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "run.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert len(set(stills)) == 5
    assert all(still in page.replace("\n", "") for still in stills)


def test_what_the_lab_exports_prefers_pictures_too() -> None:
    folder = Path(sys.prefix) / "etc" / "jupyter"
    told = json.loads((folder / "jupyter_nbconvert_config.json").read_bytes())
    lab = json.loads((folder / "jupyter_server_config.d" / "ai4h-workbench.json").read_bytes())
    order = lab["WidgetsDataTypeFilter"]["display_data_priority"]
    assert told["WidgetsDataTypeFilter"]["display_data_priority"] == order
    widget = "application/vnd.jupyter.widget-view+json"
    data = {"image/png": "", widget: {"model_id": "a"}, "text/plain": ""}
    choose = WidgetsDataTypeFilter(
        {"n": {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": {}}}}}},
        {"metadata": {"name": "n", "path": ""}}, display_data_priority=order,
    )  # fmt: skip
    assert choose(data) == ["image/png"]
    assert choose({widget: {"model_id": "a"}, "text/plain": ""}) == [widget]


def test_description_cannot_leave_the_picture() -> None:
    animation = Animation(b"x", (1, 1), '"><script>', ending=".gif", frames=1, first=b"y")
    shown = animation._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in shown


def test_picture_is_a_png_with_words_for_those_who_cannot_see_it() -> None:
    data, about = Picture(b"png", (4, 3), "a slice")._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]) == b"png"
    assert about["image/png"]["alt"] == "a slice"
    assert data["text/plain"] == "Picture of 4 × 3 px, 0 KB: a slice"


def test_saving_replaces_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    assert Picture(b"new", (1, 1), "").save(str(path)) == path
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["figure.png"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


def test_failed_saving_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InvalidInput, match="No space"):
        Picture(b"new", (1, 1), "").save(path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["figure.png"]


@pytest.mark.parametrize("path", [5, b"a.png", True, "", "a\0.png"])
def test_what_is_no_name_of_a_file_is_refused(path: Any) -> None:
    with pytest.raises(InvalidInput, match=r"no name of a file; give one such as figure\.png"):
        Picture(b"", (1, 1), "").save(path)


def test_a_folder_in_the_way_is_named_before_anything_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(InvalidInput, match="is a folder"):
        check_path(tmp_path / "figure.png", (".png",))


def test_a_name_longer_than_the_disk_takes_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="x… could not be written: File name too long".replace("…", "…”")):
        Picture(b"new", (1, 1), "").save(tmp_path / ("x" * 300 + ".png"))
    assert os.listdir(tmp_path) == []


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Picture(b"new", (1, 1), "").save("~/figure.png") == tmp_path / "figure.png"


@pytest.mark.parametrize(("name", "said"), [("a.jpg", "does not end in .png"), ("no/a.png", "no folder")])
def test_wrong_names_are_refused(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        Picture(b"", (1, 1), "").save(tmp_path / name)
