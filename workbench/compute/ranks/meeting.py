"""Where the ranks of one generation meet: a store on loopback with a port of its own, and the group they form there.

The driver holds the store, so it outlives every rank; when the driver is gone the store is gone, and the ranks stop.

Runs in: kernel
Source: torch.distributed.TCPStore; with no socket of ours it would listen on every address of the machine.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as group

from workbench.errors import RunFailed

LOOPBACK = "127.0.0.1"
MEET_TIMEOUT_S = 120.0
# A rank that is alive and silent this long is taken for lost; a killed one is noticed at once by its closed line.
SILENCE_TIMEOUT_S = 600.0
LOOK_EVERY_S = 1.0


class Meeting:
    """The store of one generation, held by the driver."""

    def __init__(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind((LOOPBACK, 0))
        listener.listen(128)
        self.port: int = listener.getsockname()[1]
        self._store = group.TCPStore(
            LOOPBACK, self.port, is_master=True, wait_for_workers=False, master_listen_fd=listener.detach(),
            timeout=timedelta(seconds=MEET_TIMEOUT_S),
        )  # fmt: skip

    def tell(self, key: str, value: str) -> None:
        """Write a word that every rank can read."""
        self._store.set(key, value)


@dataclass
class Place:
    """A rank's place in its generation."""

    rank: int
    ranks: int
    device: torch.device
    store: group.TCPStore | None = None
    _looked: float = 0.0

    @property
    def is_joined(self) -> bool:
        """Whether it learns in a group, and not alone."""
        return self.store is not None

    def check_driver(self) -> None:
        """Raise when the driver is gone; asks about once a second."""
        now = time.monotonic()
        if self.store is None or now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        try:
            self.store.check(["going"])
        except RuntimeError:
            raise RunFailed("The notebook that led this training is gone; train again to go on.") from None

    def gather(self, row: torch.Tensor) -> list[torch.Tensor]:
        """Give every rank's row, in the ranks' order; rows are alike in shape and type."""
        if self.store is None:
            return [row.cpu()]
        mine = row.to(self.device)
        rows = [torch.empty_like(mine) for _ in range(self.ranks)]
        group.all_gather(rows, mine)
        return [one.cpu() for one in rows]


@contextmanager
def joined(port: int, rank: int, ranks: int, device: torch.device) -> Iterator[Place]:
    """Be a rank of a generation for a block: nccl on a GPU, gloo on a CPU."""
    # Without a named interface both look up the host's name, which a sandbox does not know.
    os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = "lo"
    timeout = timedelta(seconds=MEET_TIMEOUT_S)
    store = group.TCPStore(LOOPBACK, port, is_master=False, timeout=timeout)
    backend = "nccl" if device.type == "cuda" else "gloo"
    group.init_process_group(
        backend, store=group.PrefixStore("ranks", store), rank=rank, world_size=ranks,
        timeout=timedelta(seconds=SILENCE_TIMEOUT_S),
    )  # fmt: skip
    try:
        yield Place(rank, ranks, device, store)
    finally:
        group.destroy_process_group()
