"""What a label file becomes: volumes of whole numbers on a scan's own grid, and what each number stands for.

One volume cannot hold two regions that share voxels, so a file whose regions overlap becomes several volumes
("layers"); values are never used twice within a file, so a region is found by its value in whatever layer it lies.

Runs in: ingest host
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numcodecs import Blosc
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.ingest.series.volumes import SourceVolume

# Slices in a slab; a compressed buffer has an upper limit of 2 GB.
SLAB = 32

_CODEC = Blosc("lz4", 1, Blosc.SHUFFLE)

Labels = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class LabelledScan:
    """What must be known of a scan to put labels on it; the source's words stay in this process.

    Parameters
    ----------
    uid : str
        The name that the result refers to it by, such as the pseudonym of its series.
    grid : Geometry
        Its voxels.
    series : str
        The source's series UID; empty for an image file without one.
    instances : tuple of str
        The source's SOP instance UIDs in the order of index z; one alone for a multi-frame instance.
    frame_of_reference : str
        The source's frame of reference UID.
    patient : str
        What tells its patient from others at the source (`patient_identity`).
    files : tuple of str
        Its files, relative to the ingested folder.
    """

    uid: str
    grid: Geometry
    series: str = ""
    instances: tuple[str, ...] = ()
    frame_of_reference: str = ""
    patient: str = ""
    files: tuple[str, ...] = ()

    @classmethod
    def of(cls, volume: SourceVolume) -> LabelledScan:
        """Give what is needed of a volume that comes in."""
        return cls(
            volume.uid, volume.grid, volume.source_uid, volume.instances, volume.frame_of_reference, volume.patient,
            volume.files,
        )  # fmt: skip

    @cached_property
    def index_of(self) -> dict[str, int]:
        """Index z of each instance; empty when one instance holds all slices."""
        if len(self.instances) != self.grid.shape[0]:
            return {}
        return {uid: z for z, uid in enumerate(self.instances)}


@dataclass(frozen=True)
class Packed:
    """A label volume, compressed slab by slab."""

    shape: tuple[int, int, int]
    dtype: str
    slabs: tuple[bytes, ...]

    def array(self) -> Labels:
        """Give the voxels, shape (z, y, x)."""
        volume: Labels = np.empty(self.shape, dtype=self.dtype)
        for number, slab in enumerate(self.slabs):
            _CODEC.decode(slab, volume[number * SLAB : (number + 1) * SLAB])
        return volume


def pack(volume: Labels) -> Packed:
    """Compress a label volume."""
    z, y, x = volume.shape
    slabs = tuple(bytes(_CODEC.encode(np.ascontiguousarray(volume[at : at + SLAB]))) for at in range(0, z, SLAB))
    return Packed((z, y, x), volume.dtype.name, slabs)


@dataclass(frozen=True)
class LabelSet:
    """One label volume.

    Parameters
    ----------
    name : str
        Such as `rtstruct-1`, or `rtstruct-1-layer-2` for what overlaps the first layer.
    source_kind : str
        `SEG`, `RTSTRUCT` or `mask`.
    segments : tuple of dict
        `value, label, code, kind, voxels, volume_ml` of each region that lies in this volume.
    packed : Packed
        The voxels, compressed: labels of a hundred scans fit into memory until they are sent.
    notes : tuple of str
        What the reader had to decide, in sentences without a word of the source.
    """

    name: str
    source_kind: str
    segments: tuple[dict[str, Any], ...]
    packed: Packed = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def array(self) -> Labels:
        """The value of the region that each voxel belongs to, 0 for none; uint8 or uint16, shape (z, y, x)."""
        return self.packed.array()

    def named(self, name: str) -> LabelSet:
        """Give the same labels under another name."""
        return replace(self, name=name)
