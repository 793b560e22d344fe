"""A still picture of the three planes, for notebooks that are read without the widget.

The same scene gives the same bytes wherever Pillow is the same.

Runs in: kernel
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from workbench.geometry import Geometry
from workbench.imaging.volume import window as apply_window
from workbench.viewer.marks import BoxMark, Position
from workbench.viewer.planes import Plane, lay_planes

# Left, top, width, height of each plane; the large one is axial.
PANES = {"axial": (0, 0, 384, 384), "coronal": (386, 0, 238, 191), "sagittal": (386, 193, 238, 191)}
SIZE = (624, 424)
# Noise costs bytes, and the picture travels with every cell: fewer greys are taken until it is small enough that
# picture, widget and state together stay below 0.1 MB of kernel traffic (a third is added by base64).
GREYS = (64, 40, 28, 20, 12)
LIMIT_BYTES = 42_000
CROSSHAIR_GAP = 11
BAR_LENGTHS_MM = (100, 50, 20, 10, 5, 2, 1)
# One colour per cutting plane (z, y, x), the same as in the widget.
PLANE_COLOURS = ((242, 162, 92), (95, 207, 165), (232, 216, 95))
BOX_COLOUR = (79, 200, 255)
TEXT_COLOUR = (230, 230, 230)
QUIET_COLOUR = (160, 160, 160)
MARGIN = 7


class ReadableVolume(Protocol):
    """What a picture needs of a volume: its grid and its slices."""

    @property
    def geometry(self) -> Geometry:
        """The grid."""

    def __getitem__(self, key: object) -> NDArray[np.int16] | np.int16:
        """Give voxels by index (z, y, x)."""


@dataclass(frozen=True)
class Scene:
    """What the picture shows.

    Parameters
    ----------
    position_mm : tuple of 3 float
        The crosshair, patient position (x, y, z), LPS, mm.
    level, width : float
        The window, HU.
    boxes : tuple of BoxMark
        Boxes, drawn where they cut the shown slices.
    title : str
        What it is a picture of, for the caption.
    overlays : bool
        Whether crosshair and boxes are drawn.
    unit : str, default "HU"
        Of the window.
    """

    position_mm: Position
    level: float
    width: float
    boxes: tuple[BoxMark, ...] = ()
    title: str = ""
    overlays: bool = True
    unit: str = "HU"


def draw_picture(volume: ReadableVolume, scene: Scene) -> bytes:
    """Give a PNG of the axial, coronal and sagittal slice at a position.

    Parameters
    ----------
    volume : ReadableVolume
        Only three slices of it are read.
    scene : Scene
        Position, window, boxes and caption.

    Returns
    -------
    bytes
        A PNG of 624 × 424 pixels, of about 42 KB at most.
    """
    geometry = volume.geometry
    centre = geometry.to_index(np.asarray(scene.position_mm))
    index = np.clip(np.floor(centre + 0.5), 0, np.asarray(geometry.shape) - 1).astype(int)
    picture = Image.new("RGB", SIZE, (0, 0, 0))
    for plane in lay_planes(geometry):
        at: list[int | slice] = [slice(None)] * 3
        at[plane.normal] = int(index[plane.normal])
        stored = np.asarray(volume[tuple(at)])
        pane = _Pane(plane, geometry, PANES[plane.name][2:])
        picture.paste(pane.draw(stored, scene, centre, index), PANES[plane.name][:2])
    _caption(picture, scene, geometry)
    return _encode(picture)


class _Pane:
    """One plane on its part of the picture."""

    def __init__(self, plane: Plane, geometry: Geometry, size: tuple[int, int]) -> None:
        self.plane, self.geometry, self.size = plane, geometry, size
        self.counts = geometry.shape[plane.column], geometry.shape[plane.row]
        spacing = geometry.spacing_mm[plane.column], geometry.spacing_mm[plane.row]
        extent = self.counts[0] * spacing[0], self.counts[1] * spacing[1]
        # Pixels of the picture per mm, the same both ways: what is round in the patient is round here.
        self.scale = min(size[0] / extent[0], size[1] / extent[1])
        self.steps = spacing[0] * self.scale, spacing[1] * self.scale

    def draw(
        self, stored: NDArray[np.int16], scene: Scene, centre: NDArray[np.float64], index: NDArray[np.int_]
    ) -> Image.Image:
        """Draw the slice and what lies on top of it."""
        plane, picture = self.plane, Image.new("RGB", self.size, (0, 0, 0))
        hung = stored[:: -1 if plane.flip_rows else 1, :: -1 if plane.flip_columns else 1]
        grey = np.rint(apply_window(hung, scene.level, scene.width) * 255).astype(np.uint8)
        wide, high = (max(1, round(n * step)) for n, step in zip(self.counts, self.steps, strict=True))
        slice_picture = Image.fromarray(grey).resize((wide, high), Image.Resampling.BILINEAR)
        picture.paste(slice_picture, ((self.size[0] - wide) // 2, (self.size[1] - high) // 2))
        pen = ImageDraw.Draw(picture)
        if scene.overlays:
            for box in scene.boxes:
                self._box(pen, box, int(index[plane.normal]))
            self._crosshair(pen, centre)
        self._letters(pen)
        self._scale_bar(pen)
        pen.rectangle((MARGIN, MARGIN + 2, MARGIN + 7, MARGIN + 9), fill=PLANE_COLOURS[plane.normal])
        _text(pen, (MARGIN + 13, MARGIN + 6), f"{plane.title}  {'zyx'[plane.normal]} {index[plane.normal]}", "lm")
        return picture

    def place(self, column: float, row: float) -> tuple[float, float]:
        """Give the pixel of a slice position (column, row); whole numbers are voxel centres."""
        sides = []
        flips = self.plane.flip_columns, self.plane.flip_rows
        for at, count, step, size, flip in zip((column, row), self.counts, self.steps, self.size, flips, strict=True):
            offset = (at + 0.5 - count / 2) * step
            sides.append(size / 2 + (-offset if flip else offset))
        return sides[0], sides[1]

    def _crosshair(self, pen: ImageDraw.ImageDraw, centre: NDArray[np.float64]) -> None:
        plane, (width, height) = self.plane, self.size
        x, y = (round(side) for side in self.place(float(centre[plane.column]), float(centre[plane.row])))
        upright, level = PLANE_COLOURS[plane.column], PLANE_COLOURS[plane.row]
        pen.line((x, 0, x, y - CROSSHAIR_GAP), fill=upright)
        pen.line((x, y + CROSSHAIR_GAP, x, height), fill=upright)
        pen.line((0, y, x - CROSSHAIR_GAP, y), fill=level)
        pen.line((x + CROSSHAIR_GAP, y, width, y), fill=level)

    def _box(self, pen: ImageDraw.ImageDraw, box: BoxMark, shown: int) -> None:
        plane = self.plane
        low, high = box.index_limits(self.geometry)
        if not (low[plane.normal] < shown + 0.5 and high[plane.normal] > shown - 0.5):
            return
        first = self.place(float(low[plane.column]), float(low[plane.row]))
        second = self.place(float(high[plane.column]), float(high[plane.row]))
        (left, right), (top, bottom) = (sorted(round(v) for v in pair) for pair in zip(first, second, strict=True))
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=(0, 0, 0), width=3)
        pen.rectangle((left, top, right, bottom), outline=BOX_COLOUR)
        if box.label:
            below = bottom + 16 < self.size[1]
            _text(pen, (left, bottom + 9 if below else top - 8), box.label, "lm", BOX_COLOUR)

    def _letters(self, pen: ImageDraw.ImageDraw) -> None:
        plane, (width, height) = self.plane, self.size
        _text(pen, (MARGIN, height // 2), plane.left, "lm", size=14)
        _text(pen, (width - MARGIN, height // 2), plane.right, "rm", size=14)
        _text(pen, (width // 2, MARGIN + 6), plane.top, "mm", size=14)
        _text(pen, (width // 2, height - MARGIN - 5), plane.bottom, "mm", size=14)

    def _scale_bar(self, pen: ImageDraw.ImageDraw) -> None:
        width, height = self.size
        length = next((mm for mm in BAR_LENGTHS_MM if mm * self.scale <= width * 0.3), 1)
        y, end = height - MARGIN - 2, MARGIN + round(length * self.scale)
        pen.line((MARGIN, y - 4, MARGIN, y, end, y, end, y - 4), fill=TEXT_COLOUR)
        _text(pen, (MARGIN, y - 12), f"{length} mm", "lm")


def _caption(picture: Image.Image, scene: Scene, geometry: Geometry) -> None:
    x, y, z = scene.position_mm
    sz, sy, sx = geometry.spacing_mm
    voxel = f"voxel {sx:.2f} x {sy:.2f} x {sz:.2f} mm"
    lines = (
        f"{scene.title}   window level {scene.level:g} width {scene.width:g} {scene.unit}   {voxel}",
        f"crosshair x {x:.1f}  y {y:.1f}  z {z:.1f} mm (LPS)",
    )
    for number, words in enumerate(lines):
        _text(ImageDraw.Draw(picture), (MARGIN, SIZE[1] - 28 + 17 * number), words, "lm", QUIET_COLOUR)


def _text(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], words: str, anchor: str,
    colour: tuple[int, int, int] = TEXT_COLOUR, *, size: int = 12,
) -> None:  # fmt: skip
    pen.text(at, words, fill=colour, font=_font(size), anchor=anchor, stroke_width=1, stroke_fill=(0, 0, 0))


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _encode(picture: Image.Image) -> bytes:
    png = b""
    for greys in GREYS:
        out = io.BytesIO()
        # Level 9 is seven times slower here and saves 3 %.
        picture.quantize(palette=_palette(greys), dither=Image.Dither.NONE).save(out, "PNG", compress_level=6)
        png = out.getvalue()
        if len(png) <= LIMIT_BYTES:
            break
    return png


def _palette(greys: int) -> Image.Image:
    """Give a palette of evenly spaced greys and the overlays' colours."""
    steps = [(round(i * 255 / (greys - 1)),) * 3 for i in range(greys)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in (*steps, *PLANE_COLOURS, BOX_COLOUR) for part in colour])
    return palette
