"""Where a voxel lies in the patient: voxel index (z, y, x) to and from patient millimetres (LPS).

The only place of the workbench where axes are reordered. Arrays are (z, y, x); patient positions are (x, y, z)
in the DICOM patient coordinate system (LPS: x to the left, y to posterior, z to superior).

Runs in: anywhere
Source: DICOM PS3.3 2026c C.7.6.2.1.1 (Image Position and Image Orientation), equation C.7.6.2.1-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Geometry:
    """The grid of a volume.

    Parameters
    ----------
    shape : tuple of 3 int
        Voxels along (z, y, x).
    spacing_mm : tuple of 3 float
        Voxel spacing along (z, y, x), mm, all > 0.
    origin_mm : tuple of 3 float
        Patient position (x, y, z), LPS, of the centre of voxel (0, 0, 0), mm.
    direction : tuple of 9 float
        Row-major 3×3 matrix whose columns are the patient directions (LPS) of the x, y and z index axes,
        as SimpleITK and ITK write it; the identity for an axial series.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[float, ...] = IDENTITY

    def __post_init__(self) -> None:
        """Refuse a grid that cannot exist."""
        numbers = (*self.spacing_mm, *self.origin_mm, *self.direction)
        if len(self.shape) != 3 or len(self.direction) != 9 or not np.all(np.isfinite(numbers)):
            raise InvalidInput(f"A volume needs 3 sizes and finite spacing, origin and direction; got {self}.")
        if min(self.shape) < 1 or min(self.spacing_mm) <= 0:
            raise InvalidInput(f"Shape {self.shape} and spacing {self.spacing_mm} mm must be positive.")

    def to_patient_mm(self, index_zyx: NDArray[Any]) -> NDArray[np.float64]:
        """Give the patient positions of voxel indices.

        Parameters
        ----------
        index_zyx : ndarray, shape (..., 3)
            Voxel indices (z, y, x); fractions allowed.

        Returns
        -------
        ndarray, float64, shape (..., 3)
            Patient positions (x, y, z), LPS, mm.
        """
        index = np.asarray(index_zyx, dtype=np.float64)
        scaled = (index * np.asarray(self.spacing_mm))[..., ::-1]
        result: NDArray[np.float64] = scaled @ self._matrix().T + np.asarray(self.origin_mm)
        return result

    def to_index(self, position_mm: NDArray[Any]) -> NDArray[np.float64]:
        """Give the voxel indices (z, y, x), with fractions, of patient positions (x, y, z), LPS, mm."""
        offset = np.asarray(position_mm, dtype=np.float64) - np.asarray(self.origin_mm)
        along_axes = np.linalg.solve(self._matrix(), offset[..., None])[..., 0]
        result: NDArray[np.float64] = along_axes[..., ::-1] / np.asarray(self.spacing_mm)
        return result

    def upright(self) -> Upright:
        """Say how to turn the grid by whole axes until it is as close as possible to an axial one.

        Returns
        -------
        Upright
            After it the axes (z, y, x) run to superior, posterior and left.

        Raises
        ------
        InvalidInput
            When no order of the axes is nearest, since the grid is turned by 45° or more.
        """
        along = self._matrix()[:, ::-1]  # columns: the patient directions of the z, y and x index axes
        order = tuple(int(np.abs(along[patient]).argmax()) for patient in (2, 1, 0))
        if sorted(order) != [0, 1, 2]:
            raise InvalidInput("The grid is turned by 45° or more between two planes; resample it upright first.")
        signs = [float(along[patient, axis]) for patient, axis in zip((2, 1, 0), order, strict=True)]
        flipped = tuple(sign < 0 for sign in signs)
        corner = np.zeros(3)
        for axis, is_flipped in zip(order, flipped, strict=True):
            corner[axis] = self.shape[axis] - 1 if is_flipped else 0
        x, y, z = (float(n) for n in self.to_patient_mm(corner))
        turned = along[:, order] * np.where(flipped, -1.0, 1.0)
        a, b, c = order
        grid = Geometry(
            (self.shape[a], self.shape[b], self.shape[c]),
            (self.spacing_mm[a], self.spacing_mm[b], self.spacing_mm[c]),
            (x, y, z), tuple(float(n) + 0.0 for n in turned[:, ::-1].ravel()),
        )  # fmt: skip
        return Upright((a, b, c), (flipped[0], flipped[1], flipped[2]), grid, _degrees(min(map(abs, signs))))

    def as_dict(self) -> dict[str, list[float] | list[int]]:
        """Give the grid as plain JSON values."""
        return {
            "shape": list(self.shape),
            "spacing_mm": list(self.spacing_mm),
            "origin_mm": list(self.origin_mm),
            "direction": list(self.direction),
        }

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Geometry:
        """Read what `as_dict` wrote; other keys are ignored."""
        z, y, x = (int(n) for n in body["shape"])
        sz, sy, sx = (float(n) for n in body["spacing_mm"])
        ox, oy, oz = (float(n) for n in body["origin_mm"])
        direction = tuple(float(n) for n in body.get("direction", IDENTITY))
        return cls((z, y, x), (sz, sy, sx), (ox, oy, oz), direction)

    def _matrix(self) -> NDArray[np.float64]:
        return np.asarray(self.direction, dtype=np.float64).reshape(3, 3)


@dataclass(frozen=True)
class Upright:
    """How an array of one grid becomes one of an axial grid, by exchanging and mirroring whole axes.

    Parameters
    ----------
    order : tuple of 3 int
        Which axis of the array comes first, second and third.
    flipped : tuple of 3 bool
        Which of the axes, in their new order, is mirrored.
    geometry : Geometry
        The grid of the turned array.
    degrees : float
        How far its axes still are from the patient's, 0…45.
    """

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]
    geometry: Geometry
    degrees: float

    def turn(self, array: NDArray[Any]) -> NDArray[Any]:
        """Give the array on the axial grid, as a view."""
        result: NDArray[Any] = array.transpose(self.order)[self._mirrors()]
        return result

    def turn_back(self, array: NDArray[Any]) -> NDArray[Any]:
        """Give an array of the axial grid on the first one, as a view."""
        result: NDArray[Any] = array[self._mirrors()].transpose(np.argsort(self.order))
        return result

    def _mirrors(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if is_flipped else 1) for is_flipped in self.flipped)


def _degrees(cosine: float) -> float:
    return float(np.degrees(np.arccos(min(1.0, cosine))))
