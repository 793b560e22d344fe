"""The second volume over the first, on the first one's grid: blended, or in the squares of a checkerboard.

The same arithmetic as `extensions/ct-viewer/src/overlaid.ts` and `compare.ts`.

Runs in: kernel
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.imaging.reformat import at_level
from workbench.viewer.answering import shown_slice
from workbench.viewer.colour_maps import hot
from workbench.viewer.greys import DENSE_FROM, greys, tinted
from workbench.viewer.inks import Pen
from workbench.viewer.palette import Colour
from workbench.viewer.windows import NO_VALUE

if TYPE_CHECKING:
    from workbench.geometry import Geometry
    from workbench.viewer.compare import Compared
    from workbench.viewer.panes import Held, Pane
    from workbench.viewer.scene import Scene

# Of the bar of hot colours, px of a picture of usual size.
BAR_WIDTH, BAR_HEIGHT, BAR_TOP = 10, 110, 34
# Steps of hot colours that lie over nothing, in a picture of few colours.
PURE = 16
# Smaller planes have no room for the bar.
BAR_NEEDS = (300, 240)


def lay_over(picture: Image.Image, pane: Pane, scene: Scene, level: int, held: Held) -> tuple[Image.Image, bool]:
    """Give the picture of a plane with the second volume on it, and whether it has any value there.

    Parameters
    ----------
    picture : Image, RGB
        The first volume's slice as it lies on the pane.
    pane : Pane
    scene : Scene
        With a second volume; the slab holds for both.
    level : int
        Of the first volume's slice; the second one is cut in voxels of the same size.
    held : dict
        Slices that were read before.
    """
    second = scene.compared
    if second is None:
        return picture, True
    key = ("over", pane.plane.name, pane.index)
    if key not in held:
        cut = shown_slice(
            second.volume, pane.plane.name, pane.index >> level, slab_mm=scene.slab_mm, mode=scene.slab_mode,
            on=at_level(pane.geometry, level),
        )  # fmt: skip
        held[key] = cut.T if pane.plane.is_turned else cut, level
    stored = held[key][0]
    is_blend = second.wish["mode"] == "blend"
    coloured = tinted(
        greys(stored, second.volume, second.over()), stored != NO_VALUE, is_hot=second.is_hot, is_blend=is_blend
    )  # fmt: skip
    over = np.asarray(pane.laid(coloured, level), dtype=np.float32)
    if is_blend:
        share = over[..., 3:] / 255 * second.wish["share"]
    else:
        share = over[..., 3:] / 255 * squares(pane, second.wish["square_mm"])[..., None]
    mixed = np.asarray(picture, dtype=np.float32) * (1 - share) + over[..., :3] * share
    return Image.fromarray(np.rint(mixed).astype(np.uint8)), bool((stored != NO_VALUE).any())


def squares(pane: Pane, square_mm: float) -> NDArray[np.bool_]:
    """Give the pixels of a pane that show the second volume, bool, shape (height, width).

    The squares begin with the first volume where the slice begins, at the outer corner of its voxel (0, 0).
    """
    sides: list[NDArray[Any]] = []
    for axis, start in enumerate(pane.place(-0.5, -0.5)):
        at = (np.arange(pane.size[axis]) + 0.5 - start) / (square_mm * pane.scale)
        sides.append(np.floor(at).astype(np.int64) % 2)
    across, down = sides
    second: NDArray[np.bool_] = (down[:, None] + across[None, :]) % 2 == 1
    return second


def amount(second: Compared) -> str:
    """Give how much of the second volume is seen, and where: its share, or the side of the squares."""
    wish = second.wish
    return f"{100 * wish['share']:.0f} %" if wish["mode"] == "blend" else f"squares {wish['square_mm']:g} mm"


def corner_words(pen: Pen, second: Compared, width: float) -> str:
    """Give what stands at the upper right of a plane: the second volume and how much of it; its name if it fits."""
    words = f"{second.title}, {amount(second)}"
    return words if pen.width_of(words) <= width else amount(second)


def draw_bar(pen: Pen, second: Compared, top: float) -> None:
    """Draw what the hot colours mean, at the right of a large plane: the ends of the window and their unit."""
    if not second.is_hot or any(size < pen.px(needed) for size, needed in zip(pen.size, BAR_NEEDS, strict=True)):
        return
    right, high = pen.size[0] - pen.px(8), pen.px(BAR_HEIGHT)
    left, colours = right - pen.px(BAR_WIDTH), hot()
    for y in range(high):
        colour = tuple(colours[round((1 - y / (high - 1)) * 255)].tolist())
        pen.draw.line((left, top + y, right, top + y), fill=colour)
    low, unit = second.level - second.width / 2, "" if second.unit == "arbitrary" else f" {second.unit}"
    edge = left - pen.px(5)
    pen.text((edge, top + pen.px(5)), f"{_short(low + second.width)}{unit}", "rm")
    pen.text((edge, top + high - pen.px(5)), _short(low), "rm")


def _short(number: float) -> str:
    """Give a number in four digits, with a real minus sign."""
    return f"{float(f'{number:.4g}'):.10g}".replace("-", "−")


def hot_palette(second: Compared, greys: int) -> list[Colour]:
    """Give the hot colours that a picture of few colours needs: alone, and as a blend lays them over greys.

    Parameters
    ----------
    second : Compared
    greys : int
        How many greys that picture has; at most 156 colours are given.
    """
    steps = np.linspace(0, 255, PURE).round().astype(int)
    found = hot()[steps].astype(float)
    if second.wish["mode"] == "blend":
        ramp = np.linspace(0, 255, min(max(greys // 4, 8), 14) + 1)[1:].round().astype(int)
        base = np.linspace(0, 255, min(max(greys // 6, 4), 10))[:, None, None]
        share = np.minimum(ramp / DENSE_FROM, 1)[:, None] * second.wish["share"]
        found = np.concatenate([found, (base * (1 - share) + hot()[ramp] * share).reshape(-1, 3)])
    return [(int(red), int(green), int(blue)) for red, green, blue in np.rint(found)]


def absence(second: Compared, position_mm: object, *, is_shown: bool, is_cell: bool) -> str:
    """Say that the second volume is not on a plane of the first, or not at the crosshair; nothing where it is.

    Parameters
    ----------
    second : Compared
    position_mm : tuple of 3 float
        The crosshair, patient position (x, y, z), LPS, mm.
    is_shown : bool
        Whether it has a value on the plane.
    is_cell : bool
        Whether the plane is a small one of a montage.
    """
    if is_cell:
        return "" if is_shown else f"not in {second.title}"
    if is_in(second.volume.geometry, position_mm):
        return "" if is_shown else f"{second.title} has no value on this slice"
    return outside_words(second)


def outside_words(second: Compared) -> str:
    """Say that the crosshair lies where the second volume is not."""
    return f"The crosshair lies outside of {second.title}"


def is_in(geometry: Geometry, position_mm: object, axis: int | None = None) -> bool:
    """Whether a patient position lies within the voxels of a grid, or within its slices along one axis (z, y, x)."""
    index = geometry.to_index(np.asarray(position_mm))
    inside = (index >= -0.5) & (index < np.asarray(geometry.shape) - 0.5)
    return bool(inside.all() if axis is None else inside[axis])


def draw_sentence(pen: Pen, words: str, bottom: float) -> None:
    """Write a sentence across the lower part of a plane, in as many lines as it needs."""
    lines: list[str] = []
    room = pen.size[0] - 2 * pen.px(6)
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and pen.width_of(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    for number, line in enumerate(reversed(lines)):
        pen.text((pen.size[0] / 2, bottom - number * pen.px(15)), pen.fitting(line, room), "mm")
