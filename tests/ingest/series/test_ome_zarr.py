"""The pyramid is plain OME-Zarr that anybody's zarr reads, with the same bytes every time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype
from zarr.storage import MemoryStore

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.ingest.series.ome_zarr import halve, thin_out, write_ome_zarr

GRID = Geometry((70, 66, 131), (2.5, 0.75, 0.625), (-160.5, -171.25, -310.25))


def drawn(shape: tuple[int, int, int] = GRID.shape) -> NDArray[np.int16]:
    return np.random.default_rng(3).integers(-1024, 3071, shape).astype(np.int16)


def opened(objects: dict[str, bytes]) -> Any:
    prototype = default_buffer_prototype()
    store = MemoryStore({key: prototype.buffer.from_bytes(data) for key, data in objects.items()})
    return zarr.open_group(store, mode="r")


def test_zarr_python_reads_every_level() -> None:
    volume = drawn()
    objects, levels = write_ome_zarr(volume, GRID)
    group = opened(objects)
    assert levels == 3
    for level in range(levels):
        array = group[str(level)]
        np.testing.assert_array_equal(array[...], volume)
        assert array.dtype == np.int16 and array.chunks == (32, 32, 32)
        volume = halve(volume)


def test_a_level_is_one_shard() -> None:
    objects, levels = write_ome_zarr(drawn(), GRID)
    assert sorted(objects) == sorted(
        ["zarr.json", *(f"{n}/{key}" for n in range(levels) for key in ("zarr.json", "c/0/0/0"))]
    )


def test_the_same_volume_gives_the_same_bytes() -> None:
    first, second = (write_ome_zarr(drawn(), GRID)[0] for _ in range(2))
    assert first == second


def test_halving_rounds_the_mean_and_keeps_the_border() -> None:
    block = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 9]]], dtype=np.int16)
    # The mean of 1, 2, 3, 4, 5, 6, 7 and 9 is 37 / 8 = 4.625.
    assert halve(block).tolist() == [[[5]]]
    assert halve(-block).tolist() == [[[-5]]]
    assert halve(np.full((3, 1, 5), 32767, np.int16)).tolist() == [[[32767] * 3]] * 2


def test_scale_and_translation_put_coarse_voxels_between_the_fine_ones() -> None:
    objects, _ = write_ome_zarr(drawn(), GRID)
    ome = json.loads(objects["zarr.json"])["attributes"]["ome"]
    scale, translation = ome["multiscales"][0]["datasets"][1]["coordinateTransformations"]
    assert ome["version"] == "0.5"
    assert scale["scale"] == [5.0, 1.5, 1.25]
    # Half a fine voxel beyond the origin (z, y, x): −310.25 + 1.25, −171.25 + 0.375, −160.5 + 0.3125.
    assert translation["translation"] == [-309.0, -170.875, -160.1875]


def test_a_damaged_index_is_noticed() -> None:
    objects, _ = write_ome_zarr(drawn(), GRID)
    shard = bytearray(objects["0/c/0/0/0"])
    shard[-10] ^= 1
    objects["0/c/0/0/0"] = bytes(shard)
    with pytest.raises(ValueError, match="checksum"):
        opened(objects)["0"][...]


def test_an_independent_model_of_the_standard_accepts_it() -> None:
    model = pytest.importorskip("ome_zarr_models.v05", reason="ome-zarr-models is not installed; `.[test]` brings it")
    for kind in ("ct", "mr", "pet"):
        image = model.Image.from_zarr(opened(write_ome_zarr(drawn(), GRID, kind=kind)[0]))
        assert image.attributes.ome.multiscales[0].ndim == 3
    labels, _ = write_ome_zarr((drawn() > 0).astype(np.uint8), GRID, kind="label", names={1: "lung"})
    label = model.ImageLabel.from_zarr(opened(labels)).attributes.ome
    assert label.image_label.source.image == "../../image.zarr"
    assert label.image_label.properties[0].label_value == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_are_never_mixed_on_the_way_down(dtype: Any) -> None:
    labels = np.random.default_rng(4).choice(np.array([0, 3, 200], dtype), GRID.shape)
    objects, levels = write_ome_zarr(labels, GRID, kind="label")
    group = opened(objects)
    np.testing.assert_array_equal(group["0"][...], labels)
    assert levels == write_ome_zarr(drawn(), GRID)[1]
    for level in range(1, levels):
        assert group[str(level)].dtype == dtype and set(np.unique(group[str(level)])) <= {0, 3, 200}
        np.testing.assert_array_equal(group[str(level)][...], thin_out(labels, level))


def test_a_coarse_label_is_at_most_half_a_fine_voxel_from_its_place() -> None:
    index = np.arange(64, dtype=np.uint8).reshape(1, 1, 64)
    for level in (1, 2, 3):
        centres = np.arange(64 // 2**level) * 2**level + (2**level - 1) / 2
        np.testing.assert_allclose(thin_out(index, level)[0, 0], centres, atol=0.5)


def test_voxels_of_another_type_or_shape_are_refused() -> None:
    for volume, kind in ((drawn(), "label"), (drawn().astype(np.uint16), "ct"), (drawn()[1:], "ct")):
        with pytest.raises(InvalidInput, match="volume is"):
            write_ome_zarr(volume, GRID, kind=kind)
