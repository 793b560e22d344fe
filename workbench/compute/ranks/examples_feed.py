"""Batches out of a task's labelled examples, drawn anew for each step and rank.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compute.fitting import Batch, batches_of


class ExamplesFeed:
    """Draw batches from labelled examples that lie in memory.

    Parameters
    ----------
    inputs : ndarray, float32, shape (n, 1, z, y, x) of patches or (n, 1, y, x) of sections
        Values 0..1.
    labels : ndarray, shape (n,), or (n, y, x) of sections
        0 or 1; of patches both are present.
    version : str, optional
        The version of the data that they come from.
    """

    def __init__(self, inputs: NDArray[Any], labels: NDArray[Any], version: str = "") -> None:
        self.inputs, self.labels, self.version = inputs, labels, version

    @cached_property
    def fingerprint(self) -> str:
        """The version of the data, and the SHA-256 of the examples."""
        digest = hashlib.sha256(self.version.encode())
        for values in (self.inputs, self.labels):
            digest.update(f"{values.dtype.str} {values.shape}\n".encode())
            digest.update(np.ascontiguousarray(values).data.cast("B"))
        return f"{self.version} {digest.hexdigest()}".strip()

    def batches(self, seed: int, rank: int, first: int, stop: int) -> Iterator[Batch]:
        """Give the batches of a rank for the steps from `first` up to `stop`; the next one is made meanwhile."""
        draw_from = batches_of(self.inputs, self.labels)

        def batch(step: int) -> Batch:
            return draw_from(np.random.default_rng([seed, step, rank]))

        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(batch, first)
            for step in range(first, stop):
                ready = coming.result()
                if step + 1 < stop:
                    coming = ahead.submit(batch, step + 1)
                yield ready
