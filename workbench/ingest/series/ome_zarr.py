"""A CT volume as OME-Zarr: a pyramid of int16 arrays, each one shard of 32³ chunks, as keys and bytes.

The same volume gives the same bytes on every machine, so that versions can be named by their content.

Runs in: ingest host
Source: OME-NGFF 0.5 (multiscales); zarr v3 core specification and its codec `sharding_indexed`.
"""

from __future__ import annotations

import json
from itertools import product

import google_crc32c
import numpy as np
from numcodecs import Blosc
from numpy.typing import NDArray

from workbench.geometry import Geometry

CHUNK = 32
AIR_HU = -1024
# The coarsest level is the first with no axis longer than this, so that an overview is a few chunks.
SMALLEST = 64
COMPRESSION = {"cname": "lz4", "clevel": 5, "shuffle": Blosc.BITSHUFFLE, "blocksize": 0}

Voxels = NDArray[np.int16]


def write_ome_zarr(volume: Voxels, grid: Geometry) -> tuple[dict[str, bytes], int]:
    """Encode a volume.

    Parameters
    ----------
    volume : ndarray, int16, shape (z, y, x), HU
        The voxels.
    grid : Geometry
        Their grid in the patient.

    Returns
    -------
    dict of str to bytes
        Keys below the group, such as `0/c/0/0/0`, and their content.
    int
        Number of levels.
    """
    objects: dict[str, bytes] = {}
    datasets: list[dict[str, object]] = []
    level, current = 0, volume
    while True:
        objects[f"{level}/zarr.json"] = _json(_array_metadata(current.shape))
        objects[f"{level}/c/0/0/0"] = encode_shard(current)
        datasets.append({"path": str(level), "coordinateTransformations": _transformations(grid, level)})
        level += 1
        if max(current.shape) <= SMALLEST:
            break
        current = halve(current)
    objects["zarr.json"] = _json(_group_metadata(datasets))
    return objects, level


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


def encode_shard(volume: Voxels) -> bytes:
    """Give one shard: compressed chunks in (z, y, x) order, then their (offset, size) index and its CRC-32C."""
    counts = [-(-size // CHUNK) for size in volume.shape]
    codec = Blosc(**COMPRESSION)
    parts: list[bytes] = []
    index = np.empty((counts[0] * counts[1] * counts[2], 2), dtype="<u8")
    offset = 0
    for number, place in enumerate(product(*(range(count) for count in counts))):
        encoded = bytes(codec.encode(_chunk(volume, place)))
        index[number] = offset, len(encoded)
        offset += len(encoded)
        parts.append(encoded)
    table = index.tobytes()
    return b"".join([*parts, table, google_crc32c.value(table).to_bytes(4, "little")])


def _chunk(volume: Voxels, place: tuple[int, ...]) -> Voxels:
    z, y, x = (slice(n * CHUNK, (n + 1) * CHUNK) for n in place)
    part = volume[z, y, x]
    if part.shape == (CHUNK, CHUNK, CHUNK):
        return np.ascontiguousarray(part)
    whole = np.full((CHUNK, CHUNK, CHUNK), AIR_HU, dtype=np.int16)
    whole[tuple(slice(0, size) for size in part.shape)] = part
    return whole


def _array_metadata(shape: tuple[int, ...]) -> dict[str, object]:
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    blosc = {"typesize": 2, "cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "blocksize": 0}
    sharding = {
        "chunk_shape": [CHUNK] * 3,
        "codecs": [little, {"name": "blosc", "configuration": blosc}],
        "index_codecs": [little, {"name": "crc32c"}],
        "index_location": "end",
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": "int16",
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [-(-size // CHUNK) * CHUNK for size in shape]},
        },
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": AIR_HU,
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


def _group_metadata(datasets: list[dict[str, object]]) -> dict[str, object]:
    axes = [{"name": name, "type": "space", "unit": "millimeter"} for name in "zyx"]
    multiscale = {
        "name": "ct",
        "axes": axes,
        "datasets": datasets,
        "type": "mean",
        "metadata": {"method": "2×2×2 integer mean", "orientation": "LPS"},
    }
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": {"ome": {"version": "0.5", "multiscales": [multiscale]}},
    }


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
