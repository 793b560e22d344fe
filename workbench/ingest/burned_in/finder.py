"""Where a frame holds text: by the shape of letters, and by reading.

Rather a box too many than a name left: a line of three regular letters counts as text though nobody can read it.

Runs in: ingest host
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.ingest.burned_in.boxes import Box, merge, touches
from workbench.ingest.burned_in.glyphs import Line, continued, flat_parts, lines, stable_parts
from workbench.ingest.burned_in.identities import looks_like_identity
from workbench.ingest.burned_in.ocr import PARAGRAPHS, Word, read_words
from workbench.ingest.burned_in.renderings import (
    LARGE_PIXELS,
    MARGIN,
    SMALL_PIXELS,
    Page,
    halved,
    overlay_values,
    pages,
    planes,
)

# Confidence of what was found by shape only, and the least at which a word is believed.
SHAPE, READABLE = 0.6, 0.3
# Margins around a line in heights of a letter: accents, brackets, and a comma or dot that stands alone.
MARGIN_ABOVE, MARGIN_BESIDE = 0.3, 0.6
LETTER_OR_DIGIT = re.compile(r"[^\W_]")


def find_text(frame: NDArray[Any], identity: Collection[str] = ()) -> list[Box]:
    """Give the boxes of all text in a frame, in reading order.

    A single letter (the L, R, A or P that marks a side) is not text.

    Parameters
    ----------
    frame : ndarray of int, shape (row, column) or (row, column, channel)
        Decoded values: grey of any range, or RGB.
    identity : collection of str, optional
        Words of the header that identify (`identity_words`): one that is read counts however unsure the reading.

    Raises
    ------
    MissingDependency
        When Tesseract is not installed.
    """
    if frame.shape[0] * frame.shape[1] > LARGE_PIXELS:
        return [_doubled(box, frame.shape[:2]) for box in find_text(halved(frame), identity)]
    shape = frame.shape[0], frame.shape[1]
    found = _flat_lines(frame)
    for plane in planes(frame):
        if plane.min() == plane.max():
            continue
        shown = pages(plane)
        for page in shown:
            found += _lines_on(page, identity)
        found += _read(shown[-2], identity)
    return merge(box.padded(1, shape) for box in found if box.area)


def shape_boxes(frame: NDArray[Any]) -> list[Box]:
    """Give the boxes of regular lines of letters, by shape alone and without Tesseract: for every frame of a clip."""
    if frame.shape[0] * frame.shape[1] > LARGE_PIXELS:
        return [_doubled(box, frame.shape[:2]) for box in shape_boxes(halved(frame))]
    found = _flat_lines(frame)
    for plane in planes(frame):
        if plane.min() < plane.max():
            for page in pages(plane):
                found += _shapes_on(page)[0]
    return merge(found)


def _flat_lines(frame: NDArray[Any]) -> list[Box]:
    plane = frame.astype(np.int64)
    if plane.ndim == 3:
        plane = plane[..., 0] << 16 | plane[..., 1] << 8 | plane[..., 2]
    found = []
    for value in overlay_values(plane):
        mask = np.pad(plane == value, MARGIN)
        parts = flat_parts(mask, np.pad(plane, MARGIN, mode="edge"), value)
        found += [_around(line, frame.shape[:2], SHAPE) for line in lines(parts) if line.is_regular]
    return found


def _shapes_on(page: Page) -> tuple[list[Box], list[Line]]:
    """Give the boxes of a page's regular lines, and the lines that only may be text."""
    shape = page.shape[0] - 2 * MARGIN, page.shape[1] - 2 * MARGIN
    stable, loose = stable_parts(page)
    found = lines(stable)
    boxes = [_around(continued(line, loose), shape, SHAPE) for line in found if line.is_regular]
    return boxes, [line for line in found if not line.is_regular]


def _lines_on(page: Page, identity: Collection[str]) -> list[Box]:
    """Give the lines of a page: regular ones at once, others when something can be read in them."""
    shape = page.shape[0] - 2 * MARGIN, page.shape[1] - 2 * MARGIN
    boxes, doubtful = _shapes_on(page)
    if doubtful:
        read = read_words(_only(page, doubtful), scale=2)
        words = [_moved(word.box, shape) for word in read if _is_text(word, identity)]
        around = [_around(line, shape, READABLE) for line in doubtful]
        boxes += [box for box in around if any(touches(box, word) for word in words)]
    return boxes


def _only(page: Page, found: list[Line]) -> Page:
    """Give a white page that shows nothing but the lines, dark on bright."""
    alone = np.full_like(page, 255)
    for line in found:
        box = line.box.padded(3, page.shape[:2])
        place = slice(box.row0, box.row1), slice(box.col0, box.col1)
        part = page[place].astype(np.int32)
        part -= part.min()
        alone[place] = 255 - part * 255 // max(int(part.max()), 1)
    return alone


def _read(page: Page, identity: Collection[str]) -> list[Box]:
    """Give the boxes of words that Tesseract finds on the whole page by itself, in either polarity."""
    words, shape = [], (page.shape[0] - 2 * MARGIN, page.shape[1] - 2 * MARGIN)
    for rendering in (255 - page, page):
        words += read_words(rendering, scale=2 if rendering.size < SMALL_PIXELS else 1, layout=PARAGRAPHS)
    return [_moved(word.box, shape).padded(3, shape) for word in words if _is_text(word, identity)]


def _is_text(word: Word, identity: Collection[str]) -> bool:
    """Tell a word from a mark of a side and from noise: two letters or digits, believed more the longer it is."""
    if identity and looks_like_identity(word.text, identity):
        return True
    length = len(LETTER_OR_DIGIT.findall(word.text))
    return length >= 2 and word.box.confidence >= (READABLE if length >= 3 else 2 * READABLE)


def _around(line: Line, shape: tuple[int, int], confidence: float) -> Box:
    above, beside = ceil(MARGIN_ABOVE * line.height), ceil(MARGIN_BESIDE * line.height)
    box = line.box
    wide = Box(box.row0 - above, box.col0 - beside, box.row1 + above, box.col1 + beside, confidence)
    return _moved(wide, shape)


def _moved(box: Box, shape: tuple[int, int]) -> Box:
    """Give a box of a page with margin as a box of the frame."""
    rows, columns = shape
    return replace(
        box,
        row0=min(max(box.row0 - MARGIN, 0), rows), row1=min(max(box.row1 - MARGIN, 0), rows),
        col0=min(max(box.col0 - MARGIN, 0), columns), col1=min(max(box.col1 - MARGIN, 0), columns),
    )  # fmt: skip


def _doubled(box: Box, shape: tuple[int, int]) -> Box:
    rows, columns = shape
    return Box(
        2 * box.row0, 2 * box.col0, min(2 * box.row1 + 1, rows), min(2 * box.col1 + 1, columns), box.confidence
    )  # fmt: skip
