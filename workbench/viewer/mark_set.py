"""All that was marked on one scan, as plain data that can be saved, read back and given to a view.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.data.labels import LabelVolume
from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.contours import ContourMark
from workbench.viewer.marks import BoxMark

LARGEST_VALUE = 65_535
PLURALS = {
    "boxes": "boxes", "contours": "contours", "measurements": "measurements", "candidates": "candidates",
    "labels": "label sets",
}  # fmt: skip


class Voxels(Protocol):
    """Label values with a shape, read by index."""

    @property
    def shape(self) -> Any:
        """Voxels along (z, y, x)."""

    def __getitem__(self, key: Any) -> Any:
        """Give the values that three slices select."""


@dataclass(frozen=True, eq=False)
class LabelSet:
    """Which voxel belongs to which region, and what the regions are called.

    Parameters
    ----------
    title : str
        Of the set.
    array : Voxels, bool or integer, shape (z, y, x)
        0 is background; values up to 65535.
    names : mapping of int to str
        What each value stands for; a value without a name is called by its number.
    """

    title: str
    array: Voxels
    names: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, labels: LabelVolume) -> LabelSet:
        """Give a governed label set."""
        return cls(labels.name, labels, {int(one["value"]): str(one["label"]) for one in labels.segments})

    def read(self, geometry: Geometry) -> NDArray[np.uint16]:
        """Give its voxels, uint16, shape (z, y, x).

        Raises
        ------
        InvalidInput
            When it lies on another grid, or holds no whole numbers from 0 to 65535.
        """
        if tuple(self.array.shape) != geometry.shape:
            raise InvalidInput(
                f"The labels “{self.title}” have shape {tuple(self.array.shape)} and the scan {geometry.shape}; "
                "resample them onto the scan first."
            )
        values = np.asarray(self.array[:, :, :])
        if values.dtype.kind not in "biu" or int(values.min()) < 0 or int(values.max()) > LARGEST_VALUE:
            raise InvalidInput(f"The labels “{self.title}” must be whole numbers from 0 to {LARGEST_VALUE}.")
        return values.astype(np.uint16)

    def name(self, value: int) -> str:
        """Give what a value stands for."""
        return self.names.get(value) or f"label {value}"


@dataclass(frozen=True)
class Marks:
    """What was marked on one scan.

    Parameters
    ----------
    boxes : tuple of BoxMark
    contours : tuple of ContourMark
    measurements, candidates, judgements : tuple of mappings
        As the view's traits hold them.
    labels : tuple of LabelSet
    """

    boxes: tuple[BoxMark, ...] = ()
    contours: tuple[ContourMark, ...] = ()
    measurements: tuple[Mapping[str, Any], ...] = ()
    candidates: tuple[Mapping[str, Any], ...] = ()
    judgements: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[LabelSet, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was marked."""
        return not any(getattr(self, name) for name in PLURALS)

    def verdict(self, candidate: int) -> Mapping[str, Any]:
        """Give the judgement of a candidate by its place in the list; an empty mapping where there is none."""
        found = [one for one in self.judgements if int(one["candidate"]) == candidate]
        return found[-1] if found else {}

    def __repr__(self) -> str:
        """Say how many of each there are."""
        counts = [f"{len(getattr(self, name))} {word}" for name, word in PLURALS.items() if getattr(self, name)]
        return f"Marks({', '.join(counts) or 'nothing'})"
