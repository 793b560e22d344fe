"""A few large arrays used again and again: a fresh one costs more in page faults than the arithmetic that fills it.

Runs in: anywhere
"""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from workbench.errors import InvalidInput

GROUP_MEMORY = Path("/sys/fs/cgroup")
MEMORY = Path("/proc/meminfo")
OWN_MEMORY = Path("/proc/self/statm")


class BufferPool:
    """Arrays kept for the next call of the same or a smaller size.

    Parameters
    ----------
    most_bytes : int, default 2 GiB
        What the pool keeps at most while nobody uses it; the oldest goes first.

    Examples
    --------
    >>> pool = BufferPool()
    >>> with pool.lent((2, 3, 4), "float32") as grey:
    ...     grey[:] = 0
    >>> pool.kept_bytes
    96
    """

    def __init__(self, most_bytes: int = 2 * 2**30) -> None:
        self._most_bytes = most_bytes
        self._kept: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()

    @property
    def kept_bytes(self) -> int:
        """What the pool keeps now, bytes."""
        with self._lock:
            return sum(block.nbytes for block in self._kept)

    @contextmanager
    def lent(self, shape: Sequence[int], dtype: DTypeLike) -> Iterator[NDArray[Any]]:
        """Lend an array, its values undefined; after the block it must not be used any more.

        Raises
        ------
        InvalidInput
            When there is not enough memory for it.
        """
        kind = np.dtype(dtype)
        size = prod(shape) * kind.itemsize
        block = self._taken(size)
        try:
            yield block[:size].view(kind).reshape(tuple(shape))
        finally:
            self._give_back(block)

    def clear(self) -> None:
        """Forget every array, so that its memory goes back to the machine."""
        with self._lock:
            self._kept.clear()

    def _taken(self, size: int) -> NDArray[np.uint8]:
        with self._lock:
            fitting = [block for block in self._kept if size <= block.nbytes <= 2 * size + 4096]
            if fitting:
                best = min(fitting, key=lambda block: block.nbytes)
                self._kept = [block for block in self._kept if block is not best]
                return best
        check_memory(size, "This buffer")
        return np.empty(size, np.uint8)

    def _give_back(self, block: NDArray[np.uint8]) -> None:
        with self._lock:
            self._kept.append(block)
            while sum(kept.nbytes for kept in self._kept) > self._most_bytes:
                self._kept.pop(0)


def check_memory(needed_bytes: int, what: str) -> None:
    """Refuse what does not fit into the memory that is free.

    Raises
    ------
    InvalidInput
        When it does not; the message begins with `what`.
    """
    free = free_memory_bytes()
    if needed_bytes > free:
        raise InvalidInput(
            f"{what} would take {needed_bytes / 2**30:.1f} GiB and {free / 2**30:.1f} GiB of memory are free; "
            "choose a coarser spacing, a smaller part of the scan, or a machine with more memory."
        )


def free_memory_bytes() -> int:
    """Give the memory this process may still take: of the machine, of its control group and by its own limit, bytes."""
    free = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    if MEMORY.exists():
        words = dict(line.split(":", 1) for line in MEMORY.read_text().splitlines() if ":" in line)
        if "MemAvailable" in words:
            free.append(int(words["MemAvailable"].split()[0]) * 1024)
    limit, used = GROUP_MEMORY / "memory.max", GROUP_MEMORY / "memory.current"
    if limit.exists() and used.exists() and (most := limit.read_text().strip()).isdigit():
        free.append(max(0, int(most) - int(used.read_text())))
    own, _ = resource.getrlimit(resource.RLIMIT_AS)
    if own != resource.RLIM_INFINITY:
        taken = int(OWN_MEMORY.read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE") if OWN_MEMORY.exists() else 0
        free.append(max(0, own - taken))
    return min(free)
