"""Colours of labels: the published ones first, the same in Python and in the browser, told apart by all eyes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.errors import InvalidInput
from workbench.viewer.palette import FIRST, LUMAS, colour, hex_colour

EXTENSIONS = Path(__file__).resolve().parents[2] / "extensions"
# Okabe and Ito's table, without black.
PUBLISHED = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"]


def luma(parts: tuple[int, int, int]) -> float:
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def test_first_seven_are_the_published_colours() -> None:
    assert [hex_colour(value) for value in range(1, 8)] == PUBLISHED
    assert colour(0) == (0, 0, 0)


def test_eighth_colour_as_worked_out_by_hand() -> None:
    # Hue 0 is red (255, 0, 0), luma 54·255 // 256 = 53; wanted 176: 0 + 255·(176 − 53) // (255 − 53) = 155.
    assert colour(8) == (255, 155, 155)


def test_generated_neighbours_differ_in_lightness() -> None:
    lightness = [luma(colour(value)) for value in range(len(FIRST) + 1, 1000)]
    assert all(abs(a - b) > 20 for a, b in zip(lightness, lightness[1:], strict=False))
    assert all(abs(light - LUMAS[i % len(LUMAS)]) < 3 for i, light in enumerate(lightness))


def test_first_five_hundred_are_all_different_and_visible_on_black() -> None:
    colours = [colour(value) for value in range(1, 501)]
    assert len(set(colours)) == 500
    assert min(luma(one) for one in colours) > 60


@pytest.mark.parametrize("value", [-1, 65536, 1.5, True])
def test_no_colour_for_what_is_no_label(value: int) -> None:
    with pytest.raises(InvalidInput, match="0 to 65535"):
        colour(value)


def test_browser_has_the_same_colour_for_every_value() -> None:
    esbuild = EXTENSIONS / "node_modules" / ".bin" / "esbuild"
    if shutil.which("node") is None or not esbuild.exists():
        pytest.skip("node and esbuild are not installed; `npm ci` in the folder extensions")
    built = subprocess.run(
        [str(esbuild), str(EXTENSIONS / "ct-viewer" / "src" / "palette.ts"), "--bundle", "--format=iife",
         "--global-name=palette", "--log-level=error"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    ask = "console.log(JSON.stringify(Array.from({length: 65536}, (_, value) => palette.colourOf(value))));"
    said = subprocess.run(["node", "-e", built + ask], capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == [hex_colour(value) for value in range(65536)]
