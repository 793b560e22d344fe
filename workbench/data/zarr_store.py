"""A scan or its labels as a read-only zarr v3 store, for libraries that read zarr themselves.

Bytes come as a `Volume` reads them: through the gateway's arena, or over HTTP where there is none. zarr-python decodes
slower than `Volume.read` does; use this where a library wants a zarr array and nothing else.

Runs in: kernel
Source: zarr v3 core specification (stores); OME-NGFF 0.5 for the keys.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from workbench.data.arena import read_bytes_through_arena
from workbench.data.line import line
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    from workbench.data.grid_array import GridArray

_SHARD = re.compile(r"(\d+)/c/0/0/0")


class VolumeStore(Store):
    """The keys of one scan or label set: ``zarr.json``, and ``0/zarr.json`` and ``0/c/0/0/0`` of each level.

    Parameters
    ----------
    array : Volume or LabelVolume
        Which one; `volume.store()` gives its store.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = True

    def __init__(self, array: GridArray) -> None:
        super().__init__(read_only=True)
        self._array = array

    def with_read_only(self, read_only: bool = True) -> VolumeStore:
        """Give the same store; it cannot be written.

        Raises
        ------
        InvalidInput
            When it is to be writable.
        """
        if not read_only:
            raise _unwritable()
        return VolumeStore(self._array)

    async def get(
        self, key: str, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Give a key's bytes, or a range of them; None for a key that there is not."""
        if key not in self._keys():
            return None
        # In a thread: an answer may take a while, and zarr has one loop for everything.
        data = await asyncio.to_thread(_bytes_of, self._array, key, byte_range)
        return (prototype or default_buffer_prototype()).buffer.from_bytes(data)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        """Give several ranges, in their order."""
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    async def exists(self, key: str) -> bool:
        """Whether there is such a key."""
        return key in self._keys()

    async def set(self, key: str, value: Buffer) -> None:
        """Refuse to write."""
        raise _unwritable()

    async def delete(self, key: str) -> None:
        """Refuse to delete."""
        raise _unwritable()

    async def list(self) -> AsyncIterator[str]:
        """Give every key."""
        for key in self._keys():
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Give the keys that begin with a prefix."""
        for key in self._keys():
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Give the names that stand directly below a prefix."""
        folder = f"{prefix.rstrip('/')}/" if prefix else ""
        for name in sorted({key[len(folder) :].split("/")[0] for key in self._keys() if key.startswith(folder)}):
            yield name

    def __eq__(self, other: object) -> bool:
        """Whether it is the store of the same array."""
        return isinstance(other, VolumeStore) and self._array == other._array

    def __hash__(self) -> int:
        """Give the hash that goes with equality."""
        return hash(self._array)

    def __str__(self) -> str:
        """Name the array."""
        return f"workbench://{self._array.dataset}/{self._array.title}"

    def __repr__(self) -> str:
        """Say whose store it is."""
        return f"VolumeStore({self._array!r})"

    def _keys(self) -> tuple[str, ...]:
        levels = [f"{level}/{end}" for level in range(self._array.levels) for end in ("zarr.json", "c/0/0/0")]
        return ("zarr.json", *levels)


def _bytes_of(array: GridArray, key: str, wanted: ByteRequest | None) -> bytes:
    url, shard = array.url(key), _SHARD.fullmatch(key)
    if shard is None:
        whole = line().request("GET", url)[2]
        start, stop = _span(wanted, len(whole))
        return whole[start:stop]
    start, stop = _span(wanted, _size(url))
    if start >= stop:
        return b""
    found = read_bytes_through_arena(array.address(int(shard[1])), start, stop)
    return line().request("GET", url, headers={"Range": f"bytes={start}-{stop - 1}"})[2] if found is None else found


@lru_cache(maxsize=256)
def _size(url: str) -> int:
    """Give a shard's size, bytes; versions never change, so it is asked once."""
    return int(line().request("HEAD", url)[1]["content-length"])


def _span(wanted: ByteRequest | None, size: int) -> tuple[int, int]:
    """Give which bytes of so many a request means."""
    if isinstance(wanted, RangeByteRequest):
        return min(wanted.start, size), min(wanted.end, size)
    if isinstance(wanted, OffsetByteRequest):
        return min(wanted.offset, size), size
    if isinstance(wanted, SuffixByteRequest):
        return max(0, size - wanted.suffix), size
    return 0, size


def _unwritable() -> InvalidInput:
    return InvalidInput("A dataset cannot be written through its store; write to a zarr folder of your own workspace.")
