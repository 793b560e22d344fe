"""A still picture of the planes of a volume, for notebooks that are read without the widget.

The same scene gives the same bytes in every process, wherever Pillow and matplotlib's font are the same.

Runs in: kernel
"""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

from workbench.geometry import Geometry
from workbench.viewer.compare import Compared
from workbench.viewer.inks import (
    BOX_COLOUR,
    CANDIDATE_COLOUR,
    MEASURE_COLOUR,
    PLANE_COLOURS,
    QUIET_COLOUR,
    TRUTH_COLOUR,
    Pen,
)
from workbench.viewer.overlaid import amount, hot_palette
from workbench.viewer.overlays import LegendEntry
from workbench.viewer.palette import Colour
from workbench.viewer.panes import MARGIN, Held, Pane
from workbench.viewer.planes import lay_planes
from workbench.viewer.scene import OPACITY, ReadableVolume, Scene, place

__all__ = ["BOX_COLOUR", "PANES", "SIZE", "ReadableVolume", "Scene", "draw_picture", "draw_planes", "encode_png"]

# Left, top, width, height of each plane; the large one is axial.
PANES = {"axial": (0, 0, 384, 384), "coronal": (386, 0, 238, 191), "sagittal": (386, 193, 238, 191)}
SIZE = (624, 424)
CAPTION_HEIGHT = 40
LINE_HEIGHT = 17
MOST_LEGEND_LINES = 4
# Noise costs bytes, and the picture travels with every cell: fewer greys are taken until it is small enough that
# picture, widget and state together stay below 0.1 MB of kernel traffic (a third is added by base64).
GREYS = (64, 48, 38, 30, 24, 19, 15, 12)
# Where that does not do, as in pure noise, slices are drawn in coarser grains, and letters stay sharp.
GRAINS = (1, 2, 3, 6)
LIMIT_BYTES = 42_000
# Steps of grey under each label's colour, and what a palette can hold.
BLENDS, MOST_COLOURS = 10, 256


class Drawn(NamedTuple):
    """A picture, and the colours on it that have a meaning."""

    image: Image.Image
    legend: list[LegendEntry]


# Planes that were drawn, and where each lies (left, top), px.
Parts = list[tuple[Image.Image, tuple[int, int]]]


class Draw(Protocol):
    """Draws a scene in one arrangement of planes."""

    def __call__(self, volume: ReadableVolume, scene: Scene, *, grain: int = 1, held: Held | None = None) -> Drawn:
        """Draw it; `grain` and `held` as for a pane."""


def draw_picture(volume: ReadableVolume, scene: Scene, draw: Draw | None = None) -> bytes:
    """Give a PNG that is small enough to travel with a cell.

    Parameters
    ----------
    volume : ReadableVolume
        Only the slices or slabs that are seen are read.
    scene : Scene
        Position, window, marks and caption.
    draw : Draw, optional
        In which arrangement; left out, the axial, coronal and sagittal slice at the position.

    Returns
    -------
    bytes
        A PNG of 624 × 424 pixels in that arrangement, higher by the lines of a legend, of about 42 KB at most.
    """
    held: Held = {}
    png = b""
    draw = draw or partial(draw_planes, panes=PANES, width=SIZE[0])
    for grain in GRAINS:
        drawn = draw(volume, scene, grain=grain, held=held)
        for greys in GREYS:
            # Level 9 is seven times slower here and saves 3 %.
            colours = [entry.colour for entry in drawn.legend]
            png = encode_png(with_fewer_colours(drawn.image, greys, colours, scene.compared))
            if len(png) <= LIMIT_BYTES:
                return png
    return png


def draw_planes(
    volume: ReadableVolume, scene: Scene, panes: dict[str, tuple[int, int, int, int]], width: int, zoom: float = 1.0,
    *, legend: list[LegendEntry] | None = None, grain: int = 1, held: Held | None = None,
) -> Drawn:  # fmt: skip
    """Draw planes side by side, a legend of the colours seen, and a caption.

    Parameters
    ----------
    volume : ReadableVolume
    scene : Scene
    panes : dict of str to (left, top, width, height)
        Where each plane lies, px.
    width : int
        Of the whole picture, px.
    zoom : float, default 1
        How much larger than usual letters and lines are.
    legend : list of LegendEntry, optional
        What the legend says, so that all pictures of a series have one size; left out, what is seen on this one.
    grain, held : optional
        As for a pane.
    """
    scene = replace(scene, contours=place(scene.contours, volume.geometry))
    parts: Parts = []
    seen: list[LegendEntry] = []
    for plane in lay_planes(volume.geometry):
        if plane.name in panes:
            left, top, wide, high = panes[plane.name]
            drawn, entries = Pane(plane, volume.geometry, (wide, high), zoom, grain).draw(volume, scene, held=held)
            parts.append((drawn, (left, top)))
            seen += entries
    return compose(parts, seen if legend is None else legend, scene, volume.geometry, width=width, zoom=zoom)


