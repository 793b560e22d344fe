"""The shard reader gives the very voxels, whatever the box and whoever wrote the shard."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.data.shard import Box, Shard, checked_box, read_layout
from workbench.errors import IntegrityError, InvalidInput
from workbench.geometry import Geometry
from workbench.ingest.series.ome_zarr import write_ome_zarr

SHAPE = (50, 70, 131)
VOXELS = np.random.default_rng(0).integers(-1024, 3000, SHAPE).astype(np.int16)
OBJECTS = write_ome_zarr(VOXELS, Geometry(SHAPE, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)))[0]


def opened(metadata: bytes, shard: bytes) -> Shard:
    layout = read_layout(json.loads(metadata))
    return Shard(layout, shard[-layout.index_bytes :])


def read(shard: Shard, data: bytes, box: Box) -> NDArray[np.int16]:
    out = np.full([stop - start for start, stop in box], shard.layout.fill, dtype=np.int16)
    for batch in shard.batches(box)[0]:
        shard.place(batch, [data[span.start : span.stop] for span in batch], box, out)
    return out


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    edges = [sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True))) for n in SHAPE]
    (a, b), (c, d), (e, f) = edges
    return (a, b), (c, d), (e, f)


@given(box=boxes())
@settings(max_examples=60, deadline=None)
def test_every_box_is_that_part_of_the_volume(box: Box) -> None:
    shard = opened(OBJECTS["0/zarr.json"], OBJECTS["0/c/0/0/0"])
    assert np.array_equal(read(shard, OBJECTS["0/c/0/0/0"], box), VOXELS[tuple(slice(*edge) for edge in box)])


def test_shard_of_zarr_python_with_missing_chunks_is_read(tmp_path: Path) -> None:
    compressor = zarr.codecs.BloscCodec(cname="lz4", shuffle="bitshuffle", typesize=2)
    array = zarr.create_array(
        tmp_path / "a.zarr", shape=SHAPE, shards=(64, 96, 160), chunks=(32, 32, 32), dtype="int16",
        compressors=compressor, fill_value=-1024,
    )  # fmt: skip
    array[:40, 32:70, 40:] = VOXELS[:40, 32:70, 40:]
    data = (tmp_path / "a.zarr/c/0/0/0").read_bytes()
    shard = opened((tmp_path / "a.zarr/zarr.json").read_bytes(), data)
    whole = ((0, 50), (0, 70), (0, 131))
    assert shard.batches(whole)[1] is False
    assert np.array_equal(read(shard, data, whole), array[:])


def test_damaged_index_is_noticed() -> None:
    damaged = bytearray(OBJECTS["0/c/0/0/0"])
    damaged[-100] ^= 1
    with pytest.raises(IntegrityError):
        opened(OBJECTS["0/zarr.json"], bytes(damaged))


def test_damaged_chunk_is_noticed() -> None:
    data = OBJECTS["0/c/0/0/0"]
    shard = opened(OBJECTS["0/zarr.json"], data)
    with pytest.raises(IntegrityError):
        read(shard, b"\xff" * 64 + data[64:], ((0, 1), (0, 1), (0, 1)))


@pytest.mark.parametrize(
    "change", [{"data_type": "float32"}, {"codecs": []}, {"shape": [1, 2]}, {"shape": [500, 70, 131]}]
)
def test_arrays_of_another_kind_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        read_layout({**json.loads(OBJECTS["0/zarr.json"]), **change})


@pytest.mark.parametrize("edge", [(-1, 4), (3, 3), (5, 2), (0, 51)])
def test_boxes_outside_the_volume_are_refused(edge: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput):
        checked_box((edge, (0, 1), (0, 1)), SHAPE)
