"""Reading a governed 512×512×300 volume through the gateway, beside zarr-python on the same keys from local disk."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import begin, lines_of, scan_facts, send

SHAPE = (300, 512, 512)
ROUNDS = 7
PATCHES = 60
EDGE = 96


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
            volume = wb.dataset("bench-ct").volume("S0001")
            peer = zarr.open_array(_copy(line, volume, Path(folder) / "copy.zarr"), mode="r")
            return [*_volume_rows(volume, peer, voxels), *_patch_rows(volume, peer), *_slice_rows(line)]


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


def _volume_rows(volume: Any, peer: Any, voxels: NDArray[np.int16]) -> list[dict[str, Any]]:
    if not np.array_equal(volume.read(), voxels) or not np.array_equal(peer[:], voxels):
        raise ValueError("the two readers do not agree")
    ours, theirs = _interleaved(lambda _: volume.read(), lambda _: peer[:], range(ROUNDS))
    return [_row("volume 512×512×300", "ms", ours, theirs)]


def _patch_rows(volume: Any, peer: Any) -> list[dict[str, Any]]:
    rng = np.random.default_rng(11)
    starts = [[int(rng.integers(0, n - EDGE)) for n in SHAPE] for _ in range(PATCHES)]
    windows = [tuple(slice(at, at + EDGE) for at in start) for start in starts]
    ours, theirs = _interleaved(lambda window: volume[window], lambda window: peer[window], windows)
    return [_row("random 96³ patch, p50", "ms", ours, theirs)]


def _slice_rows(line: Any) -> list[dict[str, Any]]:
    view = line.post("/v1/views", {"dataset": "bench-ct", "scan": "S0001"})["view"]
    planes = (("axial", SHAPE[0]), ("coronal", SHAPE[1]), ("sagittal", SHAPE[2]))
    # The first slice of a layer of chunks decodes the layer; its neighbour finds it decoded.
    firsts = [(plane, index) for plane, size in planes for index in range(0, size - 32, 64)]

    def fetch(place: tuple[str, int]) -> None:
        line.request("GET", f"/v1/views/{view}/slices/{place[0]}/{place[1]}")

    pairs = [(_timed(fetch, (plane, index)), _timed(fetch, (plane, index + 1))) for plane, index in firsts]
    return [
        _row("slice, first of a layer", "ms", median(cold for cold, _ in pairs)),
        _row("slice, next", "ms", median(warm for _, warm in pairs)),
    ]


def _interleaved(ours: Callable[[Any], Any], theirs: Callable[[Any], Any], rounds: Any) -> tuple[float, float]:
    pairs = [(_timed(ours, one), _timed(theirs, one)) for one in rounds]
    return median(a for a, _ in pairs), median(b for _, b in pairs)


def _timed(read: Callable[[Any], Any], what: Any) -> float:
    begin_s = time.perf_counter()
    read(what)
    return (time.perf_counter() - begin_s) * 1000


def _copy(line: Any, volume: Any, folder: Path) -> Path:
    """Write the scan's own keys to local disk, unencrypted, for the peer."""
    for key in ("zarr.json", "c/0/0/0"):
        data = line.request("GET", f"/v1/datasets/{volume.dataset}/scans/{volume.scan}/zarr/0/{key}")[2]
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)
    return folder


def _row(subject: str, unit: str, value: float, peer: float | None = None) -> dict[str, Any]:
    return {
        "bench": "gateway", "subject": subject, "value": value, "unit": unit,
        "peer": None if peer is None else "zarr-python, local disk", "peer_value": peer,
        "ratio": None if peer is None else value / peer,
    }  # fmt: skip
