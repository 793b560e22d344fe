"""Label layers over a scan: what each region is called, its colour and place, and its voxels slice by slice.

A governed label set of the shown scan reaches the browser from the Jupyter server; all others from the kernel.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.geometry import Geometry
from workbench.viewer.cuts import is_same_grid, read_label_cut
from workbench.viewer.marks import Position
from workbench.viewer.palette import hex_colour
from workbench.viewer.planes import lay_planes

# Of what a label may be called, letters; a legend longer than this is a table, and each row costs 100 bytes of traffic.
LONGEST_NAME = 60
MOST_LISTED = 300
OPACITY = 0.35
# Centres are looked for among at most this many voxels before anybody asks for one of them.
SAMPLE = 2**21
# Slices read at a time when a region is looked for in full resolution.
STACK = 16


class LabelSource(Protocol):
    """Voxels of labels, whoever has them."""

    @property
    def geometry(self) -> Geometry:
        """The grid."""

    @property
    def levels(self) -> int:
        """Number of resolution levels."""

    def __getitem__(self, key: Any) -> Any:
        """Give label values by index (z, y, x)."""

    def read(self, level: int = 0) -> NDArray[Any]:
        """Give of each block of 2^level voxels an axis the one nearest to its centre."""


@dataclass(frozen=True)
class Region:
    """One region of a layer: the value of its voxels, what it is called, and whether it is known to have none."""

    value: int
    label: str
    is_empty: bool = False


class LabelLayer:
    """Labels that lie over the shown volume, on its grid or on another one.

    Parameters
    ----------
    source : LabelSource
        The voxels.
    regions : sequence of Region
        In the order of the legend; of a longer one the first 300 are listed, the others named by their number.
    shown : Geometry
        The grid of the shown volume.
    title : str
        What the layer is called.
    name : str, default ""
        Of the label set at the gateway, where the browser may ask for it; empty where the kernel gives the slices.
    """

    def __init__(
        self, source: LabelSource, regions: Sequence[Region], shown: Geometry, *, title: str, name: str = ""
    ) -> None:
        self.source, self.title, self.name = source, title, name
        self.regions, self.rest = tuple(regions[:MOST_LISTED]), len(regions[MOST_LISTED:])
        self.is_on_grid = is_same_grid(source.geometry, shown)

    @property
    def geometry(self) -> Geometry:
        """The grid of the labels."""
        return self.source.geometry

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (z, y, x)."""
        return self.geometry.shape

    @property
    def segments(self) -> list[dict[str, Any]]:
        """Each listed region: `value` and `label`."""
        return [{"value": region.value, "label": region.label} for region in self.regions]

    def __getitem__(self, key: Any) -> NDArray[np.uint16]:
        """Give label values by index (z, y, x)."""
        values: NDArray[np.uint16] = np.asarray(self.source[key]).astype(np.uint16, copy=False)
        return values

    def read_slice(self, plane: str, index: int, on: Geometry) -> NDArray[np.uint16]:
        """Give the labels on a slice of a grid, shape (rows, columns); 0 where they do not reach."""
        cut = next(one for one in lay_planes(on) if one.name == plane)
        return read_label_cut(self, on, cut, index)

    def as_trait(self, name: str) -> dict[str, Any]:
        """Give the layer as the plain values that travel to the browser; `name` is what it is called there."""
        return {
            "id": name, "kind": "view" if self.name else "kernel", "title": self.title, "set": self.name,
            "on_grid": self.is_on_grid, "segments": [self._segment(region) for region in self.regions],
            "visible": True, "opacity": OPACITY, "outline": False, "rest": self.rest, "rest_visible": True,
        }  # fmt: skip

    def styled(self, trait: Mapping[str, Any]) -> StyledLabels:
        """Give the layer as a picture draws it, looking as the trait says."""
        return StyledLabels(
            self, tuple(trait["segments"]), float(trait["opacity"]), outline=bool(trait["outline"]),
            rest_visible=bool(trait["rest_visible"]),
        )  # fmt: skip

    def centre_of(self, value: int) -> Position | None:
        """Give a place in the middle of a region, patient mm (x, y, z); None where it has no voxel.

        It is the region's voxel closest to its centre of mass, so that it lies in the region whatever its form.
        """
        if value in self._centres:
            return self._centres[value]
        found = []
        for start in range(0, self.shape[0], STACK):
            part = np.argwhere(self[start : start + STACK] == value)
            found.append(part + (start, 0, 0))
        return self._middle(np.concatenate(found)) if found else None

    @cached_property
    def _centres(self) -> dict[int, Position]:
        """Places of the regions that a few voxels show; small ones are found when they are asked for."""
        wanted = {region.value for region in self.regions if not region.is_empty}
        centres: dict[int, Position] = {}
        for level in range(self.source.levels - 1, -1, -1):
            if np.prod(self.shape, dtype=np.float64) / 8.0**level > SAMPLE or wanted <= set(centres):
                break
            sample = np.asarray(self.source.read(level))
            step, sizes = 2**level, np.asarray(self.shape)
            places = np.argwhere(sample)
            if not len(places):
                continue
            values = sample[tuple(places.T)]
            order = np.argsort(values, kind="stable")
            found, starts = np.unique(values[order], return_index=True)
            groups = np.split(places[order] * step + max(step // 2 - 1, 0), starts[1:])
            for value, group in zip(found.tolist(), groups, strict=True):
                if value in wanted and value not in centres:
                    middle = self._middle(np.minimum(group, sizes - 1))
                    if middle:
                        centres[value] = middle
        return centres

    def _middle(self, voxels: NDArray[np.int_]) -> Position | None:
        if not len(voxels):
            return None
        steps = (voxels - voxels.mean(axis=0)) * self.geometry.spacing_mm
        x, y, z = self.geometry.to_patient_mm(voxels[int(np.argmin((steps**2).sum(axis=1)))]).tolist()
        return round(x, 3), round(y, 3), round(z, 3)

    def _segment(self, region: Region) -> dict[str, Any]:
        segment = {
            "value": region.value, "label": region.label[:LONGEST_NAME], "colour": hex_colour(region.value),
            "visible": True,
        }  # fmt: skip
        centre = self._centres.get(region.value)
        if region.is_empty:
            segment["is_empty"] = True
        return segment | ({"centre_mm": list(centre)} if centre else {})


@dataclass(frozen=True)
class StyledLabels:
    """A layer as a picture draws it.

    Parameters
    ----------
    layer : LabelLayer
    segments : tuple of mapping
        `value, label, colour, visible`.
    opacity : float
        0 to 1.
    outline : bool
        Whether only edges are drawn.
    rest_visible : bool
        Whether values without a segment are drawn.
    """

    layer: LabelLayer
    segments: tuple[Mapping[str, Any], ...]
    opacity: float
    outline: bool
    rest_visible: bool

    @property
    def geometry(self) -> Geometry:
        """The grid of the labels."""
        return self.layer.geometry

    def __getitem__(self, key: Any) -> NDArray[np.uint16]:
        """Give label values by index (z, y, x); 0 where a value is not drawn."""
        values = self.layer[key]
        if self.rest_visible or not self.layer.rest:
            return values
        listed = np.array([segment["value"] for segment in self.segments], dtype=np.uint16)
        return np.where(np.isin(values, listed), values, 0).astype(np.uint16)
