"""Training on two ranks beside torchrun, how soon a killed rank is noticed, and how fast patches are drawn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from training_feed import SEED, TimedFeed, bright_cubes

from workbench.compute.cluster import Cluster, cluster
from workbench.compute.fitting import initial_network
from workbench.compute.live_curve import LiveCurve
from workbench.compute.loading.patch_loader import PatchLoader
from workbench.compute.loading.scans import TrainingScan
from workbench.compute.ranks.generations import lead
from workbench.compute.ranks.loop import Told, Work
from workbench.compute.ranks.plan import Plan
from workbench.compute.ranks.run import fingerprint_of, run_plan

HERE = Path(__file__).resolve().parent
ROUNDS = int(os.environ.get("WORKBENCH_BENCH_ROUNDS", "3"))
STEPS, SETTLED, EVERY = 30, 6, 6
RANKS = 2
Row = dict[str, Any]


def run() -> Iterator[Row]:
    """Measure."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    with tempfile.TemporaryDirectory(prefix="bench-training-") as folder, cluster(workers=RANKS) as workers:
        yield from _steps(workers, Path(folder))
        yield from _killed(workers, Path(folder))
    yield from _loading()


def _work(folder: Path, name: str, every: int = STEPS) -> Work:
    network = initial_network(SEED)
    feed = TimedFeed(bright_cubes(), str(folder / f"{name}.npy"))
    plan = Plan("bench", SEED, 1, STEPS, 4e-3, "fp32", RANKS, feed.fingerprint, fingerprint_of(network))
    return Work(plan, network, feed, str(folder / f"{name}.ckpt"), every)


def _steps(workers: Cluster, folder: Path) -> Iterator[Row]:
    """Compare steps, in turns; the middle half of each round's steps, then the middle round."""
    found: dict[str, list[np.ndarray]] = {"ours": [], "torchrun": []}
    for number in range(ROUNDS):
        run_plan(workers, _work(folder, f"ours{number}"), LiveCurve("bench", 1, STEPS), resume=False)
        found["ours"].append(_median_step(folder / f"ours{number}.npy"))
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={RANKS}"]
        subprocess.run(
            [*command, str(HERE / "training_torchrun.py"), str(folder), str(STEPS)], check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        found["torchrun"].append(_median_step(folder / "torchrun.npy"))
    ours, peer = (np.median(np.array(found[name]), axis=0) * 1000 for name in ("ours", "torchrun"))
    for place, unit in enumerate(("ms", "CPU ms")):
        yield {
            "bench": "training", "subject": f"a step, {RANKS} ranks, gloo", "value": ours[place], "unit": unit,
            "peer": "torchrun, same network", "peer_value": peer[place], "ratio": ours[place] / peer[place],
        }  # fmt: skip


def _median_step(file: Path) -> np.ndarray:
    result: np.ndarray = np.median(np.diff(np.load(file), axis=0)[SETTLED:], axis=0)
    return result


def _killed(workers: Cluster, folder: Path) -> Iterator[Row]:
    """Kill a rank in the middle of a run: how soon that is noticed, how soon it goes on, and whether bits differ."""
    undisturbed = run_plan(workers, _work(folder, "whole"), LiveCurve("bench", 1, STEPS), resume=False)
    noticed, went_on, alike = [], [], []
    for number in range(ROUNDS):
        work, moments = _work(folder, f"killed{number}", EVERY), dict[str, float]()
        pids = workers.client.run(os.getpid)
        victim = pids[sorted(pids)[number % RANKS]]

        def kill(victim: int = victim, path: str = work.checkpoint, moments: dict[str, float] = moments) -> None:
            while not Path(path).exists():
                time.sleep(0.002)
            moments["killed"] = time.monotonic()
            os.kill(victim, signal.SIGKILL)

        def tell(told: Told, moments: dict[str, float] = moments) -> None:
            if "noticed" in moments:
                moments.setdefault("went_on", time.monotonic())

        def note(sentence: str, moments: dict[str, float] = moments) -> None:
            moments["noticed"] = time.monotonic()

        killer = threading.Thread(target=kill)
        killer.start()
        state, losses = lead(workers, work, tell, note)
        killer.join()
        noticed.append(moments["noticed"] - moments["killed"])
        went_on.append(moments["went_on"] - moments["killed"])
        alike.append(losses == undisturbed[1] and all(torch.equal(state[name], undisturbed[0][name]) for name in state))
    yield {"bench": "training", "subject": "a killed rank is noticed", "value": max(noticed), "unit": "s, longest",
           "peer": "goal", "peer_value": 3.0, "ratio": max(noticed) / 3.0}  # fmt: skip
    yield {"bench": "training", "subject": "first word of the resumed run", "value": max(went_on), "unit": "s, longest"}
    yield {"bench": "training", "subject": "resumed weights bit-identical", "value": sum(alike), "unit": "runs",
           "peer": "runs killed", "peer_value": ROUNDS, "ratio": sum(alike) / ROUNDS}  # fmt: skip


def _loading() -> Iterator[Row]:
    """Draw patches from an array of a scan's size, by reading processes and without."""
    draw = np.random.default_rng(2)
    hu = draw.integers(-1000, 400, (160, 256, 256)).astype(np.int16)
    scan = TrainingScan(hu, positives=[(80, 128, 128)], spacing_mm=(2.0, 1.0, 1.0))
    alone = 0.0
    for workers in (0, 2):
        loader = PatchLoader([scan], workers=workers)
        times = []
        for _ in range(ROUNDS):
            batches = loader.batches(SEED, 0, 0, 24)
            next(batches)
            began = time.perf_counter()
            count = sum(len(inputs) for inputs, _ in batches)
            times.append(count / (time.perf_counter() - began))
        speed = float(np.median(times))
        alone = alone or speed
        yield {"bench": "training", "subject": f"random patches 32³, {workers} readers", "value": speed,
               "unit": "patches/s", "peer": "no readers", "peer_value": alone, "ratio": speed / alone}  # fmt: skip
