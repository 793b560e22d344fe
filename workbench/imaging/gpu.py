"""The same resampling and windows on a GPU with cupy, from the same taps: upload int16 once and stay there.

Linear resampling is one fused kernel. A thread makes a column of voxels along z and blends each old slice once; tables,
voxels and results pass through the GPU's caches once. Cubic resampling is three small matrix products.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput, MissingDependency
from workbench.imaging.inputs import checked_volume
from workbench.imaging.matrices import axis_matrices
from workbench.imaging.taps import Align, Grid, Order, all_taps, resampled_grid
from workbench.imaging.volume import Window
from workbench.imaging.windowing import as_window

if TYPE_CHECKING:
    import cupy

# Threads of a block along x and y, and the voxels along z that each of them makes.
BLOCK_X, BLOCK_Y, COLUMN = 64, 4, 24
SLAB = 32
Kind = Literal["int16", "float32"]

SOURCE = r"""
__device__ inline float between(float first, float second, float part) { return first + part * (second - first); }

template <typename Old, typename New, int MODE>
__device__ void write(New* made, long long at, float value, float low, float width) {
    if (MODE == 1) value = rintf(value);
    if (MODE == 2) value = fminf(fmaxf((value - low) / width, 0.0f), 1.0f);
    made[at] = (New)value;
}

