"""Colours for a volume that lies over another one: the same as in `extensions/ct-viewer/src/colour_maps.ts`.

Runs in: kernel
Source: “inferno” of N. Smith and S. van der Walt, matplotlib 2.0 (2015, CC0): perceptually uniform, readable with every
kind of colour blindness and in grey.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Every fifth of its 256 colours; between them the error is at most 1.
STEP = 5
INFERNO = (
    "000004 02020c 050417 0a0722 10092d 160b39 1e0c45 260c51 2f0a5b 380962 400a67 490b6a 510e6c 59106e 61136e 69166e "
    "71196e 781c6d 801f6c 88226a 902568 982766 a02a63 a82e5f b0315b b73557 bf3952 c63d4d cc4248 d34743 d94d3d df5337 "
    "e45a31 e9612b ed6925 f1711f f47918 f78212 f98b0b fa9407 fb9d07 fca60c fcb014 fbba1f fac42a f8cd37 f6d746 f4e156 "
    "f2ea69 f2f27d f5f992 fcffa4"
)


@lru_cache
def hot() -> NDArray[np.uint8]:
    """Give the hot colour of every grey, uint8, shape (256, 3): red, green, blue.

    >>> hot()[[0, 255]].tolist()
    [[0, 0, 4], [252, 255, 164]]
    """
    known = np.array([list(bytes.fromhex(one)) for one in INFERNO.split()], dtype=np.float64)
    at = np.arange(256) / STEP
    mixed = [np.interp(at, np.arange(len(known)), known[:, part]) for part in range(3)]
    return np.rint(np.stack(mixed, axis=1)).astype(np.uint8)
