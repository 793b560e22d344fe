"""A lazy array on a grid in the patient: axes (z, y, x), read through the gateway piece by piece.

What scans and their labels have in common.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from workbench.data.arena import read_box_through_arena
from workbench.data.block_wire import Address
from workbench.data.fetch import fetch_end, fetch_json, fetch_spans
from workbench.data.indexing import Selection, read_key
from workbench.data.line import readers
from workbench.data.shard import AnyVoxels, Box, Index3, Shard, Span, checked_box, empty_box, read_layout
from workbench.errors import InvalidInput
from workbench.geometry import Geometry

if TYPE_CHECKING:
    from workbench.data.zarr_store import VolumeStore


class GridArray:
    """An array whose voxels are read when they are used; index it like an array, or `read()` all of it.

    Parameters
    ----------
    dataset, version : str
        Which version of which dataset; an array stays with its version.
    facts : mapping
        What the gateway tells of it: `shape, spacing_mm, origin_mm, direction, levels`.
    """

    dtype: np.dtype[Any] = np.dtype(np.int16)
    ndim = 3

    def __init__(self, dataset: str, version: str, facts: Mapping[str, Any]) -> None:
        self.dataset = dataset
        self.version = version
        self.facts = dict(facts)
        self.geometry = Geometry.from_dict(self.facts)

    @property
    def title(self) -> str:
        """What an error calls it."""
        raise NotImplementedError

    def url(self, key: str) -> str:
        """Give the gateway's address of one of its zarr keys."""
        raise NotImplementedError

    def address(self, level: int) -> Address:
        """Give the name by which the gateway's arena opens a level."""
        raise NotImplementedError

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

    def read_box(self, box: Box | None = None, level: int = 0, *, out: AnyVoxels | None = None) -> AnyVoxels:
        """Give a box of voxels at a resolution level, or all of them.

        Parameters
        ----------
        box : three pairs of int, optional
            First and last-but-one index along (z, y, x).
        level : int, default 0
            0 is full resolution.
        out : ndarray, optional
            Where to read to: of the box's shape and the stored type, C order. Given back; after an error, worthless.
        """
        shard, url = self.shard(level)
        layout = shard.layout
        z, y, x = layout.shape
        whole = checked_box(box or ((0, z), (0, y), (0, x)), layout.shape)
        voxels = empty_box(shard, whole, out)
        if read_box_through_arena(self.address(int(level)), shard, whole, voxels):
            return voxels

        def read_batch(batch: list[Span]) -> None:
            shard.place(batch, fetch_spans(url, batch), whole, voxels)

        for _ in readers().map(read_batch, shard.batches(whole)[0]):
            pass
        return voxels

    def store(self) -> VolumeStore:
        """Give a read-only zarr v3 store of all levels, for a library that reads zarr itself.

        `read` and indexing are several times faster; see `workbench.data.zarr_store`.
        """
        from workbench.data.zarr_store import VolumeStore  # noqa: PLC0415 - zarr is heavy, loaded on first use

        return VolumeStore(self)

    def level_shape(self, level: int) -> Index3:
        """Give the voxels along (z, y, x) at a resolution level."""
        return self.shard(level)[0].layout.shape

    def __getitem__(self, key: object) -> Any:
        """Read what an index of integers, slices and `…` selects; integers drop their axis."""
        selection: Selection = read_key(key, self.shape)
        if selection.is_empty:
            return np.empty(selection.result_shape, dtype=self.dtype)
        return self.read_box(selection.box)[selection.within]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Read all voxels, so that numpy functions take it."""
        if copy is False:
            raise ValueError("A volume is read through the gateway, so it cannot become an array without a copy.")
        voxels = self.read_box()
        return voxels if dtype is None else voxels.astype(dtype, copy=False)

    def __len__(self) -> int:
        """Give the number of slices along z."""
        return self.shape[0]

    def shard(self, level: int) -> tuple[Shard, str]:
        """Give a level's shard and its address."""
        if not isinstance(level, int | np.integer) or not 0 <= level < self.levels:
            raise InvalidInput(f"{self.title} has levels 0 to {self.levels - 1}; there is no level {level!r}.")
        url = self.url(f"{int(level)}/c/0/0/0")
        return _shard(self.url(f"{int(level)}/zarr.json"), url), url


@lru_cache(maxsize=64)
def _shard(metadata: str, data: str) -> Shard:
    """Give a level's shard with its index; versions never change, so this is read once."""
    layout = read_layout(fetch_json(metadata))
    return Shard(layout, fetch_end(data, layout.index_bytes))
