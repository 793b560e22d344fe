"""The still picture: deterministic, small, true, and made of three slices."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from workbench.geometry import Geometry
from workbench.viewer.marks import BoxMark
from workbench.viewer.picture import BOX_COLOUR, PANES, SIZE, Scene, draw_picture

CENTRE = (5.0, 4.0, 150.5)


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_same_scene_gives_the_same_bytes(volume: Any) -> None:
    scene = Scene(CENTRE, -600, 1500, title="phantom S0001")
    assert draw_picture(volume, scene) == draw_picture(volume, scene)


def test_only_three_slices_are_read(volume: Any) -> None:
    draw_picture(volume, Scene(CENTRE, -600, 1500))
    whole = slice(None)
    assert volume.reads == [(20, whole, whole), (whole, 30, whole), (whole, whole, 50)]


def test_grey_is_the_window_and_size_is_kept(volume: Any) -> None:
    picture = opened(draw_picture(volume, Scene(CENTRE, 40, 400, overlays=False)))
    # 40 HU is the middle of the window; voxel (20, 25, 40) lies a little left of and above the pane's middle.
    x, y = PANES["axial"][2] // 2, round(PANES["axial"][3] / 2 + (25.5 - 32) * 0.8 * 384 / 56)
    assert picture.size == SIZE
    assert all(abs(value - 128) <= 6 for value in picture.getpixel((x, y)))


def test_boxes_are_drawn_only_where_they_cut(volume: Any) -> None:
    def blue(z_mm: float) -> int:
        box = BoxMark((5.0, 4.0, z_mm), (14.0, 14.0, 10.0), "nodule")
        picture = np.asarray(opened(draw_picture(volume, Scene(CENTRE, -600, 1500, (box,)))))
        left, top, width, height = PANES["axial"]
        pane = picture[top : top + height, left : left + width]
        return int(np.all(pane == BOX_COLOUR, axis=-1).sum())

    assert blue(150.5) > 100
    assert blue(180.5) == 0


def test_noise_and_a_large_matrix_stay_small(volume: Any) -> None:
    rng = np.random.default_rng(1)
    volume.array = rng.normal(-700, 60, (60, 512, 512)).astype(np.int16)
    volume.geometry = Geometry((60, 512, 512), (2.5, 0.7, 0.7), (0.0, 0.0, 0.0))
    assert len(draw_picture(volume, Scene((100, 100, 50), -600, 1500))) < 60_000


def test_oblique_and_thin_volumes_draw(volume: Any) -> None:
    volume.geometry = Geometry((1, 2, 3), (9.0, 0.5, 4.0), (0.0, 0.0, 0.0), (0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, 1))
    volume.array = np.zeros((1, 2, 3), dtype=np.int16)
    assert opened(draw_picture(volume, Scene((0.0, 0.0, 0.0), 0, 100))).size == SIZE
