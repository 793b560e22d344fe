"""Words read from a page by Tesseract, run as a child process that never reaches a network.

Runs in: ingest host
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from workbench.errors import IngestRefused, MissingDependency
from workbench.ingest.burned_in.boxes import Box
from workbench.ingest.burned_in.renderings import Page

PROGRAM = "tesseract"
LIMIT_S = 120
# Tesseract's page segmentation: a page with columns, or scattered text in no order.
PARAGRAPHS, SCATTERED = 3, 11


@dataclass(frozen=True)
class Word:
    """A word that was read.

    Parameters
    ----------
    box : Box
        Where, in the page's pixels; its confidence is Tesseract's.
    text : str
        What. It may be a name: never write it anywhere.
    """

    box: Box
    text: str

    def __repr__(self) -> str:
        """Say where, never what."""
        return f"Word({self.box})"


def tesseract() -> str:
    """Give the path of Tesseract.

    Raises
    ------
    MissingDependency
        When it is not installed.
    """
    path = shutil.which(PROGRAM)
    if path is None:
        raise MissingDependency(
            "Tesseract is not installed, so text burned into pixels cannot be looked for; "
            "install it (Debian: `apt-get install tesseract-ocr`) and try again."
        )
    return path


def read_words(page: Page, *, scale: int = 1, layout: int = SCATTERED) -> list[Word]:
    """Read a page of dark text on a bright ground.

    Parameters
    ----------
    page : ndarray, uint8, shape (row, column)
        0 is black.
    scale : int, default 1
        How many times it is enlarged first; Tesseract wants letters of about 30 pixels.
    layout : int, default SCATTERED
        Tesseract's page segmentation mode.

    Raises
    ------
    MissingDependency
        When Tesseract or its English data is not installed.
    IngestRefused
        When it does not finish in two minutes (`burned-in-text-unchecked`).
    """
    picture, stream = Image.fromarray(page), BytesIO()
    if scale > 1:
        picture = picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.BICUBIC)
    picture.save(stream, "ppm")
    program = [tesseract(), "-", "-", "--psm", str(layout), "-l", "eng", "--dpi", "150"]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, the page through stdin
            [*program, "-c", "tessedit_do_invert=0", "tsv"], input=stream.getvalue(), capture_output=True,
            timeout=LIMIT_S, check=False, env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise IngestRefused(
            f"Tesseract did not finish a frame of it in {LIMIT_S} seconds, so its pixels were not checked for text; "
            "try again when the machine is less busy.", code="burned-in-text-unchecked",
        ) from None  # fmt: skip
    if done.returncode:
        raise MissingDependency(
            "Tesseract does not run; most often its English data is missing "
            "(Debian: `apt-get install tesseract-ocr-eng`)."
        )
    return [word for line in done.stdout.decode("utf-8", "replace").splitlines()[1:] if (word := _word(line, scale))]


def _word(line: str, scale: int) -> Word | None:
    """Parse one row of Tesseract's table."""
    fields = line.split("\t")
    if len(fields) < 12 or not fields[11].strip() or float(fields[10]) < 0:
        return None
    left, top, width, height = (int(value) for value in fields[6:10])
    low, high = np.floor_divide((top, left), scale), -np.floor_divide((-top - height, -left - width), scale)
    return Word(Box(int(low[0]), int(low[1]), int(high[0]), int(high[1]), float(fields[10]) / 100), fields[11])
