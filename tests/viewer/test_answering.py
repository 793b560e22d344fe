"""The kernel's side of the line: slices of its arrays, slabs, other grids, refusals, and nothing for who has gone."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from workbench.errors import InvalidInput, NotFound
from workbench.geometry import Geometry
from workbench.viewer.answering import Answerer, shown_slice
from workbench.viewer.shown_volume import ArrayVolume

GRID = Geometry((4, 3, 5), (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
ASK = {"layer": "v0", "plane": "axial", "index": 2, "level": 0, "slab_mm": 0, "mode": "mean", "on": ""}


@pytest.fixture
def ramp() -> ArrayVolume:
    """Give a volume whose every voxel is ten times its z index."""
    return ArrayVolume(np.broadcast_to(np.arange(4, dtype=np.int16)[:, None, None] * 10, (4, 3, 5)), GRID)


def sent_by(volumes: dict[str, Any], *messages: dict[str, Any]) -> list[tuple[dict[str, Any], list[bytes]]]:
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    answerer = Answerer(volumes, {}, lambda message, buffers: sent.append((message, buffers)))
    for message in messages:
        answerer.take(message)
    answerer._worker.shutdown(wait=True)
    return sent


def test_a_slice_comes_as_little_endian_int16_with_its_shape(ramp: ArrayVolume) -> None:
    ((message, buffers),) = sent_by({"v0": ramp}, {"kind": "slice", "id": 7, **ASK})
    assert (message["id"], message["shape"]) == (7, [3, 5])
    assert np.frombuffer(buffers[0], "<i2").tolist() == [20] * 15


def test_a_slab_holds_the_slices_within_half_its_thickness(ramp: ArrayVolume) -> None:
    # 4 mm around slice 1 at 2 mm spacing: slices 0, 1 and 2.
    got = [shown_slice(ramp, "axial", 1, slab_mm=4.0, mode=mode)[0, 0] for mode in ("mean", "mip", "minip")]
    assert got == [10, 20, 0]
    assert shown_slice(ramp, "axial", 0, slab_mm=4.0, mode="mean")[0, 0] == 5


def test_another_grid_is_interpolated_and_empty_outside(ramp: ArrayVolume) -> None:
    # Half a slice up: between 10 and 20; three voxels to the left the volume is not.
    grid = Geometry((1, 3, 5), (2.0, 1.0, 1.0), (-3.0, 0.0, 3.0))
    assert shown_slice(ramp, "axial", 0, on=grid)[0].tolist() == [-32768, -32768, -32768, 15, 15]


@pytest.mark.parametrize(
    ("change", "error"),
    [({"plane": "oblique"}, NotFound), ({"layer": "v9"}, NotFound), ({"index": "2"}, InvalidInput),
     ({"index": 99}, InvalidInput), ({"level": 40}, InvalidInput), ({"mode": "sum", "slab_mm": 4}, InvalidInput)],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_by_a_sentence(ramp: ArrayVolume, change: dict[str, Any], error: Any) -> None:
    answerer = Answerer({"v0": ramp}, {}, lambda message, buffers: None)
    with pytest.raises((error, NotFound)):
        answerer.slice({**ASK, **change})
    ((message, _),) = sent_by({"v0": ramp}, {"kind": "slice", "id": 1, **ASK, **change})
    assert message["kind"] == "refused"
    assert message["message"].endswith((".", "m"))


class Failing(ArrayVolume):
    def read_slice(self, plane: str, index: int, level: int = 0) -> Any:
        raise OSError("the file is gone")


def test_an_array_that_fails_says_so_in_the_picture(ramp: ArrayVolume) -> None:
    ((message, _),) = sent_by({"v0": Failing(ramp.array, GRID)}, {"kind": "slice", "id": 1, **ASK})
    assert "OSError: the file is gone" in message["message"]


class Slow(ArrayVolume):
    begun = threading.Event()
    go = threading.Event()

    def read_slice(self, plane: str, index: int, level: int = 0) -> Any:
        Slow.begun.set()
        Slow.go.wait(10)
        return super().read_slice(plane, index, level)


def test_a_slice_nobody_waits_for_any_more_is_never_made(ramp: ArrayVolume) -> None:
    sent: list[int] = []
    answerer = Answerer({"v0": Slow(ramp.array, GRID)}, {}, lambda message, buffers: sent.append(message["id"]))
    for number in (1, 2, 3):
        answerer.take({"kind": "slice", "id": number, **ASK})
    Slow.begun.wait(10)
    answerer.take({"kind": "cancel", "id": 2})
    Slow.go.set()
    answerer._worker.shutdown(wait=True)
    assert sent == [1, 3]


@pytest.mark.parametrize("message", [None, "slice", [], {"kind": "other"}, {}])
def test_messages_nobody_understands_are_not_answered(ramp: ArrayVolume, message: Any) -> None:
    assert sent_by({"v0": ramp}, message) == []
