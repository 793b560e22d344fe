"""Lines of letters found by shape alone: small, sharp parts of one height, side by side. No reading.

Overlaid letters keep their outline over a wide range of thresholds, anatomy and noise do not.

Runs in: ingest host
Source: Matas et al. 2002 (maximally stable extremal regions), with equal boxes in place of equal areas.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.ingest.burned_in.boxes import Box, joined
from workbench.ingest.burned_in.renderings import Page

LOWEST, HIGHEST = 5, 72
LEVELS = 14
# A letter must keep its box over this many of the 14 levels, about a fifth of the range.
STABLE_LEVELS = 3
MOST_PARTS = 3000
# Numbers below are in heights of a letter.
WORD_GAP, LONGEST_PART = 1.2, 8.0
LETTER_PITCH = 0.9
# Above this height (pixels) letters never touch, so a wide part is no word.
TOUCHING_HEIGHT, WIDE = 24, 2.5
# Parts that are less stable belong to a line when they continue it.
LOOSE_LEVELS, LOOSE_GAP = 2, 1.5

Parts = NDArray[np.int64]  # (part, 4): row0, col0, row1, col1


@dataclass(frozen=True)
class Line:
    """Letters side by side.

    Parameters
    ----------
    box : Box
        Around the letters, in the page's pixels.
    letters : int
        About how many there are.
    height : float
        Of a letter, pixels.
    is_regular : bool
        Whether the letters share a height and a base line, as printed ones do.
    """

    box: Box
    letters: int
    height: float
    is_regular: bool


def stable_parts(page: Page) -> tuple[Parts, Parts]:
    """Give the boxes of bright parts whose outline hardly changes with the threshold, and those of all others."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - heavy, loaded on first use

    kept: list[Parts] = []
    above, lengths = np.zeros((0, 4), np.int64), np.zeros(0, np.int64)
    for level in np.linspace(0, 255, LEVELS + 2)[-2:0:-1]:
        parts = _parts(page > level)
        run = np.ones(len(parts), np.int64)
        if len(parts) and len(above):
            distance, index = cKDTree(above).query(parts, p=np.inf, distance_upper_bound=1.01)
            same = np.isfinite(distance)
            run[same] += lengths[index[same]]
        kept.append(np.column_stack([parts, run]))
        above, lengths = parts, run
    every = np.concatenate(kept)
    return _without_twins(every[every[:, 4] >= STABLE_LEVELS]), every[every[:, 4] >= LOOSE_LEVELS][:, :4]


def continued(line: Line, loose: Parts) -> Line:
    """Give a line with the less stable parts of letter height that stand before and behind it."""
    box, tall = line.box, line.height
    height = loose[:, 2] - loose[:, 0]
    beside = (np.abs(height - tall) <= 0.5 * tall) & (loose[:, 3] - loose[:, 1] <= 2 * tall)
    beside &= (loose[:, 0] >= box.row0 - 0.3 * tall) & (loose[:, 2] <= box.row1 + 0.3 * tall)
    row = loose[beside]
    for _ in range(len(row)):
        near = row[(row[:, 1] < box.col1 + LOOSE_GAP * tall) & (row[:, 3] > box.col0 - LOOSE_GAP * tall)]
        wider = joined([box, *(Box(*part) for part in near.tolist())])
        if wider == box:
            break
        box = wider
    return replace(line, box=box)


def flat_parts(mask: NDArray[np.bool_], plane: NDArray[np.int64], value: int) -> Parts:
    """Give the boxes of parts that have exactly one value and stand out sharply from what is around them."""
    from scipy import ndimage  # noqa: PLC0415 - heavy, loaded on first use

    edge = ndimage.binary_dilation(mask, np.ones((3, 3))) & ~mask
    if not edge.any():
        return np.zeros((0, 4), np.int64)
    spread = np.subtract(*np.percentile(plane, (99, 1)))
    # Where anatomy saturates, the neighbours come close to the value; beside writing they do not.
    is_sharp = np.median(np.abs(plane[edge] - value)) >= 0.1 * max(spread, 1)
    return _parts(mask) if is_sharp else np.zeros((0, 4), np.int64)


