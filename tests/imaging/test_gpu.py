"""The GPU's kernel where there is no GPU: its source run as plain C++, one thread after the other."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.errors import MissingDependency
from workbench.imaging import gpu
from workbench.imaging.taps import all_taps, resampled_grid
from workbench.imaging.windowing import window_hu

sys.path.insert(0, str(Path(__file__).parent))
from vectors import BY_NAME, SPACING, TOLERANCE_HU, on_processor, volume_of

LINEAR = [name for name in BY_NAME if name.startswith("linear")]
AS_PLAIN = """
#include <algorithm>
#include <cmath>
struct Place { int x, y, z; };
static Place blockIdx, blockDim, threadIdx;
using std::min;
#define __device__
#define __global__
#define __restrict__
%s
extern "C" void run(int mode, const short* old, void* made, const unsigned* zi, const float* zw, const unsigned* yi,
                    const float* yw, const unsigned* xi, const float* xw, int height, int width, int new_depth,
                    int new_height, int new_width, int column, float low, float range) {
    blockDim = {64, 4, 1};
    for (int k = 0; k * column < new_depth; k++) for (int j = 0; j * 4 < new_height; j++)
    for (int i = 0; i * 64 < new_width; i++) for (int y = 0; y < 4; y++) for (int x = 0; x < 64; x++) {
        blockIdx = {i, j, k}; threadIdx = {x, y, 0};
        if (mode == 0) linear<short, float, 0>(old, (float*)made, zi, zw, yi, yw, xi, xw, height, width, new_depth,
                                               new_height, new_width, column, low, range);
        if (mode == 1) linear<short, short, 1>(old, (short*)made, zi, zw, yi, yw, xi, xw, height, width, new_depth,
                                               new_height, new_width, column, low, range);
        if (mode == 2) linear<short, float, 2>(old, (float*)made, zi, zw, yi, yw, xi, xw, height, width, new_depth,
                                               new_height, new_width, column, low, range);
    }
}
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the kernel as a function of the processor."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler on this machine")
    folder = tmp_path_factory.mktemp("kernel")
    (folder / "kernel.cpp").write_text(AS_PLAIN % gpu.SOURCE)
    library = folder / "kernel.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, folder / "kernel.cpp"], check=True)
    return ctypes.CDLL(str(library)).run


def _made(run: Any, name: str, mode: int) -> NDArray[Any]:
    _, align, new, shape = BY_NAME[name]
    grid = resampled_grid(shape, SPACING, new, align=align)
    tables = [table for taps in all_taps(shape, grid, order="linear") for table in (taps.voxels, taps.weights)]
    arrays = [np.ascontiguousarray(table) for table in tables]
    old, made = volume_of(shape), np.full(grid.shape, -9, np.int16 if mode == gpu.ROUNDED else np.float32)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (old, made, *arrays)]
    window = (ctypes.c_float(-1350), ctypes.c_float(1500))
    run(mode, *pointers, *shape[1:], *grid.shape, gpu.COLUMN, *window)
    return made


@pytest.mark.parametrize("name", LINEAR)
def test_the_gpu_s_kernel_makes_the_processor_s_values(plain: Any, name: str) -> None:
    expected = on_processor(name)
    assert np.abs(_made(plain, name, gpu.HU) - expected).max() <= TOLERANCE_HU
    assert np.abs(_made(plain, name, gpu.ROUNDED) - expected).max() <= 0.5 + TOLERANCE_HU
    assert np.abs(_made(plain, name, gpu.GREY) - window_hu(expected, "lung")).max() <= TOLERANCE_HU / 1500


def test_without_a_gpu_every_call_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "is_available", lambda: False)
    volume = volume_of((3, 4, 5))
    calls = [
        lambda: gpu.upload(volume),
        lambda: gpu.resample(volume, (1, 1, 1), (1, 1, 2)),
        lambda: gpu.window_hu(volume, "lung"),
        lambda: gpu.resample_and_window(volume, (1, 1, 1), (1, 1, 2), "lung"),
    ]
    for call in calls:
        with pytest.raises(MissingDependency, match="no GPU that cupy can use"):
            call()
