"""Say which GPU is there, or that there is none: exit code 0 or 3."""

from __future__ import annotations

import importlib
import platform
import sys


def main() -> int:
    """Tell the GPU with the versions that matter."""
    told = [f"Python {platform.python_version()}"]
    for name in ("torch", "cupy", "numpy"):
        try:
            told.append(f"{name} {importlib.import_module(name).__version__}")
        except ImportError:
            told.append(f"no {name}")
    sys.stdout.write(", ".join(told) + "\n")
    gpu = name_of_gpu()
    if not gpu:
        sys.stdout.write("No GPU is found here that torch and cupy can use: nothing was run, and nothing is claimed.\n")
        return 3
    sys.stdout.write(f"GPU: {gpu}\n")
    return 0


def name_of_gpu() -> str:
    """Give the name of the first GPU that both torch and cupy can use, or nothing."""
    try:
        import cupy
        import torch

        if torch.cuda.is_available() and cupy.cuda.runtime.getDeviceCount():
            return f"{torch.cuda.get_device_name(0)}, {torch.cuda.mem_get_info(0)[1] / 2**30:.0f} GiB"
    except Exception as problem:
        sys.stdout.write(f"{type(problem).__name__}: {problem}\n")
    return ""


if __name__ == "__main__":
    sys.exit(main())
