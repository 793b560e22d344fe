"""Which of a notebook's variables a stage changed, also in ways that its source does not show.

`loss = model.fit(x)`, `train(model, scans)` and a function that fills a table of the notebook all change a value that
the cell does not bind. So every variable that can be stored is digested before the stage and after it.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
import importlib
import io
import pickle
import re
import sys
from collections.abc import Callable, Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, cast

# How values that were not made to be stored say so.
UNSTORABLE = (
    pickle.PickleError, TypeError, AttributeError, ValueError, RuntimeError, ImportError, LookupError, OSError,
    EOFError,
)  # fmt: skip
# What IPython itself puts among the variables.
OF_THE_SHELL = re.compile(r"_+|_[iod]h|_i+|_i?\d+|__.*__|In|Out|exit|quit|get_ipython|open")
# What is defined rather than computed: its cell, which every later run goes through, makes it again.
DEFINED = (ModuleType, FunctionType, BuiltinFunctionType, type)
_before: dict[str, str | None] = {}


def watch(names: Mapping[str, Any]) -> None:
    """Remember what every variable is now."""
    _before.clear()
    _before.update({name: _digest(value, names) for name, value in _values(names).items()})


def changed_values(names: Mapping[str, Any]) -> dict[str, Any]:
    """Give the variables that are new or another since `watch`, less those that cannot be stored."""
    digests = {name: _digest(value, names) for name, value in _values(names).items()}
    return {name: names[name] for name, digest in digests.items() if digest is not None and digest != _before.get(name)}


def _values(names: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in names.items()
        if not OF_THE_SHELL.fullmatch(name) and not isinstance(value, DEFINED)
    }


def store(content: object, file: Any, names: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
    """Write values to a file; what the notebook defines itself, and the stage did not, is named instead of copied.

    Parameters
    ----------
    content : object
        What to write.
    file : binary file
        Where to.
    names : mapping
        The notebook's variables.
    kept : mapping
        Those that are written by value whatever they are.
    """
    home = sys.modules.get("__main__")
    pickler_class: Any = importlib.import_module("cloudpickle").Pickler

    class Pickler(pickler_class):
        def persistent_id(self, value: Any) -> str | None:
            if not isinstance(value, FunctionType | type) or value.__module__ != getattr(home, "__name__", None):
                return None
            name = value.__qualname__
            return name if names.get(name) is value and name not in kept else None

    Pickler(file, protocol=5).dump(content)


def read(content: bytes, names: Mapping[str, Any]) -> Any:
    """Give what `store` wrote; what it named is taken from the notebook's variables.

    Raises
    ------
    LookupError
        When the notebook does not define it any more.
    """

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Any:
            return names[pid]

    # The file lies in the person's own workspace, and its digest in the home was compared.
    return Unpickler(io.BytesIO(content)).load()


class Hashed(io.RawIOBase):
    """A file that knows the digest and the size of what was written to it, and passes it on."""

    def __init__(self, write: Callable[[Any], object] = lambda block: None) -> None:
        self._pass_on = write
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        """Say yes."""
        return True

    def write(self, block: Any) -> int:
        """Take a block."""
        size = memoryview(block).nbytes
        self.size += size
        self.digest.update(block)
        self._pass_on(block)
        return size


def _digest(value: object, names: Mapping[str, Any]) -> str | None:
    """Give the digest of a value as it would be stored; None when it cannot be."""
    hashed = Hashed()
    try:
        store(value, cast("Any", hashed), names, {})
    except UNSTORABLE:
        return None
    return hashed.digest.hexdigest()
