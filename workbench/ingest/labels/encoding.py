"""Labels as the objects that the gateway keeps: an OME-Zarr label pyramid and the facts beside it.

Runs in: ingest host
Source: OME-NGFF 0.5 (image-label).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from workbench.geometry import Geometry
from workbench.ingest.labels.label_set import Labels, LabelSet
from workbench.ingest.series.ome_zarr import write_ome_zarr


def encode_labels(label_set: LabelSet, grid: Geometry, scan: str) -> dict[str, bytes]:
    """Give the objects of a label set by path.

    Parameters
    ----------
    label_set : LabelSet
        Named, with voxels of the grid's shape.
    grid : Geometry
        The scan's.
    scan : str
        The scan's id, such as `S0001`.
    """
    names = {int(segment["value"]): str(segment["label"]) for segment in label_set.segments}
    keys, levels = write_ome_zarr(label_set.array, grid, kind="label", names=names)
    folder = f"scans/{scan}/labels/{label_set.name}"
    objects = {f"{folder}.zarr/{key}": content for key, content in keys.items()}
    facts = json.dumps(label_facts(label_set, grid, levels), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    objects[f"{folder}.json"] = facts.encode()
    return objects


def label_facts(label_set: LabelSet, grid: Geometry, levels: int) -> dict[str, Any]:
    """Give what is told of a label set: name, kind, segments, notes and its grid, as plain JSON values."""
    return {
        "name": label_set.name,
        "kind": label_set.source_kind,
        "segments": list(label_set.segments),
        "notes": list(label_set.notes),
        "dtype": label_set.packed.dtype,
        "sha256": label_digest(label_set.array),
        "levels": levels,
        **grid.as_dict(),
    }


def label_digest(labels: Labels) -> str:
    """Give the SHA-256 (hex) of the voxels, little-endian, in (z, y, x) order."""
    return hashlib.sha256(labels.astype(labels.dtype.newbyteorder("<"), order="C", copy=False).data).hexdigest()
