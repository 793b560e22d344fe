"""Reading a governed 512×512×300 volume (157 MB) through the gateway, beside readers of unencrypted local files.

One interleaved run: the arena, HTTP ranges, our own mmap reader on local files, zarr-python, tensorstore and h5py; then
many kernels at once. CPU seconds are those of the reading process and, where it takes part, the gateway.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.data.local import LocalVolume
from workbench.governance.sandbox import bwrap_command, isolation_level, sandbox_environment
from workbench.jupyter.governed import kernel_limits
from workbench.settings import SOCKET_NAME, Settings, load_settings

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import begin, lines_of, scan_facts, send

SHAPE = (300, 512, 512)
ROUNDS = 7
PATCHES = 60
EDGE = 96
KERNELS = 20
TOGETHER_S = 5.0
PEERS = {
    "mmap": "own mmap reader, local", "http": "HTTP ranges", "zarr": "zarr-python, local",
    "tensorstore": "tensorstore, local", "h5py": "h5py gzip, local",
}  # fmt: skip

Read = Callable[[Any], NDArray[np.int16]]
EVERYTHING = (slice(None),) * 3


def run() -> list[dict[str, Any]]:
    """Measure, interleaved, and give the rows."""
    voxels = chest_like(SHAPE)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        settings = load_settings(Path(folder) / "home")
        with running_gateway(settings), lines_of(settings) as lines:
            facts = scan_facts(voxels, 1)
            begun = begin(lines.operator(), "bench-ct", "open")
            send(lines.operator(), begun["ingest"], voxels, facts)
            lines.operator().post(f"/v1/ingests/{begun['ingest']}/commit", {"scans": [facts]})
            line = lines.kernel("researcher", "none")
            os.environ |= {SOCKET_VARIABLE: str(settings.socket), TOKEN_VARIABLE: line.token}
            copies = _copies(line, Path(folder) / "copies", voxels, settings)
            gateway = _gateway_process(settings)
            readers = _readers(copies, settings)
            rows = [*_volume_rows(readers, voxels, gateway), *_patch_rows(readers, gateway), *_slice_rows(line)]
            rows += _together_rows(lines, copies, gateway)
        # Its files may go only when the gateway is gone, which it notices itself.
        deadline = time.monotonic() + 30
        while settings.socket.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return rows


def chest_like(shape: tuple[int, int, int]) -> NDArray[np.int16]:
    """Give a body in air with noise, which compresses about as a chest CT does (157 MB to some 60 MB)."""
    rng = np.random.default_rng(7)
    z, y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    radius = (y[:, None] / 0.72) ** 2 + (x[None, :] / 0.9) ** 2
    plane = np.where(radius < 1, np.where(radius < 0.55, -850, 40), -1024).astype(np.float32)
    voxels = np.empty(shape, dtype=np.int16)
    for index, height in enumerate(z):
        wave = 60 * np.sin(9 * x[None, :] + 5 * height) * np.cos(7 * y[:, None])
        noise = rng.normal(0, 11, plane.shape).astype(np.float32)
        voxels[index] = np.where(plane > -1000, plane + wave + noise, -1024)
    return voxels


def _readers(copies: Path, settings: Settings) -> dict[str, Read]:
    """Give the readers, each a function from a window to voxels."""
    import h5py
    import tensorstore

    volume, local = wb.dataset("bench-ct").volume("S0001"), LocalVolume(copies / "0")
    array = zarr.open_array(copies / "0", mode="r")
    place = {"driver": "file", "path": str(copies / "0")}
    store = tensorstore.open({"driver": "zarr3", "kvstore": place}).result()
    file = h5py.File(copies / "copy.h5", "r")["voxels"]

    def over_http(window: Any) -> NDArray[np.int16]:
        # Beside this link lies no second socket, so the same volume is read over HTTP.
        os.environ[SOCKET_VARIABLE] = str(copies / SOCKET_NAME)
        try:
            return volume[window]
        finally:
            os.environ[SOCKET_VARIABLE] = str(settings.socket)

    # In a thread of its own, so that the arena's connection stays open beside it.
    other = ThreadPoolExecutor(1)
    return {
        "arena": lambda window: volume[window],
        "mmap": lambda window: local[window],
        "http": lambda window: other.submit(over_http, window).result(),
        "zarr": lambda window: array[window],
        "tensorstore": lambda window: store[window].read().result(),
        "h5py": lambda window: file[window],
    }


def _volume_rows(readers: dict[str, Read], voxels: NDArray[np.int16], gateway: int) -> Iterator[dict[str, Any]]:
    for name, read in readers.items():
        if not np.array_equal(read(EVERYTHING), voxels):
            raise ValueError(f"{name} gives other voxels")
    yield from _rows("volume 157 MB", _interleaved(readers, [EVERYTHING] * ROUNDS, gateway))


def _patch_rows(readers: dict[str, Read], gateway: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(11)
    starts = [[int(rng.integers(0, n - EDGE)) for n in SHAPE] for _ in range(PATCHES)]
    windows = [tuple(slice(at, at + EDGE) for at in start) for start in starts]
    yield from _rows("random 96³ patch, p50", _interleaved(readers, windows, gateway))


def _interleaved(readers: dict[str, Read], windows: list[Any], gateway: int) -> dict[str, tuple[float, float]]:
    """Give (median ms, mean CPU ms) of each reader over the same windows, in another order each round.

    The order is drawn: in one that turns, each reader would always find the caches as the same other one left them.
    """
    walls: dict[str, list[float]] = {name: [] for name in readers}
    cpus: dict[str, float] = dict.fromkeys(readers, 0.0)
    orders = np.random.default_rng(13)
    for window in windows:
        for name in orders.permutation(list(readers)).tolist():
            cpu_s, begin_s = _cpu_s(gateway), time.perf_counter()
            readers[name](window)
            walls[name].append((time.perf_counter() - begin_s) * 1000)
            cpus[name] += (_cpu_s(gateway) - cpu_s) * 1000
    return {name: (median(walls[name]), cpus[name] / len(windows)) for name in readers}


def _rows(subject: str, found: dict[str, tuple[float, float]]) -> Iterator[dict[str, Any]]:
    for at, (what, unit) in enumerate((("", "ms"), (", CPU", "CPU ms"))):
        for peer, label in PEERS.items():
            yield _row(subject + what, unit, found["arena"][at], label, found[peer][at])


def _slice_rows(line: Any) -> list[dict[str, Any]]:
    view = line.post("/v1/views", {"dataset": "bench-ct", "scan": "S0001"})["view"]
    planes = (("axial", SHAPE[0]), ("coronal", SHAPE[1]), ("sagittal", SHAPE[2]))
    # The first slice of a layer of chunks decodes the layer; its neighbour finds it decoded.
    firsts = [(plane, index) for plane, size in planes for index in range(0, size - 32, 64)]

    def fetch(plane: str, index: int) -> float:
        begin_s = time.perf_counter()
        line.request("GET", f"/v1/views/{view}/slices/{plane}/{index}")
        return (time.perf_counter() - begin_s) * 1000

    pairs = [(fetch(plane, index), fetch(plane, index + 1)) for plane, index in firsts]
    return [
        _row("slice, first of a layer", "ms", median(cold for cold, _ in pairs)),
        _row("slice, next", "ms", median(warm for _, warm in pairs)),
    ]


def _together_rows(lines: Any, copies: Path, gateway: int) -> Iterator[dict[str, Any]]:
    """Have many kernels read patches at once, each way for some seconds."""
    with contextlib.ExitStack() as held:
        kernels = [held.enter_context(_kernel(lines, copies, number)) for number in range(KERNELS)]
        for kernel in kernels:
            kernel.stdout.readline()
        found = {name: _together(kernels, name, gateway) for name in ("arena", "mmap", "http", "zarr")}
    subject = f"{KERNELS} kernels, 96³ patches"
    for what, unit in (
        ("", "patches/s"),
        (", p50", "ms"),
        (", p99", "ms"),
        (", CPU", "CPU ms/patch"),
        (", fairness", "least/most"),
    ):
        for peer in ("mmap", "http", "zarr"):
            yield _row(subject + what, unit, found["arena"][unit + what], PEERS[peer], found[peer][unit + what])


def _together(kernels: list[Any], name: str, gateway: int) -> dict[str, float]:
    for seconds in (0.5, TOGETHER_S):
        # The first, short time opens connections and files.
        cpu_s = _cpu_s(gateway, own=False)
        for kernel in kernels:
            kernel.stdin.write(f"{name} {seconds}\n")
            kernel.stdin.flush()
        told = [json.loads(kernel.stdout.readline()) for kernel in kernels]
        cpu_s = _cpu_s(gateway, own=False) - cpu_s
    counts = [len(one["latencies"]) for one in told]
    latencies = np.concatenate([one["latencies"] for one in told]) * 1000
    spent_s = cpu_s + sum(one["cpu_s"] for one in told)
    return {
        "patches/s": sum(counts) / TOGETHER_S, "ms, p50": float(np.percentile(latencies, 50)),
        "ms, p99": float(np.percentile(latencies, 99)), "CPU ms/patch, CPU": spent_s * 1000 / sum(counts),
        "least/most, fairness": min(counts) / max(counts),
    }  # fmt: skip


@contextlib.contextmanager
def _kernel(lines: Any, copies: Path, number: int) -> Iterator[Any]:
    """Have a process that reads on request, in the sandbox of a kernel where there is one."""
    home, isolation = lines.settings, isolation_level()
    token = lines.kernel("researcher", isolation).token
    script, words = Path(__file__).with_name("patch_kernel.py"), [str(copies), str(number)]
    command, folder = [sys.executable, str(script), *words], home.gateway_folder
    if isolation != "none":
        folder = Path("/run/workbench")
        command = bwrap_command(
            [sys.executable, "/bench/patch_kernel.py", "/copies", str(number)],
            read_only={str(folder): home.gateway_folder, "/bench": script.parent, "/copies": copies},
            hidden=(home.home,), limits=kernel_limits(home),
        )  # fmt: skip
    environment = sandbox_environment({SOCKET_VARIABLE: str(folder / SOCKET_NAME), TOKEN_VARIABLE: token})
    process = subprocess.Popen(
        command, env=environment, cwd="/", text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    try:
        yield process
    finally:
        process.communicate(timeout=60)


def _copies(line: Any, folder: Path, voxels: NDArray[np.int16], settings: Settings) -> Path:
    """Write the scan's own keys, unencrypted, and an HDF5 file with the same chunks to local disk."""
    import h5py

    volume = wb.dataset("bench-ct").volume("S0001")
    for key in ("zarr.json", "c/0/0/0"):
        (folder / "0" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "0" / key).write_bytes(line.request("GET", volume.url(f"0/{key}"))[2])
    with h5py.File(folder / "copy.h5", "w") as file:
        file.create_dataset("voxels", data=voxels, chunks=(32, 32, 32), compression="gzip")
    # A sandbox sees the gateway's folder at one place of its own, everybody else where it is.
    inside = isolation_level() != "none"
    (folder / SOCKET_NAME).symlink_to(settings.socket)
    if inside:
        (folder / "inside").mkdir()
        (folder / "inside" / SOCKET_NAME).symlink_to(f"/run/workbench/{SOCKET_NAME}")
    return folder


def _gateway_process(settings: Settings) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(settings.socket))
        return int(struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


def _cpu_s(gateway: int, *, own: bool = True) -> float:
    """Give the CPU seconds that the gateway, and this process, have used so far."""
    spent_ns = 0
    for task in Path(f"/proc/{gateway}/task").iterdir():
        with contextlib.suppress(OSError):
            spent_ns += int((task / "schedstat").read_text().split()[0])
    return spent_ns / 1e9 + (time.process_time() if own else 0.0)


def _row(
    subject: str, unit: str, value: float, peer: str | None = None, peer_value: float | None = None
) -> dict[str, Any]:
    return {
        "bench": "gateway", "subject": subject, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value,
        "ratio": None if peer_value is None else value / peer_value,
    }  # fmt: skip
