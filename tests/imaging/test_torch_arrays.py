"""Torch tensors on the processor: the kernels' values to 1e-3 HU, by matrices that are made another way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging.matrices import axis_matrices
from workbench.imaging.resampling import resampled_grid
from workbench.imaging.torch_arrays import resample_tensor, window_tensor
from workbench.imaging.windowing import window_hu

sys.path.insert(0, str(Path(__file__).parent))
from vectors import BY_NAME, SPACING, TOLERANCE_HU, on_processor, volume_of

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", BY_NAME)
def test_a_tensor_is_resampled_as_an_array_is(name: str) -> None:
    order, align, new, shape = BY_NAME[name]
    made = resample_tensor(torch.from_numpy(volume_of(shape)), SPACING, new, order=order, align=align)  # type: ignore[arg-type]
    expected = on_processor(name)
    assert made.dtype == torch.float32
    assert made.shape == expected.shape
    assert np.abs(made.numpy() - expected).max() <= TOLERANCE_HU


def test_the_caller_s_precision_of_products_is_given_back() -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        resample_tensor(torch.zeros((3, 4, 5), dtype=torch.int16), (1, 1, 1), (1, 1, 2))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_a_tensor_is_windowed_as_an_array_is() -> None:
    hu = volume_of((2, 9, 31, 40))
    assert np.array_equal(window_tensor(torch.from_numpy(hu), "lung").numpy(), window_hu(hu, "lung"))
    floats = torch.from_numpy(hu).float()
    window_tensor(floats, 40, 400)
    assert np.array_equal(floats.numpy(), hu)


@pytest.mark.parametrize("order", ["linear", "cubic"])
@pytest.mark.parametrize("align", ["physical", "edges"])
def test_each_row_of_a_matrix_keeps_a_constant(order: str, align: str) -> None:
    shape = (7, 40, 1)
    grid = resampled_grid(shape, (1, 1, 1), (0.6, 1.7, 1), align=align)  # type: ignore[arg-type]
    for matrix, old, new in zip(axis_matrices(shape, grid, order=order), shape, grid.shape, strict=True):  # type: ignore[arg-type]
        assert matrix.shape == (new, old)
        assert np.allclose(matrix.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("tensor", "sentence"),
    [
        (np.zeros((3, 3, 3), np.int16), "not ndarray"),
        (torch.zeros((3, 3, 3), dtype=torch.int64), "int64"),
        (torch.zeros((3, 3), dtype=torch.int16), "three axes"),
        (torch.full((3, 3, 3), float("nan")), "NaN or infinite"),
    ],
)  # fmt: skip
def test_what_is_no_tensor_of_hu_is_refused(tensor: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        resample_tensor(tensor, (1, 1, 1), (1, 1, 1))


@pytest.mark.parametrize(
    "options", [{"order": "nearest"}, {"align": "corners"}, {"new_spacing_mm": (0, 1, 1)}, {"spacing_mm": (1, 1)}]
)
def test_an_unusable_option_is_refused(options: dict[str, Any]) -> None:
    words = {"spacing_mm": (1, 1, 1), "new_spacing_mm": (1, 1, 1)} | options
    with pytest.raises(InvalidInput):
        resample_tensor(torch.zeros((3, 3, 3), dtype=torch.int16), **words)
    with pytest.raises(InvalidInput):
        window_tensor(torch.zeros(3, dtype=torch.int16), "chest")
