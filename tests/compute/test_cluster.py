"""A cluster starts on loopback, maps in order, says which item failed, has its workers back, and ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace

import psutil
import pytest
from distributed import Status, SubprocessCluster
from distributed.core import connect
from distributed.security import Security

from workbench.compute import devices
from workbench.compute.cluster import Cluster, cluster, private_cluster
from workbench.compute.clusters import line, watch
from workbench.errors import AccessDenied, InvalidInput, RunFailed


def _square(number: int) -> int:
    if number < 0:
        raise ValueError("a negative number")
    return number * number


def _kill_oneself(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _slowly(number: int) -> int:
    time.sleep(0.5)
    return number


def _eventually(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < until, "it did not come to pass within two minutes"
        time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Cluster]:
    with cluster(workers=2, hours=0.5) as running:
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


def test_a_killed_worker_comes_back_and_what_it_worked_on_is_done(two_workers: Cluster) -> None:
    before = set(two_workers.client.run(os.getpid).values())
    todo = iter(two_workers.each(_slowly, range(4)))
    first = next(todo)
    os.kill(min(before), signal.SIGKILL)
    assert sorted([first, *todo]) == [(number, number) for number in range(4)]
    # The scheduler may not have noticed yet, so a worker that does not answer is left out.
    pids = two_workers.client.run
    _eventually(lambda: min(before) not in (now := pids(os.getpid, on_error="ignore").values()) and len(now) == 2)


def test_what_no_nanny_can_mend_is_mended_too(two_workers: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "MISSING_S", 0.1)
    engine = two_workers._engine
    name, nanny = next(iter(engine.workers.items()))
    engine.sync(nanny.close)
    _eventually(lambda: two_workers.actual == 2 and engine.workers.get(name) is not nanny)
    assert two_workers.map(_square, [2, 3]) == [4, 9]


def test_an_item_that_ends_every_worker_is_named_with_what_to_do(two_workers: Cluster) -> None:
    with pytest.raises(RunFailed, match="Item 1 of 1 ended every worker that took it .* make the item smaller") as said:
        two_workers.map(_kill_oneself, [1])
    assert said.value.code == "workers-died"


def test_scaling_up_and_down_gets_what_is_wanted(two_workers: Cluster) -> None:
    two_workers.scale(3)
    two_workers.wait()
    assert (two_workers.workers, two_workers.actual) == (3, 3)
    two_workers.scale(2)
    _eventually(lambda: two_workers.actual == 2)
    for wrong in (0, 65, True, "2"):
        with pytest.raises(InvalidInput, match="workers must be a whole number"):
            two_workers.scale(wrong)  # type: ignore[arg-type]


def test_the_static_view_tells_what_was_started_and_no_measured_figure(two_workers: Cluster) -> None:
    assert two_workers._repr_mimebundle_() == (
        {"text/plain": repr(two_workers), "text/html": two_workers._repr_html_()}, {}
    )  # fmt: skip
    assert "2 CPU workers in this kernel’s sandbox · closes with the kernel or after 0.5 h" in two_workers._repr_html_()


def test_the_live_view_shows_wanted_and_actual_workers_and_passes_wishes_on(two_workers: Cluster) -> None:
    from workbench.compute.clusters.widget import ClusterWidget

    _eventually(lambda: two_workers.actual == 2)
    live = ClusterWidget(two_workers)
    assert {"state": "running", "kind": "CPU", "wanted": 2, "actual": 2, "tasks": 0}.items() <= live.facts.items()
    live._on_message(live, {"verb": "scale", "workers": 0}, [])
    assert live.problem.startswith("workers must be a whole number from 1 to 64")
    live._on_message(live, {"verb": "something else"}, [])
    assert live.problem == "" and two_workers.is_open
    json.dumps(live.facts)


def test_a_cluster_with_nothing_to_do_closes_by_itself_and_says_so() -> None:
    running = cluster(workers=1, idle_minutes=0.02)
    _eventually(lambda: not running.is_open)
    assert running.ended_because == "it had nothing to do for 0.02 minutes"
    with pytest.raises(InvalidInput, match=r"closed: it had nothing to do for 0.02 minutes; start a new one"):
        running.map(_square, [1])
    assert "● closed" in running._repr_html_()


def test_hours_that_run_out_end_the_work_under_way_with_the_reason() -> None:
    running = cluster(workers=1, hours=8 / 3600)
    with pytest.raises(RunFailed, match="ended while it worked: its hours ran out") as said:
        running.map(_slowly, range(1000))
    assert said.value.code == "cluster-closed"


def test_a_killed_scheduler_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    engine = SubprocessCluster(n_workers=1, worker_kwargs={"nthreads": 1})
    running = Cluster(engine, "cpu", 1, 0.1)
    todo = running.each(time.sleep, [0, 100])
    assert next(todo) == (0, None)
    children = psutil.Process(engine.scheduler.process.pid).children(recursive=True)
    os.kill(engine.scheduler.process.pid, signal.SIGKILL)
    with pytest.raises(RunFailed, match=r"its scheduler is gone .* start a new one with wb.cluster\(\)") as said:
        next(todo)
    assert said.value.code in ("scheduler-lost", "cluster-closed")
    running.close()
    assert not running.is_open
    for worker in engine.workers.values():
        worker.process.kill()
    psutil.wait_procs(children, timeout=30)
    engine.status = Status.closed


def test_a_killed_scheduler_counts_as_gone_before_anybody_reaped_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        engine = SimpleNamespace(scheduler=SimpleNamespace(process=SimpleNamespace(pid=child.pid, returncode=None)))
        assert watch.is_alive(engine)
        child.kill()
        _eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert not watch.is_alive(engine) and child.returncode is None
    assert not watch.is_alive(engine)


def test_what_closes_with_a_cluster_is_closed_before_its_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    running = cluster(workers=1, hours=0.1)
    monkeypatch.setattr(running, "_record", SimpleNamespace(end=told.append, id="CL1"))
    running.close_with(lambda: told.append("the way in"))
    running.close()
    running.close()
    assert told == ["the way in", "closed"]


class _Refusing:
    """A line to a gateway that has other things to say."""

    timeout_s = 0.0

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, object]]] = []

    def post(self, url: str, body: dict[str, object]) -> object:
        self.asked.append((url, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing is open."""


