"""What both sides of the training benchmark learn from, with the time of each step written down."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch

from workbench.compute.ranks.examples_feed import ExamplesFeed

SEED = 7
EXAMPLES, POSITIVES = 96, 32


def bright_cubes() -> ExamplesFeed:
    """Give patches of which those with a bright cube in the middle are positive."""
    draw = np.random.default_rng(1)
    patches = draw.normal(0.2, 0.05, (EXAMPLES, 1, 32, 32, 32)).astype(np.float32)
    patches[:POSITIVES, :, 12:20, 12:20, 12:20] += 0.5
    return ExamplesFeed(patches, np.repeat([1, 0], [POSITIVES, EXAMPLES - POSITIVES]))


class TimedFeed:
    """A feed that writes down when the first rank asked for each batch: clock and CPU seconds, shape (steps, 2)."""

    def __init__(self, feed: ExamplesFeed, file: str) -> None:
        self.feed, self.file = feed, file

    @property
    def fingerprint(self) -> str:
        """Name the data."""
        return self.feed.fingerprint

    def batches(self, seed: int, rank: int, first: int, stop: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Give the batches of a rank."""
        times = []
        try:
            for batch in self.feed.batches(seed, rank, first, stop):
                times.append((time.perf_counter(), time.process_time()))
                yield batch
        finally:
            if rank == 0:
                np.save(self.file, np.array(times))
