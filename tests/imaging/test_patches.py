"""Many boxes cut at once: each voxel where it was, padding where there was none, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInput
from workbench.imaging import buffers
from workbench.imaging.patches import cut_patches

VOLUME = np.random.default_rng(1).integers(-1000, 1000, (13, 17, 23)).astype(np.int16)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
@pytest.mark.parametrize("size", [1, 5, (3, 8, 40), (20, 2, 7)])
def test_each_box_is_the_padded_volume_there(size: Any, kind: type) -> None:
    starts = np.random.default_rng(2).integers(-30, 40, (60, 3))
    box = (size,) * 3 if isinstance(size, int) else size
    padded = np.pad(VOLUME.astype(kind), 80, constant_values=-777)
    made = cut_patches(VOLUME.astype(kind), starts, size, outside_hu=-777)
    assert made.dtype == kind
    for patch, start in zip(made, starts, strict=True):
        assert np.array_equal(patch, padded[tuple(slice(80 + a, 80 + a + n) for a, n in zip(start, box, strict=True))])


def test_beyond_the_scan_there_is_air() -> None:
    assert (cut_patches(VOLUME, [(100, 0, 0), (-(10**15), 0, 10**15)], 4) == -1000).all()


def test_threads_and_a_used_target_give_the_same_boxes() -> None:
    starts = np.random.default_rng(2).integers(-5, 20, (31, 3))
    target = np.zeros((31, 6, 6, 6), np.int16)
    assert cut_patches(VOLUME, starts, 6, out=target, threads=2) is target
    assert np.array_equal(target, cut_patches(VOLUME, starts, 6))


def test_no_boxes_give_no_patches() -> None:
    assert cut_patches(VOLUME, [], 4).shape == (0, 4, 4, 4)


@pytest.mark.parametrize(
    ("starts", "size", "options", "sentence"),
    [
        ([(0.5, 0, 0)], 4, {}, "whole voxels"),
        ([(0, 0)], 4, {}, "whole voxels"),
        ([(0, 0, 0)], 0, {}, "1 to 32767 voxels"),
        ([(0, 0, 0)], (4, 4), {}, "1 to 32767 voxels"),
        ([(0, 0, 0)], (4, 4, 2.5), {}, "1 to 32767 voxels"),
        ([(0, 0, 0)], 4, {"outside_hu": 40000}, "outside_hu"),
        ([(0, 0, 0)], 4, {"outside_hu": np.nan}, "outside_hu"),
        ([(0, 0, 0)], 4, {"out": np.empty((1, 4, 4, 4), np.float32)}, "out must be"),
    ],
)  # fmt: skip
def test_unusable_boxes_are_refused(starts: Any, size: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        cut_patches(VOLUME, starts, size, **options)


def test_boxes_too_many_for_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "free_memory_bytes", lambda: 1000)
    with pytest.raises(InvalidInput, match="600 boxes"):
        cut_patches(VOLUME, np.zeros((600, 3), int), 96)
