"""A volume as OME-Zarr: a pyramid of arrays, each one shard of 32³ chunks, as keys and bytes.

Images (int16) are halved by their mean; labels (uint8 or uint16) by the nearest voxel, since the mean of two labels
is a third one. The same volume gives the same bytes on every machine, so that versions can be named by their content.

Runs in: ingest host | kernel
Source: OME-NGFF 0.5 (multiscales, image-label); zarr v3 core specification and its codec `sharding_indexed`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import google_crc32c
import numpy as np
from numcodecs import Blosc
from numpy.typing import NDArray

from workbench.errors import InvalidInput
from workbench.geometry import Geometry

CHUNK = 32
AIR_HU = -1024
# The coarsest level is the first with no axis longer than this, so that an overview is a few chunks.
SMALLEST = 64
COMPRESSION = {"cname": "lz4", "clevel": 5, "shuffle": Blosc.BITSHUFFLE, "blocksize": 0}

Voxels = NDArray[Any]


@dataclass(frozen=True)
class Kind:
    """What a pyramid holds: its name, its allowed voxels, what stands beyond its border, how it is made coarser."""

    name: str
    dtypes: tuple[str, ...]
    fill: int
    method: str


MEAN, NEAREST = "2×2×2 integer mean", "nearest voxel"
KINDS = {
    "ct": Kind("ct", ("int16",), AIR_HU, MEAN),
    "mr": Kind("mr", ("int16",), 0, MEAN),
    "pet": Kind("pet", ("int16",), 0, MEAN),
    "image": Kind("image", ("int16",), 0, MEAN),
    "windowed": Kind("windowed", ("float32",), 0, MEAN),
    "label": Kind("label", ("uint8", "uint16"), 0, NEAREST),
}


def write_ome_zarr(
    volume: Voxels, grid: Geometry, *, kind: str = "ct", names: Mapping[int, str] | None = None, is_pyramid: bool = True
) -> tuple[dict[str, bytes], int]:
    """Encode a volume.

    Parameters
    ----------
    volume : ndarray, int16, (windowed) float32 or (labels) uint8 or uint16, shape (z, y, x)
        The voxels.
    grid : Geometry
        Their grid in the patient.
    kind : {"ct", "mr", "pet", "image", "windowed", "label"}, default "ct"
        What the voxels are.
    names : mapping of int to str, optional
        For labels: what each value stands for; 0 is the background and has no name.
    is_pyramid : bool, default True
        Whether coarser levels follow; false where only programs read it, and for windowed voxels, which are fractions.

    Returns
    -------
    dict of str to bytes
        Keys below the group, such as `0/c/0/0/0`, and their content.
    int
        Number of levels.

    Raises
    ------
    InvalidInput
        When the voxels are not of the kind's type, or their shape is not the grid's.
    """
    what = KINDS[kind]
    if volume.dtype.name not in what.dtypes or volume.shape != grid.shape:
        wanted = f"{' or '.join(what.dtypes)} of shape {grid.shape}"
        raise InvalidInput(f"A {kind} volume is {wanted}, not {volume.dtype} of shape {volume.shape}.")
    if is_pyramid and volume.dtype.kind == "f":
        raise InvalidInput("Coarser levels are made of whole numbers; write windowed voxels with is_pyramid=False.")
    objects: dict[str, bytes] = {}
    datasets: list[dict[str, object]] = []
    level, current = 0, volume
    while True:
        objects[f"{level}/zarr.json"] = _json(_array_metadata(current, what.fill))
        objects[f"{level}/c/0/0/0"] = encode_shard(current, what.fill)
        datasets.append({"path": str(level), "coordinateTransformations": _transformations(grid, level)})
        level += 1
        if not is_pyramid or max(current.shape) <= SMALLEST:
            break
        current = thin_out(volume, level) if what.method is NEAREST else halve(current)
    objects["zarr.json"] = _json(_group_metadata(datasets, what, names))
    return objects, level


def thin_out(labels: Voxels, level: int) -> Voxels:
    """Give the labels at a coarser level: of each block of 2^level voxels an axis, the one nearest to its centre.

    Each is taken from the finest level, so that none is further than half a fine voxel from where it stands.

    >>> thin_out(np.array([[[1, 2, 3, 4, 5]]], dtype=np.uint8), 1).tolist()
    [[[1, 3, 5]]]
    """
    step = 2**level
    picked = [
        np.minimum(np.arange(-(-size // step)) * step + (step // 2 - 1 if step > 1 else 0), size - 1)
        for size in labels.shape
    ]
    return labels[np.ix_(*picked)]


def halve(volume: Voxels) -> Voxels:
    """Give the mean of each 2×2×2 block, rounded to the nearest integer, halves up.

    An odd axis repeats its last plane, so that the border keeps its value.

    >>> halve(np.array([[[0, 3]]], dtype=np.int16)).tolist()
    [[[2]]]
    """
    for axis, size in enumerate(volume.shape):
        if size % 2:
            last = np.take(volume, [size - 1], axis=axis)
            volume = np.concatenate([volume, last], axis=axis)
    pairs = volume[0::2].astype(np.int32) + volume[1::2]
    rows = pairs[:, 0::2] + pairs[:, 1::2]
    total = rows[:, :, 0::2] + rows[:, :, 1::2]
    total += 4
    total >>= 3
    return total.astype(np.int16)


def encode_shard(volume: Voxels, fill: int = AIR_HU) -> bytes:
    """Give one shard: compressed chunks in (z, y, x) order, then their (offset, size) index and its CRC-32C."""
    counts = [-(-size // CHUNK) for size in volume.shape]
    codec = Blosc(**COMPRESSION)
    parts: list[bytes] = []
    index = np.empty((counts[0] * counts[1] * counts[2], 2), dtype="<u8")
    offset = 0
    for number, place in enumerate(product(*(range(count) for count in counts))):
        encoded = bytes(codec.encode(_chunk(volume, place, fill)))
        index[number] = offset, len(encoded)
        offset += len(encoded)
        parts.append(encoded)
    table = index.tobytes()
    return b"".join([*parts, table, google_crc32c.value(table).to_bytes(4, "little")])


def _chunk(volume: Voxels, place: tuple[int, ...], fill: int) -> Voxels:
    z, y, x = (slice(n * CHUNK, (n + 1) * CHUNK) for n in place)
    part = volume[z, y, x]
    if part.shape == (CHUNK, CHUNK, CHUNK):
        return np.ascontiguousarray(part)
    whole = np.full((CHUNK, CHUNK, CHUNK), fill, dtype=volume.dtype)
    whole[tuple(slice(0, size) for size in part.shape)] = part
    return whole


def _array_metadata(volume: Voxels, fill: int) -> dict[str, object]:
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    blosc = {"typesize": volume.dtype.itemsize, "cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "blocksize": 0}
    sharding = {
        "chunk_shape": [CHUNK] * 3,
        "codecs": [little, {"name": "blosc", "configuration": blosc}],
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(volume.shape),
        "data_type": volume.dtype.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [-(-size // CHUNK) * CHUNK for size in volume.shape]},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "dimension_names": ["z", "y", "x"],
        "attributes": {},
    }


def _transformations(grid: Geometry, level: int) -> list[dict[str, object]]:
    """Give scale and translation of a level, mm; the centre of a coarse voxel lies between those it stands for.

    The translation is the origin measured along the index axes, so that patient = direction · (scale · index + it).
    """
    factor = 2**level
    along = np.asarray(grid.direction).reshape(3, 3).T @ np.asarray(grid.origin_mm)
    origin = [float(n) for n in along[::-1]]
    scale = [spacing * factor for spacing in grid.spacing_mm]
    shift = [start + (factor - 1) / 2 * spacing for start, spacing in zip(origin, grid.spacing_mm, strict=True)]
    return [{"type": "scale", "scale": scale}, {"type": "translation", "translation": shift}]


def _group_metadata(
    datasets: list[dict[str, object]], what: Kind, names: Mapping[int, str] | None
) -> dict[str, object]:
    axes = [{"name": name, "type": "space", "unit": "millimeter"} for name in "zyx"]
    multiscale = {
        "name": what.name,
        "axes": axes,
        "datasets": datasets,
        "type": "mean" if what.method is MEAN else "nearest",
        "metadata": {"method": what.method, "orientation": "LPS"},
    }
    ome: dict[str, object] = {"version": "0.5", "multiscales": [multiscale]}
    if what.method is NEAREST:
        properties = [{"label-value": value, "name": name} for value, name in sorted((names or {}).items())]
        # The image lies beside the folder of labels: <scan>/image.zarr and <scan>/labels/<name>.zarr.
        image_label: dict[str, object] = {"source": {"image": "../../image.zarr"}}
        ome["image-label"] = {**image_label, "properties": properties} if properties else image_label
    return {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
