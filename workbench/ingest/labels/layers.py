"""Regions written into label volumes: as few layers as are needed for none to overlap in its own.

Runs in: ingest host
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.ingest.labels.label_set import Labels, LabelSet, pack

# A volume is uint8 where that is enough, and uint16 counts no further than this.
MOST_SEGMENTS = 65_535
# A file whose regions overlap more often than this is no set of labels.
MOST_LAYERS = 64

Box3 = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Piece:
    """A part of a region: a box of the grid, and which voxels of it belong."""

    box: Box3
    inside: NDArray[np.bool_]


@dataclass(frozen=True)
class Region:
    """One region as it was read, before it is written into a volume.

    Parameters
    ----------
    label : str
        A name that is safe to keep.
    code : dict, optional
        `{value, scheme, meaning}` of a published dictionary.
    pieces : tuple of Piece
        Boxes that share no voxel.
    kind : str
        What the source says it is for, a term of the standard such as `GTV` or `ORGAN`; else empty.
    """

    label: str
    code: dict[str, str] | None
    pieces: tuple[Piece, ...]
    kind: str = ""

    @property
    def voxels(self) -> int:
        """How many voxels belong to it."""
        return sum(int(np.count_nonzero(piece.inside)) for piece in self.pieces)


def make_label_sets(
    kind: str, regions: Sequence[Region], grid: Geometry, notes: Sequence[str]
) -> list[LabelSet] | None:
    """Write regions into as few volumes as first-fit needs for none to overlap; a name comes later.

    Parameters
    ----------
    kind : str
        `SEG`, `RTSTRUCT` or `mask`.
    regions : sequence of Region
        In the source's order, which gives the values from 1.
    grid : Geometry
        Of the scan.
    notes : sequence of str
        For the facts of each volume.

    Returns
    -------
    list of LabelSet or None
        At least one; none at all when more than `MOST_LAYERS` would be needed.
    """
    dtype = np.dtype(np.uint8 if len(regions) < 256 else np.uint16)
    labels = unlike([region.label for region in regions])
    # Small regions first: tumours and organs share the first layer, what surrounds them goes to later ones.
    waiting = sorted(range(1, len(regions) + 1), key=lambda value: regions[value - 1].voxels)
    layers: list[LabelSet] = []
    while waiting or not layers:
        if len(layers) == MOST_LAYERS:
            return None
        volume, placed, left = np.zeros(grid.shape, dtype=dtype), [], []
        for value in waiting:
            region = regions[value - 1]
            if not _is_free(volume, region):
                left.append(value)
                continue
            for piece in region.pieces:
                volume[piece.box][piece.inside] = value
            facts = segment_facts(value, labels[value - 1], region.voxels, grid, code=region.code, kind=region.kind)
            placed.append(facts)
        placed.sort(key=lambda facts: int(facts["value"]))
        layers.append(LabelSet("", kind, tuple(placed), pack(volume), tuple(notes)))
        waiting = left
    return layers


def unlike(labels: Sequence[str]) -> list[str]:
    """Give each label that was used before a number, so that a region can be asked for by its label.

    >>> unlike(["Lung", "Heart", "Lung"])
    ['Lung', 'Heart', 'Lung (2)']
    """
    taken: set[str] = set()
    result: list[str] = []
    for label in labels:
        number, free = 1, label
        while free in taken:
            number += 1
            free = f"{label} ({number})"
        taken.add(free)
        result.append(free)
    return result


def _is_free(volume: Labels, region: Region) -> bool:
    return not any(np.any(volume[piece.box][piece.inside]) for piece in region.pieces)


def segment_facts(
    value: int, label: str, voxels: int, grid: Geometry, *, code: dict[str, str] | None = None, kind: str = ""
) -> dict[str, Any]:
    """Give what is told of one region of a volume."""
    return {
        "value": value,
        "label": label,
        "code": code,
        "kind": kind,
        "voxels": voxels,
        "volume_ml": round(voxels * float(np.prod(grid.spacing_mm)) / 1000, 6),
    }
