"""Identifiers planted where a DICOM file can hide them, the key to mark outputs by, the search for what is left."""

from planted.answers import KINDS, Answer
from planted.canaries import write_canaries
from planted.charsets import write_charsets
from planted.folders import write_neighbours
from planted.mint import Mint, Needle
from planted.scorer import Score, mark_folder
from planted.search import Search
from planted.series import ALL_KINDS, Planted, write_planted

__all__ = [
    "ALL_KINDS", "KINDS", "Answer", "Mint", "Needle", "Planted", "Score", "Search", "mark_folder", "write_canaries",
    "write_charsets", "write_neighbours", "write_planted",
]  # fmt: skip
