"""Which GPUs this machine has, asked without touching CUDA.

Creating a CUDA context before a cluster starts pins every worker to GPU 0 (dask-cuda issues 721 and 867), so
the question goes to NVML.

Runs in: kernel
"""

from __future__ import annotations

import importlib
import os


def gpu_count() -> int:
    """Give how many GPUs this process may use; 0 where there is no driver or NVML is not installed."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return 0
    try:
        nvml.nvmlInit()
        return int(nvml.nvmlDeviceGetCount())
    except nvml.NVMLError:
        return 0


def cpu_count() -> int:
    """Give how many CPU cores this process may run on."""
    return len(os.sched_getaffinity(0))
