"""A Jupyter-first research workbench for AI in health: thirteen public names, each loaded on first use.

Importing this package pulls in no torch, dask, zarr or widget library.

Runs in: anywhere
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.airlock.offering import offer
    from workbench.benchmark.task import task, tasks
    from workbench.compute.cluster import cluster
    from workbench.compute.training import train
    from workbench.data.catalogue import dataset, datasets, whoami
    from workbench.errors import WorkbenchError
    from workbench.viewer.cine import cine
    from workbench.viewer.contact_sheet import contact_sheet
    from workbench.viewer.snapshot import snapshot
    from workbench.viewer.view import view

__version__ = "0.1.0"
__all__ = [
    "WorkbenchError", "cine", "cluster", "contact_sheet", "dataset", "datasets", "offer", "snapshot", "task", "tasks",
    "train", "view", "whoami",
]  # fmt: skip

_HOMES = {
    "WorkbenchError": "workbench.errors",
    "cine": "workbench.viewer.cine",
    "cluster": "workbench.compute.cluster",
    "contact_sheet": "workbench.viewer.contact_sheet",
    "dataset": "workbench.data.catalogue",
    "datasets": "workbench.data.catalogue",
    "offer": "workbench.airlock.offering",
    "snapshot": "workbench.viewer.snapshot",
    "task": "workbench.benchmark.task",
    "tasks": "workbench.benchmark.task",
    "train": "workbench.compute.training",
    "view": "workbench.viewer.view",
    "whoami": "workbench.data.catalogue",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
