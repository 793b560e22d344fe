"""Shared memory that one kernel connection may read and nobody but the gateway can write.

It belongs to one connection for its whole life and is never handed on: whoever kept a descriptor of it would go on
reading, so zeroing alone would not part two people.

Runs in: gateway
Source: memfd_create(2), fcntl(2) (file seals).
"""

from __future__ import annotations

import fcntl
import mmap
import os
import threading
import time
from collections.abc import Callable

import numpy as np

from workbench.data.block_wire import (
    ARENA_BYTES,
    HEADER_BYTES,
    SEALS,
    SLOT_BYTES,
    SLOTS,
    slot_start,
)

# Fills the room it is given and says how many bytes of it.
Fill = Callable[[memoryview], int]


class Arena:
    """A sealed memfd of two slots, written through a mapping that was made before the seals.

    Attributes
    ----------
    descriptor : int
        To be passed on once; `hand_over` closes it here.
    """

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self.descriptor, ARENA_BYTES)
            self._memory = memoryview(mmap.mmap(self.descriptor, ARENA_BYTES))
            # An unsealed memfd can be opened again for writing through /proc, by whoever holds it.
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, SEALS)
        except OSError:
            self.hand_over()
            raise
        self._words = np.frombuffer(self._memory[:HEADER_BYTES], np.uint64)
        self._lock = threading.Lock()
        self._held: list[tuple[int, float, int] | None] = [None] * SLOTS

    def hand_over(self) -> None:
        """Close the descriptor, which the kernel now has; the mapping stays."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def fill(self, slot: int, known: int, fill: Fill) -> int:
        """Have a slot filled and give the generation under which it may be read.

        Parameters
        ----------
        slot : int
            Which.
        known : int
            The number of the store's changes on which the permission rests; see `wipe_older`.
        fill : callable
            Given the slot's memory; what it raises leaves the slot empty.
        """
        start = slot_start(slot)
        with self._lock:
            self._words[slot] += np.uint64(1)
            room = self._memory[start : start + SLOT_BYTES]
            before = self._held[slot]
            try:
                filled = fill(room)
            except BaseException:
                self._held[slot] = (0, 0.0, SLOT_BYTES)
                self._zero(slot)
                raise
            # What was asked for before may not stay behind what is asked for now.
            if before is not None and before[2] > filled:
                room[filled : before[2]] = bytes(before[2] - filled)
            self._held[slot] = (known, time.monotonic(), filled)
            self._words[slot] += np.uint64(1)
            return int(self._words[slot])

    def wipe(self) -> None:
        """Zero what the slots hold; whoever decodes it notices by their words."""
        self._wipe(lambda _known, _filled: True)

    def wipe_older(self, known: int, before: float) -> None:
        """Zero what was given by another state of the store than `known`, or earlier than a moment (monotonic, s)."""
        if any(self._held):
            self._wipe(lambda held, filled: held != known or filled < before)

    def is_empty(self) -> bool:
        """Whether no slot holds anything."""
        return not any(self._held)

    def _wipe(self, is_meant: Callable[[int, float], bool]) -> None:
        with self._lock:
            for slot, held in enumerate(self._held):
                if held is not None and is_meant(held[0], held[1]):
                    self._words[slot] += np.uint64(1)
                    self._zero(slot)

    def _zero(self, slot: int) -> None:
        """Zero a slot whose word is odd, and make it even."""
        start, held = slot_start(slot), self._held[slot]
        if held is not None:
            self._memory[start : start + held[2]] = bytes(held[2])
        self._held[slot] = None
        self._words[slot] += np.uint64(1)
