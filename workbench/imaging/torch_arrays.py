"""The same resampling and windows for torch tensors, on whatever device they lie, from the same taps.

Resampling is three small matrix products, slab by slab. On a GPU with cupy, linear resampling is the fused kernel of
`gpu`, which reads the tensor where it lies.

Runs in: anywhere
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from workbench.errors import InvalidInput
from workbench.imaging.matrices import axis_matrices
from workbench.imaging.taps import Align, Order, resampled_grid
from workbench.imaging.windowing import as_window

if TYPE_CHECKING:
    import torch

# Slices turned to float32 at a time: enough to fill a GPU, little beside the volume.
SLAB = 32


def resample_tensor(
    volume: torch.Tensor,
    spacing_mm: Sequence[float],
    new_spacing_mm: Sequence[float],
    *,
    order: Order = "linear",
    align: Align = "physical",
) -> torch.Tensor:
    """Give a volume on a grid of another spacing, as `resampling.resample` does, to 1e-3 HU.

    Parameters
    ----------
    volume : Tensor, int16 or float32, shape (z, y, x), HU
        On any device; upload int16, which is half the bytes.
    spacing_mm, new_spacing_mm : sequence of 3 float
        Along (z, y, x), mm.
    order : {"linear", "cubic"}
    align : {"physical", "edges"}

    Returns
    -------
    Tensor, float32, shape (z', y', x'), on the same device

    Raises
    ------
    InvalidInput
        When the tensor, a spacing or an option is not usable.
    """
    import torch  # noqa: PLC0415 - heavy, loaded on first use

    _check(volume)
    shape = tuple(volume.shape)
    grid = resampled_grid(shape, spacing_mm, new_spacing_mm, align=align)
    if volume.is_cuda and order == "linear" and find_spec("cupy") is not None:
        return _fused(volume, spacing_mm, new_spacing_mm, align)
    across_z, across_y, across_x = (
        torch.tensor(matrix, device=volume.device) for matrix in axis_matrices(shape, grid, order=order)
    )
    with torch.no_grad(), _whole_precision():
        between = torch.empty((shape[0], *grid.shape[1:]), dtype=torch.float32, device=volume.device)
        for first in range(0, shape[0], SLAB):
            slab = volume[first : first + SLAB].float()
            between[first : first + SLAB] = across_y @ (slab @ across_x.T)
        made: torch.Tensor = (across_z @ between.reshape(shape[0], -1)).reshape(grid.shape)
        return made


def window_tensor(volume: torch.Tensor, level: float | str, width: float | None = None) -> torch.Tensor:
    """Give grey values 0 (black) to 1 (white), float32, on the same device, as `windowing.window_hu` does.

    Raises
    ------
    InvalidInput
        When the tensor or the window is not usable.
    """
    wanted = as_window(level, width)
    _check(volume, is_any_shape=True)
    return (volume.float() - (wanted.level - wanted.width / 2)).div_(wanted.width).clamp_(0, 1)


def _check(volume: torch.Tensor, *, is_any_shape: bool = False) -> None:
    import torch  # noqa: PLC0415 - heavy, loaded on first use

    if not isinstance(volume, torch.Tensor) or volume.dtype not in (torch.int16, torch.float32):
        found = volume.dtype if isinstance(volume, torch.Tensor) else type(volume).__name__
        raise InvalidInput(f"This takes a torch tensor of int16 HU or float32, not {found}; convert it with .to().")
    if not is_any_shape and (volume.ndim != 3 or 0 in volume.shape):
        raise InvalidInput(f"A volume has three axes (z, y, x), none empty; this one has shape {tuple(volume.shape)}.")
    if volume.is_floating_point() and not bool(torch.isfinite(volume.sum(dtype=torch.float64))):
        raise InvalidInput("The volume holds NaN or infinite values; replace them, as by torch.nan_to_num, before use.")


def _fused(
    volume: torch.Tensor, spacing_mm: Sequence[float], new_spacing_mm: Sequence[float], align: Align
) -> torch.Tensor:
    import cupy  # noqa: PLC0415 - only where a GPU is
    import torch  # noqa: PLC0415 - heavy, loaded on first use

    from workbench.imaging import gpu  # noqa: PLC0415 - only where a GPU is

    with cupy.cuda.Device(volume.device.index), cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream):
        array = cupy.from_dlpack(volume.detach().contiguous())
        made = gpu.resample(array, spacing_mm, new_spacing_mm, align=align, dtype="float32")
        return torch.from_dlpack(made)


@contextmanager
def _whole_precision() -> Iterator[None]:
    """Multiply in float32: with TF32's ten bits a HU would be off by units."""
    import torch  # noqa: PLC0415 - heavy, loaded on first use

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
