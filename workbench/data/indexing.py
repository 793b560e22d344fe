"""From an array index to the box of voxels that must be read.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from workbench.data.shard import Box, Index3
from workbench.errors import InvalidInput


@dataclass(frozen=True)
class Selection:
    """The box to read, and what to take of it."""

    box: Box
    within: tuple[int | slice, ...]
    result_shape: tuple[int, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is selected."""
        return 0 in self.result_shape


def read_key(key: object, shape: Index3) -> Selection:
    """Give what an index selects: integers, slices and one `…`, as numpy reads them.

    Raises
    ------
    IndexError
        When an integer is out of range.
    InvalidInput
        When there are more indices than axes.
    TypeError
        When an index is neither integer, slice nor `…`.

    >>> read_key((3, slice(None, None, 2)), (4, 5, 6)).result_shape
    (3, 6)
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    dots = [n for n, one in enumerate(keys) if one is Ellipsis]
    if len(dots) > 1 or len(keys) - len(dots) > 3:
        raise InvalidInput("A volume has three axes (z, y, x); the index has more, or more than one `…`.")
    at = dots[0] if dots else len(keys)
    keys = keys[:at] + [slice(None)] * (3 - len(keys) + len(dots)) + keys[at + len(dots) :]
    box: list[tuple[int, int]] = []
    within: list[int | slice] = []
    result: list[int] = []
    for one, size in zip(keys, shape, strict=True):
        if isinstance(one, slice):
            steps = range(*one.indices(size))
            low, high = (min(steps), max(steps)) if len(steps) else (0, 0)
            box.append((low, high + 1))
            # A negative step that ends at the first voxel has no stop that a slice could name.
            within.append(slice(None, None, steps.step))
            result.append(len(steps))
        else:
            place = _integer(one, size)
            box.append((place, place + 1))
            within.append(0)
    return Selection(cast(Box, tuple(box)), tuple(within), tuple(result))


def _integer(key: object, size: int) -> int:
    if isinstance(key, bool) or not isinstance(key, int | np.integer):
        raise TypeError("A volume takes integers, slices and `…`; read() it first for other indices.")
    # A range checks and counts from the end as a list does, and its IndexError is what ends a loop over the slices.
    return range(size)[int(key)]
