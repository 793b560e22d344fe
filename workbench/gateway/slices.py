"""Full-resolution slices along the three planes, from a bounded memory of decoded chunks.

A reader scrolls: the slice beside this one lies in the same chunks, so it costs no decryption and no decoding.

Runs in: gateway
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from workbench.data.shard import Box, Index3, Layout, Span, Voxels, decode, put, spans_of
from workbench.errors import NotFound
from workbench.gateway.shown import Shown
from workbench.vault.vault import ObjectEntry

PLANES = {"axial": 0, "coronal": 1, "sagittal": 2}
MEMORY_BYTES = 256 * 1024 * 1024
DECODERS = 2

Key = tuple[str, str, str, Index3]


class SliceReader:
    """Gives slices of scans; whoever asks for one shows what they may see."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory = _Memory(memory_bytes)
        self._locks = [threading.Lock() for _ in range(16)]
        self._decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decode")

    def read(self, shown: Shown, scan: str, plane: str, index: int) -> Voxels:
        """Give one slice.

        Parameters
        ----------
        shown : Shown
            The version as its reader may see it.
        scan : str
            Which volume.
        plane : str
            ``axial``, ``coronal`` or ``sagittal``: the z, y or x axis of the voxel grid stands still.
        index : int
            Which slice along that axis, from 0.

        Returns
        -------
        ndarray, int16, shape (rows, columns), HU
            Axial (y, x), coronal (z, x), sagittal (z, y).
        """
        entry, shard = shown.shard(scan)
        dataset, version = shown.dataset, shown.version
        box = _box(shard.layout.shape, plane, index)
        # Two slices of one scan share chunks: the second request waits and then finds them decoded.
        with self._locks[hash((dataset, version, scan)) % len(self._locks)]:
            chunks, missing = {}, []
            for chunk in shard.chunks(box):
                known = self._memory.get((dataset, version, scan, chunk.place))
                if known is None:
                    missing.append(chunk)
                else:
                    chunks[chunk.place] = known
            spans = spans_of(missing)
            for decoded in self._decoders.map(lambda span: self._decode(shown, entry, shard.layout, span), spans):
                chunks |= decoded
            for chunk in missing:
                self._memory.put((dataset, version, scan, chunk.place), chunks[chunk.place])
        return _assemble(shard.layout, box, chunks, PLANES[plane])

    def forget(self) -> None:
        """Let go of every decoded chunk."""
        self._memory.clear()

    def _decode(self, shown: Shown, entry: ObjectEntry, layout: Layout, span: Span) -> dict[Index3, Voxels]:
        data = memoryview(shown.read_span(entry, span.start, span.stop))
        decoded = {}
        for chunk in span.chunks:
            voxels = np.empty(layout.chunk, dtype=np.int16)
            decode(data[chunk.start - span.start : chunk.stop - span.start], voxels)
            decoded[chunk.place] = voxels
        return decoded


class _Memory:
    """Decoded chunks up to a number of bytes; the one not used for longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held: OrderedDict[Key, Voxels] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Voxels | None:
        with self._lock:
            voxels = self._held.get(key)
            if voxels is not None:
                self._held.move_to_end(key)
            return voxels

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def put(self, key: Key, voxels: Voxels) -> None:
        with self._lock:
            if key not in self._held:
                self._held[key] = voxels
                self._bytes += voxels.nbytes
            while self._bytes > self._most:
                self._bytes -= self._held.popitem(last=False)[1].nbytes


def _box(shape: Index3, plane: str, index: int) -> Box:
    if plane not in PLANES:
        raise NotFound(f"There is no plane “{plane[:32]}”; the planes are {', '.join(PLANES)}.")
    axis = PLANES[plane]
    if not 0 <= index < shape[axis]:
        raise NotFound(f"The {plane} slices of this scan go from 0 to {shape[axis] - 1}; there is no slice {index}.")
    z, y, x = ((index, index + 1) if n == axis else (0, size) for n, size in enumerate(shape))
    return z, y, x


def _assemble(layout: Layout, box: Box, chunks: dict[Index3, Voxels], axis: int) -> Voxels:
    z, y, x = (stop - start for start, stop in box)
    out = np.full((z, y, x), layout.fill, dtype=np.int16)
    for place, voxels in chunks.items():
        put(voxels[np.newaxis], place, box, out)
    return np.ascontiguousarray(np.squeeze(out, axis))
