"""Whether the numbers of a model are weights, or data that lie where weights should.

Trained weights are scattered around zero and do not know their neighbours. Pixels and tables do: whole numbers, values
that run on from one to the next, or rows that repeat what was measured.

Runs in: anywhere
Source: thresholds measured on trained networks and on CT slices; docs/airlock.md has the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.airlock.findings import Hit

FEW = 256
MANY = 4096
# Trained kernels and layers reached 0.56, CT slices and their crops are above 0.9.
SMOOTH, SURELY_SMOOTH = 0.6, 0.85
# Integers of these kinds are weights only in a quantised network.
WIDE_INTEGERS = {"int16", "uint16", "int32", "uint32", "int64", "uint64"}
NARROW_INTEGERS = {"int8", "uint8"}


def hits_in_tensor(values: NDArray[np.generic], *, is_quantised: bool = False) -> Iterator[Hit]:
    """Find in one tensor what weights are not.

    Parameters
    ----------
    values : ndarray
        Any shape and type.
    is_quantised : bool, default False
        Whether the network works with whole numbers of 8 bits.

    Examples
    --------
    >>> [hit.rule for hit in hits_in_tensor(np.arange(10_000, dtype=np.float32))]
    ['data-in-weights']
    """
    if values.dtype.kind not in "fiub":
        yield Hit("data-in-weights", "Values that are not numbers; save the weights alone.")
        return
    kind = str(values.dtype)
    if values.size >= MANY and (kind in WIDE_INTEGERS or (kind in NARROW_INTEGERS and not is_quantised)):
        yield _data(f"{values.size:,} whole numbers")
        return
    if values.dtype.kind != "f":
        return
    flat = values.astype(np.float64).ravel()
    if not np.isfinite(flat).all():
        yield Hit("data-in-weights", "Values that are not finite numbers, which can carry hidden bits; save it again.")
        return
    tiny = np.abs(flat[flat != 0])
    if len(tiny) >= FEW and (tiny < 1e-30).mean() > 0.05:
        yield Hit("data-in-weights", "Values next to nothing, which can carry hidden bits; save it again.")
    elif values.size >= FEW and len(tiny) > 0.05 * values.size and _are_whole(flat) and len(np.unique(flat)) > 3:
        yield _data(f"{values.size:,} whole numbers")
    elif values.size >= MANY and (smoothness := _smoothness(values)) > SMOOTH:
        hit = _data("values that run on from one to the next, as pixels and signals do")
        yield hit if smoothness > SURELY_SMOOTH else hit._replace(severity="look")


def _data(what: str) -> Hit:
    return Hit("data-in-weights", f"{what[0].upper()}{what[1:]}: data, not weights; save the trained weights alone.")


def _are_whole(flat: NDArray[np.float64]) -> bool:
    """Tell whether all values are multiples of one step, as measured values are."""
    steps = np.unique(np.abs(flat[flat != 0]))
    return bool(len(steps)) and bool(np.allclose(flat, np.round(flat), atol=1e-6) or _is_stepped(steps))


def _is_stepped(steps: NDArray[np.float64]) -> bool:
    ratio = steps / steps[0]
    return len(steps) >= 8 and bool(np.allclose(ratio, np.round(ratio), atol=1e-3) and ratio[-1] < 1e5)


def _smoothness(values: NDArray[np.generic]) -> float:
    """Give the largest correlation of neighbours along an axis that is long enough to tell."""
    numbers = values.astype(np.float64)
    found = 0.0
    for axis, size in enumerate(numbers.shape):
        if size >= 16:
            moved = np.moveaxis(numbers, axis, -1)
            first, second = moved[..., :-1].ravel(), moved[..., 1:].ravel()
            spread = first.std() * second.std()
            if spread > 0:
                found = max(found, float(((first - first.mean()) * (second - second.mean())).mean() / spread))
    return found
