"""Preparing a 512×512×300 CT: CPU seconds, memory and HU beside torch, SimpleITK, scipy, skimage, MONAI, TorchIO, cc3d.

Every subject has a process of its own with one thread, and the calls go round among the subjects of a step. The first
call of each is not counted in the seconds, and is in the memory. Peers of many seconds a call are called fewer times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from compute_subjects import EDGE, NEW, PATCHES, SPACING, SUBJECTS, scan_like  # noqa: E402 - needs the line before

ROUNDS = 5
# A call of these takes ten seconds or more; what came out is in the table as often as it was called.
SLOW = {("cubic", "SimpleITK"): 1, ("cubic", "skimage"): 1, ("cubic", "scipy"): 1, ("three steps", "MONAI"): 3}
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
MIB = 2**20
Row = dict[str, Any]


class Subject:
    """A process that does one thing each time it is told to."""

    def __init__(self, step: str, name: str, file: Path) -> None:
        self.step, self.name, self.rounds = step, name, SLOW.get((step, name), ROUNDS)
        self.seconds: list[float] = []
        self.memory_bytes = 0
        self._process = subprocess.Popen(
            [sys.executable, HERE / "compute_subjects.py", step, name, file],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=os.environ | ONE_THREAD,
        )  # fmt: skip
        self.is_ready = json.loads(self._process.stdout.readline() or "{}").get("ready", False)  # type: ignore[union-attr]

    def call(self) -> None:
        answer = self._answer()
        self.seconds.append(answer["cpu_s"])
        self.memory_bytes = answer["memory_bytes"]

    def warm(self) -> None:
        # A peer that is called once is so slow that what its first call makes ready does not count.
        if self.rounds > 1:
            self.memory_bytes = self._answer()["memory_bytes"]

    def close(self) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(60)
        self._process.stdout.close()  # type: ignore[union-attr]

    def _answer(self) -> dict[str, Any]:
        self._process.stdin.write("go\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        return json.loads(self._process.stdout.readline())  # type: ignore[no-any-return, union-attr]


def run() -> Iterator[Row]:
    """Measure step after step, and give the rows."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "scan.npy"
        np.save(file, scan_like())
        for step in SUBJECTS:
            yield from _step(step, file)
        yield from _scaling(np.load(file))
        yield from _first_call(Path(folder))
    yield from _parity()


def _step(step: str, file: Path) -> Iterator[Row]:
    with ExitStack() as stack:
        started = [stack.enter_context(closing(Subject(step, name, file))) for name in SUBJECTS[step]]
        subjects = [subject for subject in started if subject.is_ready]
        for subject in subjects:
            subject.warm()
        for turn in range(ROUNDS):
            for subject in subjects:
                if turn < subject.rounds:
                    subject.call()
    if step == "floor":
        for subject in subjects:
            yield _row(subject.name, "GB/s", 300 * 512 * 512 * 2 / median(subject.seconds) / 1e9)
        return
    ours = subjects[0]
    for peer in subjects[1:]:
        times = "" if peer.rounds == ROUNDS else f" ({peer.rounds}×)"
        yield _row(step, "CPU s", median(ours.seconds), peer.name + times, median(peer.seconds))
    for peer in subjects[1:]:
        yield _row(f"{step}, peak memory", "MiB", ours.memory_bytes / MIB, peer.name, peer.memory_bytes / MIB)


