"""How `workbench preprocess` scales: 10, 100 and 1,000 small scans on 1 and 2 workers, beside a plain loop.

The scans are so small that what is measured is everything but arithmetic: the gateway's answers, the scheduler, the
writing with fsync. `python tests/bench/preprocess.py` prints the rows; `run.py` collects them with the others.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workbench.compute.preprocessing import preprocess
from workbench.compute.recipe import Recipe
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, running_gateway
from workbench.geometry import Geometry
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compute"))
from prepared_homes import Lines, fill_scans, lines_of

SIZES = (10, 100, 1000)
WORKERS = (1, 2)
SHAPE = (32, 32, 32)
Took = tuple[float, float]
RECIPE = Recipe((1.5, 1.5, 1.5))


def run(sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """Measure in a home of its own: all ways at one size, then the next."""
    took: dict[tuple[str, int], Took] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = load_settings(Path(folder) / "home")
        with running_gateway(settings), lines_of(settings) as lines, in_kernel(lines):
            for size in sizes:
                fill_scans(lines, f"small-{size}", small_scans(size))
                lines.grant("researcher", f"small-{size}")
            loop(sizes[0], Path(folder) / "first")
            for size in sizes:
                place = Path(folder) / f"out-{size}"
                ways: dict[str, Callable[[], None]] = {"loop": partial(loop, size, place)}
                ways |= {f"{workers} workers": partial(prepare, size, workers, place) for workers in WORKERS}
                for way, work in ways.items():
                    took[way, size] = seconds(work)
                    sys.stderr.write(
                        f"{size} scans, {way}: {took[way, size][0]:.1f} s, {took[way, size][1]:.1f} CPU s\n"
                    )
    return rows(took, sizes)


def rows(took: dict[tuple[str, int], Took], sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Give milliseconds a scan beside the plain loop, and what stays when the start of the cluster is taken away."""
    small, large = sizes[-2:]
    further = {
        way: [(b - a) / (large - small) for a, b in zip(took[way, small], took[way, large], strict=True)]
        for way in {way for way, _ in took}
    }
    made = []
    for workers in WORKERS:
        way = f"{workers} workers"
        for size in sizes:
            made.append(row(f"{size} scans, {way}, a scan", took[way, size][0] / size, took["loop", size][0] / size))
        made.append(row(f"each further scan, {way}", further[way][0], further["loop"][0]))
        made.append(row(f"each further scan, {way}, CPU", further[way][1], further["loop"][1]))
        made.append(row(f"overhead a scan, {way}, CPU", further[way][1] - further["loop"][1], None))
        made.append(row(f"start and end, {way}", took[way, small][0] - small * further[way][0], None))
    return made


def row(subject: str, value_s: float, loop_s: float | None) -> dict[str, Any]:
    """Give one row, in ms."""
    return {
        "bench": "preprocess", "subject": subject, "value": value_s * 1000, "unit": "ms",
        "peer": None if loop_s is None else "plain loop", "peer_value": None if loop_s is None else loop_s * 1000,
        "ratio": None if loop_s is None else value_s / loop_s,
    }  # fmt: skip


def small_scans(count: int) -> list[tuple[Any, Geometry]]:
    """Give scans of noise, each another one."""
    grid = Geometry(SHAPE, (2.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    draw = np.random.default_rng(7)
    return [(draw.integers(-1000, 500, SHAPE).astype(np.int16), grid) for _ in range(count)]


@contextmanager
def in_kernel(lines: Lines) -> Iterator[None]:
    """Put this process, and the workers it starts, into a researcher's kernel."""
    os.environ[SOCKET_VARIABLE] = str(lines.settings.socket)
    os.environ[TOKEN_VARIABLE] = lines.kernel("researcher").token
    try:
        yield
    finally:
        del os.environ[SOCKET_VARIABLE], os.environ[TOKEN_VARIABLE]


def prepare(size: int, workers: int, place: Path) -> None:
    """Prepare a dataset on a cluster."""
    place.mkdir(exist_ok=True)
    preprocess(f"small-{size}", RECIPE, f"{workers}-workers", workers=workers, folder=place)


def loop(size: int, place: Path) -> None:
    """Prepare a dataset in this process, one scan after the other, written in the same way."""
    from workbench.compute.prepared_files import PARTIAL, SCANS
    from workbench.compute.prepared_scan import prepare_scan
    from workbench.data.catalogue import dataset

    folder = place / "loop"
    for name in (SCANS, PARTIAL):
        (folder / name).mkdir(parents=True)
    for volume in dataset(f"small-{size}").volumes():
        said = prepare_scan({
            "folder": str(folder), "recipe": RECIPE.as_dict(), "dataset": volume.dataset,
            "version": volume.version, "facts": volume.facts,
        })  # fmt: skip
        if said["error"]:
            raise RuntimeError(said["error"]["message"])


def seconds(work: Callable[[], None]) -> Took:
    """Give how long it takes, and the CPU seconds of this process and of the workers that ended with it."""
    began, before = time.perf_counter(), cpu_seconds()
    work()
    return time.perf_counter() - began, cpu_seconds() - before


def cpu_seconds() -> float:
    """Give the CPU seconds of this process and of its ended children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    for line in run(tuple(int(word) for word in sys.argv[1:]) or SIZES):
        print(line)
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
