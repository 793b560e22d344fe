"""What is done to every scan of a dataset: resample to a spacing, window, find the lungs.

Runs in: kernel | terminal
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from workbench.geometry import Geometry

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
MOST_WORKERS = 64
ORDERS = ("linear", "cubic")
SMALLEST_SPACING_MM, LARGEST_SPACING_MM = 0.1, 20.0
FURTHEST_HU, LARGEST_WIDTH_HU = 32_768.0, 65_536.0
LUNG_WINDOW = (-600.0, 1500.0)
# About 8 GiB of windowed voxels; a scan that grows beyond this has a wrong spacing, or the recipe has.
MOST_VOXELS = 2**31


@dataclass(frozen=True)
class Recipe:
    """The parameters of the chain; equal recipes give equal files.

    Parameters
    ----------
    spacing_mm : tuple of 3 float
        Voxel spacing along (z, y, x) of what comes out, mm, 0.1 to 20.
    window : tuple of 2 float
        Level and width, HU: from level − width / 2 (becomes 0) to level + width / 2 (becomes 1).
    order : {"linear", "cubic"}
        How it is resampled.
    """

    spacing_mm: tuple[float, float, float]
    window: tuple[float, float] = LUNG_WINDOW
    order: str = "linear"

    def __post_init__(self) -> None:
        """Refuse parameters that cannot be meant."""
        spacing = self.spacing_mm
        if len(spacing) != 3 or not all(SMALLEST_SPACING_MM <= step <= LARGEST_SPACING_MM for step in spacing):
            raise InvalidInput(
                f"The spacing is {SMALLEST_SPACING_MM:g} to {LARGEST_SPACING_MM:g} mm along each axis, one number or "
                f"three (z, y, x); got {', '.join(f'{step:g}' for step in spacing)}."
            )
        level, width = self.window
        if not (math.isfinite(level) and abs(level) <= FURTHEST_HU and 1 <= width <= LARGEST_WIDTH_HU):
            raise InvalidInput(
                f"A window has a level from −{FURTHEST_HU:g} to {FURTHEST_HU:g} HU and a width from 1 to "
                f"{LARGEST_WIDTH_HU:g} HU; got level {level:g} and width {width:g}."
            )
        if self.order not in ORDERS:
            raise InvalidInput(f"The order is one of {', '.join(ORDERS)}; got “{self.order}”.")

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON values."""
        return {"spacing_mm": list(self.spacing_mm), "window": list(self.window), "order": self.order}

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Recipe:
        """Read what `as_dict` wrote."""
        z, y, x = (float(step) for step in body["spacing_mm"])
        level, width = (float(number) for number in body["window"])
        return cls((z, y, x), (level, width), str(body["order"]))


def read_spacing(text: str) -> tuple[float, float, float]:
    """Read a spacing as people write it: one number, or three with commas, along (z, y, x), mm.

    >>> read_spacing("1.5,1,1")
    (1.5, 1.0, 1.0)

    Raises
    ------
    InvalidInput
        When these are not one or three numbers.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3):
        raise InvalidInput(f"The spacing is one number of mm, such as 1, or three such as 1.5,1,1; got “{text}”.")
    z, y, x = numbers * 3 if len(numbers) == 1 else numbers
    return z, y, x


def check_name(name: str, what: str = "output") -> str:
    """Give the name of a folder or a scan, refused unless it is one plain name.

    Raises
    ------
    InvalidInput
        For a path, an empty name, and anything but letters, digits, dots, dashes and underscores.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInput(
            f"The {what} is a name of up to 100 letters, digits, dots, dashes and underscores that becomes a folder of "
            f"your workspace, not a path; got “{str(name)[:120]}”."
        )
    return name


def check_workers(workers: int) -> int:
    """Give the number of workers, refused unless it is a whole number from 1 to 64."""
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MOST_WORKERS:
        raise InvalidInput(f"workers must be a whole number from 1 to {MOST_WORKERS}; got {workers!r}.")
    return workers


def prepare_volume(
    hu: NDArray[np.int16], grid: Geometry, recipe: Recipe
) -> tuple[NDArray[np.float32], NDArray[np.uint8], Geometry]:
    """Run the chain on one scan.

    Parameters
    ----------
    hu : ndarray, int16, shape (z, y, x), HU
    grid : Geometry
        Its grid in the patient.
    recipe : Recipe

    Returns
    -------
    ndarray, float32, shape (z, y, x), 0 to 1
        The windowed volume.
    ndarray, uint8, shape (z, y, x), 0 or 1
        The lungs, found in the resampled HU.
    Geometry
        The grid of both.

    Raises
    ------
    InvalidInput
        When the result would have more than 2³¹ voxels.
    """
    import numpy as np  # noqa: PLC0415 - the terminal reads a recipe without it

    from workbench.imaging.lung_mask import lung_mask  # noqa: PLC0415 - numba, heavy, loaded on first use
    from workbench.imaging.resampling import resample, resampled_geometry  # noqa: PLC0415 - the same
    from workbench.imaging.windowing import window_hu  # noqa: PLC0415 - the same

    voxels = math.prod(
        n * old / new for n, old, new in zip(grid.shape, grid.spacing_mm, recipe.spacing_mm, strict=True)
    )
    if voxels > MOST_VOXELS:
        raise InvalidInput(
            f"At this spacing it would have {voxels:.3g} voxels, more than {MOST_VOXELS:.3g}; choose a wider spacing."
        )
    placed = resampled_geometry(grid, recipe.spacing_mm)
    fine = resample(hu, grid.spacing_mm, recipe.spacing_mm, order="cubic" if recipe.order == "cubic" else "linear")
    mask = lung_mask(fine, placed.spacing_mm)
    level, width = recipe.window
    return window_hu(fine, level, width), np.asarray(mask, dtype=np.uint8), placed
