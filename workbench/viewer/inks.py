"""Text, lines and colours on a picture, so that they can be read on black, on grey and on white.

The font is the DejaVu Sans that comes with matplotlib, laid out without libraries of the system: the same scene gives
the same bytes in every process.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from workbench.viewer.palette import Colour

Point = tuple[float, float]

# One colour per cutting plane (z, y, x), the same as in the widget.
PLANE_COLOURS: tuple[Colour, ...] = ((242, 162, 92), (95, 207, 165), (232, 216, 95))
BOX_COLOUR: Colour = (79, 200, 255)
MEASURE_COLOUR: Colour = (255, 221, 87)
TRUTH_COLOUR: Colour = (0, 200, 140)
CANDIDATE_COLOUR: Colour = (255, 140, 66)
TEXT_COLOUR: Colour = (230, 230, 230)
QUIET_COLOUR: Colour = (160, 160, 160)
BLACK: Colour = (0, 0, 0)
FONT = "mpl-data/fonts/ttf/DejaVuSans.ttf"


class Pen:
    """Draws on a picture; every length is given for a picture of usual size and grows with `zoom`."""

    def __init__(self, picture: Image.Image, zoom: float = 1.0) -> None:
        self.draw = ImageDraw.Draw(picture)
        self.size = picture.size
        self.zoom = zoom

    def px(self, length: float) -> int:
        """Give a length of the usual size in pixels of this picture."""
        return max(1, round(length * self.zoom))

    def text(self, at: Point, words: str, anchor: str, colour: Colour = TEXT_COLOUR, *, size: float = 11) -> None:
        """Write one line, with a black edge; `anchor` as Pillow names it, such as ``lm``."""
        font = _font(self.px(size))
        edge = self.px(1)
        self.draw.text(
            at, plain(words), fill=colour, font=font, anchor=anchor, stroke_width=edge, stroke_fill=BLACK
        )  # fmt: skip

    def width_of(self, words: str, *, size: float = 11) -> float:
        """Give how wide a line of text is, px."""
        return float(_font(self.px(size)).getlength(plain(words)))

    def fitting(self, words: str, width: float, *, size: float = 11) -> str:
        """Give as much of a line as fits into a width, ending with … where something is left out."""
        words = plain(words)
        if self.width_of(words, size=size) <= width:
            return words
        while words and self.width_of(words + "…", size=size) > width:
            words = words[:-1]
        return words.rstrip() + "…"

    def line(self, points: Sequence[Point], colour: Colour, *, width: float = 1, is_closed: bool = False) -> None:
        """Draw a line through points, with a black edge so that it shows on white too."""
        path = [(x, y) for x, y in points]
        if is_closed and path:
            path.append(path[0])
        self.draw.line(path, fill=BLACK, width=self.px(width + 2), joint="curve")
        self.draw.line(path, fill=colour, width=self.px(width), joint="curve")

    def square(self, left: float, middle: float, side: float, colour: Colour) -> None:
        """Draw a filled square whose left edge and vertical middle are given."""
        half = self.px(side) / 2
        self.draw.rectangle((left, round(middle - half), left + self.px(side), round(middle + half)), fill=colour)


def plain(words: str) -> str:
    """Give one line of text without what cannot be drawn."""
    return "".join(letter if letter.isprintable() else " " for letter in words)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    found = find_spec("matplotlib")
    path = Path(found.submodule_search_locations[0]) / FONT if found and found.submodule_search_locations else None
    if path is None or not path.is_file():
        return ImageFont.load_default(size)
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
