"""Pixels of subjects are refused however they are shown, and figures are not; the rates are held here."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.airlock.scanners.leaks import body, figure
from workbench.airlock.scanners.pixels import hits_in_picture, hits_in_pixels

Pixels = np.ndarray[Any, Any]
RNG = np.random.default_rng(3)


def rules(content: bytes) -> set[str]:
    return {hit.rule for hit in hits_in_picture(content) if hit.severity == "stop"}


def saved(
    pixels: Pixels, kind: str = "png", zoom: float = 1, how: Image.Resampling = Image.Resampling.BICUBIC
) -> bytes:
    image = Image.fromarray(pixels)
    file = io.BytesIO()
    image.resize((int(image.width * zoom), int(image.height * zoom)), how).save(file, kind)
    return file.getvalue()


def in_panel(axes: Any, pixels: Pixels, **options: Any) -> None:
    axes.imshow(pixels, **{"cmap": "gray", **options})


SHOWN: dict[str, Callable[[Pixels], bytes]] = {
    "as it is": saved,
    "JPEG": lambda pixels: saved(pixels, "jpeg"),
    "enlarged": lambda pixels: saved(pixels, zoom=2),
    "enlarged by repeating": lambda pixels: saved(pixels, zoom=3, how=Image.Resampling.NEAREST),
    "a part": lambda pixels: saved(pixels[len(pixels) // 2 - 32 : len(pixels) // 2 + 32, -96:-32]),
    "in a figure": lambda pixels: figure(lambda axes: in_panel(axes, pixels)),
    "in a figure with other tones": lambda pixels: figure(lambda axes: in_panel(axes, pixels, cmap="viridis")),
    "behind a curve": lambda pixels: figure(
        lambda axes: (in_panel(axes, pixels, alpha=0.4), axes.plot([0, 60], [0, 60]))
    ),
}  # fmt: skip
FIGURES: dict[str, Callable[[Any], Any]] = {
    "curves": lambda axes: [axes.plot(RNG.normal(size=60).cumsum()) for _ in range(6)],
    "points": lambda axes: axes.scatter(*RNG.normal(size=(2, 500)), alpha=0.4),
    "bars": lambda axes: axes.bar(range(9), RNG.random(9), hatch="//", yerr=0.1),
    "histogram": lambda axes: axes.hist(RNG.normal(size=500), bins=30),
    "boxes": lambda axes: axes.boxplot(RNG.normal(size=(40, 5))),
    "confusion": lambda axes: axes.imshow(RNG.integers(0, 90, (5, 5)), cmap="Greys"),
    "heat map": lambda axes: axes.imshow(RNG.random((30, 30)), cmap="gray", aspect="auto"),
    "density": lambda axes: axes.hexbin(*RNG.normal(size=(2, 5000)), gridsize=25),
    "contours": lambda axes: axes.contourf(np.hypot(*np.mgrid[-2:2:60j, -2:2:60j]), 20, cmap="gray"),
    "letters": lambda axes: axes.text(0, 0, "\n".join("The quick brown fox jumps over the dog" for _ in range(18))),
    "many lines": lambda axes: [axes.plot(RNG.normal(size=300), lw=0.4) for _ in range(12)],
}  # fmt: skip


@pytest.mark.parametrize("how", SHOWN)
def test_a_drawn_body_is_refused_however_it_is_shown(how: str) -> None:
    assert rules(SHOWN[how](body(256))) == {"subject-pixels"}


@pytest.mark.parametrize("what", FIGURES)
@pytest.mark.parametrize("dpi", [72, 150])
def test_a_figure_passes(what: str, dpi: int) -> None:
    assert rules(figure(FIGURES[what], dpi=dpi)) == set()


def slices(folder: Path) -> Iterator[tuple[str, Pixels]]:
    """Give two slices of a real CT in three windows."""
    import pydicom

    read = [pydicom.dcmread(file) for file in folder.rglob("*.dcm")]
    images = sorted(
        (one for one in read if one.get("Modality") == "CT"), key=lambda one: float(one.ImagePositionPatient[2])
    )
    for part in (0.4, 0.6):
        one = images[int(part * len(images))]
        hu = one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept)
        for level, width in ((-600, 1500), (40, 400), (300, 1500)):
            yield f"{part}/{level}", np.clip((hu - level + width / 2) / width * 255, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("series", ["ct-lung1-003", "ct-lungdx-a0002"])
def test_slices_of_real_people_are_refused(series: str, shared_data: Callable[[str], Path]) -> None:
    missed = [
        f"{name} {how}"
        for name, pixels in slices(shared_data(series))
        for how in ("as it is", "JPEG", "a part", "in a figure")
        if rules(SHOWN[how](pixels)) != {"subject-pixels"}
    ]
    assert missed == []


def test_an_empty_and_a_tiny_picture_are_no_scan() -> None:
    assert hits_in_pixels(np.zeros((4, 4, 4), np.uint8)) == []


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    file = io.BytesIO()
    Image.new("1", (9000, 9000)).save(file, "png")
    assert rules(file.getvalue()) == {"too-many-pixels"}
