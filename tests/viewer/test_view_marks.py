"""What is drawn in a view is saved from it, and what was saved is shown in it again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marked import BOXES, CANDIDATES, CONTOURS, GRID, MEASUREMENTS, REGION, VALUES, at, scan

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.saving import load_marks
from workbench.viewer.shown_volume import as_shown
from workbench.viewer.view_marks import marks_of
from workbench.viewer.widget import CTView, Opened

VOXELS = np.zeros(GRID.shape, np.int16)


@pytest.fixture
def shown() -> Iterator[CTView]:
    opened = Opened(as_shown(VOXELS, geometry=GRID, title="phantom"), from_kernel=True)
    view = CTView(opened, position_mm=at(3, 10, 15), window=(0, 100))
    yield view
    view.close()


def fill(view: CTView) -> None:
    view.boxes = [mark.as_dict() for mark in BOXES]
    view.contours = [mark.as_dict() for mark in CONTOURS]
    view.measurements = MEASUREMENTS[:2]
    view.candidates = CANDIDATES
    view.judgements = [{"candidate": 1, "verdict": "reject", "seconds": 3.5}]


@pytest.mark.parametrize("name", ["marks.csv", "marks.parquet", "marks.dcm"])
def test_all_marks_of_a_view_come_back_into_it(tmp_path: Path, shown: CTView, name: str) -> None:
    fill(shown)
    before = [shown.boxes, shown.contours, shown.measurements, shown.candidates, shown.judgements]
    path = shown.save(tmp_path / name, kind="sr" if name.endswith("dcm") else None)
    shown.boxes = shown.contours = shown.measurements = shown.judgements = shown.candidates = []
    shown.load(path)
    after = [shown.boxes, shown.contours, shown.measurements, shown.candidates, shown.judgements]
    for old, new in zip(before, after, strict=True):
        assert len(old) == len(new) > 0
    assert shown.judgements[0]["verdict"] == "reject"
    assert shown.boxes[0]["centre_mm"] == pytest.approx(before[0][0]["centre_mm"], abs=1e-3)


def test_the_table_of_a_view_has_a_row_for_each_mark(shown: CTView) -> None:
    fill(shown)
    assert shown.table()["kind"].value_counts().to_dict() == {
        "contour": 4, "box": 2, "candidate": 2, "distance": 1, "angle": 1,
    }  # fmt: skip
    assert set(shown.table()["scan"]) == {"phantom"}


def test_labels_of_a_view_go_into_a_segmentation_and_back(tmp_path: Path, shown: CTView) -> None:
    shown.labels = (VALUES, {1: "left", 2: "right"})
    path = shown.save(tmp_path / "labels.dcm")
    shown.labels = []
    shown.load(path)
    (labels,) = marks_of(shown)[0].labels
    assert np.array_equal(labels.read(GRID), VALUES)
    assert labels.name(2) == "right"


def test_hidden_labels_are_not_saved(tmp_path: Path, shown: CTView) -> None:
    shown.labels = {"tumour": REGION}
    shown.labels = [{**shown.labels[0], "visible": False}]
    with pytest.raises(InvalidInput, match="Nothing is marked"):
        shown.save(tmp_path / "labels.dcm")


def test_labels_of_a_finer_grid_are_saved_on_the_views_own(tmp_path: Path, shown: CTView) -> None:
    sitk = pytest.importorskip("SimpleITK")
    fine = np.repeat(np.repeat(np.repeat(REGION, 2, 0), 2, 1), 2, 2).astype(np.uint8)
    image = sitk.GetImageFromArray(fine)
    grid = Geometry((12, 40, 60), (1.25, 0.4, 0.35), tuple(GRID.to_patient_mm([-0.25] * 3)), GRID.direction)
    image.SetSpacing(grid.spacing_mm[::-1])
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(grid.direction)
    shown.labels = image
    path = shown.save(tmp_path / "labels.dcm")
    (labels,) = load_marks(path, marks_of(shown)[1]).labels
    assert np.array_equal(labels.read(GRID) > 0, REGION)


def test_marks_on_an_array_of_a_scan_belong_to_the_scan(tmp_path: Path) -> None:
    opened = Opened(as_shown(VOXELS, like=scan(), title="prediction"), "V1", from_kernel=True, scan=scan())
    view = CTView(opened, position_mm=at(3, 10, 15), window=(0, 100), boxes=[mark.as_dict() for mark in BOXES])
    path = view.save(tmp_path / "marks.csv")
    view.close()
    assert len(load_marks(path, scan()).boxes) == 2


def test_a_view_with_nothing_on_it_saves_nothing(tmp_path: Path, shown: CTView) -> None:
    with pytest.raises(InvalidInput, match="Nothing is marked"):
        shown.save(tmp_path / "marks.csv")
    assert list(tmp_path.iterdir()) == []
    assert len(shown.table()) == 0


def test_a_file_of_another_scan_changes_nothing_in_the_view(tmp_path: Path, shown: CTView) -> None:
    fill(shown)
    path = shown.save(tmp_path / "marks.csv")
    other: Any = CTView(Opened(as_shown(VOXELS, geometry=GRID, title="another")), position_mm=at(3, 10, 15))
    with pytest.raises(InvalidInput, match="none of another"):
        other.load(path)
    assert other.boxes == []
    other.close()
