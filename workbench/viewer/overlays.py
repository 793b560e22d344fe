"""What lies on top of a slice: labels, boxes, contours and measurements.

Runs in: kernel
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.viewer.inks import (
    BLACK,
    BOX_COLOUR,
    CANDIDATE_COLOUR,
    MEASURE_COLOUR,
    TRUTH_COLOUR,
    Pen,
    Point,
)
from workbench.viewer.marks import BoxMark
from workbench.viewer.palette import Colour
from workbench.viewer.planes import AXES
from workbench.viewer.scene import OPACITY, Placed, ReadableLabels, Scene, part, place, read_colour, segment_colour

if TYPE_CHECKING:
    from workbench.viewer.panes import Pane

# A candidate without a diameter, px of a picture of usual size.
SMALLEST_CIRCLE = 8


class LegendEntry(NamedTuple):
    """A colour of the picture and what it means."""

    colour: Colour
    words: str


def lay_labels(
    picture: Image.Image, values: NDArray[np.uint16], layer: ReadableLabels, zoom: float
) -> tuple[Image.Image, list[LegendEntry]]:
    """Give the picture with a label layer on it, and the names of the labels that are seen.

    Parameters
    ----------
    picture : Image, RGB
    values : ndarray, uint16, shape (height, width)
        The label of each pixel, 0 for none.
    layer : ReadableLabels
        Names, colours and how it is drawn; a value without a segment is drawn and named by its number.
    zoom : float
        How thick edges are.
    """
    known = {int(one["value"]): one for one in layer.segments}
    entries = {}
    for value in np.unique(values).tolist():
        rest = {"value": value, "label": f"label {value}", "visible": getattr(layer, "rest_visible", True)}
        segment = known.get(value, rest)
        if value and segment.get("visible", True):
            entries[value] = LegendEntry(segment_colour(segment), str(segment["label"]))
    if not entries:
        return picture, []
    table = np.zeros((int(values.max()) + 1, 3), dtype=np.float32)
    is_drawn = np.zeros(len(table), dtype=bool)
    for value, entry in entries.items():
        table[value], is_drawn[value] = entry.colour, True
    share = np.where(is_drawn[values], 0.0 if getattr(layer, "outline", False) else _opacity(layer), 0.0)
    share = np.where(is_drawn[values] & _edges(values, max(1, round(zoom))), 1.0, share)[..., None]
    laid = np.asarray(picture, dtype=np.float32) * (1 - share) + table[values] * share
    return Image.fromarray(np.rint(laid).astype(np.uint8)), list(entries.values())


def draw_marks(pen: Pen, pane: Pane, scene: Scene) -> list[LegendEntry]:
    """Draw the boxes, contours and measurements that lie in the shown slice or slab; name the contours' colours."""
    for colour, boxes in ((TRUTH_COLOUR, scene.truth), (BOX_COLOUR, scene.boxes)):
        for box in boxes:
            _box(pen, pane, box, colour)
    for candidate in scene.candidates:
        _candidate(pen, pane, candidate)
    entries, colours = {}, scene.contour_colours()
    for contour in place(scene.contours, pane.geometry):
        name, own = str(part(contour, "label") or ""), part(contour, "colour")
        colour = read_colour(str(own)) if own else colours[name]
        if _contour(pen, pane, contour, colour) and name:
            entries[name] = LegendEntry(colour, name)
    for measurement in scene.measurements:
        _measurement(pen, pane, measurement)
    return list(entries.values())


def _opacity(layer: ReadableLabels) -> float:
    return float(getattr(layer, "opacity", OPACITY))


def _edges(values: NDArray[np.uint16], thick: int) -> NDArray[np.bool_]:
    """Give the pixels within `thick` of a pixel of another label."""
    edges = np.zeros(values.shape, dtype=bool)
    for step in range(1, thick + 1):
        for axis in (0, 1):
            before, after = np.swapaxes(values, 0, axis)[:-step], np.swapaxes(values, 0, axis)[step:]
            differs, found = before != after, np.swapaxes(edges, 0, axis)
            found[:-step] |= differs
            found[step:] |= differs
    return edges


def _box(pen: Pen, pane: Pane, box: BoxMark, colour: Colour) -> None:
    plane, half = pane.plane, pane.reach + 0.5
    low, high = box.index_limits(pane.geometry)
    if not (low[plane.normal] < pane.index + half and high[plane.normal] > pane.index - half):
        return
    first = pane.place(float(low[plane.column]), float(low[plane.row]))
    second = pane.place(float(high[plane.column]), float(high[plane.row]))
    (left, right), (top, bottom) = (sorted(round(v) for v in pair) for pair in zip(first, second, strict=True))
    thick = pen.px(1)
    pen.draw.rectangle(
        (left - thick, top - thick, right + thick, bottom + thick), outline=(0, 0, 0), width=3 * thick
    )  # fmt: skip
    pen.draw.rectangle((left, top, right, bottom), outline=colour, width=thick)
    if box.label:
        below = bottom + pen.px(16) < pane.size[1]
        _beside(pen, pane, (left, bottom + pen.px(9) if below else top - pen.px(8)), box.label, colour)


