"""One plane of a volume on its part of a picture: the slice, what lies on top, letters and scale bar.

Pixels per millimetre are the same both ways, so that what is round in the patient is round here, however anisotropic
the voxels are.

Runs in: kernel
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.geometry import Geometry
from workbench.viewer.cuts import MOST_UNPACKED, index_of, level_for, reach_of, read_cut, read_label_cut
from workbench.viewer.greys import greys
from workbench.viewer.inks import PLANE_COLOURS, TEXT_COLOUR, Pen
from workbench.viewer.overlaid import BAR_TOP, absence, corner_words, draw_bar, draw_sentence, lay_over
from workbench.viewer.overlays import LegendEntry, draw_marks, lay_labels
from workbench.viewer.planes import Plane
from workbench.viewer.scene import ReadableVolume, Scene

CROSSHAIR_GAP = 11
BAR_LENGTHS_MM = (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
MARGIN = 7
# On narrower planes the letter at the top stands below the name, so that it does so on all of a sheet.
TINY = 190
# Slices by whose they are, plane and index: stored numbers and the level they are of.
Held = dict[tuple[str, str, int], tuple[NDArray[np.int16], int]]


class Pane:
    """Where a plane lies on a picture.

    Parameters
    ----------
    plane : Plane
    geometry : Geometry
        Of the volume.
    size : tuple of 2 int
        Width and height, px.
    zoom : float, default 1
        How much larger than usual letters and lines are.
    grain : int, default 1
        How many pixels a side share one value of the slice; what lies on top stays sharp.
    """

    # Whether it is of the first volume, on whose planes a second one may lie.
    is_first = True

    def __init__(
        self, plane: Plane, geometry: Geometry, size: tuple[int, int], zoom: float = 1.0, grain: int = 1
    ) -> None:
        self.plane, self.geometry, self.size, self.zoom, self.grain = plane, geometry, size, zoom, grain
        self.counts = geometry.shape[plane.column], geometry.shape[plane.row]
        spacing = geometry.spacing_mm[plane.column], geometry.spacing_mm[plane.row]
        extent = self.counts[0] * spacing[0], self.counts[1] * spacing[1]
        # Pixels of the picture per mm.
        self.scale = min(size[0] / extent[0], size[1] / extent[1])
        self.steps = spacing[0] * self.scale, spacing[1] * self.scale
        # The slice position (column, row) at the middle of the pane.
        self.middle = (self.counts[0] - 1) / 2, (self.counts[1] - 1) / 2
        self.index = 0
        self.reach = 0

    def draw(
        self, volume: ReadableVolume, scene: Scene, *, index: int | None = None, name: str = "", corner: str = "",
        is_overview: bool = False, held: Held | None = None,
    ) -> tuple[Image.Image, list[LegendEntry]]:  # fmt: skip
        """Draw the plane through the scene's position, or another slice of it; give what its colours mean.

        Parameters
        ----------
        volume : ReadableVolume
        scene : Scene
        index : int, optional
            Which slice; left out, the one that holds the position.
        name, corner : str, optional
            What stands at the upper left instead of the plane and the slice, and what at the upper right.
        is_overview : bool, default False
            Whether it is one of many small ones: a coarser level serves wherever it fills the pane, not only where a
            full slice is costly.
        held : dict, optional
            Slices that were read before; what is read now is added.
        """
        plane, geometry = self.plane, self.geometry
        here = int(index_of(geometry, scene.position_mm)[plane.normal])
        self.index = here if index is None else index
        self.reach = reach_of(geometry, plane, scene)
        held = {} if held is None else held
        stored, level = self._read(volume, scene, MOST_UNPACKED * (not is_overview), held)
        picture = self.laid(greys(stored, volume, scene), level).convert("RGB")
        second = scene.compared if self.is_first and scene.compared and scene.compared.is_laid_over else None
        is_there = True
        if second:
            picture, is_there = lay_over(picture, self, scene, level, held)
        picture, legend = self._with_labels(picture, scene)
        pen = Pen(picture, self.zoom)
        if scene.overlays:
            if scene.crosshair and self.index == here:
                self._crosshair(pen, geometry.to_index(np.asarray(scene.position_mm)))
            legend += draw_marks(pen, self, scene)
        if second and not is_overview:
            corner = corner or corner_words(pen, second, self.size[0] / 2 - pen.px(26))
            draw_bar(pen, second, pen.px(BAR_TOP))
        self.frame(pen, name, corner)
        if second:
            words = absence(second, scene.position_mm, is_shown=is_there, is_cell=is_overview)
            draw_sentence(pen, words, self.size[1] - pen.px(46))
        return picture, legend

    def _read(
        self, volume: ReadableVolume, scene: Scene, costly: int, held: Held
    ) -> tuple[NDArray[np.int16], int]:  # fmt: skip
        """Give the slice as stored numbers, turned as it hangs, and its level; read once."""
        key = ("first" if self.is_first else "second", self.plane.name, self.index)
        if key not in held:
            level = 0 if self.reach else level_for(volume, self.plane, self.size, costly)
            held[key] = self._turned(read_cut(volume, self.plane, self.index, scene, level)), level
        return held[key]

    def _with_labels(self, picture: Image.Image, scene: Scene) -> tuple[Image.Image, list[LegendEntry]]:
        """Give the picture with the label layers on it, and what their colours mean."""
        legend: list[LegendEntry] = []
        for layer in scene.labels if scene.overlays else ():
            if getattr(layer, "visible", True):
                values = self.spread(self._turned(read_label_cut(layer, self.geometry, self.plane, self.index)))
                picture, found = lay_labels(picture, values, layer, self.zoom)
                legend += found
        return picture, legend

    def laid(self, pixels: NDArray[np.uint8], level: int) -> Image.Image:
        """Give the pixels of a slice, one per voxel of a level, where they lie on the pane; black or clear around."""
        return self._laid(Image.fromarray(self._hung(pixels)), 2**level, Image.Resampling.BILINEAR)

    def place(self, column: float, row: float) -> tuple[float, float]:
        """Give the pixel of a slice position (column, row); whole numbers are voxel centres."""
        sides = []
        flips = self.plane.flip_columns, self.plane.flip_rows
        for at, middle, step, size, flip in zip((column, row), self.middle, self.steps, self.size, flips, strict=True):
            offset = (at - middle) * step
            sides.append(size / 2 + (-offset if flip else offset))
        return sides[0], sides[1]

    def spread(self, values: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Give, for each pixel of the pane, the value of the voxel it lies in, shape (height, width); 0 beyond."""
        columns, rows = (self._voxels(axis) for axis in (0, 1))
        inside = (rows >= 0)[:, None] & (columns >= 0)[None, :]
        spread: NDArray[np.uint16] = np.where(inside, values[np.ix_(rows, columns)], 0).astype(np.uint16)
        return spread

    def _voxels(self, axis: int) -> NDArray[np.int_]:
        """Give the voxel of each pixel along the width (0) or height (1), −1 where there is none."""
        middle = np.arange(self.size[axis]) + 0.5 - self.size[axis] / 2
        flip = (self.plane.flip_columns, self.plane.flip_rows)[axis]
        at = np.floor((-middle if flip else middle) / self.steps[axis] + self.middle[axis] + 0.5).astype(int)
        return np.where((at >= 0) & (at < self.counts[axis]), at, -1)

    def _turned(self, stored: NDArray[Any]) -> NDArray[Any]:
        return stored.T if self.plane.is_turned else stored

    def _hung(self, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return grey[:: -1 if self.plane.flip_rows else 1, :: -1 if self.plane.flip_columns else 1]

    def _laid(self, slice_picture: Image.Image, block: int, how: Image.Resampling) -> Image.Image:
        """Lay the slice onto the pane; a voxel of a coarser level covers `block` full ones."""
        picture = Image.new(slice_picture.mode, self.size)
        wide, high = (
            max(1, round(n * block * step)) for n, step in zip(slice_picture.size, self.steps, strict=True)
        )  # fmt: skip
        # The last coarse voxel may reach beyond the volume, which is where a mirrored slice begins.
        starts = []
        flips = self.plane.flip_columns, self.plane.flip_rows
        for count, step, size, length, flip in zip(
            self.counts, self.steps, self.size, (wide, high), flips, strict=True
        ):
            full = max(1, round(count * step))
            starts.append((size - full) // 2 - (length - full if flip else 0))
        if self.grain > 1:
            slice_picture = slice_picture.resize((max(1, wide // self.grain), max(1, high // self.grain)), how)
        picture.paste(slice_picture.resize((wide, high), how), (starts[0], starts[1]))
        return picture

    def _crosshair(self, pen: Pen, centre: NDArray[np.float64]) -> None:
        plane, (width, height), gap = self.plane, self.size, pen.px(CROSSHAIR_GAP)
        x, y = (round(side) for side in self.place(float(centre[plane.column]), float(centre[plane.row])))
        upright, level, thick = PLANE_COLOURS[plane.column], PLANE_COLOURS[plane.row], pen.px(1)
        pen.draw.line((x, 0, x, y - gap), fill=upright, width=thick)
        pen.draw.line((x, y + gap, x, height), fill=upright, width=thick)
        pen.draw.line((0, y, x - gap, y), fill=level, width=thick)
        pen.draw.line((x + gap, y, width, y), fill=level, width=thick)

    def frame(self, pen: Pen, name: str, corner: str) -> None:
        """Draw what every plane carries: its name and slice, the letters of its directions, the scale bar."""
        plane, (width, height), margin = self.plane, self.size, pen.px(MARGIN)
        pen.text((margin, height // 2), plane.left, "lm", size=13)
        pen.text((width - margin, height // 2), plane.right, "rm", size=13)
        pen.text((width // 2, height - margin - pen.px(5)), plane.bottom, "mm", size=13)
        line = margin + pen.px(6)
        pen.square(margin, line, 8, PLANE_COLOURS[plane.normal])
        words = name or f"{plane.title}  {'zyx'[plane.normal]} {self.index}"
        start = margin + pen.px(13)
        # Beside a long name the letter at the top stands one line lower.
        corner = pen.fitting(corner, width - start - margin - pen.width_of(words) - pen.px(10)) if corner else ""
        longest = max(start + pen.width_of(words), margin + pen.width_of(corner))
        shift = longest > width / 2 - pen.px(20) or width < pen.px(TINY)
        pen.text((start, line), pen.fitting(words, width - start - margin), "lm")
        pen.text((width - margin, line), corner, "rm")
        pen.text((width // 2, line + (pen.px(15) if shift else 0)), plane.top, "mm", size=13)
        self._scale_bar(pen)

    def _scale_bar(self, pen: Pen) -> None:
        (width, height), margin, tick = self.size, pen.px(MARGIN), pen.px(4)
        length = next((mm for mm in BAR_LENGTHS_MM if mm * self.scale <= width * 0.3), BAR_LENGTHS_MM[-1])
        y, end = height - margin - 2, margin + max(1, round(length * self.scale))
        pen.line([(margin, y - tick), (margin, y), (end, y), (end, y - tick)], TEXT_COLOUR)
        pen.text((margin, y - pen.px(12)), f"{length:g} mm", "lm")