def compose(
    parts: Parts, legend: list[LegendEntry], scene: Scene, geometry: Geometry, *, width: int, zoom: float,
    beside: str = "", more: str = "",
) -> Drawn:  # fmt: skip
    """Put drawn planes on one picture, with a legend of the colours and a caption below them.

    Parameters
    ----------
    parts : list of (Image, (left, top))
    legend : list of LegendEntry
        Colours and what they mean; each is named once.
    scene : Scene
    geometry : Geometry
        Of the first volume.
    width : int
        Of the whole picture, px.
    zoom : float
        How much larger than usual letters and lines are.
    beside : str, optional
        Where the second volume stands, as the caption says it; left out, it does not stand alone.
    more : str, optional
        What else the caption says.
    """
    bottom = max(top + drawn.size[1] for drawn, (_, top) in parts)
    legend = list(dict.fromkeys(legend))
    measure, line = Pen(Image.new("RGB", (1, 1)), zoom), round(LINE_HEIGHT * zoom)
    lines = _legend_lines(measure, legend, width)
    room = width - 2 * measure.px(MARGIN)
    caption = caption_lines(measure, scene, geometry, room, more=more)
    caption += second_lines(measure, scene, room, beside=beside)
    below = len(lines) * line + max(round(CAPTION_HEIGHT * zoom), measure.px(6) + len(caption) * line)
    image = Image.new("RGB", (width, bottom + below), (0, 0, 0))
    for drawn, at in parts:
        image.paste(drawn, at)
    pen = Pen(image, zoom)
    for number, row in enumerate(lines):
        draw_legend_line(pen, row, bottom + pen.px(10) + number * line)
    for number, words in enumerate(caption):
        middle = bottom + (len(lines) + number) * line + pen.px(12)
        pen.text((pen.px(MARGIN), middle), words, "lm", QUIET_COLOUR)
    return Drawn(image, legend)


def draw_legend_line(pen: Pen, entries: list[LegendEntry], middle: float) -> None:
    """Write one line of a legend: a square of each colour and what it means."""
    x = float(pen.px(MARGIN))
    for entry in entries:
        pen.square(x, middle, 9, entry.colour)
        words = pen.fitting(entry.words, pen.size[0] / 2)
        pen.text((x + pen.px(14), middle), words, "lm")
        x += pen.px(14) + pen.width_of(words) + pen.px(14)


def caption_lines(pen: Pen, scene: Scene, geometry: Geometry, width: float, *, more: str = "") -> list[str]:
    """Give what every picture says, in lines that fit: title, window, voxel spacing, position, slab and `more`.

    A long title is cut short, so that the rest stands there whole; narrow pictures have more lines.
    """
    x, y, z = (signed(mm) for mm in scene.position_mm)
    named = "crosshair" if scene.crosshair else "position"
    modes = {"mean": "mean", "mip": "MIP", "minip": "MinIP"}
    first = (window_words(scene), voxel_words(geometry))
    second = (
        f"{named} x {x}  y {y}  z {z} mm (LPS)",
        f"slab {scene.slab_mm:g} mm {modes[scene.slab_mode]}" if scene.slab_mm else "",
        more,
    )
    room = width - pen.width_of("   ".join(("", *first)))
    title = pen.fitting(scene.title, room if room > width / 4 else width)
    return [*_flow(pen, (title, *first), width), *_flow(pen, second, width)]