def lines(parts: Parts, least: int = 3) -> list[Line]:
    """Group parts into lines of at least `least` letters."""
    found = []
    for members in _groups(parts):
        height, width = members[:, 2] - members[:, 0], members[:, 3] - members[:, 1]
        tall = float(np.median(height))
        # Letters that touch are one part; its width tells about how many they are.
        letters = int(np.maximum(1, np.rint(width / (LETTER_PITCH * height))).sum())
        if letters < least:
            continue
        near = max(1.0, 0.15 * tall)
        on_base = np.abs(members[:, 2] - np.median(members[:, 2])) <= near
        on_top = np.abs(members[:, 0] - np.median(members[:, 0])) <= near
        alike = np.abs(height - tall) <= 0.35 * tall
        regular = len(members) >= 3 and min(max(on_base.mean(), on_top.mean()), alike.mean()) >= 0.6
        around = joined([Box(*part) for part in members.tolist()])
        found.append(Line(around, letters, tall, bool(regular)))
    return found


def _parts(mask: NDArray[np.bool_]) -> Parts:
    """Give the boxes of connected parts that have the size of letters or short words."""
    from scipy import ndimage  # noqa: PLC0415 - heavy, loaded on first use

    labelled, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return np.zeros((0, 4), np.int64)
    boxes = np.array(
        [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in ndimage.find_objects(labelled)]
    )
    height, width = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    is_letter = (width <= WIDE * height) | ((width <= LONGEST_PART * height) & (height <= TOUCHING_HEIGHT))
    is_right = (height >= LOWEST) & (height <= HIGHEST) & is_letter
    return np.asarray(boxes[is_right], np.int64)


def _without_twins(parts: Parts) -> Parts:
    """Keep of nearly equal boxes the one that was stable longest, and of very many the most stable."""
    from scipy.spatial import cKDTree  # noqa: PLC0415 - heavy, loaded on first use

    if not len(parts):
        return parts[:, :4]
    parts = parts[np.argsort(-parts[:, 4], kind="stable")][: 2 * MOST_PARTS]
    tree = cKDTree(parts[:, :4])
    gone, kept = np.zeros(len(parts), bool), []
    for index, twins in enumerate(tree.query_ball_point(parts[:, :4], 2, p=np.inf)):
        if not gone[index]:
            kept.append(index)
            gone[twins] = True
    return parts[kept[:MOST_PARTS], :4]


def _groups(parts: Parts) -> Iterator[Parts]:
    """Give the parts that stand side by side, linked one to the next."""
    from scipy.sparse import coo_array  # noqa: PLC0415 - heavy, loaded on first use
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - heavy, loaded on first use

    parts = parts[np.argsort(parts[:, 1], kind="stable")][:MOST_PARTS]
    height = parts[:, 2] - parts[:, 0]
    left, right = [], []
    for index in range(len(parts) - 1):
        rest = slice(index + 1, np.searchsorted(parts[:, 1], parts[index, 3] + WORD_GAP * HIGHEST, side="right"))
        taller, shorter = np.maximum(height[index], height[rest]), np.minimum(height[index], height[rest])
        gap = parts[rest, 1] - parts[index, 3]
        shared = np.minimum(parts[index, 2], parts[rest, 2]) - np.maximum(parts[index, 0], parts[rest, 0])
        beside = (gap <= WORD_GAP * taller) & (gap >= -0.5 * taller) & (shared >= 0.5 * shorter)
        linked = index + 1 + np.flatnonzero(beside & (taller <= 2 * shorter))
        left += [index] * len(linked)
        right += linked.tolist()
    if not len(parts):
        return
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(len(parts), len(parts)))
    count, group = connected_components(graph, directed=False)
    for number in range(count):
        yield parts[group == number]
