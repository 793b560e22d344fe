"""A cluster starts on loopback, maps in order, says which item failed, and ends."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import psutil
import pytest
from distributed.core import connect
from distributed.security import Security

from workbench.compute import devices
from workbench.compute.cluster import Cluster, cluster, private_cluster
from workbench.errors import InvalidInput, RunFailed


def _square(number: int) -> int:
    if number < 0:
        raise ValueError("a negative number")
    return number * number


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Cluster]:
    with cluster(workers=2, hours=0.1) as running:
        yield running


def test_results_come_in_the_order_of_the_items(two_workers: Cluster) -> None:
    assert two_workers.map(_square, [3, 1, 2]) == [9, 1, 4]


def test_a_failing_item_is_named_and_nothing_hangs(two_workers: Cluster) -> None:
    with pytest.raises(RunFailed, match=r"Item 2 of 3 failed on a worker \(ValueError: a negative number\)"):
        two_workers.map(_square, [1, -1, 2])


def test_scheduler_and_workers_listen_on_loopback_only(two_workers: Cluster) -> None:
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = {c.laddr.ip for process in family for c in process.net_connections("inet") if c.status == "LISTEN"}
    assert listening == {"127.0.0.1"}


def test_a_closed_cluster_refuses_work_and_leaves_no_process() -> None:
    running = cluster(workers=1)
    pids = running.client.run(os.getpid).values()
    running.close()
    running.close()
    with pytest.raises(InvalidInput, match="closed"):
        running.map(_square, [1])
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)


def test_others_of_the_machine_cannot_join_a_private_cluster() -> None:
    with private_cluster(1, hours=0.1) as running:
        assert list(running.each(_square, [4])) == [(0, 16)]
        address = running.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        with pytest.raises(OSError, match="certificate|TLS|Timed out|CERTIFICATE"):
            asyncio.run(connect(address, timeout=2, **Security.temporary().get_connection_args("client")))


@pytest.mark.parametrize("options", [{"workers": 0}, {"workers": 65}, {"gpus": True}, {"hours": 0}, {"hours": 25}])
def test_absurd_sizes_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        cluster(**options)


def test_more_gpus_than_present_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(InvalidInput, match="1 GPUs; 2 were asked for"):
        cluster(gpus=2)


def test_gpus_asked_for_where_there_are_none_become_cpu_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with cluster(gpus=1) as running:
        assert (running.kind, running.workers) == ("cpu", 1)


def test_hidden_gpus_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert devices.gpu_count() == 0


@pytest.mark.skipif(devices.gpu_count() == 0, reason="no GPU on this machine: Dask-CUDA cannot start here")
def test_one_worker_per_gpu() -> None:
    with cluster(gpus=1) as running:
        assert running.kind == "gpu"
