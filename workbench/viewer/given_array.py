"""What people give as a volume, read once: whose memory it is, whether it can be shown, and where its voxels lie.

Runs in: kernel
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import IDENTITY, Geometry
from workbench.viewer.array_volume import ArrayLike

# What a browser can draw on: beyond this a canvas stays empty.
LONGEST_AXIS = 16_384
LARGEST_SLICE = 64_000_000
# From below the wavelength of light to beyond any patient, mm.
SPACING_RANGE_MM = (1e-4, 1e4)
FARTHEST_MM = 1e6
COLOUR_CHANNELS = (3, 4)
SMALLEST_PHOTOGRAPH = 16


def find_array(scan: object) -> tuple[ArrayLike, Geometry | None]:
    """Give an array without copying it, and its grid where it knows one."""
    room = type(scan).__module__.split(".")[0]
    if room == "SimpleITK" and "SimpleITK" in sys.modules and hasattr(scan, "GetDirection"):
        return _of_itk(scan)
    if room == "torch" and hasattr(scan, "detach"):
        return _of_tensor(scan), None
    if isinstance(scan, str | bytes) or scan is None or isinstance(scan, dict | set):
        raise InvalidInput(
            f"wb.view shows scans and arrays, and this is {_a(scan)}. Give a volume of a dataset, as in "
            'wb.view(wb.dataset("chest-ct").volume("S0001")), or an array (z, y, x) with like=scan.'
        )
    if all(hasattr(scan, name) for name in ("shape", "dtype", "__getitem__")) and not hasattr(scan, "iloc"):
        return cast(ArrayLike, scan), None
    try:
        array = np.asarray(scan)
    except (ValueError, TypeError, RuntimeError):
        array = np.array(None)
    if array.dtype.kind == "O" and not array.ndim:
        raise InvalidInput(
            f"wb.view shows scans and arrays, and this is {_a(scan)} that makes no array; give numbers of one "
            "length along each of (z, y, x)."
        )
    return array, None


def _of_itk(image: Any) -> tuple[ArrayLike, Geometry]:
    import SimpleITK  # noqa: PLC0415 - heavy, loaded on first use

    channels, axes = image.GetNumberOfComponentsPerPixel(), image.GetDimension()
    if axes != 3 or channels != 1:
        what = f"{channels} channels a voxel" if channels != 1 else f"{axes} axes"
        raise InvalidInput(
            f"The image has {what}, and the viewer shows one number a voxel on three axes; extract one volume, "
            "as with SimpleITK.Extract or SimpleITK.VectorIndexSelectionCast."
        )
    if not image.GetNumberOfPixels():
        raise InvalidInput("The image is empty: it has no voxels to show.")
    x, y, z = image.GetSize()
    sx, sy, sz = image.GetSpacing()
    grid = Geometry((z, y, x), (sz, sy, sx), tuple(image.GetOrigin()), tuple(image.GetDirection()))
    # A view of the image's memory would be invalid once the image is gone or changed; a thin object keeps it.
    return cast(ArrayLike, _ItkArray(SimpleITK.GetArrayViewFromImage(image), image)), grid


class _ItkArray:
    """The voxels of a SimpleITK image, which stays alive as long as they are shown."""

    def __init__(self, view: NDArray[Any], image: object) -> None:
        self.view, self.image = view, image
        self.shape, self.dtype, self.strides = view.shape, view.dtype, view.strides

    def __getitem__(self, key: Any) -> NDArray[Any]:
        voxels: NDArray[Any] = self.view[key]
        return voxels


def _of_tensor(tensor: Any) -> ArrayLike:
    """Give a tensor's own memory as an array; bfloat16, which numpy lacks, becomes float32 when it is read."""
    if tensor.device.type != "cpu":
        raise InvalidInput(f"The tensor lies on {tensor.device}; the viewer reads the main memory. Give tensor.cpu().")
    if str(tensor.layout) != "torch.strided" or tensor.is_quantized:
        raise InvalidInput("The tensor is sparse or quantized; give tensor.to_dense() or tensor.dequantize().")
    plain = tensor.detach().resolve_conj().resolve_neg()
    return _BrainFloats(plain) if str(plain.dtype) == "torch.bfloat16" else cast(ArrayLike, plain.numpy())


class _BrainFloats:
    """A bfloat16 tensor, piece by piece as float32."""

    def __init__(self, tensor: Any) -> None:
        self.tensor, self.shape, self.dtype = tensor, tuple(tensor.shape), np.dtype(np.float32)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        piece: NDArray[Any] = self.tensor[key].float().numpy()
        return piece


