"""Marks and labels of a governed scan, read through a real gateway, saved and read back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.data.dataset import Dataset
from workbench.settings import load_settings
from workbench.viewer.mark_set import LabelSet, Marks
from workbench.viewer.saving import load_marks, save_marks

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import lines_of
from label_homes import LUNG, TUMOUR, fill_labelled, mask_of


@pytest.fixture(scope="module")
def line_of_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    settings = load_settings(tmp_path_factory.mktemp("labelled") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill_labelled(lines.operator(), "labelled-ct")
        yield str(settings.socket), lines.kernel().token


@pytest.fixture
def ct(line_of_kernel: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Dataset:
    for name, value in zip((SOCKET_VARIABLE, TOKEN_VARIABLE), line_of_kernel, strict=True):
        monkeypatch.setenv(name, value)
    return wb.dataset("labelled-ct")


def test_governed_label_sets_come_back_voxel_for_voxel(tmp_path: Path, ct: Dataset) -> None:
    scan = ct.volume("S0001")
    sets = tuple(LabelSet.of(ct.label_volume("S0001", name)) for name in ("rtstruct-1", "rtstruct-1-layer-2"))
    path = save_marks(tmp_path / "labels.dcm", Marks(labels=sets), scan)
    found = load_marks(path, scan).labels
    masks = {name: labels.read(scan.geometry) == value for labels in found for value, name in labels.names.items()}
    assert np.array_equal(masks["GTV-1"], mask_of(TUMOUR))
    assert np.array_equal(masks["Lung_L"], mask_of(LUNG))


def test_a_view_of_a_governed_scan_saves_its_boxes_under_its_name(tmp_path: Path, ct: Dataset) -> None:
    scan = ct.volume("S0001")
    middle = scan.geometry.to_patient_mm(np.asarray(scan.shape) / 2)
    view = wb.view(scan, boxes=[{"centre_mm": tuple(middle), "size_mm": 8, "label": "nodule"}])
    table = view.table()
    path = view.save(tmp_path / "marks.csv")
    view.close()
    assert table[["dataset", "scan", "kind", "label"]].to_numpy().tolist() == [
        ["labelled-ct", "S0001", "box", "nodule"]
    ]
    assert load_marks(path, scan).boxes[0].centre_mm == pytest.approx(middle)
