"""Slices and slabs of scans and labels along the three planes, on their own grid or another one.

However thick a slab or large a volume is, only some million voxels of it are held at a time.

Runs in: gateway
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from workbench.data.shard import AnyVoxels, Box
from workbench.errors import InvalidInput, NotFound
from workbench.gateway.blocks import MEMORY_BYTES, BlockReader, Source
from workbench.gateway.shown import Shown
from workbench.gateway.slice_query import MOST_GRID_VOXELS, SliceQuery
from workbench.geometry import Geometry
from workbench.imaging.reformat import PLANES, at_level, reformat
from workbench.imaging.slabs import NO_VALUE, Slab, slab_reach

# 8 MB of int16.
MOST_VOXELS = 4 * 1024 * 1024

Still = Callable[[], None]


class SliceReader:
    """Gives slices; whoever asks for one shows what they may see."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._blocks = BlockReader(memory_bytes)

    def read(
        self, shown: Shown, scan: str, query: SliceQuery, *, labels: str = "", still: Still = lambda: None
    ) -> AnyVoxels:
        """Give one slice.

        Parameters
        ----------
        shown : Shown
            The version as its reader may see it.
        scan : str
            Which volume.
        query : SliceQuery
            Which slice of it.
        labels : str, optional
            The name of one of its label sets, whose slice is wanted in place of the image's.
        still : callable
            Called again and again while a slab grows; raises when the reader may read no more.

        Returns
        -------
        ndarray, int16 (labels: uint8 or uint16), shape (rows, columns)
            Axial (y, x), coronal (z, x), sagittal (z, y).

        Raises
        ------
        NotFound
            When there is no such slice, level or label set.
        InvalidInput
            When a slab on another grid is larger than what is made.
        """
        source = Source(scan, labels, query.level)
        shape = shown.shard(*source)[1].layout.shape
        normal = PLANES[query.plane][0]
        if query.grid is None and query.index >= shape[normal]:
            what = f"of level {query.level} of this scan" if query.level else "of this scan"
            raise NotFound(
                f"The {query.plane} slices {what} go from 0 to {shape[normal] - 1}; there is no slice {query.index}."
            )
        own = at_level(shown.geometry(scan), query.level)
        if query.grid is None:
            return self._on_own(shown, source, query, own, still)
        return self._on_grid(shown, source, query, (own, query.grid), still)

    def forget(self) -> None:
        """Let go of every decoded chunk."""
        self._blocks.forget()

    def _on_own(self, shown: Shown, source: Source, query: SliceQuery, own: Geometry, still: Still) -> AnyVoxels:
        """Give a slice or slab of the scan's own grid, band of rows by band and layer of chunks by layer."""
        layout = shown.shard(*source)[1].layout
        normal, row, column = PLANES[query.plane]
        first, last = _reach(query, own, normal)
        shape = layout.shape
        keep = self._blocks.is_worth_keeping(2 * (last - first) * shape[row] * shape[column])
        made = np.empty((shape[row], shape[column]), dtype=layout.dtype)
        depth, height = layout.chunk[normal], layout.chunk[row]
        for top, bottom in _pieces(0, shape[row], max(1, MOST_VOXELS // (depth * shape[column] * height)) * height):
            slab = Slab(query.mode)
            for start, stop in _pieces(first, last, depth):
                still()
                box = [(0, 0)] * 3
                box[normal], box[row], box[column] = (start, stop), (top, bottom), (0, shape[column])
                block = np.moveaxis(self._blocks.read(shown, source, (box[0], box[1], box[2]), keep=keep), normal, 0)
                if last - first > 1:
                    slab.add(block)
                else:
                    made[top:bottom] = block[0]
            if last - first > 1:
                made[top:bottom] = slab.slice()
        return made

    def _on_grid(
        self, shown: Shown, source: Source, query: SliceQuery, grids: tuple[Geometry, Geometry], still: Still
    ) -> AnyVoxels:
        """Give a slice or slab of another grid."""
        own, target = grids
        normal, row, column = PLANES[query.plane]
        first, last = _reach(query, target, normal)
        if (last - first) * target.shape[row] * target.shape[column] > MOST_GRID_VOXELS:
            raise InvalidInput(
                f"This slab would have {last - first} slices of {target.shape[row]} × {target.shape[column]} pixels on "
                f"another grid; at most {MOST_GRID_VOXELS} voxels are made. Ask for a thinner one or a coarser grid."
            )
        order, outside = (0, 0) if source.labels else (1, NO_VALUE)

        def read(box: Box) -> AnyVoxels:
            still()
            return self._blocks.read(shown, source, box)

        if not query.slab_mm:
            return reformat(read, own, target, query.plane, query.index, order=order, outside=outside)
        slab = Slab(query.mode)
        for index in range(first, last):
            slab.add(reformat(read, own, target, query.plane, index)[np.newaxis])
        return slab.slice()


def _reach(query: SliceQuery, grid: Geometry, normal: int) -> tuple[int, int]:
    """Give the first and last-but-one slice of a slab, cut off where the grid ends."""
    reach = slab_reach(query.slab_mm, grid.spacing_mm[normal])
    return max(query.index - reach, 0), min(query.index + reach + 1, grid.shape[normal])


def _pieces(first: int, last: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut a span where multiples of a length lie, so that no chunk is decoded for two pieces."""
    start = first
    while start < last:
        stop = min((start // length + 1) * length, last)
        yield start, stop
        start = stop