def test_a_refused_quota_starts_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_GATEWAY", "/nowhere")
    monkeypatch.setenv("WORKBENCH_TOKEN", "of a test")
    gateway = _Refusing(AccessDenied("Your quota is 1 workers.", code="cluster-quota"))
    monkeypatch.setattr(line, "connect_from_environment", lambda: gateway)
    with pytest.raises(AccessDenied, match="Your quota is 1 workers"):
        cluster(workers=2)
    assert gateway.asked[0][1]["workers"] == 2


def test_a_record_hears_that_it_shall_end_and_a_gateway_that_is_gone_ends_nothing() -> None:
    gateway = _Refusing(
        {"state": "running"}, {"state": "stopping"}, InvalidInput("nonsense"), {"state": "ended", "why": "its kernel …"}
    )
    record = line.Record(gateway, {"id": "CL1", "workers": 1})  # type: ignore[arg-type]
    said = [record.beat(watch.Look().as_said()) for _ in range(4)]
    assert said == [None, "it was stopped from outside of its notebook", None, "its kernel …"]


def test_a_closed_cluster_refuses_work_and_leaves_no_process() -> None:
    running = cluster(workers=1)
    processes = [psutil.Process(pid) for pid in running.client.run(os.getpid).values()]
    running.close()
    running.close()
    with pytest.raises(InvalidInput, match="closed"):
        running.map(_square, [1])
    assert not any(map(_lives, processes))


def test_others_of_the_machine_cannot_join_a_private_cluster() -> None:
    with private_cluster(1, hours=0.1) as running:
        assert list(running.each(_square, [4])) == [(0, 16)]
        address = running.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        with pytest.raises(OSError, match="certificate|TLS|Timed out|CERTIFICATE"):
            asyncio.run(connect(address, timeout=2, **Security.temporary().get_connection_args("client")))


@pytest.mark.parametrize(
    "options", [{"workers": 0}, {"workers": 65}, {"gpus": True}, {"hours": 0}, {"hours": 25}, {"idle_minutes": 0}]
)
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
