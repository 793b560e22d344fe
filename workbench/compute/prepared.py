"""A prepared dataset as a notebook or a training loop reads it: scans, windowed voxels, lungs, geometry.

Written by `workbench preprocess`. Each array is one shard of 32³ chunks, so a patch costs a few chunks; any zarr
library reads it too. Reading is safe in several processes at once.

Runs in: kernel
Source: OME-NGFF 0.5; zarr v3 core specification and its codec `sharding_indexed`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute.prepared_files import (
    IMAGE,
    LUNGS,
    MANIFEST,
    PLAN,
    SCANS,
    check_scan,
    damaged,
    digest_of,
    read_json,
    read_record,
)
from workbench.compute.recipe import Recipe, check_name
from workbench.data.shard import Box, Layout, Shard, checked_box
from workbench.errors import Conflict, IntegrityError, InvalidInput, NotFound
from workbench.geometry import Geometry

ARRAYS = {IMAGE: "float32", LUNGS: "uint8"}


class PreparedScan:
    """One prepared scan; its voxels are read when they are asked for.

    Parameters
    ----------
    folder : Path
        Of the prepared dataset.
    scan : str
        Such as ``S0001``.
    """

    def __init__(self, folder: Path, scan: str) -> None:
        self.folder = folder
        self.scan = scan
        self.record = read_record(folder, scan)
        self.geometry = Geometry.from_dict(self.record["geometry"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self.geometry.shape

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel spacing along (z, y, x), mm."""
        return self.geometry.spacing_mm

    @property
    def subject(self) -> str:
        """Whose scan it is, by pseudonym."""
        return str(self.record["subject"])

    @property
    def split(self) -> str:
        """Its split, such as ``train``; empty where the dataset has none."""
        return str(self.record["split"])

    def volume(self, box: Box | None = None) -> NDArray[np.float32]:
        """Give the windowed voxels of a box, or all of them.

        Parameters
        ----------
        box : three pairs of int, optional
            First and last-but-one index along (z, y, x).

        Returns
        -------
        ndarray, float32, shape (z, y, x), 0 to 1

        Raises
        ------
        IntegrityError
            When a file is damaged; names the scan and what to do.
        """
        return self._read(IMAGE, box)

    def mask(self, box: Box | None = None) -> NDArray[np.uint8]:
        """Give the lungs of a box, or all of them: uint8, shape (z, y, x), 0 or 1."""
        return self._read(LUNGS, box)

    def patch(self, centre_index_zyx: Sequence[float], size: int | Sequence[int]) -> NDArray[np.float32]:
        """Give the windowed voxels around a place, 0 beyond the border.

        Parameters
        ----------
        centre_index_zyx : sequence of 3 numbers
            Voxel index (z, y, x) of the centre.
        size : int or sequence of 3 int
            Voxels along (z, y, x).
        """
        sizes = [int(n) for n in np.broadcast_to(np.asarray(size), 3)]
        if len(centre_index_zyx) != 3 or not np.all(np.isfinite(centre_index_zyx)) or min(sizes) < 1:
            raise InvalidInput("A patch needs a centre (z, y, x) in voxels and a positive size.")
        starts = [round(float(c)) - s // 2 for c, s in zip(centre_index_zyx, sizes, strict=True)]
        z, y, x = [(max(a, 0), min(a + s, n)) for a, s, n in zip(starts, sizes, self.shape, strict=True)]
        out = np.zeros(sizes, dtype=np.float32)
        if all(first < last for first, last in (z, y, x)):
            window = tuple(slice(a - s, b - s) for (a, b), s in zip((z, y, x), starts, strict=True))
            out[window] = self.volume((z, y, x))
        return out

    def check(self) -> None:
        """Read every byte against its sha256; raises `IntegrityError` for a damaged scan."""
        check_scan(self.folder, self.scan)

    def _read(self, array: str, box: Box | None) -> NDArray[Any]:
        data = self.folder / SCANS / self.scan / array / "0" / "c" / "0" / "0" / "0"
        try:
            shard = _shard(data, ARRAYS[array], data.stat().st_mtime_ns)
            z, y, x = shard.layout.shape
            if (z, y, x) != self.shape:
                raise damaged(self.scan, self.folder.name)
            whole = checked_box(box or ((0, z), (0, y), (0, x)), (z, y, x))
            out = np.zeros([stop - start for start, stop in whole], shard.layout.dtype)
            _fill(shard, data, whole, out)
        except (OSError, IntegrityError):
            raise damaged(self.scan, self.folder.name) from None
        return out

    def __repr__(self) -> str:
        """Say which scan it is and how large."""
        z, y, x = self.shape
        return (
            f"PreparedScan({self.scan!r}: {z} × {y} × {x} voxels of {' × '.join(f'{n:g}' for n in self.spacing_mm)} mm)"
        )


class Prepared:
    """A folder that `workbench preprocess` wrote; `open_prepared` gives it.

    Parameters
    ----------
    folder : Path
        The folder.
    is_complete : bool
        Whether its manifest is written, so every scan of the dataset version is in it.
    scans : list of str
        The scans that are in it, sorted.
    """

    def __init__(self, folder: Path, plan: dict[str, Any], scans: list[str], *, is_complete: bool) -> None:
        self.folder = folder
        self.name = folder.name
        self.dataset = str(plan["dataset"])
        self.version = str(plan["version"])
        self.recipe = Recipe.from_dict(plan["recipe"])
        self.scans = scans
        self.is_complete = is_complete

    def __len__(self) -> int:
        """Give how many scans are in it."""
        return len(self.scans)

    def __getitem__(self, scan: str) -> PreparedScan:
        """Give one scan by its name.

        Raises
        ------
        NotFound
            When it is not in the folder.
        """
        if scan not in self.scans:
            raise NotFound(f"“{self.name}” has no scan {scan!r}; `.scans` lists its {len(self.scans)}.")
        return PreparedScan(self.folder, scan)

    def of_split(self, split: str) -> list[PreparedScan]:
        """Give the scans of a split, such as ``train``, sorted by name."""
        return [scan for scan in map(self.__getitem__, self.scans) if scan.split == split]

    def __repr__(self) -> str:
        """Say what it is in one line."""
        state = "complete" if self.is_complete else "not finished"
        return f"Prepared({self.name!r}: {len(self.scans)} scans of {self.dataset!r} {self.version[:12]}, {state})"


def open_prepared(name: str | Path, *, may_be_unfinished: bool = False) -> Prepared:
    """Open a prepared dataset.

    Parameters
    ----------
    name : str or Path
        The folder, as `workbench preprocess --out NAME` named it; in the workspace, where a notebook starts.
    may_be_unfinished : bool, default False
        Whether a folder whose run has not finished is fine; it gives the scans that are in it.

    Raises
    ------
    NotFound
        When there is no such folder, or nothing was prepared in it.
    Conflict
        When its run has not finished.
    IntegrityError
        When the manifest is damaged, or names other scans than there are.

    Examples
    --------
    >>> prepared = open_prepared("lungs-1mm")  # doctest: +SKIP
    >>> prepared[prepared.scans[0]].patch((40, 60, 60), 32).shape  # doctest: +SKIP
    (32, 32, 32)
    """
    folder = Path(name).absolute()
    try:
        plan = read_json(folder / PLAN)
    except NotFound:
        raise NotFound(
            f"There is no prepared dataset “{folder.name}” here; make it with "
            f"`workbench preprocess DATASET --spacing 1 --out {folder.name}`."
        ) from None
    present = sorted(entry.name for entry in os.scandir(folder / SCANS)) if (folder / SCANS).is_dir() else []
    if not (folder / MANIFEST).exists():
        if not may_be_unfinished:
            raise Conflict(
                f"“{folder.name}” is not finished: {len(present)} scans are in it so far. Run the same `workbench "
                "preprocess` again; it goes on from there."
            )
        return Prepared(folder, plan, [scan for scan in present if _is_scan(scan)], is_complete=False)
    told = read_json(folder / MANIFEST)["scans"]
    if sorted(told) != present:
        raise IntegrityError(
            f"“{folder.name}” holds other scans than its manifest names; run the same `workbench preprocess` again."
        )
    return Prepared(folder, plan, present, is_complete=True)


def manifest_of(folder: Path, plan: dict[str, Any], scans: Sequence[str]) -> dict[str, Any]:
    """Give the manifest of a folder in which every scan is prepared."""
    return {**plan, "scans": {scan: {"sha256": digest_of(folder, scan)} for scan in sorted(scans)}}


def _is_scan(name: str) -> bool:
    try:
        return bool(check_name(name))
    except InvalidInput:
        return False


@lru_cache(maxsize=256)
def _shard(data: Path, dtype: str, _changed_ns: int) -> Shard:
    """Give a shard's parsed index; a scan is never changed in place, only made anew."""
    try:
        told = json.loads((data.parents[3] / "zarr.json").read_bytes())
        sharding = told["codecs"][0]["configuration"]
        z, y, x = (int(n) for n in told["shape"])
        sz, sy, sx = (int(n) for n in told["chunk_grid"]["configuration"]["chunk_shape"])
        cz, cy, cx = (int(n) for n in sharding["chunk_shape"])
        is_known = told["data_type"] == dtype and sharding["index_location"] == "end"
    except (KeyError, IndexError, TypeError, ValueError):
        is_known = False
    if not is_known:
        raise IntegrityError("This array is not what was written.")
    layout = Layout((z, y, x), (sz, sy, sx), (cz, cy, cx), 0, dtype)
    with data.open("rb") as file:
        file.seek(-min(layout.index_bytes, file.seek(0, os.SEEK_END)), os.SEEK_END)
        return Shard(layout, file.read())


def _fill(shard: Shard, data: Path, box: Box, out: NDArray[Any]) -> None:
    batches, _ = shard.batches(box)
    with data.open("rb", buffering=0) as file:
        for batch in batches:
            parts = [os.pread(file.fileno(), span.stop - span.start, span.start) for span in batch]
            for span, part in zip(batch, parts, strict=True):
                for chunk in span.chunks:
                    # Blosc is told no length, so it reads as far as a damaged header says.
                    told = part[chunk.start - span.start + 12 : chunk.start - span.start + 16]
                    if (
                        len(part) != span.stop - span.start
                        or int.from_bytes(told, "little") != chunk.stop - chunk.start
                    ):
                        raise IntegrityError("A block of an image does not decode.")
            shard.place(batch, parts, box, out)
