"""A Dask-CUDA cluster starts inside the kernel's sandbox, with one worker for each GPU."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.compute.devices import gpu_count

sys.path.insert(0, str(Path(__file__).parent))
from sandboxes import run_inside


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Give what a cluster in a sandbox says of itself, started once."""
    if not gpu_count():
        pytest.skip("no GPU on this machine")
    for package in ("dask_cuda", "distributed", "torch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return run_inside("sandboxed_cluster.py")


def test_a_cluster_of_gpus_starts_in_the_sandbox_and_computes_on_them(told: dict[str, Any]) -> None:
    assert (told["kind"], told["workers"]) == ("gpu", 1)
    assert {answer["device"] for answer in told["answers"]} == {"cuda"}
    assert [answer["sum"] for answer in told["answers"]] == [256.0**3 * n * n for n in (1, 2, 3, 4)]
