"""A scan to draw patches from: a governed volume, an array, or a NIfTI or MetaImage file, all used alike.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InvalidInput, cause_of
from workbench.imaging.metaimage import open_metaimage
from workbench.imaging.nifti import read_nifti

# Files that one process keeps unpacked at a time.
KEPT_FILES = 8
# A place for positives is drawn from at most so many voxels of a mask, evenly spread.
MOST_PLACES = 100_000
SAMPLED_BYTES = 2**20
INSIDE_HU, OUTSIDE_HU = 400, -1000


class Lazy(Protocol):
    """What reads like an array (z, y, x), such as a governed volume or its labels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along (z, y, x)."""

    @property
    def ndim(self) -> int:
        """Three."""

    def __getitem__(self, key: Any, /) -> Any:
        """Read a box."""


Source = Lazy | NDArray[Any] | Path | str


@dataclass(frozen=True)
class TrainingScan:
    """One scan and what is true in it.

    Parameters
    ----------
    image : Volume, ndarray or path
        HU, axes (z, y, x); a path names a .nii, .nii.gz, .mha or .mhd file.
    positives : sequence of (z, y, x), optional
        Voxel indices of what is looked for, fractions allowed.
    mask : label volume, ndarray or path, optional
        Above 0 where the structure is; on the image's own grid.
    spacing_mm : sequence of 3 float, optional
        Along (z, y, x), mm; needed with an array, taken from the scan otherwise.
    """

    image: Source
    positives: Sequence[Sequence[float]] = ()
    mask: Source | None = None
    spacing_mm: Sequence[float] | None = None
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def open(self) -> OpenScan:
        """Give the scan ready to read, the same each time in one process.

        Raises
        ------
        InvalidInput
            When a file cannot be read, an array has no spacing, or mask and image are of different shapes.
        """
        if "open" not in self._kept:
            self._kept["open"] = self._open()
        opened: OpenScan = self._kept["open"]
        return opened

    def _open(self) -> OpenScan:
        image, spacing = _opened(self.image, self.spacing_mm)
        mask = None if self.mask is None else _opened(self.mask, spacing)[0]
        # Of a file only its name is kept, so that no more than a few are in memory at a time.
        if mask is not None and tuple(mask.shape) != tuple(image.shape):
            raise InvalidInput(
                f"A mask has the shape {tuple(mask.shape)} and its scan {tuple(image.shape)}, both (z, y, x); give the "
                "mask on the scan's own grid."
            )
        places = np.asarray(self.positives, dtype=np.float64).reshape(-1, 3)
        if not np.isfinite(places).all():
            raise InvalidInput("A place of a positive is not finite; give voxel indices (z, y, x).")
        found = places if len(places) or mask is None else _places(mask)
        return OpenScan(self.image, spacing, self.mask, found)

    @property
    def fingerprint(self) -> str:
        """Name the scan's content: version and id of a governed one, size and samples of a file, bytes of an array."""
        parts = [_name_of(self.image), "" if self.mask is None else _name_of(self.mask)]
        places = np.asarray(self.positives, dtype=np.float64)
        return hashlib.sha256("\n".join([*parts, str(self.spacing_mm)]).encode() + places.tobytes()).hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process without what is open here; there it is read anew."""
        return TrainingScan, (self.image, self.positives, self.mask, self.spacing_mm)


@dataclass(frozen=True)
class OpenScan:
    """A scan that can be read: where it lies, spacing (z, y, x) in mm, places of positives (n, 3)."""

    source: Source
    spacing_mm: tuple[float, float, float]
    mask_source: Source | None
    places: NDArray[np.float64]

    @property
    def image(self) -> Any:
        """What reads like the image, (z, y, x)."""
        return _opened(self.source, self.spacing_mm)[0]

    @property
    def mask(self) -> Any:
        """What reads like the mask, (z, y, x); None when there is none."""
        return None if self.mask_source is None else _opened(self.mask_source, self.spacing_mm)[0]

    def is_clear(self, centre: NDArray[np.float64], reach_mm: float) -> bool:
        """Whether nothing that is looked for lies within a distance along each axis, or at the centre of a mask."""
        mask = self.mask
        if mask is not None:
            at = tuple(int(min(max(round(c), 0), n - 1)) for c, n in zip(centre, mask.shape, strict=True))
            if np.any(np.asarray(mask[tuple(slice(i, i + 1) for i in at)]) > 0):
                return False
            if len(self.places) == 0 or len(self.places) > 1000:
                return True
        away = np.abs(self.places - centre) * np.asarray(self.spacing_mm)
        return not bool((away.max(axis=1, initial=0.0) < reach_mm).any())


class AsHu:
    """A mask that reads as HU: what is in it is as bright as a patch can show, all else is air."""

    ndim = 3

    def __init__(self, mask: Any) -> None:
        self._mask = mask
        self.shape: tuple[int, ...] = tuple(mask.shape)

    def __getitem__(self, key: Any) -> NDArray[np.float32]:
        """Read a box."""
        return np.where(np.asarray(self._mask[key]) > 0, INSIDE_HU, OUTSIDE_HU).astype(np.float32)


def _opened(source: Source, spacing_mm: Sequence[float] | None) -> tuple[Any, tuple[float, float, float]]:
    found: Any = source
    if isinstance(source, str | Path):
        found, told = _file(str(Path(source)))
        return found, _three(spacing_mm or told)
    spacing = spacing_mm or getattr(source, "spacing_mm", None)
    if spacing is None:
        raise InvalidInput("An array does not say how large its voxels are; give spacing_mm=(z, y, x).")
    if len(found.shape) != 3 or 0 in found.shape:
        raise InvalidInput(f"A scan has three axes (z, y, x), none empty; this one has the shape {tuple(found.shape)}.")
    return found, _three(spacing)


@lru_cache(maxsize=KEPT_FILES)
def _file(path: str) -> tuple[Any, tuple[float, float, float]]:
    place = Path(path)
    if place.name.endswith((".mha", ".mhd")):
        values, geometry = open_metaimage(place)
        return values, geometry.spacing_mm
    if not place.name.endswith((".nii", ".nii.gz")):
        raise InvalidInput(f"{place.name} is neither NIfTI (.nii, .nii.gz) nor MetaImage (.mha, .mhd); convert it.")
    try:
        values, geometry = read_nifti(place.read_bytes(), place.name)
    except OSError as problem:
        raise InvalidInput(f"{place.name} cannot be read ({cause_of(problem)}); name a file that is there.") from None
    return values, geometry.spacing_mm


def _places(mask: Any) -> NDArray[np.float64]:
    """Give voxels of a mask, all or evenly spread ones."""
    values = np.asarray(mask[:, :, :]) > 0
    found = np.flatnonzero(values)
    found = found[:: -(-len(found) // MOST_PLACES) or 1]
    return np.stack(np.unravel_index(found, values.shape), axis=1).astype(np.float64)


def _name_of(source: Source) -> str:
    if isinstance(source, str | Path):
        place = Path(source)
        try:
            size = place.stat().st_size
            with place.open("rb") as file:
                digest = hashlib.sha256(file.read(SAMPLED_BYTES))
                file.seek(max(size - SAMPLED_BYTES, 0))
                digest.update(file.read(SAMPLED_BYTES))
        except OSError as problem:
            raise InvalidInput(
                f"{place.name} cannot be read ({cause_of(problem)}); name a file that is there."
            ) from None
        return f"file {size} {digest.hexdigest()}"
    if isinstance(source, np.ndarray):
        content = np.ascontiguousarray(source)
        return f"array {content.dtype.str} {content.shape} {hashlib.sha256(content.data.cast('B')).hexdigest()}"
    return f"governed {getattr(source, 'dataset', '')} {getattr(source, 'version', '')} {getattr(source, 'title', '')}"


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    found = tuple(float(number) for number in values)
    if len(found) != 3 or not all(np.isfinite(found)) or min(found) <= 0:
        raise InvalidInput(f"Spacing is three positive, finite millimetre values (z, y, x), not {found}.")
    return found[0], found[1], found[2]
