"""Processes that read batches ahead, in an order that does not depend on how many they are.

Runs in: kernel
Source: torch.utils.data: a DataLoader takes whole batches from its workers in turns, so worker w of W gets every
W-th step.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, VERSIONS_VARIABLE

if TYPE_CHECKING:
    from workbench.compute.loading.patch_loader import PatchLoader

AHEAD = 4
SIGNED = (SOCKET_VARIABLE, TOKEN_VARIABLE, VERSIONS_VARIABLE)
Pair = tuple[torch.Tensor, torch.Tensor]


class _Steps(IterableDataset[Pair]):
    """The batches of some steps; a worker reads every W-th of them."""

    def __init__(self, loader: PatchLoader, seed: int, rank: int, steps: range) -> None:
        super().__init__()
        self._loader, self._seed, self._rank, self._steps = loader, seed, rank, steps

    def __iter__(self) -> Iterator[Pair]:
        """Give this process's share."""
        worker = get_worker_info()
        share = self._steps if worker is None else self._steps[worker.id :: worker.num_workers]
        for step in share:
            inputs, wanted = self._loader.batch_of(self._seed, step, self._rank)
            yield torch.from_numpy(inputs), torch.from_numpy(wanted)


def read_ahead(loader: PatchLoader, seed: int, rank: int, first: int, stop: int) -> Iterator[Pair]:
    """Give the batches of a rank for the steps from `first` up to `stop`, in order.

    Parameters
    ----------
    loader : PatchLoader
        With its number of reading processes; each opens scans and the line to the gateway for itself.
    seed, rank, first, stop : int
        Which batches.
    """
    steps = _Steps(loader, seed, rank, range(first, stop))
    if loader.workers == 0:
        return iter(steps)
    # A fork would copy the threads' locks and open lines of this process; a server that has none is forked instead.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workbench.compute.loading.reading", "workbench.compute.fitting"])
    # Its own generator, so that the caller's is left alone.
    return iter(DataLoader(
        steps, batch_size=None, num_workers=loader.workers, prefetch_factor=AHEAD, multiprocessing_context=context,
        generator=torch.Generator().manual_seed(seed), pin_memory=False,
        worker_init_fn=partial(_enter, {name: os.environ[name] for name in SIGNED if name in os.environ}),
    ))  # fmt: skip


def _enter(signed: dict[str, str], _: int) -> None:
    """Be who this process's starter is now; the server that forks was started once, maybe for somebody else."""
    for name in SIGNED:
        os.environ.pop(name, None)
    os.environ.update(signed)
