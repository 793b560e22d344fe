"""Every cell of the leaking corpus is found, at its place, and no clean one is held up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.airlock.scanners.leaks import CLEAN, LEAKING, PIXELS, WIDGET, code, notebook, printed, text
from workbench.airlock.findings import Finding
from workbench.airlock.scanners.cleaning import clean_image
from workbench.airlock.scanners.notebook import clean_notebook, scan_notebook

OWN = sorted((Path(__file__).resolve().parents[3] / "notebooks").rglob("*.ipynb"))


def stops(content: bytes) -> list[Finding]:
    return [finding for finding in scan_notebook("n.ipynb", content) if finding.is_stop]


@pytest.mark.parametrize("leak", LEAKING)
def test_a_leaking_cell_is_found_at_its_place(leak: str) -> None:
    found = stops(notebook(text("# Title"), LEAKING[leak]))
    assert found
    assert all(finding.place.startswith("cell 2") for finding in found)


@pytest.mark.parametrize("leak", LEAKING)
def test_a_finding_never_repeats_what_it_found(leak: str) -> None:
    said = json.dumps([finding.as_dict() for finding in stops(notebook(LEAKING[leak]))])
    assert not any(value in said for value in ("P0007", "P0001", "S0001", "LUNG1", "Doe", PIXELS[:30]))


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_cell_passes(name: str) -> None:
    assert stops(notebook(CLEAN[name])) == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_the_notebooks_of_the_project_pass(path: Path) -> None:
    assert scan_notebook(path.name, path.read_bytes()) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": WIDGET}}}},
        {"widgets": {"application/vnd.jupyter.widget-state+json": "none"}},
        {"mine": {"rows": [[f"P{n:04d}", n] for n in range(9)]}},
        {"papermill": {"parameters": {"mask": PIXELS[:400]}}},
        {"mine": "x y " * 900},
    ],
    ids=["widget with pixels", "odd widgets", "rows", "packed parameter", "long"],
)
def test_what_notebook_metadata_carry_is_found(metadata: dict[str, object]) -> None:
    assert {finding.place.split(",")[0] for finding in stops(notebook(**metadata))} == {"notebook metadata"}


def test_a_plain_progress_bar_is_told_but_passes() -> None:
    model = {"model_module": "@jupyter-widgets/controls", "model_name": "FloatProgressModel", "state": {"value": 24.0}}
    state = {"application/vnd.jupyter.widget-state+json": {"state": {"a": model}}}
    assert [finding.severity for finding in scan_notebook("n.ipynb", notebook(widgets=state))] == ["look"]


def test_two_leaks_in_one_output_are_both_told() -> None:
    both = printed("(0010,0010) PN [Doe^Jane]\n" + PIXELS[:400])
    assert {finding.rule for finding in stops(notebook(both))} == {"identifier", "encoded-bytes"}


@pytest.mark.parametrize("content", [b"{}", b"[]", b"not json", b'{"cells": [1]}', b'{"cells": [{"outputs": 1}]}'])
def test_what_is_no_notebook_is_not_judged(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        scan_notebook("n.ipynb", content)


def test_a_cleared_notebook_passes_and_keeps_the_rest() -> None:
    leaking = notebook(*LEAKING.values(), *CLEAN.values())
    cleared = clean_notebook(leaking, clean_image=clean_image, drop=True)
    left = {finding.place.split(",")[0] for finding in stops(cleared)}
    # Sources, texts and parts of cells are the author's to mend; every output and attachment is mended here.
    assert not any("output" in finding.place for finding in stops(cleared))
    assert len(json.loads(cleared)["cells"]) == len(LEAKING) + len(CLEAN)
    assert left


def test_clearing_takes_out_where_the_notebook_lay() -> None:
    cleaned = clean_notebook(notebook(code(), papermill={"input_path": "/srv/x.ipynb"}), clean_image=clean_image)
    assert b"/srv" not in cleaned
