"""The labels of a scan as lazy volumes on the scan's own grid: which voxels are a tumour, a lung, a liver.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.data.block_wire import Address
from workbench.data.fetch import label_url
from workbench.data.grid_array import GridArray
from workbench.data.label_cards import label_card
from workbench.data.shard import AnyVoxels
from workbench.errors import NotFound

if TYPE_CHECKING:
    import pandas as pd

    from workbench.data.volume import Volume

COLUMNS = ("name", "kind", "value", "label", "volume_ml", "voxels")


class LabelVolume(GridArray):
    """The regions of one label set: each voxel holds the value of the region it belongs to, or 0.

    Index it like an array (`labels[100]`), `read()` all of it, or ask for one region with `mask("GTV-1")`.

    Parameters
    ----------
    image : Volume
        The scan it lies on, voxel for voxel.
    facts : mapping
        What the gateway tells of it: `name, kind, segments, notes, dtype, levels` and the grid.
    """

    def __init__(self, image: Volume, facts: Mapping[str, Any]) -> None:
        super().__init__(image.dataset, image.version, facts)
        self.image = image
        self.scan = image.scan
        self.name = str(facts["name"])
        self.kind = str(facts["kind"])
        self.dtype = np.dtype(str(facts["dtype"]))
        self.notes = tuple(str(note) for note in facts.get("notes") or ())

    @property
    def title(self) -> str:
        """The scan's id and the name of the labels."""
        return f"{self.scan} {self.name}"

    def url(self, key: str) -> str:
        """Give the gateway's address of a zarr key of the labels."""
        return label_url(self.dataset, self.scan, self.version, self.name, key)

    def address(self, level: int) -> Address:
        """Give the name by which the gateway's arena opens a level."""
        return Address(self.dataset, self.version, self.scan, self.name, level)

    @property
    def segments(self) -> list[dict[str, Any]]:
        """Each region: `value, label, code, kind, voxels, volume_ml`."""
        return [dict(segment) for segment in self.facts["segments"]]

    @property
    def labels(self) -> list[str]:
        """The names of the regions."""
        return [str(segment["label"]) for segment in self.segments]

    def value(self, label: str | int) -> int:
        """Give the value that a region's voxels have.

        Raises
        ------
        NotFound
            When no region has this name or value.
        """
        for segment in self.segments:
            if label in (segment["label"], segment["value"]) and not isinstance(label, bool):
                return int(segment["value"])
        known = ", ".join(f"“{name}”" for name in self.labels[:12]) or "nothing"
        raise NotFound(f"{self.title} has no region {label!r}; it holds {known}.")

    def read(self, level: int = 0) -> AnyVoxels:
        """Give all labels at a resolution level.

        Parameters
        ----------
        level : int, default 0
            0 is full resolution; coarser levels hold the nearest voxel's label.

        Returns
        -------
        ndarray, uint8 or uint16, shape (z, y, x)
        """
        return self.read_box(level=level)

    def mask(self, label: str | int, level: int = 0) -> NDArray[np.bool_]:
        """Give which voxels belong to a region.

        Parameters
        ----------
        label : str or int
            The region's name, such as ``"GTV-1"``, or its value.
        level : int, default 0
            0 is full resolution.

        Returns
        -------
        ndarray, bool, shape (z, y, x)

        Raises
        ------
        NotFound
            When there is no such region.
        """
        value = self.value(label)
        found: NDArray[np.bool_] = self.read(level) == value
        return found

    def __eq__(self, other: object) -> bool:
        """Whether it is the same label set of the same version."""
        return isinstance(other, LabelVolume) and (self.image, self.name) == (other.image, other.name)

    def __hash__(self) -> int:
        """Give the hash that goes with equality."""
        return hash((self.image, self.name))

    def __reduce__(self) -> tuple[type[LabelVolume], tuple[Volume, dict[str, Any]]]:
        """Travel to another process as a name; there it is read with that process's own token."""
        return LabelVolume, (self.image, self.facts)

    def __repr__(self) -> str:
        """Say which labels they are, of which scan, and what they hold."""
        z, y, x = self.shape
        regions = ", ".join(self.labels[:6]) + (" …" if len(self.labels) > 6 else "")
        return f"LabelVolume({self.dataset!r}, {self.scan!r}, {self.name!r}: {z} × {y} × {x} voxels; {regions})"

    def _repr_html_(self) -> str:
        return label_card(self)


def label_table(sets: list[dict[str, Any]]) -> pd.DataFrame:
    """Give one row for each region of each label set of a scan: `name, kind, value, label, volume_ml, voxels`."""
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    rows = [
        {**segment, "name": one["name"], "kind": one["kind"]} for one in sets for segment in one.get("segments") or ()
    ]
    types = {"name": "str", "kind": "str", "value": "int64", "label": "str", "volume_ml": "float64", "voxels": "int64"}
    return pd.DataFrame([{name: row[name] for name in COLUMNS} for row in rows], columns=list(COLUMNS)).astype(types)