def _candidate(pen: Pen, pane: Pane, candidate: object) -> None:
    """Draw a circle where the sphere around a candidate cuts the slice or slab."""
    plane, spacing = pane.plane, pane.geometry.spacing_mm[pane.plane.normal]
    (at,) = pane.geometry.to_index(np.asarray([part(candidate, "position_mm")], dtype=np.float64))
    radius = float(part(candidate, "diameter_mm") or 0) / 2
    away = max(0.0, abs(float(at[plane.normal]) - pane.index) - pane.reach) * spacing
    if away > max(radius, spacing / 2):
        return
    x, y = pane.place(float(at[plane.column]), float(at[plane.row]))
    side = max(pen.px(SMALLEST_CIRCLE), math.sqrt(max(0.0, radius**2 - away**2)) * pane.scale)
    pen.line(_around([(x - side, y - side), (x + side, y + side)], is_ellipse=True), CANDIDATE_COLOUR, is_closed=True)
    words = "  ".join(filter(None, (str(part(candidate, "label") or ""), f"{float(part(candidate, 'score')):.2f}")))
    _beside(pen, pane, (x + side + pen.px(4), y), words, CANDIDATE_COLOUR)


def _contour(pen: Pen, pane: Pane, contour: Placed, colour: Colour) -> bool:
    """Draw a contour in its own plane, or where it crosses another one; tell whether anything was drawn."""
    plane, points = pane.plane, contour.index
    # On a second volume, whose planes have names of their own, only a contour that lies in the slice is drawn.
    if part(contour, "plane") == plane.name or not pane.is_first:
        if not _is_in(pane, points):
            return False
        pen.line(_pixels(pane, points), colour, width=1.5, is_closed=True)
        return True
    # A stack of contours is outlined by the edges of each, as thick as the slices they were drawn on.
    through = np.zeros(3)
    through[AXES[str(part(contour, "plane"))][0]] = 0.5
    crossings = _crossings(points, plane.normal, pane.index)
    for at in crossings:
        pen.draw.line(_pixels(pane, np.stack([at - through, at + through])), fill=colour, width=pen.px(1.5))
    return len(crossings) > 0


def _crossings(points: NDArray[np.float64], normal: int, index: int) -> NDArray[np.float64]:
    """Give where the edges of a closed polygon pass through a slice of another plane, shape (n, 3)."""
    after = np.roll(points, -1, axis=0)
    here, there = points[:, normal], after[:, normal]
    # Each corner belongs to one of its two edges, so that crossings come in pairs.
    passes = (here <= index) != (there <= index)
    share = (index - here[passes]) / (there[passes] - here[passes])
    found: NDArray[np.float64] = points[passes] + share[:, None] * (after[passes] - points[passes])
    return found


def _measurement(pen: Pen, pane: Pane, measurement: object) -> None:
    points = place([measurement], pane.geometry)[0].index
    own = part(measurement, "plane")
    if (own and own != pane.plane.name and pane.is_first) or not _is_in(pane, points):
        return
    pixels = _pixels(pane, points)
    kind = str(part(measurement, "kind"))
    if kind in ("distance", "angle"):
        pen.line(pixels, MEASURE_COLOUR)
    elif len(pixels) == 2:
        pen.line(_around(pixels, is_ellipse=kind != "rectangle"), MEASURE_COLOUR, is_closed=True)
    else:
        pen.line(pixels, MEASURE_COLOUR, is_closed=True)
    right = max(pixels)
    _beside(pen, pane, (right[0] + pen.px(6), right[1]), _said(measurement), MEASURE_COLOUR)


def _around(corners: list[Point], *, is_ellipse: bool) -> list[Point]:
    """Give the outline of the rectangle or ellipse between two corners."""
    (x0, y0), (x1, y1) = corners
    if not is_ellipse:
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    middle, half = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)
    xs, ys = middle[0] + half[0] * np.cos(turn), middle[1] + half[1] * np.sin(turn)
    return list(zip(xs.tolist(), ys.tolist(), strict=True))


def _said(measurement: object) -> str:
    """Give a measurement's name and value as people read them."""
    value, unit, kind = part(measurement, "value"), str(part(measurement, "unit") or ""), part(measurement, "kind")
    statistics = part(measurement, "statistics")
    words = str(part(measurement, "label") or "")
    if statistics:
        said = f"{part(statistics, 'mean'):.1f} ± {part(statistics, 'sd'):.1f} {unit}"
    elif value is None:
        said = ""
    else:
        said = f"{value:.1f}°" if kind == "angle" else f"{value:.1f} {unit}"
    return "  ".join(filter(None, (words, said.replace("-", "−"))))


def _is_in(pane: Pane, points: NDArray[np.float64]) -> bool:
    """Whether all points lie within the shown slice or slab."""
    return bool(np.all(np.abs(points[:, pane.plane.normal] - pane.index) <= pane.reach + 0.5 + 1e-6))


def _pixels(pane: Pane, points: NDArray[np.float64]) -> list[Point]:
    return [pane.place(float(at[pane.plane.column]), float(at[pane.plane.row])) for at in points]


def _beside(pen: Pen, pane: Pane, at: Point, words: str, colour: Colour) -> None:
    """Write words at a place, moved so that they stay on the pane."""
    wide, (width, height) = pen.width_of(words), pane.size
    x = max(pen.px(2), min(at[0], width - pen.px(2) - wide))
    y = min(max(at[1], pen.px(8)), height - pen.px(8))
    # Coloured words are hard to read on white tissue.
    pen.draw.rectangle((x - pen.px(2), y - pen.px(7), x + wide + pen.px(2), y + pen.px(7)), fill=BLACK)
    pen.text((x, y), words, "lm", colour)