def _scaling(volume: Any) -> Iterator[Row]:
    from workbench.imaging.lung_mask import lung_mask
    from workbench.imaging.patches import cut_patches
    from workbench.imaging.resampling import resample, resampled_grid
    from workbench.imaging.windowing import window_hu

    made = np.zeros(resampled_grid(volume.shape, SPACING, NEW).shape, np.int16)
    grey, mask = np.zeros(volume.shape, np.float32), np.zeros(volume.shape, bool)
    boxes = np.zeros((PATCHES // 4, EDGE, EDGE, EDGE), np.int16)
    starts = np.random.default_rng(3).integers(0, 200, (len(boxes), 3))
    jobs = {
        "linear": lambda n: resample(volume, SPACING, NEW, out=made, threads=n),
        "cubic": lambda n: resample(volume, SPACING, NEW, order="cubic", out=made, threads=n),
        "window": lambda n: window_hu(volume, "lung", out=grey, threads=n),
        "lung mask": lambda n: lung_mask(volume, SPACING, out=mask, threads=n),
        "150 patches of 96³": lambda n: cut_patches(volume, starts, EDGE, out=boxes, threads=n),
    }
    for name, job in jobs.items():
        times: dict[int, list[float]] = {1: [], 2: []}
        job(1)
        for _ in range(ROUNDS):
            for threads, found in times.items():
                begin_s = time.perf_counter()
                job(threads)
                found.append(time.perf_counter() - begin_s)
        yield _row(f"{name}, 2 threads", "wall s", median(times[2]), "1 thread", median(times[1]))


def _first_call(folder: Path) -> Iterator[Row]:
    """Give the CPU seconds of a first call in a new process: with nothing kept, and with the code kept before."""
    for step in ("linear", "cubic", "window", "lung mask"):
        spent = {}
        for kept in ("off", str(folder / "kept"), str(folder / "kept")):
            done = subprocess.run(
                [sys.executable, HERE / "compute_subjects.py", "first", step],
                env=os.environ | ONE_THREAD | {"WORKBENCH_KERNEL_CACHE": kept}, capture_output=True, text=True,
                check=True,
            )  # fmt: skip
            spent[kept] = float(done.stdout)
        yield _row(f"{step}, first call, code kept", "CPU s", spent[str(folder / "kept")], "compiled", spent["off"])


def _parity() -> Iterator[Row]:
    """Give the largest difference from each oracle, in HU, on a part of the scan."""
    from scipy import ndimage

    from workbench.imaging.resampling import resample, resampled_grid

    part = np.ascontiguousarray(scan_like((60, 96, 112)))
    shapes = {align: resampled_grid(part.shape, SPACING, NEW, align=align) for align in ("physical", "edges")}  # type: ignore[arg-type]
    for order, number, kind in (("linear", 1, "sitkLinear"), ("cubic", 3, "sitkBSpline")):
        ours = {align: resample(part, SPACING, NEW, order=order, align=align, dtype="float32") for align in shapes}  # type: ignore[arg-type]
        for align, grid in shapes.items():
            axes = [a + b * np.arange(n) for n, a, b in zip(grid.shape, grid.first_index, grid.step, strict=True)]
            places, mode = np.meshgrid(*axes, indexing="ij"), "mirror" if align == "physical" else "nearest"
            oracle = ndimage.map_coordinates(part.astype(float), places, order=number, mode=mode)
            yield _row(f"{order}, {align}, worst error", "HU", _worst(ours[align], oracle), "scipy, 0 is equal", None)
        yield from _parity_of_peers(part, ours, order, number, kind)


def _parity_of_peers(part: Any, ours: dict[str, Any], order: str, number: int, kind: str) -> Iterator[Row]:
    oracles: dict[str, tuple[str, Any]] = {}
    try:
        import SimpleITK as itk

        image = itk.GetImageFromArray(part.astype(float))
        image.SetSpacing(SPACING[::-1])
        size = [int(n) for n in ours["physical"].shape[::-1]]
        made = itk.Resample(image, size, itk.Transform(), getattr(itk, kind), image.GetOrigin(), NEW[::-1])
        oracles["SimpleITK"] = ("physical", itk.GetArrayFromImage(made))
        from skimage.transform import resize

        options = {"mode": "edge", "anti_aliasing": False, "clip": False}
        oracles["skimage"] = ("edges", resize(part.astype(float), ours["edges"].shape, order=number, **options))
        import torch

        if order == "linear":
            old = torch.from_numpy(part.astype(float))[None, None]
            grown = torch.nn.functional.interpolate(old, ours["edges"].shape, mode="trilinear", align_corners=False)
            oracles["torch"] = ("edges", grown[0, 0].numpy())
    except ImportError as problem:
        sys.stderr.write(f"no oracle {problem.name}\n")
    for name, (align, oracle) in oracles.items():
        worst = _worst(ours[align], oracle)
        yield _row(f"{order}, {align}, worst error", "HU", worst, f"{name}, 0 is equal", None)


def _worst(ours: Any, oracle: Any) -> float:
    return float(np.abs(ours.astype(float) - oracle).max())


def _row(subject: str, unit: str, value: float, peer: str | None = None, peer_value: float | None = None) -> Row:
    ratio = value / peer_value if peer_value else None
    return {"bench": "compute", "subject": subject, "value": value, "unit": unit, "peer": peer,
            "peer_value": peer_value, "ratio": ratio}  # fmt: skip
