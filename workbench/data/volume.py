"""A CT scan as a lazy array: HU, axes (z, y, x), read through the gateway piece by piece.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from workbench.data.block_wire import Address
from workbench.data.cards import volume_card
from workbench.data.fetch import scan_url
from workbench.data.grid_array import GridArray
from workbench.data.shard import Box, Voxels
from workbench.errors import InvalidInput

AIR_HU = -1024


class Volume(GridArray):
    """One scan; nothing is read before it is needed.

    Index it like an array (`scan[100]`, `scan[:, 200:300, 40]`), or `read()` all of it.

    Parameters
    ----------
    dataset, version : str
        Which version of which dataset; a volume stays with its version.
    facts : mapping
        What the gateway tells of the scan: `scan, shape, spacing_mm, origin_mm, direction, levels, window`.
    """

    def __init__(self, dataset: str, version: str, facts: Mapping[str, Any]) -> None:
        super().__init__(dataset, version, facts)
        self.scan = str(facts["scan"])

    @property
    def title(self) -> str:
        """The scan's id."""
        return self.scan

    def url(self, key: str) -> str:
        """Give the gateway's address of a zarr key of the scan."""
        return scan_url(self.dataset, self.scan, self.version, key)

    def address(self, level: int) -> Address:
        """Give the name by which the gateway's arena opens a level."""
        return Address(self.dataset, self.version, self.scan, level=level)

    @property
    def window(self) -> tuple[float, float]:
        """The display window that suits this scan: level and width, HU (for other images, stored numbers)."""
        level, width = self.facts.get("window") or (-600.0, 1500.0)
        return float(level), float(width)

    @property
    def modality(self) -> str:
        """How it was made: CT, MR, PT (PET), or OT for another image."""
        return str(self.facts.get("modality") or "CT")

    @property
    def unit(self) -> str:
        """What a voxel times `scale` is given in: HU for CT, such as Bq/ml for PET, `arbitrary` where it has none."""
        return str(self.facts.get("unit") or "HU")

    @property
    def scale(self) -> float:
        """The factor that turns a stored number into `unit`; 1 for CT."""
        return float(self.facts.get("scale") or 1.0)

    def read(self, level: int = 0, *, out: Voxels | None = None) -> Voxels:
        """Give the whole scan at a resolution level.

        Parameters
        ----------
        level : int, default 0
            0 is full resolution; see `levels`.
        out : ndarray, int16, optional
            An array of the level's shape to read into, for whoever reads one scan after another.

        Returns
        -------
        ndarray, int16, shape (z, y, x), HU
        """
        return self.read_box(level=level, out=out)

    def middle_slice(self, level: int = 0) -> NDArray[np.int16]:
        """Give the middle axial slice at a resolution level, shape (y, x), HU."""
        z, y, x = self.level_shape(level)
        return self.read_box(((z // 2, z // 2 + 1), (0, y), (0, x)), level).reshape(y, x)

    def patch(self, centre_index_zyx: Sequence[float], size: int | Sequence[int]) -> Voxels:
        """Give the voxels around a place, padded with air (−1024 HU; 0 where it is no CT) at the edge.

        Parameters
        ----------
        centre_index_zyx : sequence of 3 numbers
            Voxel index (z, y, x) of the centre.
        size : int or sequence of 3 int
            Voxels along (z, y, x).

        Returns
        -------
        ndarray, int16, shape (z, y, x), HU
        """
        sizes = [int(n) for n in np.broadcast_to(np.asarray(size), 3)]
        centre = np.asarray(centre_index_zyx, dtype=float)
        if centre.shape != (3,) or not np.all(np.isfinite(centre)) or min(sizes) < 1:
            raise InvalidInput("A patch needs a centre (z, y, x) in voxels and a positive size.")
        starts = [round(float(c)) - s // 2 for c, s in zip(centre, sizes, strict=True)]
        out = np.full(sizes, AIR_HU if self.modality == "CT" else 0, dtype=np.int16)
        spans = [(max(a, 0), min(a + s, n)) for a, s, n in zip(starts, sizes, self.shape, strict=True)]
        if all(start < stop for start, stop in spans):
            window = tuple(slice(a - start, b - start) for (a, b), start in zip(spans, starts, strict=True))
            out[window] = self.read_box(cast(Box, tuple(spans)))
        return out

    def __eq__(self, other: object) -> bool:
        """Whether it is the same scan of the same version."""
        return isinstance(other, Volume) and self._identity() == other._identity()

    def __hash__(self) -> int:
        """Give the hash that goes with equality."""
        return hash(self._identity())

    def __reduce__(self) -> tuple[type[Volume], tuple[str, str, dict[str, Any]]]:
        """Travel to another process as a name; there it is read with that process's own token."""
        return Volume, (self.dataset, self.version, self.facts)

    def __repr__(self) -> str:
        """Say which scan it is and how large."""
        z, y, x = self.shape
        spacing = " × ".join(f"{mm:g}" for mm in self.spacing_mm)
        return f"Volume({self.dataset!r}, {self.scan!r}: {z} × {y} × {x} voxels of {spacing} mm, int16 {self.unit})"

    def _repr_html_(self) -> str:
        return volume_card(self)

    def _identity(self) -> tuple[str, str, str]:
        return self.dataset, self.version, self.scan
