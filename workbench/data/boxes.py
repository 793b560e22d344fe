"""A box around a finding, in patient millimetres.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A finding's place and size.

    Parameters
    ----------
    centre_mm : tuple of 3 float
        Patient position (x, y, z), LPS, mm.
    size_mm : tuple of 3 float
        Edge lengths along (x, y, z), mm.
    label : str
        What is shown beside it.
    """

    centre_mm: tuple[float, float, float]
    size_mm: tuple[float, float, float]
    label: str
