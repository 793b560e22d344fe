"""Labels are lazy arrays on the scan's grid: a table of regions, a mask of each, a picture of all."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np
import pytest
from homes import SHAPE, lines_of
from label_homes import LUNG, TUMOUR, fill_labelled, mask_of

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.data.dataset import Dataset
from workbench.errors import InvalidInput, NotFound
from workbench.settings import load_settings


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


def test_table_tells_each_region(ct: Dataset) -> None:
    table = ct.labels("S0001")
    assert table[["name", "kind", "value", "label", "voxels"]].to_numpy().tolist() == [
        ["rtstruct-1", "RTSTRUCT", 2, "GTV-1", 600], ["rtstruct-1-layer-2", "RTSTRUCT", 1, "Lung_L", 62_500],
    ]  # fmt: skip
    assert table["volume_ml"].tolist() == pytest.approx([0.588, 61.25])
    assert ct.labels("S0002").empty
    assert list(ct.labels("S0002").columns) == list(table.columns)


def test_labels_are_read_like_an_array(ct: Dataset) -> None:
    labels = ct.label_volume("S0001", "rtstruct-1")
    expected = mask_of(TUMOUR) * np.uint8(2)
    assert (labels.shape, labels.dtype, len(labels)) == (SHAPE, np.uint8, SHAPE[0])
    assert np.array_equal(labels.read(), expected)
    assert np.array_equal(labels[12, 18:40:2, ::-1], expected[12, 18:40:2, ::-1])
    assert np.array_equal(np.asarray(labels), expected)
    assert labels.geometry == ct.volume("S0001").geometry


def test_mask_of_a_region_by_name_or_value(ct: Dataset) -> None:
    labels = ct.label_volume("S0001", "rtstruct-1-layer-2")
    for asked in ("Lung_L", 1):
        mask = labels.mask(asked)
        assert mask.dtype == bool
        assert np.array_equal(mask, mask_of(LUNG))
    assert ct.label_volume("S0001").mask("GTV-1").sum() == 600


def test_coarser_levels_hold_labels_not_means(ct: Dataset) -> None:
    labels = ct.label_volume("S0001", "rtstruct-1-layer-2")
    assert labels.levels == ct.volume("S0001").levels
    assert set(np.unique(labels.read(1)).tolist()) == {0, 1}
    with pytest.raises(InvalidInput, match="rtstruct-1-layer-2"):
        labels.read(7)


def test_what_is_not_there_is_named(ct: Dataset) -> None:
    with pytest.raises(NotFound, match="rtstruct-1"):
        ct.label_volume("S0001", "seg-7")
    with pytest.raises(NotFound, match="none"):
        ct.label_volume("S0002")
    with pytest.raises(NotFound, match="S0009"):
        ct.labels("S0009")
    for label in ("Heart", 9, True, None):
        with pytest.raises(NotFound, match="GTV-1"):
            ct.label_volume("S0001").mask(label)  # type: ignore[arg-type]


def test_labels_travel_to_other_processes_as_a_name(ct: Dataset) -> None:
    labels = ct.label_volume("S0001")
    again = pickle.loads(pickle.dumps(labels))  # noqa: S301 - made on the line before
    assert again == labels
    assert hash(again) == hash(labels)
    assert len(pickle.dumps(labels)) < 4000
    assert np.array_equal(again[12], labels[12])


def test_labels_show_themselves(ct: Dataset) -> None:
    labels = ct.label_volume("S0001")
    assert "rtstruct-1" in repr(labels)
    assert "GTV-1" in repr(labels)
    card = labels._repr_html_()
    assert "data:image/png;base64," in card
    assert "0.59 ml" in card
    assert "drawn for a test." in card
