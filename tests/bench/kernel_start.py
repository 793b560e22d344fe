"""Starting a governed kernel, from the request to its first answer, beside ipykernel's own kernel."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from jupyter_client.manager import start_new_kernel

from workbench.connection import running_gateway
from workbench.settings import load_settings

ROUNDS = 5


def run() -> list[dict[str, Any]]:
    """Measure both in turn and give the row."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["WORKBENCH_HOME"] = str(Path(folder) / "home")
        with running_gateway(load_settings()):
            pairs = [(_start_s("workbench-python"), _start_s("python3")) for _ in range(ROUNDS)]
    governed, plain = (median(times) for times in zip(*pairs, strict=True))
    return [
        {"bench": "kernel", "subject": "governed kernel, start to answer", "value": governed, "unit": "s",
         "peer": "ipykernel, not isolated", "peer_value": plain, "ratio": governed / plain}
    ]  # fmt: skip


def _start_s(kernel: str) -> float:
    started = time.perf_counter()
    manager, client = start_new_kernel(kernel_name=kernel, startup_timeout=60)
    try:
        client.execute_interactive("1", timeout=60, output_hook=lambda message: None)
        return time.perf_counter() - started
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
