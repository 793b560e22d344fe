"""A scan as `workbench infer` takes it: a CT volume turned upright, whatever it was read from.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry, Upright

MOST_OBLIQUE_DEGREES = 10.0


@dataclass(frozen=True)
class ScanInput:
    """A CT volume turned upright, and the way back to its own grid.

    Parameters
    ----------
    hu : ndarray, int16, shape (z, y, x), HU
        On the axial grid of `upright`.
    geometry : Geometry
        Its own grid, as it was read.
    upright : Upright
        From its own grid to the axial one.
    """

    hu: NDArray[Any]
    geometry: Geometry
    upright: Upright


def make_scan(hu: NDArray[Any], geometry: Geometry) -> ScanInput:
    """Give a volume turned upright; refuse a grid that is too oblique.

    Parameters
    ----------
    hu : ndarray, int16, shape (z, y, x), HU
    geometry : Geometry
        Its grid.

    Raises
    ------
    InvalidInput
        With the code ``oblique``.
    """
    try:
        upright = geometry.upright()
    except InvalidInput as problem:
        raise InvalidInput(problem.message, code="oblique") from None
    if upright.degrees > MOST_OBLIQUE_DEGREES:
        raise InvalidInput(
            f"The scan's axes are turned by {upright.degrees:.0f}° against the patient's; models here know at most "
            f"{MOST_OBLIQUE_DEGREES:.0f}°, so resample it upright first.", code="oblique",
        )  # fmt: skip
    return ScanInput(np.ascontiguousarray(upright.turn(hu)), geometry, upright)


def governed_scan(dataset_name: str, scan: str) -> ScanInput:
    """Read a scan of the home under the grant of whoever runs this kernel or job.

    Parameters
    ----------
    dataset_name, scan : str
        As `wb.datasets()` and `dataset.scans()` list them.

    Raises
    ------
    AccessDenied
        When the dataset may not be read here.
    NotFound
        When there is no such dataset or scan.
    InvalidInput
        When it is no CT, or its grid is too oblique.
    """
    from workbench.data.catalogue import dataset  # noqa: PLC0415 - needs a signed-in process

    volume = dataset(dataset_name).volume(scan)
    if volume.modality != "CT":
        raise not_ct(volume.modality)
    return make_scan(volume.read(), volume.geometry)


def not_ct(kinds: str) -> InvalidInput:
    """Give the error of a scan that is no CT."""
    return InvalidInput(f"The scan is {kinds}, and the model knows CT alone; give a CT series.", code="not-ct")
