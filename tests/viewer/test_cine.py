"""Animated scrolls: the slices in their order, the same bytes everywhere, few reads."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.errors import InvalidInput
from workbench.geometry import Geometry
from workbench.viewer.cine import cine

GRID = Geometry((12, 20, 20), (2.0, 1.0, 1.0), (0.0, 0.0, 50.0))


def ramp() -> Any:
    """Give slices of 0, 100, … 1100 HU."""
    array = np.zeros(GRID.shape, np.int16)
    array[:] = (np.arange(12) * 100)[:, None, None]
    return array


def made(**given: Any) -> Any:
    return cine(ramp(), **{"geometry": GRID, "modality": "CT", "window": (550, 1100), "size": 240, **given})


def middles(animation: Any) -> list[float]:
    """Give the grey of each frame's middle, as a share of white."""
    picture = Image.open(io.BytesIO(bytes(animation)))
    found = []
    for number in range(animation.frames):
        picture.seek(number)
        found.append(float(np.asarray(picture.convert("L"))[100:140, 60:100].mean()) / 255)
    return found


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_frames_are_the_slices_in_their_order(kind: str) -> None:
    assert middles(made(format=kind)) == pytest.approx([number / 11 for number in range(12)], abs=0.02)


def test_range_step_and_direction_are_kept() -> None:
    animation = made(first=10, last=2, step=4)
    assert middles(animation) == pytest.approx([10 / 11, 6 / 11, 2 / 11], abs=0.02)
    assert Image.open(io.BytesIO(bytes(animation))).n_frames == animation.frames == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "fps", "pause_ms"), [("webp", 10, 100), ("gif", 25, 40)])
def test_speed_is_kept_and_it_repeats(kind: str, fps: float, pause_ms: int) -> None:
    picture = Image.open(io.BytesIO(bytes(made(format=kind, fps=fps))))
    picture.seek(1)
    picture.load()
    assert (picture.info["duration"], picture.info["loop"]) == (pause_ms, 0)


def test_numbers_of_numpy_are_numbers() -> None:
    counted = made(first=np.int64(2), last=np.int16(8), step=np.uint8(3), fps=np.float32(10))
    assert counted == made(first=2, last=8, step=3, fps=10)


def test_long_scans_are_thinned_to_a_hundred_frames() -> None:
    array = np.zeros((250, 4, 4), np.int16)
    assert cine(array, spacing_mm=1, size=200).frames == 84


def test_stored_slices_are_read_many_at_once(volume: Any) -> None:
    from workbench.viewer.cine import _InBlocks

    blocks = _InBlocks(volume, "axial")
    whole = slice(None)
    found = [blocks[z, whole, whole] for z in range(40)]
    assert len(volume.reads) == 1
    assert np.array_equal(np.stack(found), volume.array)
    assert np.array_equal(blocks[3:7, 5:9, 1:2], volume.array[3:7, 5:9, 1:2])


def test_labels_and_slabs_are_drawn_on_every_frame() -> None:
    mask = np.zeros(GRID.shape, bool)
    mask[:6] = True
    animation = made(labels={"liver": mask}, format="gif", slab_mm=4.0, slab_mode="mip")
    picture = Image.open(io.BytesIO(bytes(animation)))
    colourful = []
    for number in (2, 9):
        picture.seek(number)
        colourful.append(int(np.ptp(np.asarray(picture.convert("RGB"))[100:140, 60:100], axis=-1).max()))
    assert colourful[0] > 30
    assert colourful[1] == 0


def test_same_call_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib, numpy as np\nfrom workbench.viewer.cine import cine\n"
        "a = (np.arange(4000).reshape(10, 20, 20) % 777).astype(np.int16)\n"
        "made = [cine(a, spacing_mm=(3, 1, 1), format=kind, size=200) for kind in ('webp', 'gif')]\n"
        "print([hashlib.sha256(bytes(one)).hexdigest() for one in made])"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) > 130


def test_ending_of_the_file_chooses_the_format(tmp_path: Path) -> None:
    made(path=tmp_path / "scroll.gif")
    made(path=tmp_path / "scroll.webp")
    assert (tmp_path / "scroll.gif").read_bytes()[:6] == b"GIF89a"
    assert (tmp_path / "scroll.webp").read_bytes()[8:12] == b"WEBP"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fps": 0}, "1 to 50"), ({"first": 12}, "0 to 11"), ({"last": -1}, "0 to 11"), ({"step": 0}, "from 1"),
        ({"format": "mp4"}, "webp or gif"), ({"path": "a.png"}, ".webp or .gif"), ({"size": 1300}, "200 to 1200"),
        ({"path": "a.gif", "format": "webp"}, "ends in .gif"), ({"plane": "all"}, "planes are"),
        ({"first": 1.5}, "0 to 11"),
    ],
)  # fmt: skip
def test_what_is_no_scroll_is_refused_in_a_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        made(**given)
