"""A volume behaves as the array it stands for, and is read with whatever token its process holds."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from homes import SHAPE, volume_of

import workbench as wb
from workbench.data.volume import Volume
from workbench.errors import AccessDenied, InvalidInput, NotSignedIn

VOXELS = volume_of(1)
KEYS = [
    3, -1, (3,), (3, 4), (3, 4, 5), np.int64(7), ..., (..., 5), (3, ..., 5), slice(None), slice(5, 9),
    (slice(None, None, 3), slice(60, 10, -7), -2), (slice(30, 30), 4), (slice(-500, 500), slice(69, None), slice(0, 1)),
    (slice(None, None, -1), slice(None), slice(99, None, -9)),
]  # fmt: skip


@pytest.fixture
def volume(in_kernel: object) -> Volume:
    in_kernel()  # type: ignore[operator]
    return wb.dataset("open-ct").volume("S0001")


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_index_gives_what_numpy_gives(volume: Volume, key: object) -> None:
    part = volume[key]
    assert np.array_equal(part, VOXELS[key])  # type: ignore[index]
    assert np.asarray(part).dtype == np.int16


@pytest.mark.parametrize(("key", "error"), [
    (40, IndexError), ((0, 0, 0, 0), InvalidInput), ((..., ...), InvalidInput), (True, TypeError), (1.5, TypeError),
    ("x", TypeError), ([1, 2], TypeError), (None, TypeError),
])  # fmt: skip
def test_other_indices_are_refused(volume: Volume, key: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        volume[key]


def test_whole_volume_is_what_was_ingested(volume: Volume) -> None:
    assert np.array_equal(volume.read(), VOXELS)
    assert np.array_equal(np.asarray(volume, dtype=np.float32), VOXELS.astype(np.float32))
    assert sum(1 for _ in volume) == len(volume) == SHAPE[0]


def test_levels_halve_the_volume(volume: Volume) -> None:
    assert volume.read(1).shape == tuple(-(-n // 2) for n in SHAPE)
    for level in (-1, volume.levels, "x"):
        with pytest.raises(InvalidInput):
            volume.read(level)  # type: ignore[arg-type]


def test_patch_is_padded_with_air(volume: Volume) -> None:
    patch = volume.patch((0, 35, 99), (8, 6, 10))
    assert patch.shape == (8, 6, 10)
    assert np.array_equal(patch[4:, :, :6], VOXELS[:4, 32:38, 94:])
    assert np.all(patch[:4] == -1024)
    assert np.all(patch[:, :, 6:] == -1024)
    assert np.all(volume.patch((900, 0, 0), 4) == -1024)


def test_malformed_patch_is_refused(volume: Volume) -> None:
    for centre, size in (((1, 2), 4), ((1, 2, float("nan")), 4), ((1, 2, 3), 0)):
        with pytest.raises(InvalidInput):
            volume.patch(centre, size)


def test_grid_is_told_in_patient_millimetres(volume: Volume) -> None:
    assert (volume.shape, volume.spacing_mm, volume.origin_mm) == (SHAPE, (2.0, 0.7, 0.7), (-10.0, 20.0, 30.0))
    assert np.allclose(volume.geometry.to_patient_mm(np.array([1, 0, 0])), (-10, 20, 32))
    assert volume.window == (-600, 1500)


def test_pickled_volume_is_read_in_another_process(volume: Volume) -> None:
    code = "import pickle,sys; v=pickle.load(sys.stdin.buffer); print(int(v.read().sum()))"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(volume), capture_output=True, check=True)
    assert int(done.stdout) == int(VOXELS.sum())


def test_pickled_volume_is_worth_nothing_without_a_grant(in_kernel: object) -> None:
    in_kernel("researcher")  # type: ignore[operator]
    sent = pickle.dumps(wb.dataset("clinic-ct").volume("S0001"))
    in_kernel("reviewer")  # type: ignore[operator]
    with pytest.raises(AccessDenied):
        pickle.loads(sent).read()  # noqa: S301 - our own object


def test_volume_shows_itself(volume: Volume) -> None:
    assert "40 × 70 × 100 voxels" in repr(volume)
    html = volume._repr_html_()
    assert "data:image/png;base64," in html
    assert "--jp-ui-font-color1" in html


def test_python_that_the_workbench_did_not_start_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_TOKEN", raising=False)
    with pytest.raises(NotSignedIn, match="Governed Python"):
        wb.datasets()


def test_other_images_say_their_own_unit_and_pad_with_nothing(volume: Volume) -> None:
    facts = {**volume.facts, "modality": "PT", "unit": "Bq/ml", "scale": 1.5, "window": [10, 20]}
    pet = Volume(volume.dataset, volume.version, facts)
    assert (pet.modality, pet.unit, pet.scale, pet.window) == ("PT", "Bq/ml", 1.5, (10.0, 20.0))
    assert "int16 Bq/ml" in repr(pet) and "× 1.5 Bq/ml" in pet._repr_html_()
    assert (volume.modality, volume.unit, volume.scale) == ("CT", "HU", 1.0)
    assert pet.patch((-50, 0, 0), 4).max() == 0
