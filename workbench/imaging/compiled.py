"""Compile a loop over voxels to machine code on its first call, and keep the code where that is safe.

A kernel has a few signatures, written down, so that no call compiles one nobody has seen. It holds no lock of Python
while it runs (`nogil`), starts no threads of its own, and needs no writable package folder: in a sandbox whose packages
are read-only it compiles in memory. Where the user's cache folder can be written, the code is kept there for the next
process. Kept code is loaded like a program, so the folder must belong to this user and be closed to others.

Runs in: anywhere
Source: numba's caching (numba.readthedocs.io, Notes on Caching): kept code is found by the source's hash, the function,
the signature and the processor.
"""

from __future__ import annotations

import os
import pickle
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import types

CACHE_VARIABLE = "WORKBENCH_KERNEL_CACHE"
OFF = "off"
_LOCK = threading.RLock()


def array(kind: Any, dimensions: int, *, read_only: bool = False) -> Any:
    """Give the type of a contiguous array for a signature; a read-only one takes writable arrays too."""
    return types.Array(kind, dimensions, "C", readonly=read_only)


class Kernel:
    """A function over arrays, compiled on its first call for each of its named signatures.

    Parameters
    ----------
    function : callable
        Plain Python that numba compiles; it returns nothing or a number.
    signatures : dict of str to numba signature
        Such as `{"int16": types.void(array(types.int16, 3))}`.
    fastmath : bool, default True
        Whether a product and a sum may be one instruction; False keeps numpy's result to the last bit.
    """

    def __init__(self, function: Callable[..., Any], signatures: dict[str, Any], *, fastmath: bool = True) -> None:
        self._function = function
        self._signatures = signatures
        self._fastmath = {"contract", "nsz"} if fastmath else False
        self._ready: dict[str, Callable[..., Any]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the signatures."""
        return tuple(self._signatures)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        """Give the machine code for a signature, compiled now unless it is there."""
        ready = self._ready.get(name)
        if ready is None:
            with _LOCK:
                ready = self._ready.get(name) or self._compile(self._signatures[name])
                self._ready[name] = ready
        return ready

    def _compile(self, signature: Any) -> Callable[..., Any]:
        folder = cache_folder()
        if folder is not None:
            try:
                return self._built(signature, folder)
            except (OSError, EOFError, pickle.UnpicklingError):
                # A full disk or a torn file: the code is made again in memory, and nothing is kept.
                pass
        return self._built(signature, None)

    def _built(self, signature: Any, folder: Path | None) -> Callable[..., Any]:
        # The error model of numpy: a division checks nothing, so that loops become vector instructions.
        options = {"nogil": True, "error_model": "numpy", "fastmath": self._fastmath}
        made: Any = numba.njit(**options)(self._function)
        if folder is not None:
            before = numba.config.CACHE_DIR
            numba.config.CACHE_DIR = str(folder)
            try:
                made.enable_caching()
            finally:
                numba.config.CACHE_DIR = before
        made.compile(signature)
        made.disable_compile()
        result: Callable[..., Any] = made
        return result


def cache_folder() -> Path | None:
    """Give the folder that compiled code is kept in; None when there is none that is this user's alone.

    `WORKBENCH_KERNEL_CACHE` names it, or says `off`; otherwise it is `ai4h-workbench/kernels` in the user's cache
    folder (`XDG_CACHE_HOME`, `~/.cache`).
    """
    named = os.environ.get(CACHE_VARIABLE, "")
    if named == OFF:
        return None
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(named or f"{caches}/ai4h-workbench/kernels").expanduser()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except (OSError, RuntimeError):
        return None
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
    return folder if is_own and os.access(folder, os.W_OK) else None