// MODE 0 HU, 1 HU rounded to integers, 2 grey values of a window.
template <typename Old, typename New, int MODE>
__global__ void linear(const Old* __restrict__ old, New* __restrict__ made,
                       const unsigned* __restrict__ zi, const float* __restrict__ zw,
                       const unsigned* __restrict__ yi, const float* __restrict__ yw,
                       const unsigned* __restrict__ xi, const float* __restrict__ xw,
                       int height, int width, int new_depth, int new_height, int new_width,
                       int column, float low, float range) {
    const int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= new_width || y >= new_height) return;
    const long long plane = (long long)height * width, new_plane = (long long)new_height * new_width;
    const unsigned x0 = xi[x], x1 = xi[new_width + x];
    const float u = xw[new_width + x], v = yw[new_height + y];
    const Old* near = old + (long long)yi[y] * width;
    const Old* far = old + (long long)yi[new_height + y] * width;
    const int first = blockIdx.z * column, last = min(first + column, new_depth);
    int known = -1, next_known = -1;
    float value = 0.0f, next_value = 0.0f;
    for (int z = first; z < last; ++z) {
        const int upper = (int)zi[z], lower = (int)zi[new_depth + z];
        if (upper != known) {
            if (upper == next_known) {
                value = next_value;
            } else {
                const Old* a = near + upper * plane;
                const Old* b = far + upper * plane;
                value = between(between(a[x0], a[x1], u), between(b[x0], b[x1], u), v);
            }
            known = upper;
        }
        if (lower != next_known) {
            const Old* a = near + lower * plane;
            const Old* b = far + lower * plane;
            next_value = between(between(a[x0], a[x1], u), between(b[x0], b[x1], u), v);
            next_known = lower;
        }
        const float blended = between(value, next_value, zw[new_depth + z]);
        write<Old, New, MODE>(made, z * new_plane + (long long)y * new_width + x, blended, low, range);
    }
}
"""
TYPES = {"int16": "short", "float32": "float"}
HU, ROUNDED, GREY = 0, 1, 2


def is_available() -> bool:
    """Say whether cupy is installed and sees a GPU; asking makes no context where there is none."""
    try:
        import cupy  # noqa: PLC0415 - only where a GPU is
    except ImportError:
        return False
    try:
        return bool(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


def upload(volume: NDArray[Any]) -> cupy.ndarray:
    """Give a volume on the GPU, int16 for integers and float32 for floats.

    Raises
    ------
    InvalidInput
        When it is no volume of HU, or does not fit into the GPU's free memory.
    MissingDependency
        When there is no GPU or no cupy.
    """
    made = checked_volume(volume)
    library = _cupy()
    _check_memory(library, made.nbytes, f"A volume of {made.shape} voxels")
    return library.asarray(made)


def resample(
    volume: cupy.ndarray,
    spacing_mm: Sequence[float],
    new_spacing_mm: Sequence[float],
    *,
    order: Order = "linear",
    align: Align = "physical",
    dtype: Kind | None = None,
    out: cupy.ndarray | None = None,
) -> cupy.ndarray:
    """Give a volume on the GPU on a grid of another spacing, as `resampling.resample` does, to 1e-3 HU.

    Parameters
    ----------
    volume : cupy.ndarray, int16 or float32, shape (z, y, x), HU
        As `upload` gives it.
    spacing_mm, new_spacing_mm : sequence of 3 float
        Along (z, y, x), mm.
    order : {"linear", "cubic"}
    align : {"physical", "edges"}
    dtype : {"int16", "float32"}, optional
        Of the result; the volume's own when left out.
    out : cupy.ndarray, optional
        Takes the result.

    Raises
    ------
    InvalidInput
        When the volume, a spacing, an option or `out` is not usable, or the result does not fit into the GPU's memory.
    MissingDependency
        When there is no GPU or no cupy.
    """
    library = _cupy()
    _check(library, volume)
    grid = resampled_grid(volume.shape, spacing_mm, new_spacing_mm, align=align)
    kind = str(dtype or (out.dtype if out is not None else volume.dtype))
    if kind not in TYPES or (kind == "int16" and volume.dtype != np.int16):
        raise InvalidInput(f"The result of a {volume.dtype} volume is int16 for int16, or float32, not {kind[:32]!r}.")
    made = _target(library, out, grid.shape, kind)
    if order == "linear":
        _linear(library, volume, made, grid, ROUNDED if kind == "int16" else HU)
        return made
    exact = _products(library, volume, grid, order)
    made[...] = library.clip(library.rint(exact), -32768, 32767) if kind == "int16" else exact
    return made


def window_hu(
    volume: cupy.ndarray, level: float | str, width: float | None = None, *, out: cupy.ndarray | None = None
) -> cupy.ndarray:
    """Give grey values 0 (black) to 1 (white), float32, as `windowing.window_hu` does.

    Raises
    ------
    InvalidInput
        When the volume, the window or `out` is not usable.
    MissingDependency
        When there is no GPU or no cupy.
    """
    wanted, library = as_window(level, width), _cupy()
    _check(library, volume, is_any_shape=True)
    made = _target(library, out, volume.shape, "float32")
    low = np.float32(wanted.level - wanted.width / 2)
    _window_kernel()(volume, low, np.float32(wanted.width), made)
    return made


def resample_and_window(
    volume: cupy.ndarray,
    spacing_mm: Sequence[float],
    new_spacing_mm: Sequence[float],
    wanted: Window | str,
    *,
    align: Align = "physical",
    out: cupy.ndarray | None = None,
) -> cupy.ndarray:
    """Give grey values on another grid, float32, linear, in one pass over the GPU's memory.

    Raises
    ------
    InvalidInput
        When the volume, a spacing, the window or `out` is not usable.
    MissingDependency
        When there is no GPU or no cupy.
    """
    chosen, library = as_window(wanted) if isinstance(wanted, str) else wanted, _cupy()
    _check(library, volume)
    grid = resampled_grid(volume.shape, spacing_mm, new_spacing_mm, align=align)
    made = _target(library, out, grid.shape, "float32")
    _linear(library, volume, made, grid, GREY, chosen)
    return made


def _linear(library: Any, volume: Any, made: Any, grid: Grid, mode: int, window: Window | None = None) -> None:
    tables = _tables(volume.shape, grid, volume.device.id)
    depth, height, width = grid.shape
    chosen = window or Window(0.5, 1.0)
    low, span = np.float32(chosen.level - chosen.width / 2), np.float32(chosen.width)
    sizes = [np.int32(n) for n in (*volume.shape[1:], depth, height, width, COLUMN)]
    blocks = (-(-width // BLOCK_X), -(-height // BLOCK_Y), -(-depth // COLUMN))
    kernel = _linear_kernel(str(volume.dtype), str(made.dtype), mode)
    kernel(blocks, (BLOCK_X, BLOCK_Y, 1), (volume, made, *tables, *sizes, low, span))


def _products(library: Any, volume: Any, grid: Grid, order: Order) -> Any:
    """Resample as one matrix product an axis, slab by slab, so that little is float32 at a time."""
    z, y, x = _matrices(volume.shape, grid, order, volume.device.id)
    depth = volume.shape[0]
    between = library.empty((depth, *grid.shape[1:]), np.float32)
    for first in range(0, depth, SLAB):
        slab = volume[first : first + SLAB].astype(np.float32)
        between[first : first + SLAB] = library.matmul(y, library.matmul(slab, x.T))
    return library.matmul(z, between.reshape(depth, -1)).reshape(grid.shape)


@lru_cache(maxsize=16)
def _tables(shape: tuple[int, ...], grid: Grid, device: int) -> tuple[Any, ...]:
    """Give the taps on a GPU; those of the last grids stay there, because their upload takes longer than the kernel."""
    taps = all_taps(shape, grid, order="linear")
    return _uploaded([table for axis in taps for table in (axis.voxels, axis.weights)], device)


@lru_cache(maxsize=8)
def _matrices(shape: tuple[int, ...], grid: Grid, order: Order, device: int) -> tuple[Any, ...]:
    return _uploaded(axis_matrices(shape, grid, order=order), device)


def _uploaded(arrays: Sequence[NDArray[Any]], device: int) -> tuple[Any, ...]:
    library = _cupy()
    with library.cuda.Device(device):
        made = tuple(library.asarray(array) for array in arrays)
        # Other streams will use them too, and none of those waits for this one.
        library.cuda.get_current_stream().synchronize()
    return made


@cache
def _linear_kernel(source: str, target: str, mode: int) -> Any:
    name = f"linear<{TYPES[source]}, {TYPES[target]}, {mode}>"
    module = _cupy().RawModule(code=SOURCE, options=("--std=c++17",), name_expressions=(name,))
    return module.get_function(name)


@cache
def _window_kernel() -> Any:
    return _cupy().ElementwiseKernel(
        "T hu, float32 low, float32 range", "float32 grey",
        "grey = fminf(fmaxf(((float)hu - low) / range, 0.0f), 1.0f)", "workbench_window",
    )  # fmt: skip


def _cupy() -> Any:
    if not is_available():
        raise MissingDependency("There is no GPU that cupy can use here; use workbench.imaging.resampling instead.")
    import cupy  # noqa: PLC0415 - only where a GPU is

    return cupy


def _check(library: Any, volume: Any, *, is_any_shape: bool = False) -> None:
    if not isinstance(volume, library.ndarray) or str(volume.dtype) not in TYPES or not volume.flags.c_contiguous:
        raise InvalidInput("This takes a contiguous cupy array of int16 HU or float32; bring it there with upload().")
    if not is_any_shape and (volume.ndim != 3 or 0 in volume.shape):
        raise InvalidInput(f"A volume has three axes (z, y, x), none empty; this one has shape {volume.shape}.")
    if volume.dtype == np.float32 and not bool(library.isfinite(volume.sum(dtype=np.float64))):
        raise InvalidInput("The volume holds NaN or infinite values; replace them, as by cupy.nan_to_num, before use.")


def _target(library: Any, out: Any, shape: tuple[int, ...], kind: str) -> Any:
    if out is None:
        _check_memory(library, int(np.prod(shape, dtype=object)) * np.dtype(kind).itemsize, f"{shape} voxels")
        return library.empty(shape, kind)
    if not isinstance(out, library.ndarray) or out.shape != shape or str(out.dtype) != kind:
        raise InvalidInput(f"out must be a cupy array of {kind} of shape {shape}.")
    if not out.flags.c_contiguous:
        raise InvalidInput("out must be contiguous in memory; use cupy.empty.")
    return out


def _check_memory(library: Any, needed_bytes: int, what: str) -> None:
    pool = library.get_default_memory_pool()
    free = library.cuda.runtime.memGetInfo()[0] + pool.free_bytes()
    if needed_bytes > free:
        raise InvalidInput(
            f"{what} would take {needed_bytes / 2**30:.1f} GiB and {free / 2**30:.1f} GiB are free on the GPU; "
            "choose a coarser spacing or a smaller part of the scan."
        )
