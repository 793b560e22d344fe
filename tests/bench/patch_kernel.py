"""One of many kernels that read random patches at the same time: told on its standard input how and for how long.

`python patch_kernel.py FOLDER SEED`; each line of input is `READER SECONDS`, each line of output the latencies as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

import workbench as wb
from workbench.connection import SOCKET_VARIABLE
from workbench.settings import SOCKET_NAME

EDGE = 96


def main(folder: Path, seed: int) -> None:
    """Read until the input ends."""
    import zarr

    from workbench.data.local import LocalVolume

    rng = np.random.default_rng(seed)
    socket, volume = os.environ[SOCKET_VARIABLE], wb.dataset("bench-ct").volume("S0001")
    readers = {
        "arena": volume, "http": volume, "mmap": LocalVolume(folder / "0"),
        "zarr": zarr.open_array(folder / "0", mode="r"),
    }  # fmt: skip
    inside = folder / "inside" / SOCKET_NAME
    link = inside if inside.is_symlink() else folder / SOCKET_NAME
    print("ready", flush=True)
    for order in sys.stdin:
        name, seconds = order.split()
        # Beside the link lies no second socket, so the same volume is read over HTTP.
        os.environ[SOCKET_VARIABLE] = str(link) if name == "http" else socket
        begin_s, cpu_s, latencies = time.perf_counter(), time.process_time(), []
        while time.perf_counter() - begin_s < float(seconds):
            starts = [int(rng.integers(0, n - EDGE)) for n in volume.shape]
            window = tuple(slice(at, at + EDGE) for at in starts)
            before = time.perf_counter()
            readers[name][window]
            latencies.append(time.perf_counter() - before)
        print(json.dumps({"latencies": latencies, "cpu_s": time.process_time() - cpu_s}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
