"""CT arrays: resample, window, lungs, candidates, patches, and the phantoms they are tried on.

Runs in: anywhere
"""

from __future__ import annotations

# The first import of a module sets its name here: it comes before the function of the same name that stays.
import workbench.imaging.lung_mask  # noqa: F401
from workbench.imaging.candidates import find_candidates
from workbench.imaging.lungs import air_inside, lung_mask
from workbench.imaging.sections import cut_sections, lay_back
from workbench.imaging.volume import WINDOWS, Window, extract_patches, resample, window

__all__ = [
    "WINDOWS", "Window", "air_inside", "cut_sections", "extract_patches", "find_candidates", "lay_back", "lung_mask",
    "resample", "window",
]  # fmt: skip
