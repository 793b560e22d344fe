"""Boxes around text in a frame: joined, padded, and compared with the truth.

Runs in: ingest host
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, order=True)
class Box:
    """A rectangle of pixels that holds text.

    Parameters
    ----------
    row0, col0 : int
        First row and column.
    row1, col1 : int
        One behind the last row and column.
    confidence : float, default 1.0
        How sure the finder is that this is text, 0 to 1.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    confidence: float = 1.0

    @property
    def area(self) -> int:
        """Number of pixels."""
        return max(0, self.row1 - self.row0) * max(0, self.col1 - self.col0)

    def padded(self, by: int, shape: tuple[int, int]) -> Box:
        """Give the box with a margin, cut at the frame's edges."""
        return replace(
            self,
            row0=max(0, self.row0 - by), col0=max(0, self.col0 - by),
            row1=min(shape[0], self.row1 + by), col1=min(shape[1], self.col1 + by),
        )  # fmt: skip

    def as_dict(self) -> dict[str, float]:
        """Give plain JSON values."""
        place = {"row0": self.row0, "col0": self.col0, "row1": self.row1, "col1": self.col1}
        return {**place, "confidence": round(self.confidence, 2)}


def touches(one: Box, other: Box) -> bool:
    """Tell whether two boxes share pixels or an edge."""
    return (
        one.row0 <= other.row1 and other.row0 <= one.row1 and one.col0 <= other.col1 and other.col0 <= one.col1
    )  # fmt: skip


def joined(boxes: Sequence[Box]) -> Box:
    """Give the rectangle around boxes, as sure as the surest."""
    return Box(
        min(box.row0 for box in boxes), min(box.col0 for box in boxes),
        max(box.row1 for box in boxes), max(box.col1 for box in boxes),
        max(box.confidence for box in boxes),
    )  # fmt: skip


def merge(boxes: Iterable[Box]) -> list[Box]:
    """Join boxes that touch into the rectangle around them, until none does; in reading order."""
    waiting, done = sorted(boxes), list[Box]()
    while waiting:
        one = waiting.pop()
        others = [other for other in done if touches(one, other)]
        if not others:
            done.append(one)
            continue
        group = [one, *others]
        done = [other for other in done if other not in others]
        waiting.append(joined(group))
    return sorted(done)


def covered_share(truth: Box, found: Sequence[Box]) -> float:
    """Give the share of a true box's pixels that the found boxes cover, 0 to 1."""
    missing = np.ones((truth.row1 - truth.row0, truth.col1 - truth.col0), dtype=bool)
    for box in found:
        rows = slice(max(0, box.row0 - truth.row0), max(0, box.row1 - truth.row0))
        missing[rows, max(0, box.col0 - truth.col0) : max(0, box.col1 - truth.col0)] = False
    return 1.0 - float(missing.mean()) if missing.size else 1.0
