"""Arrays on a GPU: the processor's values to 1e-3 HU, with cupy and with torch, and what is refused there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import gpu, torch_arrays
from workbench.imaging.resampling import resample
from workbench.imaging.windowing import window_hu

sys.path.insert(0, str(Path(__file__).parents[1] / "imaging"))
from vectors import BY_NAME, SPACING, TOLERANCE_HU, on_processor, volume_of

needs_cupy = pytest.mark.skipif(not gpu.is_available(), reason="no GPU that cupy can use on this machine")


@pytest.fixture(scope="module")
def torch() -> Any:
    """Give torch where it sees a GPU."""
    module = pytest.importorskip("torch")
    if not module.cuda.is_available():
        pytest.skip("no GPU that torch can use on this machine")
    return module


@needs_cupy
@pytest.mark.parametrize("name", BY_NAME)
def test_a_volume_on_the_gpu_is_resampled_as_on_the_processor(name: str) -> None:
    order, align, new, shape = BY_NAME[name]
    volume, expected = gpu.upload(volume_of(shape)), on_processor(name)
    made = gpu.resample(volume, SPACING, new, order=order, align=align, dtype="float32")  # type: ignore[arg-type]
    assert np.abs(made.get() - expected).max() <= TOLERANCE_HU
    rounded = gpu.resample(volume, SPACING, new, order=order, align=align)  # type: ignore[arg-type]
    assert rounded.dtype == np.int16
    assert np.abs(rounded.get() - expected).max() <= 0.5 + TOLERANCE_HU


@needs_cupy
def test_resample_and_window_is_one_after_the_other() -> None:
    hu = volume_of((40, 61, 90))
    made = gpu.resample_and_window(gpu.upload(hu), SPACING, (1, 1, 1), "lung").get()
    expected = window_hu(resample(hu, SPACING, (1, 1, 1), dtype="float32"), "lung")
    assert np.abs(made - expected).max() <= TOLERANCE_HU / 1500


@needs_cupy
def test_a_window_on_the_gpu_is_that_of_the_processor() -> None:
    hu = volume_of((5, 33, 47))
    assert np.abs(gpu.window_hu(gpu.upload(hu), "lung").get() - window_hu(hu, "lung")).max() <= 1e-6


@needs_cupy
def test_a_used_target_takes_the_result_and_a_wrong_one_is_refused() -> None:
    import cupy

    volume = gpu.upload(volume_of((10, 20, 30)))
    target = cupy.full((10, 20, 30), 7, np.int16)
    assert gpu.resample(volume, (1, 1, 1), (1, 1, 1), out=target) is target
    assert np.array_equal(target.get(), volume_of((10, 20, 30)))
    for wrong in (cupy.empty((10, 20, 31), np.int16), cupy.empty((10, 20, 60), np.int16)[..., ::2]):
        with pytest.raises(InvalidInput, match="out must be"):
            gpu.resample(volume, (1, 1, 1), (1, 1, 1), out=wrong)


@needs_cupy
def test_what_is_no_volume_on_the_gpu_is_refused() -> None:
    import cupy

    for wrong in (volume_of((3, 3, 3)), cupy.zeros((3, 3, 3), np.int64), cupy.zeros((3, 3), np.int16)):
        with pytest.raises(InvalidInput):
            gpu.resample(wrong, (1, 1, 1), (1, 1, 1))
    with pytest.raises(InvalidInput, match="NaN"):
        gpu.resample(cupy.full((3, 3, 3), np.nan, np.float32), (1, 1, 1), (1, 1, 1))
    with pytest.raises(InvalidInput, match="Spacing"):
        gpu.resample(gpu.upload(volume_of((3, 3, 3))), (1, 1, 1), (0, 1, 1))


@needs_cupy
def test_a_result_too_large_for_the_gpu_is_refused_before_it_is_made() -> None:
    volume = gpu.upload(volume_of((30, 30, 30)))
    with pytest.raises(InvalidInput, match="are free on the GPU"):
        gpu.resample(volume, (1, 1, 1), (0.001, 0.001, 0.002), dtype="float32")


@pytest.mark.parametrize("name", BY_NAME)
def test_a_tensor_on_the_gpu_is_resampled_there_as_on_the_processor(torch: Any, name: str) -> None:
    order, align, new, shape = BY_NAME[name]
    tensor = torch.from_numpy(volume_of(shape)).cuda()
    made = torch_arrays.resample_tensor(tensor, SPACING, new, order=order, align=align)  # type: ignore[arg-type]
    assert made.is_cuda
    assert np.abs(made.cpu().numpy() - on_processor(name)).max() <= TOLERANCE_HU


def test_a_tensor_on_the_gpu_is_windowed_there(torch: Any) -> None:
    hu = volume_of((5, 33, 47))
    made = torch_arrays.window_tensor(torch.from_numpy(hu).cuda(), "lung")
    assert made.is_cuda
    assert np.abs(made.cpu().numpy() - window_hu(hu, "lung")).max() <= 1e-6
