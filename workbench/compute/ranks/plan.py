"""What a run on ranks is: the numbers that decide its result, checked once, and compared with a checkpoint's.

Runs in: kernel
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from workbench.errors import InvalidInput

if TYPE_CHECKING:
    import torch

PRECISIONS = ("fp32", "bf16")
MAX_RANKS = 64


class Feed(Protocol):
    """Where batches come from: a function of seed, step and rank, never of time or of what was read before."""

    def batches(self, seed: int, rank: int, first: int, stop: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Give the batches (inputs, wanted) of a rank for the steps from `first` up to, not including, `stop`."""

    @property
    def fingerprint(self) -> str:
        """Name the data and how they are drawn; two feeds that give other batches have other names."""


@dataclass(frozen=True)
class Plan:
    """The numbers of a run; together with the feed and the network they decide every bit of the result.

    Parameters
    ----------
    task : str
        What is learnt.
    seed : int
        Seed of initialisation, order and augmentation.
    epochs, batches : int
        Epochs, and steps of each.
    learning_rate : float
        Peak rate of the one-cycle schedule.
    precision : str
        ``fp32``, or ``bf16`` for mixed precision.
    ranks : int
        How many learn together; each sees batches of its own.
    data : str
        The fingerprint of the feed.
    network : str
        The fingerprint of the network's layers.
    """

    task: str
    seed: int
    epochs: int
    batches: int
    learning_rate: float
    precision: str
    ranks: int
    data: str
    network: str

    @property
    def steps(self) -> int:
        """How many steps the whole run has."""
        return self.epochs * self.batches

    def as_dict(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self)

    def differences(self, other: dict[str, Any]) -> str:
        """Say in words where another run's numbers are not these; empty when they are the same."""
        found = []
        for field in fields(self):
            here, there = getattr(self, field.name), other.get(field.name)
            if here != there:
                hides = field.name in ("data", "network")
                name = {"ranks": "the number of ranks", "network": "the network"}.get(field.name, field.name)
                found.append(f"{name} is another" if hides else f"{name} was {there}, now {here}")
        return "; ".join(found)


def checked_precision(precision: str) -> str:
    """Give the precision, refused unless it is one of `PRECISIONS`."""
    if precision not in PRECISIONS:
        raise InvalidInput(f"precision must be fp32 or bf16 (mixed: weights stay in fp32); got {precision!r}.")
    return precision


def checked_ranks(ranks: int) -> int:
    """Give the number of ranks, refused unless it is a whole number from 1 to `MAX_RANKS`."""
    if isinstance(ranks, bool) or not isinstance(ranks, int) or not 1 <= ranks <= MAX_RANKS:
        raise InvalidInput(f"ranks must be a whole number from 1 to {MAX_RANKS}; got {ranks!r}.")
    return ranks
