"""How much of known text the finder covers, and how much it covers in vain.

Runs in: ingest host
Source: Presidio's `ground_truth.json`, whose boxes lie on the picture with a border of 25 pixels.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydicom import dcmread

from workbench.ingest.burned_in.boxes import Box, covered_share, touches
from workbench.ingest.burned_in.finder import find_text
from workbench.ingest.burned_in.frames import Pixels

PRESIDIO_BORDER = 25
COVERED = 0.9


@dataclass(frozen=True)
class Measured:
    """What came out.

    Parameters
    ----------
    frames, truth, found : int
        Frames looked at, true boxes, boxes found.
    covered : int
        True boxes of which at least nine tenths are covered.
    right : int
        Boxes found that touch a true box.
    seconds : float
        Wall clock.
    """

    frames: int
    truth: int
    found: int
    covered: int
    right: int
    seconds: float

    @property
    def recall(self) -> float:
        """Share of the true boxes that are covered; 1 where there are none."""
        return self.covered / self.truth if self.truth else 1.0

    @property
    def precision(self) -> float:
        """Share of the found boxes that touch a true one; 1 where none was found."""
        return self.right / self.found if self.found else 1.0


def measure(samples: Iterable[tuple[NDArray[Any], Sequence[Box]]]) -> Measured:
    """Compare what the finder gives for frames with their true boxes."""
    frames = truth = found = covered = right = 0
    began = time.perf_counter()
    for frame, true in samples:
        boxes = find_text(frame)
        frames, truth, found = frames + 1, truth + len(true), found + len(boxes)
        covered += sum(covered_share(box, boxes) >= COVERED for box in true)
        right += sum(any(touches(box, each) for each in true) for box in boxes)
    return Measured(frames, truth, found, covered, right, time.perf_counter() - began)


def measure_presidio(folder: Path) -> Measured:
    """Measure on Presidio's samples: one localizer with five words, one capture without text.

    Parameters
    ----------
    folder : Path
        The folder `phi-presidio` of the shared data.
    """
    known = json.loads(next(folder.rglob("ground_truth.json")).read_text())
    samples = []
    for path in sorted(folder.rglob("*_ORIGINAL.dcm")):
        truth = [_box(entry) for entry in known.get(f"sample_data/{path.name}", ())]
        samples.append((Pixels(dcmread(path)).frame(0), truth))
    return measure(samples)


def _box(entry: dict[str, Any]) -> Box:
    row, column = entry["top"] - PRESIDIO_BORDER, entry["left"] - PRESIDIO_BORDER
    return Box(row, column, row + entry["height"], column + entry["width"])
