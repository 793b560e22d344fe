"""A task that a tiny network can learn, slow enough to be killed in the middle."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.compute.cluster import Cluster

STEPS = {"epochs": 3, "batches": 8, "checkpoint_every": 3}


@dataclass(frozen=True)
class Examples:
    """Labelled patches."""

    inputs: NDArray[np.float32]
    labels: NDArray[Any]
    form: str = "patches"


class BrightCubes:
    """A bright cube in the middle is positive."""

    id = "bright-cubes"

    def __init__(self, seed: int = 1) -> None:
        draw = np.random.default_rng(seed)
        patches = draw.normal(0.2, 0.05, (24, 1, 32, 32, 32)).astype(np.float32)
        patches[:8, :, 12:20, 12:20, 12:20] += 0.5
        self._examples = Examples(patches, np.repeat([1, 0], [8, 16]))

    def examples(self, split: str, cluster: Cluster | None = None) -> Examples:
        return self._examples


class Slow(torch.nn.Module):
    """Take a while, and change nothing."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if self.training:
            time.sleep(self.seconds)
        return values


def tiny(seconds: float = 0.0) -> torch.nn.Module:
    """Give a network with everything that has a state: weights, running means, chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        return torch.nn.Sequential(
            Slow(seconds), torch.nn.AvgPool3d(8), torch.nn.Flatten(), torch.nn.Linear(64, 8), torch.nn.BatchNorm1d(8),
            torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1), torch.nn.Flatten(0),
        )  # fmt: skip