def second_lines(pen: Pen, scene: Scene, width: float, *, beside: str) -> list[str]:
    """Give what a picture says of the second volume, in lines that fit: title, how it is seen, window and spacing."""
    second = scene.compared
    if second is None:
        return []
    colours = " in hot colours" if second.is_hot else ""
    over = f"over it, {amount(second)}{colours}" if second.is_laid_over else ""
    how = " and ".join(filter(None, (beside, over)))
    # Beside the first it has a window as its preset says; hot colours are never inverted.
    seen = second if beside else second.over()
    rest = (how, window_words(seen), voxel_words(second.volume.geometry))
    room = width - pen.width_of("   ".join(("", *rest)))
    return _flow(pen, (pen.fitting(second.title, room if room > width / 4 else width), *rest), width)


def window_words(seen: Scene | Compared) -> str:
    """Give the window through which a volume is seen."""
    grey = ", inverted grey" if seen.inverted else ""
    return f"window level {signed(seen.level, 'g')} width {seen.width:g} {seen.unit}{grey}"


def voxel_words(geometry: Geometry) -> str:
    """Give the voxel spacing of a grid, x first."""
    sz, sy, sx = geometry.spacing_mm
    return f"voxel {sx:.3g} × {sy:.3g} × {sz:.3g} mm"


def _flow(pen: Pen, parts: tuple[str, ...], width: float, gap: str = "   ") -> list[str]:
    """Put parts behind each other, and into the next line where one does not fit; break one only where it must be."""
    lines: list[str] = []
    for part in filter(None, parts):
        longer = f"{lines[-1]}{gap}{part}" if lines else part
        if lines and pen.width_of(longer) <= width:
            lines[-1] = longer
        elif pen.width_of(part) > width and " " in part:
            lines += _flow(pen, tuple(part.split()), width, " ")
        else:
            lines.append(pen.fitting(part, width))
    return lines


def signed(number: float, how: str = ".1f") -> str:
    """Give a number with a real minus sign."""
    return format(number, how).replace("-", "−")


def encode_png(image: Image.Image) -> bytes:
    """Give a picture as PNG; no date and no names of programs go into it."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _legend_lines(pen: Pen, legend: list[LegendEntry], width: int) -> list[list[LegendEntry]]:
    """Break a legend into lines; what does not fit into four is counted."""
    lines: list[list[LegendEntry]] = []
    free = 0.0
    for number, entry in enumerate(legend):
        wide = pen.px(28) + pen.width_of(pen.fitting(entry.words, width / 2))
        if wide > free or not lines:
            if len(lines) == MOST_LEGEND_LINES:
                left = len(legend) - number
                lines[-1][-1] = LegendEntry(lines[-1][-1].colour, f"{lines[-1][-1].words}, and {left} more")
                break
            lines.append([])
            free = width - 2 * pen.px(MARGIN)
        lines[-1].append(entry)
        free -= wide
    return lines


def with_fewer_colours(
    image: Image.Image, greys: int, colours: list[Colour], second: Compared | None = None
) -> Image.Image:  # fmt: skip
    """Give a picture in at most 256 colours: evenly spaced greys, the overlays' colours, labels' colours over greys.

    Where a second volume lies over the first in hot colours, these over greys are added.
    """
    pixels = np.asarray(image)
    is_grey = (pixels[..., 0] == pixels[..., 1]) & (pixels[..., 1] == pixels[..., 2])
    steps = [(round(i * 255 / (greys - 1)),) * 3 for i in range(greys)]
    fixed = [*steps, *PLANE_COLOURS, BOX_COLOUR, MEASURE_COLOUR, TRUTH_COLOUR, CANDIDATE_COLOUR]
    if second is not None and second.is_laid_over and second.is_hot:
        fixed += hot_palette(second, greys)
    unique = list(dict.fromkeys(colours))
    blends = max(0, min(BLENDS, greys // 4, (MOST_COLOURS - len(fixed)) // max(1, len(unique)) - 1))
    laid = [
        tuple(round(255 * i / max(1, blends - 1) * (1 - OPACITY) + part * OPACITY) for part in colour)
        for colour in unique
        for i in range(blends)
    ]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in [*fixed, *unique, *laid][:MOST_COLOURS] for part in colour])
    reduced = image.quantize(palette=palette, dither=Image.Dither.NONE)
    # Grey stays grey, even where a colour of a label over dark tissue would be closer.
    nearest = (pixels[..., 0].astype(np.uint16) * (greys - 1) * 2 + 255) // 510
    result = Image.fromarray(np.where(is_grey, nearest, np.asarray(reduced)).astype(np.uint8)).convert("P")
    result.putpalette(palette.getpalette() or [])
    return result
