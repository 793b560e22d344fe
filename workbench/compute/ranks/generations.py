"""Lead a run over Dask workers: one pinned task a rank, and after a lost rank a new generation from the checkpoint.

Runs in: kernel
"""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from distributed import Future, KilledWorker, get_worker

from workbench.compute.memory import kept_memory
from workbench.compute.ranks.loop import Told, Work, run_steps
from workbench.compute.ranks.meeting import Meeting, joined
from workbench.errors import InvalidInput, RunFailed, WorkbenchError

if TYPE_CHECKING:
    from distributed import Client

    from workbench.compute.cluster import Cluster

MAX_LOST = 5
WORKERS_TIMEOUT_S = 120.0
# How long the others get to notice for themselves that a rank is gone, before their workers are started anew.
SETTLE_S = 5.0
LOOK_EVERY_S = 0.05
Learnt = tuple[dict[str, torch.Tensor], list[float]]


@dataclass(frozen=True)
class Lost:
    """A generation that ended because ranks were lost."""

    ranks: tuple[int, ...]
    step: int


def run_rank(work: Work, rank: int, port: int, topic: str, kind: str) -> Learnt | None:
    """Be one rank, on a Dask worker; the first rank gives the weights and the losses, the others nothing."""
    worker = get_worker()
    device = torch.device("cuda", 0) if kind == "gpu" else torch.device("cpu")

    def check() -> None:
        if worker.status.name not in ("running", "paused"):
            raise RunFailed("The worker of this rank is ending; train again to go on from the checkpoint.")

    with _unsampled(worker), kept_memory(), joined(port, rank, work.plan.ranks, device) as place:
        learnt = run_steps(work, place, lambda told: worker.log_event(topic, tuple(told)), check)
    return learnt if rank == 0 else None


@contextmanager
def _unsampled(worker: Any) -> Iterator[None]:
    """Keep Dask's profiler from stopping this process a hundred times a second, for a block."""
    profiler = worker.periodic_callbacks.get("profile")
    if profiler is None:
        yield
        return
    worker.loop.add_callback(profiler.stop)
    try:
        yield
    finally:
        worker.loop.add_callback(profiler.start)


def lead(cluster: Cluster, work: Work, tell: Callable[[Told], None], note: Callable[[str], None]) -> Learnt:
    """Run a plan on a cluster's workers to its end, over as many generations as it takes.

    Parameters
    ----------
    cluster : Cluster
        With at least as many workers as the plan has ranks.
    work : Work
        What to learn; with a checkpoint, a new generation goes on from it.
    tell : callable
        Takes each `Told` of the first rank.
    note : callable
        Takes a sentence when a rank was lost.

    Returns
    -------
    tuple of (dict of weights, list of float)

    Raises
    ------
    RunFailed
        When the training itself fails, the scheduler is lost, or ranks are lost again and again.
    InvalidInput
        When the cluster has fewer workers than there are ranks.
    """
    client = cluster.client
    if not cluster.is_open:
        raise InvalidInput("This cluster is closed; start a new one with wb.cluster().")
    if len(_addresses(client)) < work.plan.ranks:
        raise InvalidInput(
            f"The cluster has {len(_addresses(client))} workers for {work.plan.ranks} ranks, one worker each; start "
            f"one with wb.cluster(workers={work.plan.ranks}), or ask for fewer ranks."
        )
    topic, reports = f"workbench-training-{uuid.uuid4().hex}", queue.SimpleQueue[Told]()
    # The handler runs in the client's own thread, where a notebook's output has no cell: hand over to this one.
    client.subscribe_topic(topic, lambda event: reports.put(Told(*event[1])))
    try:
        with _no_second_try(client):
            for _ in range(MAX_LOST + 1):
                outcome = _Generation(cluster, work, topic, reports, tell).run()
                if not isinstance(outcome, Lost):
                    return outcome
                note(_sentence(outcome))
                _wait_for_workers(client, work.plan.ranks)
    finally:
        if client.status == "running":
            client.unsubscribe_topic(topic)
    raise RunFailed(
        f"Ranks were lost {MAX_LOST + 1} times, as when memory is short; ask for fewer ranks or smaller batches, then "
        "train again: it goes on from the checkpoint."
    )