def check_array(array: ArrayLike, *, may_be_thin: bool) -> None:
    """Refuse what is no volume of real numbers, and say what to give instead."""
    shape, kind = tuple(int(n) for n in array.shape), getattr(array.dtype, "kind", "O")
    if kind not in "biuf":
        why = {
            "c": "complex numbers; give np.abs(array) or array.real",
            "U": "text", "S": "text", "T": "text", "O": "Python objects; convert it with array.astype(float)",
            "M": "dates", "m": "durations", "V": "records; give one field of them, as in array['value']",
        }.get(kind, "no numbers")  # fmt: skip
        raise InvalidInput(f"The array holds {why}. The viewer shows booleans, integers and floating numbers.")
    if len(shape) == 2:
        raise InvalidInput(
            f"The array has shape {shape}, which is one slice; the viewer shows volumes (z, y, x). "
            "Give array[None] for a volume of one slice, and spacing_mm=(thickness, row, column)."
        )
    if len(shape) != 3:
        hint = " Give one volume of it, as in array[0]" if len(shape) > 3 else " Give a volume"
        if len(shape) > 3 and shape[0] != 1 and shape[-1] <= 4:
            hint = " Give one channel of it, as in array[..., 0]"
        raise InvalidInput(f"The array has {len(shape)} axes, shape {shape}; the viewer shows three (z, y, x).{hint}.")
    if 0 in shape:
        raise InvalidInput(f"The array is empty: shape {shape} holds no voxel.")
    if not may_be_thin and shape[2] in COLOUR_CHANNELS and min(shape[:2]) >= SMALLEST_PHOTOGRAPH:
        raise InvalidInput(
            f"The array of shape {shape} looks like a colour picture (rows, columns, channels), and the viewer shows "
            "volumes (z, y, x). Give one channel, as in array[None, ..., 0]; for a volume this thin give geometry=."
        )
    z, y, x = shape
    if max(shape) > LONGEST_AXIS or max(z * y, z * x, y * x) > LARGEST_SLICE:
        raise InvalidInput(
            f"The array of shape {shape} is larger than a browser can draw ({LONGEST_AXIS} voxels along an axis, "
            f"{LARGEST_SLICE // 10**6} million in a slice); give a part of it, or every second voxel."
        )


def find_grid(
    shape: tuple[int, ...], own: Geometry | None, like: Geometry | None, *,
    spacing_mm: float | Sequence[float] | None = None, geometry: Geometry | None = None,
) -> Geometry:  # fmt: skip
    """Give the one grid that was told of an array: its own, a scan's, or of a spacing.

    Raises
    ------
    InvalidInput
        When there is none or more than one, when it is of another shape, or impossible.
    """
    if geometry is not None and not isinstance(geometry, Geometry):
        raise InvalidInput(f"geometry= is {_a(geometry)}; give a Geometry, as in scan.geometry, or spacing_mm= in mm.")
    given = [grid for grid in (own, like, geometry) if grid is not None]
    if len(given) + (spacing_mm is not None) > 1:
        raise InvalidInput(
            "The place of the voxels is given more than once; give one of like=, spacing_mm= and geometry="
            + (" (an image knows its own)." if own else ".")
        )
    if spacing_mm is not None:
        given = [Geometry(cast(tuple[int, int, int], shape), _spacing(spacing_mm), (0.0, 0.0, 0.0), IDENTITY)]
    if not given:
        raise InvalidInput(
            "An array does not say where its voxels lie. Give like=scan when it lies on a scan's grid, "
            "or spacing_mm=(z, y, x) in mm."
        )
    grid = given[0]
    if tuple(grid.shape) != shape:
        whose = "the scan of like= has" if like else "its grid has"
        raise InvalidInput(
            f"The array has shape {shape} and {whose} {tuple(grid.shape)}; axes are (z, y, x). "
            "Resample the array onto that grid, or give spacing_mm= for a grid of its own."
        )
    return _possible(grid)


def _spacing(spacing_mm: object) -> tuple[float, float, float]:
    try:
        z, y, x = (float(n) for n in np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64), 3))
    except (ValueError, TypeError):
        z = y = x = np.nan
    if not (np.isfinite([z, y, x]).all() and min(z, y, x) > 0):
        raise InvalidInput(f"spacing_mm is {spacing_mm!r}; it is one or three positive numbers (z, y, x) in mm.")
    return z, y, x


def _possible(grid: Geometry) -> Geometry:
    """Refuse a grid that no patient has: spacing in metres, axes that are not at right angles."""
    low, high = SPACING_RANGE_MM
    if min(grid.spacing_mm) < low or max(grid.spacing_mm) > high:
        raise InvalidInput(
            f"The spacing (z, y, x) is {_mm(grid.spacing_mm)} mm; the viewer takes {low:g} to {high:g} mm. "
            "Is it in another unit?"
        )
    if max(abs(n) for n in grid.origin_mm) > FARTHEST_MM:
        raise InvalidInput(f"The first voxel lies at {_mm(grid.origin_mm)} mm, farther than a kilometre; check it.")
    matrix = np.asarray(grid.direction).reshape(3, 3)
    if np.abs(matrix.T @ matrix - np.eye(3)).max() > 1e-3:
        raise InvalidInput(
            "The direction of the grid is no set of three unit vectors at right angles, so positions in mm would be "
            "wrong; resample the image onto a straight grid."
        )
    return grid


def _mm(numbers: Sequence[float]) -> str:
    return "(" + ", ".join(f"{number:g}" for number in numbers) + ")"


def _a(thing: object) -> str:
    name = type(thing).__name__
    return "nothing (None)" if thing is None else f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"
