"""One instance cleaned, header and pixels: text in its frames is found and covered.

Runs in: ingest host
Source: DICOM PS3.15 2026c E.3.1 (Clean Pixel Data Option).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence

from workbench.ingest.burned_in.boxes import Box, merge
from workbench.ingest.burned_in.finder import find_text, shape_boxes
from workbench.ingest.burned_in.frames import Pixels
from workbench.ingest.burned_in.identities import identity_words
from workbench.ingest.deidentify.cleaner import Deidentifier, clean_pixel_mark

# A clip's text stands still, so reading this many of its frames, first and last among them, finds it; letters by
# shape are looked for in every frame, and what is found in one is covered in all.
FRAMES_READ = 8
# What was covered is looked at again, because text beside it may only now stand out.
ROUNDS = 3
DERIVATION_CODES = 0x00089215


@dataclass(frozen=True)
class Cleared:
    """An instance that may leave as far as its pixels are concerned.

    Parameters
    ----------
    dataset : FileDataset
        Cleaned by the profile's rules, text covered, marked as checked: (0028,0301) = NO and method 113101.
    boxes : tuple of Box
        What was covered, in every frame; for the report.
    frames : int
        How many frames it has.
    """

    dataset: FileDataset
    boxes: tuple[Box, ...]
    frames: int


def clear_text(source: FileDataset, cleaner: Deidentifier) -> Cleared:
    """Clean an instance and cover the text in its pixels.

    Pixels without text stay as they are, in their transfer syntax. Where something is covered, compressed pixels are
    written decoded (explicit little endian; colours as RGB); outside the boxes nothing of lossless pixels changes.

    Parameters
    ----------
    source : FileDataset
        The source, whole.
    cleaner : Deidentifier
        The patient's.

    Raises
    ------
    MissingDependency
        When Tesseract is not installed.
    IngestRefused
        When the pixels cannot be decoded, or the profile refuses the instance.
    """
    result = cleaner.clean_instance(source)
    pixels, identity = Pixels(result), identity_words(source)
    frames = np.linspace(0, pixels.count - 1, min(pixels.count, FRAMES_READ)).round().astype(int).tolist()
    covered: list[Box] = []
    for _ in range(ROUNDS):
        found, frames = _find(pixels, identity, frames)
        if not found:
            break
        pixels.cover(found)
        covered, pixels = merge([*covered, *found]), Pixels(result)
    if covered and DERIVATION_CODES in cleaner.class_rules(source).rules:
        _tell_of_mask(result)
    clean_pixel_mark(result)
    return Cleared(result, tuple(covered), pixels.count)


def _find(pixels: Pixels, identity: frozenset[str], read: list[int]) -> tuple[list[Box], list[int]]:
    """Give the boxes of text in all frames, and those of the frames read that hold some."""
    boxes: list[Box] = []
    holding: list[int] = []
    for number in range(pixels.count):
        frame = pixels.frame(number)
        found = find_text(frame, identity) if number in read else shape_boxes(frame)
        boxes += found
        holding += [number] if found and number in read else []
    return merge(boxes), holding


def _tell_of_mask(result: Dataset) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113047", "DCM", "Pixel by pixel mask"
    before = list(result[DERIVATION_CODES].value) if DERIVATION_CODES in result else []
    result[DERIVATION_CODES] = DataElement(DERIVATION_CODES, "SQ", Sequence([*before, code]))
