"""An OME-Zarr on disk is read as a volume is, and what is no such image is named."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from workbench.data.local import LocalVolume
from workbench.errors import IntegrityError, InvalidInput, NotFound
from workbench.geometry import Geometry
from workbench.ingest.series.ome_zarr import halve, write_ome_zarr

SHAPE = (40, 70, 100)
VOXELS = np.random.default_rng(0).integers(-1024, 3000, SHAPE).astype(np.int16)
OBJECTS = write_ome_zarr(VOXELS, Geometry(SHAPE, (2.0, 0.7, 0.5), (0.0, 0.0, 0.0)))[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for key, data in OBJECTS.items():
        (tmp_path / "image.zarr" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "image.zarr" / key).write_bytes(data)
    return tmp_path / "image.zarr"


def test_voxels_boxes_and_levels_are_those_that_were_written(folder: Path) -> None:
    image = LocalVolume(folder)
    assert (image.shape, image.levels, image.spacing_mm, len(image)) == (SHAPE, 2, (2.0, 0.7, 0.5), 40)
    assert np.array_equal(image.read(), VOXELS)
    assert np.array_equal(image.read(1), halve(VOXELS)) and image.level_shape(1) == (20, 35, 50)
    assert np.array_equal(image[7], VOXELS[7]) and np.array_equal(image[3:9, ..., 5:6], VOXELS[3:9, :, 5:6])
    assert image[5:5].shape == (0, 70, 100)
    assert image.dtype == np.int16 and "40 × 70 × 100" in repr(image)


def test_one_array_is_read_without_its_group(folder: Path) -> None:
    image = LocalVolume(folder / "1")
    assert image.spacing_mm is None and np.array_equal(image.read(), halve(VOXELS))


def test_it_travels_to_another_process_as_a_path(folder: Path) -> None:
    assert np.array_equal(pickle.loads(pickle.dumps(LocalVolume(folder)))[0], VOXELS[0])  # noqa: S301 - our own


def test_memory_of_the_callers_own_is_read_into_and_given_back(folder: Path) -> None:
    image, own = LocalVolume(folder), np.full(SHAPE, 7, np.int16)
    assert image.read(out=own) is own and np.array_equal(own, VOXELS)


@pytest.mark.parametrize(
    "own",
    [np.empty((40, 70, 99), np.int16), np.empty(SHAPE, np.int32), np.empty(SHAPE[::-1], np.int16).T, "x"],
    ids=["another shape", "another type", "another order", "no array"],
)
def test_memory_that_does_not_fit_is_refused(folder: Path, own: object) -> None:
    with pytest.raises(InvalidInput, match="out"):
        LocalVolume(folder).read(out=own)  # type: ignore[arg-type]


def test_file_that_becomes_shorter_is_an_error_and_not_the_end_of_the_process(folder: Path) -> None:
    image = LocalVolume(folder)
    os.truncate(folder / "0/c/0/0/0", 5000)
    with pytest.raises(IntegrityError, match="shorter"):
        image.read()


def test_index_that_points_beyond_its_file_is_refused(folder: Path) -> None:
    shard = folder / "0/c/0/0/0"
    data = shard.read_bytes()
    shard.write_bytes(data[200_000:])
    with pytest.raises(IntegrityError, match="shorter"):
        LocalVolume(folder).read()


@pytest.mark.parametrize("data", [b"", b"x" * 5000], ids=["empty", "damaged"])
def test_damaged_shards_are_named(folder: Path, data: bytes) -> None:
    (folder / "0/c/0/0/0").write_bytes(data)
    with pytest.raises(IntegrityError, match="copy it again"):
        LocalVolume(folder)


def test_what_is_no_image_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no readable zarr\.json"):
        LocalVolume(tmp_path / "nothing.zarr")
    (folder / "0/c/0/0/0").unlink()
    with pytest.raises(NotFound, match="copy the image again"):
        LocalVolume(folder)
    (folder / "zarr.json").write_text(json.dumps({"node_type": "group", "attributes": {}}))
    with pytest.raises(IntegrityError, match="no OME-Zarr"):
        LocalVolume(folder)


@pytest.mark.parametrize("level", [-1, 2, "0"])
def test_levels_that_there_are_not_are_refused(folder: Path, level: object) -> None:
    with pytest.raises(InvalidInput, match="levels 0 to 1"):
        LocalVolume(folder).read(level)  # type: ignore[arg-type]
