"""A CT scan as a lazy array: HU, axes (z, y, x), read through the gateway piece by piece.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from workbench.data.cards import volume_card
from workbench.data.fetch import fetch_end, fetch_json, fetch_spans, scan_url
from workbench.data.indexing import Selection, read_key
from workbench.data.line import readers
from workbench.data.shard import Box, Index3, Shard, Span, Voxels, checked_box, read_layout
from workbench.errors import InvalidInput
from workbench.geometry import Geometry

AIR_HU = -1024


class Volume:
    """One scan; nothing is read before it is needed.

    Index it like an array (`scan[100]`, `scan[:, 200:300, 40]`), or `read()` all of it.

    Parameters
    ----------
    dataset, version : str
        Which version of which dataset; a volume stays with its version.
    facts : mapping
        What the gateway tells of the scan: `scan, shape, spacing_mm, origin_mm, direction, levels, window`.
    """

    dtype = np.dtype(np.int16)
    ndim = 3

    def __init__(self, dataset: str, version: str, facts: Mapping[str, Any]) -> None:
        self.dataset = dataset
        self.version = version
        self.facts = dict(facts)
        self.scan = str(facts["scan"])
        self.geometry = Geometry.from_dict(self.facts)

    @property
    def shape(self) -> Index3:
        """Voxels along (z, y, x)."""
        return self.geometry.shape

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel spacing along (z, y, x), mm."""
        return self.geometry.spacing_mm

    @property
    def origin_mm(self) -> tuple[float, float, float]:
        """Patient position (x, y, z), LPS, of the first voxel's centre, mm."""
        return self.geometry.origin_mm

    @property
    def direction(self) -> tuple[float, ...]:
        """Row-major 3×3 matrix of the index axes' directions, LPS."""
        return self.geometry.direction

    @property
    def size(self) -> int:
        """Number of voxels."""
        return int(np.prod(self.shape))

    @property
    def levels(self) -> int:
        """Number of resolution levels; 0 is full resolution, each next one has half the voxels along each axis."""
        return int(self.facts.get("levels") or 1)

    @property
    def window(self) -> tuple[float, float]:
        """The display window that suits this scan: level and width, HU."""
        level, width = self.facts.get("window") or (-600.0, 1500.0)
        return float(level), float(width)

    def read(self, level: int = 0) -> Voxels:
        """Give the whole scan at a resolution level.

        Parameters
        ----------
        level : int, default 0
            0 is full resolution; see `levels`.

        Returns
        -------
        ndarray, int16, shape (z, y, x), HU
        """
        shape = _shard(self.dataset, self.version, self.scan, self._checked(level)).layout.shape
        return self._read_box(((0, shape[0]), (0, shape[1]), (0, shape[2])), level)

    def middle_slice(self, level: int = 0) -> NDArray[np.int16]:
        """Give the middle axial slice at a resolution level, shape (y, x), HU."""
        z, y, x = _shard(self.dataset, self.version, self.scan, self._checked(level)).layout.shape
        return self._read_box(((z // 2, z // 2 + 1), (0, y), (0, x)), level).reshape(y, x)

    def patch(self, centre_index_zyx: Sequence[float], size: int | Sequence[int]) -> Voxels:
        """Give the voxels around a place, padded with air (−1024 HU) where it reaches over the edge.

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
        out = np.full(sizes, AIR_HU, dtype=np.int16)
        spans = [(max(a, 0), min(a + s, n)) for a, s, n in zip(starts, sizes, self.shape, strict=True)]
        if all(start < stop for start, stop in spans):
            window = tuple(slice(a - start, b - start) for (a, b), start in zip(spans, starts, strict=True))
            out[window] = self._read_box(cast(Box, tuple(spans)))
        return out

    def __getitem__(self, key: object) -> NDArray[np.int16] | np.int16:
        """Read what an index of integers, slices and `…` selects; integers drop their axis."""
        selection: Selection = read_key(key, self.shape)
        if selection.is_empty:
            return np.empty(selection.result_shape, dtype=np.int16)
        return cast("NDArray[np.int16] | np.int16", self._read_box(selection.box)[selection.within])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Read the whole scan, so that numpy functions take a volume."""
        if copy is False:
            raise ValueError("A volume is read through the gateway, so it cannot become an array without a copy.")
        voxels = self.read()
        return voxels if dtype is None else voxels.astype(dtype, copy=False)

    def __len__(self) -> int:
        """Give the number of slices along z."""
        return self.shape[0]

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
        return f"Volume({self.dataset!r}, {self.scan!r}: {z} × {y} × {x} voxels of {spacing} mm, int16 HU)"

    def _repr_html_(self) -> str:
        return volume_card(self)

    def _identity(self) -> tuple[str, str, str]:
        return self.dataset, self.version, self.scan

    def _checked(self, level: int) -> int:
        if not isinstance(level, int | np.integer) or not 0 <= level < self.levels:
            raise InvalidInput(f"{self.scan} has levels 0 to {self.levels - 1}; there is no level {level!r}.")
        return int(level)

    def _read_box(self, box: Box, level: int = 0) -> Voxels:
        url = scan_url(self.dataset, self.scan, self.version, f"{level}/c/0/0/0")
        shard = _shard(self.dataset, self.version, self.scan, level)
        checked_box(box, shard.layout.shape)
        z, y, x = (stop - start for start, stop in box)
        batches, stored = shard.batches(box)
        out = np.empty((z, y, x), dtype=np.int16) if stored else np.full((z, y, x), shard.layout.fill, dtype=np.int16)

        def read_batch(batch: list[Span]) -> None:
            shard.place(batch, fetch_spans(url, batch), box, out)

        for _ in readers().map(read_batch, batches):
            pass
        return out


@lru_cache(maxsize=64)
def _shard(dataset: str, version: str, scan: str, level: int) -> Shard:
    """Give a level's shard with its index; versions never change, so this is read once."""
    layout = read_layout(fetch_json(scan_url(dataset, scan, version, f"{level}/zarr.json")))
    return Shard(layout, fetch_end(scan_url(dataset, scan, version, f"{level}/c/0/0/0"), layout.index_bytes))