class _Generation:
    """One start of all ranks, to their end or to the loss of one."""

    def __init__(
        self, cluster: Cluster, work: Work, topic: str, reports: queue.SimpleQueue[Told], tell: Callable[[Told], None]
    ) -> None:
        self._client, self._kind, self._work, self._topic = cluster.client, cluster.kind, work, topic
        self._reports, self._tell, self._step = reports, tell, 0
        self._workers = _addresses(self._client)[: work.plan.ranks]

    def run(self) -> Learnt | Lost:
        """Run it; the ranks have ended when this returns."""
        meeting = Meeting()
        meeting.tell("going", "1")
        futures: list[Future[Any]] = []
        try:
            futures += self._start(meeting.port)
            self._watch(futures)
            learnt = fetched(futures)
            return learnt if learnt is not None else self._end(futures)
        finally:
            for future in futures:
                future.release()
            self._drain(0.0)

    def _start(self, port: int) -> Iterator[Future[Any]]:
        for rank, worker in enumerate(self._workers):
            # Handed to each worker by itself: what is learnt changes the network in place.
            work = self._client.scatter(self._work, workers=[worker], direct=True, hash=False)
            yield self._client.submit(
                run_rank, work, rank, port, self._topic, self._kind,
                workers=[worker], allow_other_workers=False, retries=0, pure=False, key=f"rank-{rank}-{uuid.uuid4()}",
            )  # fmt: skip

    def _watch(self, futures: Sequence[Future[Any]]) -> None:
        """Pass reports on until all ranks have finished or one has not."""
        try:
            while not all(future.status == "finished" for future in futures):
                if any(future.status in ("error", "cancelled", "lost") for future in futures):
                    return
                self._check_scheduler()
                self._drain(LOOK_EVERY_S)
        except BaseException:
            # Interrupted, or without a scheduler: no rank may go on by itself.
            if self._client.status == "running":
                self._client.cancel(list(futures))
            raise

    def _end(self, futures: Sequence[Future[Any]]) -> Lost:
        """Have every rank end, and say which were lost; raise what went wrong when none was."""
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline and any(future.status == "pending" for future in futures):
            self._check_scheduler()
            self._drain(LOOK_EVERY_S)
        self._check_scheduler()
        alive = set(_addresses(self._client))
        failures = {rank: _failure(future) for rank, future in enumerate(futures)}
        lost = tuple(
            rank for rank, worker in enumerate(self._workers)
            if worker not in alive or isinstance(failures[rank], KilledWorker) or futures[rank].status == "cancelled"
        )  # fmt: skip
        stuck = [self._workers[rank] for rank, future in enumerate(futures) if future.status == "pending"]
        if stuck:
            # A GPU that waits for a lost one cannot be talked to: its process is ended.
            self._client.restart_workers([worker for worker in stuck if worker in alive], raise_for_error=False)
        if not lost:
            raise _cause(failures)
        return Lost(lost, self._step)

    def _drain(self, wait_s: float) -> None:
        try:
            while True:
                told = self._reports.get(timeout=wait_s) if wait_s else self._reports.get_nowait()
                self._step = told.number if told.kind != "epoch" else told.number * self._work.plan.batches
                self._tell(told)
        except queue.Empty:
            return

    def _check_scheduler(self) -> None:
        if self._client.status != "running":
            raise RunFailed(
                f"The cluster's scheduler was lost after step {self._step} of {self._work.plan.steps}; start a new "
                "cluster and train again: it goes on from the checkpoint, when one was named."
            )


def fetched(futures: Sequence[Future[Any]]) -> Learnt | None:
    """Take over what the first rank learnt; None when not all have finished, or the worker that holds it was lost."""
    while all(future.status == "finished" for future in futures):
        # Nobody else can make it anew, so without a limit this would wait for ever for a worker that is gone.
        with suppress(TimeoutError):
            learnt: Learnt = futures[0].result(timeout=SETTLE_S)
            return learnt
    return None


def _failure(future: Future[Any]) -> BaseException | None:
    """Give what a rank raised; None when it is finished, cancelled or still runs."""
    failure: BaseException | None = future.exception() if future.status == "error" else None
    return failure


def _cause(failures: dict[int, BaseException | None]) -> WorkbenchError:
    """Give the error that began it: a rank's own one, before those that only miss a rank."""
    raised = [(rank, failure) for rank, failure in failures.items() if failure is not None]
    for _, failure in raised:
        if isinstance(failure, WorkbenchError):
            return failure
    own = [(rank, failure) for rank, failure in raised if not isinstance(failure, RuntimeError)] or raised
    rank, failure = own[0] if own else (0, RuntimeError("it ended without a word"))
    first = (str(failure).splitlines() or [""])[0]
    return RunFailed(
        f"Training stopped on rank {rank} ({type(failure).__name__}: {first}); mend it and train again: it goes on "
        "from the checkpoint, when one was named."
    )


def _sentence(lost: Lost) -> str:
    ranks = " and ".join(str(rank) for rank in lost.ranks)
    subject = f"Ranks {ranks} were" if len(lost.ranks) > 1 else f"Rank {ranks} was"
    return f"{subject} lost after step {lost.step}; going on from the last checkpoint."


def _addresses(client: Client) -> list[str]:
    return sorted(client.scheduler_info()["workers"])


def _wait_for_workers(client: Client, count: int) -> None:
    """Wait until lost workers have been started anew."""
    deadline = time.monotonic() + WORKERS_TIMEOUT_S
    while len(_addresses(client)) < count:
        if time.monotonic() > deadline:
            raise RunFailed(
                f"The cluster has {len(_addresses(client))} workers left for {count} ranks; start a new one and train "
                "again: it goes on from the checkpoint, when one was named."
            )
        time.sleep(LOOK_EVERY_S)


@contextmanager
def _no_second_try(client: Client) -> Iterator[None]:
    """Have the scheduler give a task up with the first worker that dies under it, for a block."""
    before = client.run_on_scheduler(_allow_failures, 0)
    try:
        yield
    finally:
        if client.status == "running":
            client.run_on_scheduler(_allow_failures, before)


def _allow_failures(count: int, dask_scheduler: Any = None) -> int:
    """Set after how many dead workers a task is given up; give what it was."""
    before = int(dask_scheduler.allowed_failures)
    dask_scheduler.allowed_failures = count
    return before
