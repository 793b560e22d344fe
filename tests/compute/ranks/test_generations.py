"""Ranks learn together; one that is killed, the scheduler or the driver, costs no bit of the result."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import Client

from workbench.compute.cluster import Cluster, cluster
from workbench.compute.devices import gpu_count
from workbench.compute.model import TrainedModel
from workbench.compute.ranks.generations import fetched
from workbench.compute.ranks.meeting import Meeting
from workbench.compute.training import train
from workbench.errors import InvalidInput, RunFailed

sys.path.insert(0, str(Path(__file__).parent))
from rank_cases import STEPS, BrightCubes, tiny

MOMENT = secrets.SystemRandom()
LONGEST_S = 240.0
# So slow that a run goes on for seconds after its first checkpoint: whoever kills it then is never too late.
SLOW_S, SLOWER_S = 0.03, 0.25
DRIVER = """
import sys
sys.path.insert(0, sys.argv[1])
from rank_cases import STEPS, BrightCubes, tiny
from workbench.compute.cluster import cluster
from workbench.compute.training import train
if __name__ == "__main__":
    with cluster(workers=1) as alone:
        train(BrightCubes(), network=tiny(0.5), cluster=alone, ranks=1, seed=7, checkpoint=sys.argv[2], **STEPS)
"""


@pytest.fixture(scope="module")
def both() -> Iterator[Cluster]:
    with cluster(workers=2, hours=0.5) as running:
        yield running


def learn(workers: Cluster | Beyond, checkpoint: Path | None = None, **more: Any) -> TrainedModel:
    """Learn on two ranks."""
    options = {"network": tiny(SLOW_S), "ranks": 2, "seed": 7, **STEPS, **more}
    return train(BrightCubes(), cluster=workers, checkpoint=checkpoint, **options)


@pytest.fixture(scope="module")
def undisturbed(both: Cluster) -> TrainedModel:
    return learn(both)


def when_there(file: Path, act: Callable[[], None]) -> threading.Thread:
    """Act at a random moment after a file has appeared."""

    def wait() -> None:
        wait_for(file)
        time.sleep(MOMENT.uniform(0.0, 0.2))
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def same(one: TrainedModel, other: TrainedModel) -> bool:
    """Whether two runs gave the same weights and told the same losses, bit by bit."""
    return one.fingerprint == other.fingerprint and one.history == other.history


def test_ranks_learn_what_can_be_learnt(undisturbed: TrainedModel) -> None:
    assert undisturbed.history[-1].loss < undisturbed.history[0].loss


def test_a_killed_rank_costs_no_bit_of_the_result(both: Cluster, undisturbed: TrainedModel, tmp_path: Path) -> None:
    pids = both.client.run(os.getpid)
    victim = pids[MOMENT.choice(sorted(pids))]
    killer = when_there(tmp_path / "run.ckpt", lambda: os.kill(victim, signal.SIGKILL))
    model = learn(both, tmp_path / "run.ckpt", network=tiny(SLOWER_S))
    killer.join()
    assert victim not in both.client.run(os.getpid).values()
    assert same(model, undisturbed)


def test_a_finished_run_is_not_learnt_again(both: Cluster, undisturbed: TrainedModel, tmp_path: Path) -> None:
    learn(both, tmp_path / "run.ckpt", network=tiny())
    written = (tmp_path / "run.ckpt").stat().st_mtime_ns
    assert learn(both, tmp_path / "run.ckpt", network=tiny()).history == undisturbed.history
    assert (tmp_path / "run.ckpt").stat().st_mtime_ns == written


def test_a_killed_driver_leaves_no_rank_and_its_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    (tmp_path / "driver.py").write_text(DRIVER)
    places = [tmp_path / "driver.py", Path(__file__).parent, tmp_path / "run.ckpt"]
    driver = subprocess.Popen([sys.executable, *map(str, places)])
    wait_for(tmp_path / "run.ckpt")
    family = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.wait()
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert gone and not alive
    options: dict[str, Any] = {"network": tiny(), "ranks": 1, "seed": 7, **STEPS}
    resumed = train(BrightCubes(), checkpoint=tmp_path / "run.ckpt", **options)
    assert same(resumed, train(BrightCubes(), **{**options, "network": tiny()}))


@dataclass
class Beyond:
    """What training asks of a cluster whose scheduler is a process of its own."""

    client: Client
    kind: str = "cpu"
    is_open: bool = True


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[tuple[Beyond, list[subprocess.Popen[bytes]]]]:
    """Give a cluster of one worker whose scheduler is a process of its own; both processes, the scheduler first."""
    file, here = tmp_path / "scheduler.json", str(Path(__file__).parent)
    options = {"env": {**os.environ, "PYTHONPATH": here}, "stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    common = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    processes = [
        subprocess.Popen([sys.executable, "-m", "dask", "scheduler", "--port", "0", *common], **options),
        subprocess.Popen([sys.executable, "-m", "dask", "worker", "--no-nanny", "--nthreads", "1", *common], **options),
    ]
    wait_for(file)
    client = Client(json.loads(file.read_text())["address"])
    client.wait_for_workers(1, timeout=LONGEST_S)
    yield Beyond(client), processes
    for process in processes:
        process.kill()
        process.wait()
    client.close()


def test_a_lost_scheduler_is_told_and_no_rank_goes_on(
    apart: tuple[Beyond, list[subprocess.Popen[bytes]]], tmp_path: Path
) -> None:
    alone, (scheduler, worker) = apart
    killer = when_there(tmp_path / "run.ckpt", scheduler.kill)
    with pytest.raises(RunFailed, match="scheduler was lost after step .*goes on from the checkpoint"):
        learn(alone, tmp_path / "run.ckpt", ranks=1, network=tiny(0.5))
    killer.join()
    assert worker.wait(LONGEST_S) is not None


def test_an_error_of_the_training_itself_ends_it_and_is_not_tried_again(both: Cluster) -> None:
    with pytest.raises(RunFailed, match=r"Training stopped on rank \d \(RuntimeError: .*mend it and train again"):
        learn(both, network=tiny()[2:])


class GoneWithItsWorker:
    """A future that had finished, on a worker that is gone when the result is asked for."""

    status = "finished"

    def result(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "this would wait for ever"
        self.status = "lost"
        raise TimeoutError


def test_what_was_learnt_on_a_worker_that_is_gone_is_not_waited_for() -> None:
    gone: Any = GoneWithItsWorker()
    assert fetched([gone]) is None and gone.status == "lost"


def test_more_ranks_than_workers_are_refused(both: Cluster) -> None:
    with pytest.raises(InvalidInput, match="2 workers for 3 ranks"):
        learn(both, ranks=3)


def test_ranks_without_a_cluster_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"2 ranks need 2 workers: pass cluster=wb.cluster\(workers=2\)"):
        train(BrightCubes(), ranks=2)


def test_ranks_meet_on_loopback_alone() -> None:
    meeting = Meeting()
    listening = [c.laddr for c in psutil.Process().net_connections("tcp") if c.status == "LISTEN"]
    assert [found.ip for found in listening if found.port == meeting.port] == ["127.0.0.1"]


@pytest.mark.skipif(gpu_count() == 0, reason="no GPU on this machine: nccl and mixed precision cannot run there")
def test_a_rank_on_a_gpu_learns_in_mixed_precision_and_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    options: dict[str, Any] = {"ranks": 1, "seed": 7, "precision": "bf16", **STEPS}
    with cluster(gpus=1) as gpu:
        whole = train(BrightCubes(), network=tiny(SLOW_S), cluster=gpu, **options)
        victim = next(iter(gpu.client.run(os.getpid).values()))
        killer = when_there(tmp_path / "run.ckpt", lambda: os.kill(victim, signal.SIGKILL))
        resumed = train(BrightCubes(), network=tiny(SLOWER_S), cluster=gpu, checkpoint=tmp_path / "run.ckpt", **options)
        killer.join()
    assert same(resumed, whole)
