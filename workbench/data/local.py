"""Scans on this machine's own disk, unencrypted: any OME-Zarr of one shard per level, read as a `Volume` is.

For public data and phantoms; governed scans are never written to a disk like this. The files are mapped into memory
and decoded with the decoder that reads the gateway's arena, so both give the same voxels.

Runs in: anywhere
Source: OME-NGFF 0.5 (multiscales); zarr v3 core specification and its codec `sharding_indexed`.
"""

from __future__ import annotations

import json
import mmap
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workbench.data.indexing import Selection, read_key
from workbench.data.shard import AnyVoxels, Box, Index3, Layout, Shard, checked_box, empty_box, read_layout
from workbench.errors import IntegrityError, InvalidInput, NotFound


class _Mapped(NamedTuple):
    shard: Shard
    bytes: memoryview
    descriptor: int


class LocalVolume:
    """One image on disk; index it like an array (`scan[100]`), or `read()` all of it.

    Parameters
    ----------
    folder : str or Path
        An OME-Zarr group such as ``image.zarr``, or one zarr array.

    Raises
    ------
    NotFound
        When there is no zarr group or array.
    IntegrityError
        When it is not whole numbers in one shard of blosc chunks per level, or is damaged.

    Examples
    --------
    >>> LocalVolume("/nowhere/image.zarr")
    Traceback (most recent call last):
    workbench.errors.NotFound: image.zarr is no OME-Zarr image: it has no readable zarr.json. Name the folder ...
    """

    ndim = 3

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._mapped: dict[int, _Mapped] = {}
        self.metadata: dict[str, Any] = _metadata(self._folder)
        scales = self._scales()
        self._paths = [str(scale["path"]) for scale in scales] if scales else ["."]
        factors = scales[0].get("coordinateTransformations", []) if scales else []
        known = [one["scale"] for one in factors if one.get("type") == "scale"]
        self.spacing_mm = tuple(float(mm) for mm in known[0]) if known else None
        layout = self._map(0).shard.layout
        self.shape: Index3 = layout.shape
        self.dtype = np.dtype(layout.dtype)

    @property
    def levels(self) -> int:
        """Number of resolution levels; 0 is full resolution."""
        return len(self._paths)

    def level_shape(self, level: int) -> Index3:
        """Give the voxels along (z, y, x) at a resolution level."""
        return self._map(level).shard.layout.shape

    def read(self, level: int = 0, *, out: AnyVoxels | None = None) -> AnyVoxels:
        """Give the whole image at a resolution level, shape (z, y, x); see `read_box` for `out`."""
        return self.read_box(level=level, out=out)

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

        Raises
        ------
        InvalidInput
            When the box does not lie in the image, or there is no such level.
        IntegrityError
            When a chunk does not decode, or the file became shorter since it was opened.
        """
        shard, view, descriptor = self._map(level)
        z, y, x = shard.layout.shape
        whole = checked_box(box or ((0, z), (0, y), (0, x)), shard.layout.shape)
        voxels = empty_box(shard, whole, out)
        chunks = shard.chunks(whole)
        # Reading a mapping beyond the end of its file kills the process.
        if os.fstat(descriptor).st_size < len(view) or any(chunk.stop > len(view) for chunk in chunks):
            raise IntegrityError(f"A shard of {self._folder.name} is shorter than its index says; copy it again.")
        shard.place_chunks({chunk.place: view[chunk.start : chunk.stop] for chunk in chunks}, whole, voxels)
        return voxels

    def __getitem__(self, key: object) -> Any:
        """Read what an index of integers, slices and `…` selects; integers drop their axis."""
        selection: Selection = read_key(key, self.shape)
        if selection.is_empty:
            return np.empty(selection.result_shape, dtype=self.dtype)
        return self.read_box(selection.box)[selection.within]

    def __len__(self) -> int:
        """Give the number of slices along z."""
        return self.shape[0]

    def __del__(self) -> None:
        """Close the files of an image that nobody holds any more."""
        for mapped in getattr(self, "_mapped", {}).values():
            os.close(mapped.descriptor)

    def __reduce__(self) -> tuple[type[LocalVolume], tuple[Path]]:
        """Travel to another process as a path, which maps the files anew."""
        return LocalVolume, (self._folder,)

    def __repr__(self) -> str:
        """Say what it is and how large."""
        size = " × ".join(str(n) for n in self.shape)
        return f"LocalVolume({self._folder.name!r}: {size} voxels, {self.dtype}, {self.levels} levels)"

    def _scales(self) -> list[dict[str, Any]]:
        if self.metadata.get("node_type") == "array":
            return []
        try:
            return list(self.metadata["attributes"]["ome"]["multiscales"][0]["datasets"])
        except (KeyError, IndexError, TypeError):
            raise IntegrityError(
                f"{self._folder.name} is a zarr group but no OME-Zarr image; name one of the arrays in it."
            ) from None

    def _map(self, level: int) -> _Mapped:
        """Give a level's shard and its bytes, mapped when first needed."""
        if not isinstance(level, int | np.integer) or not 0 <= level < self.levels:
            raise InvalidInput(f"{self._folder.name} has levels 0 to {self.levels - 1}; there is no level {level!r}.")
        if level not in self._mapped:
            folder = self._folder / self._paths[level]
            self._mapped[int(level)] = _open(folder, read_layout(_metadata(folder)))
        return self._mapped[int(level)]


def _open(folder: Path, layout: Layout) -> _Mapped:
    file = folder / "c" / "0" / "0" / "0"
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        raise NotFound(f"{folder.name} has no shard c/0/0/0; copy the image again, whole.") from None
    try:
        view = memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ))
        return _Mapped(Shard(layout, bytes(view[max(0, len(view) - layout.index_bytes) :])), view, descriptor)
    except (ValueError, IntegrityError):
        os.close(descriptor)
        raise IntegrityError(f"The shard of {folder.name} is empty or its index is damaged; copy it again.") from None


def _metadata(folder: Path) -> dict[str, Any]:
    try:
        value = json.loads((folder / "zarr.json").read_bytes())
    except (OSError, ValueError):
        value = None
    if not isinstance(value, dict):
        raise NotFound(
            f"{folder.name} is no OME-Zarr image: it has no readable zarr.json. Name the folder that holds one."
        )
    return value
