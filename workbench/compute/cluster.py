"""Dask workers inside the kernel's own sandbox: Dask-CUDA where GPUs are present, the same on CPU elsewhere.

A cluster has a wanted state and an actual one: a worker that is killed comes back, `scale` changes what is wanted. A
scheduler is never shared between people, since all users of one share its memory (distributed issue 304); this one
listens on the loopback of the sandbox's own network and ends with the kernel.

Runs in: kernel
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.compute.clusters import amounts, line
from workbench.compute.clusters.amounts import check_amounts, check_whole
from workbench.compute.clusters.engines import cpu_engine, end_engine, gpu_engine, private_engine
from workbench.compute.clusters.shown import MISSING_DEATHS, as_html, item_failed, not_open, stopped_midway
from workbench.compute.clusters.watch import LOST, Look, Watch
from workbench.compute.devices import cpu_count, gpu_count
from workbench.compute.progress import Progress
from workbench.errors import InvalidInput, RunFailed

if TYPE_CHECKING:
    from distributed import Client, Future

    from workbench.compute.clusters.widget import ClusterWidget

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WORKERS, MAX_HOURS = amounts.MAX_WORKERS, amounts.MAX_HOURS
IDLE_MINUTES = 60.0
START_S = 120.0
CLOSED = "closed"


class Cluster:
    """A running cluster; close it, leave its `with` block, or let its hours run out.

    Parameters
    ----------
    engine : object
        The dask cluster behind it.
    kind : str
        ``cpu`` or ``gpu``.
    workers : int
        How many workers it has.
    hours : float
        After how many hours it closes by itself.
    idle_minutes : float, optional
        After how many minutes with nothing to do its scheduler ends; None never.
    record : Record, optional
        Where the gateway hears of it.
    """

    def __init__(
        self, engine: Any, kind: str, workers: int, hours: float, *, idle_minutes: float | None = None,
        record: line.Record | None = None,
    ) -> None:  # fmt: skip
        from distributed import Client  # noqa: PLC0415 - heavy, loaded on first use

        self.kind = kind
        self.hours = hours
        self.idle_minutes = idle_minutes
        self.ended_because = ""
        self.is_open = True
        self._engine = engine
        self._record = record
        self._lock, self._ended, self._closing = threading.Lock(), threading.Event(), 0
        self._widget: ClusterWidget | None = None
        self._closes_too: list[Callable[[], None]] = []
        self.client: Client = Client(getattr(engine, "joins_at", engine))
        ends = time.monotonic() + hours * 3600
        self._watch = Watch(engine, workers, ends, idle_minutes=idle_minutes, record=record, close=self._close)
        atexit.register(self.close)

    @property
    def id(self) -> str:
        """Its name in the gateway's record, such as ``CL3``; empty outside of a governed kernel."""
        return self._record.id if self._record else ""

    @property
    def workers(self) -> int:
        """How many workers are wanted."""
        return self._watch.wanted

    @property
    def actual(self) -> int:
        """How many workers there are at this moment."""
        return self._watch.look().actual if self.is_open else 0

    @property
    def last_look(self) -> Look:
        """What it looked like at most a second ago."""
        return self._watch.last

    def scale(self, workers: int) -> None:
        """Want another number of workers; they come and go in the background, see `wait`.

        Parameters
        ----------
        workers : int
            1–64; at most as many as there are GPUs on a GPU cluster.

        Raises
        ------
        InvalidInput
            When the number is out of its range, or the cluster is closed.
        AccessDenied
            With ``cluster-quota`` when the person's quota has fewer left.
        """
        self._require_open()
        check_whole("workers", workers)
        if self.kind == "gpu" and workers > gpu_count():
            raise InvalidInput(f"This machine has {gpu_count()} GPUs, one for each worker; ask for at most that many.")
        if self._record is not None:
            self._record.scale(workers)
        self._watch.wanted = workers
        self._engine.scale(workers)

    def wait(self, timeout_s: float = START_S) -> None:
        """Wait until as many workers are there as are wanted, with a progress bar.

        Parameters
        ----------
        timeout_s : float
            How long at most.

        Raises
        ------
        RunFailed
            When they are not there by then.
        """
        until = time.monotonic() + timeout_s
        with Progress("workers there", self.workers) as bar:
            while True:
                self._require_open()
                actual = self.actual
                bar.total = max(self.workers, 1)
                bar.step(min(actual, bar.total) - bar.done)
                if actual == self.workers:
                    return
                if time.monotonic() > until:
                    raise RunFailed(
                        f"{actual} of {self.workers} workers were there after {timeout_s:g} s. They start again "
                        "while the cluster is open: wait longer, or scale it to fewer, so that each has more memory."
                    )
                time.sleep(0.1)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item], *, label: str = "items") -> list[Result]:
        """Run a function on every item on the workers and give the results in the items' order.

        Parameters
        ----------
        function : callable
            Takes one item; must be importable or picklable.
        items : iterable
            What to work on.
        label : str
            What the progress bar counts.

        Raises
        ------
        RunFailed
            When the function raises on an item, or workers die under it; the rest is cancelled.
        InvalidInput
            When the cluster was closed before.
        """
        todo = list(items)
        results: dict[int, Result] = {}
        with Progress(label, len(todo)) as bar:
            for number, result in self.each(function, todo):
                results[number] = result
                bar.step()
        return [results[number] for number in range(len(todo))]

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[int, Result]]:
        """Run a function on every item on the workers and give (number, result) as they come.

        Parameters
        ----------
        function : callable
            Takes one item; must be importable or picklable.
        items : iterable
            What to work on; numbers count from 0.

        Raises
        ------
        RunFailed
            When the function raises on an item, or workers die under it again; the rest is cancelled.
        InvalidInput
            When the cluster was closed before.
        """
        from distributed import as_completed  # noqa: PLC0415 - heavy, loaded on first use

        self._require_open()
        futures = self.client.map(function, list(items), pure=False, retries=1)
        number_of = {future.key: number for number, future in enumerate(futures)}
        try:
            for future in as_completed(futures):
                number = number_of[future.key]
                if future.status != "finished":
                    raise self._failure(future, number + 1, len(futures))
                yield number, future.result()
                future.release()
        finally:
            if self.client.status == "running":
                self.client.cancel(futures)

    def close_with(self, close: Callable[[], None]) -> None:
        """Have something closed with the cluster, before the gateway hears that it ended.

        Parameters
        ----------
        close : callable
            Called once.
        """
        self._closes_too.append(close)

    def close(self) -> None:
        """End the workers; doing it twice is fine."""
        self._close(CLOSED)

    def _close(self, why: str) -> None:
        with self._lock:
            is_first = self.is_open
            if is_first:
                self.is_open, self.ended_because, self._closing = False, why, threading.get_ident()
        if is_first:
            try:
                self._end(why)
            finally:
                self._ended.set()
        elif self._closing != threading.get_ident():
            # Whoever goes on, or ends the process, must not overtake the thread that closes.
            self._ended.wait(START_S)

    def _end(self, why: str) -> None:
        atexit.unregister(self.close)
        self._watch.stop()
        end_engine(self._engine, self.client)
        try:
            for close in self._closes_too:
                close()
        finally:
            if self._record is not None:
                self._record.end(why)
        if self._widget is not None:
            self._widget.show()

    def _require_open(self) -> None:
        if not self.is_open:
            raise InvalidInput(not_open(self.ended_because))
        if self.client.status != "running":
            raise RunFailed(stopped_midway(LOST), code="scheduler-lost")

    def _failure(self, future: Future[Any], number: int, total: int) -> RunFailed:
        """Say why an item has no result."""
        if not self.is_open:
            return RunFailed(stopped_midway(self.ended_because), code="cluster-closed")
        if future.status != "error":
            return RunFailed(stopped_midway(LOST), code="scheduler-lost")
        problem = future.exception()
        failed = RunFailed(item_failed(problem, number, total), code=MISSING_DEATHS.get(type(problem).__name__))
        failed.__cause__ = problem
        return failed

    def __enter__(self) -> Cluster:
        """Use the cluster for a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Say what it is in one line."""
        state = "open" if self.is_open else "closed"
        return f"<Cluster {self.workers} {self.kind.upper()} workers, {state}, at most {self.hours:g} h>"

    def _repr_html_(self) -> str:
        return as_html(self.kind, self.workers, self.hours, self.is_open)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Give the static view, and the live one where a kernel answers."""
        static = {"text/plain": repr(self), "text/html": self._repr_html_()}
        shell = sys.modules.get("IPython")
        kernel = shell.get_ipython() if shell is not None else None
        if not self.is_open or not hasattr(kernel, "kernel"):
            return static, {}
        if self._widget is None:
            from workbench.compute.clusters.widget import ClusterWidget  # noqa: PLC0415 - widgets, in notebooks alone

            self._widget = ClusterWidget(self)
            self._watch.listeners.append(self._widget.show)
        live, metadata = self._widget._repr_mimebundle_(**options) or ({}, {})
        return {**live, **static}, metadata


def cluster(
    workers: int | None = None, *, gpus: int | None = None, hours: float = 2.0, idle_minutes: float = IDLE_MINUTES,
    join: str | None = None, address: str | None = None, **beyond: Any,
) -> Cluster:  # fmt: skip
    """Start workers for this notebook.

    Parameters
    ----------
    workers : int, optional
        How many workers, 1–64; one per GPU or per core when left out, or what the quota has left of these.
    gpus : int, optional
        How many GPUs to use. Where the machine has none, the same number of CPU workers starts and says so.
    hours : float
        After how many hours it closes by itself, above 0, at most 24.
    idle_minutes : float
        After how many minutes with nothing to do it closes by itself, above 0, at most 1440.
    join : str, optional
        The id of a cluster that `workbench cluster start` started: use that one.
    address, **beyond : str, optional
        Of a dask-gateway, for open data alone; `cluster_beyond` takes the rest, such as `sign_in` and `options`.

    Returns
    -------
    Cluster

    Raises
    ------
    InvalidInput
        When a number is out of its range, or more GPUs are asked for than there are.
    AccessDenied
        With ``cluster-quota`` when the person's quota has less left.
    MissingDependency
        When GPUs are present and the packages of the extra ``cuda`` are not.
    RunFailed
        When the workers do not start.
    """
    if join is not None:
        from workbench.compute.clusters.joined import join_cluster  # noqa: PLC0415 - it is built on this module

        return join_cluster(join)
    if address is not None or beyond:
        from workbench.compute.cluster_beyond import cluster_beyond  # noqa: PLC0415 - it is built on this module

        return cluster_beyond(address or "", 1 if workers is None else workers, hours=hours, **beyond)
    check_amounts(workers, gpus, hours, idle_minutes)
    present = gpu_count()
    if present and gpus is not None and gpus > present:
        raise InvalidInput(f"This machine has {present} GPUs; {gpus} were asked for. Ask for fewer.")
    kind = "gpu" if present and workers is None else "cpu"
    count = (gpus or present) if kind == "gpu" else (workers or gpus or cpu_count())
    is_at_most = workers is None and gpus is None
    record = line.begin(kind, min(count, MAX_WORKERS), hours, idle_minutes, is_at_most=is_at_most)
    count = record.workers if record else count
    return _start(kind, count, hours, idle_minutes, record)


def _start(kind: str, count: int, hours: float, idle_minutes: float, record: line.Record | None) -> Cluster:
    """Start an engine and what looks after it; when that fails, the record does not keep it."""
    try:
        engine = (gpu_engine if kind == "gpu" else cpu_engine)(count, idle_minutes)
        return Cluster(engine, kind, count, hours, idle_minutes=idle_minutes, record=record)
    except BaseException as problem:
        if record is not None:
            record.end("it did not start")
        if isinstance(problem, RuntimeError | OSError):
            raise RunFailed(
                f"The {count} workers did not start ({problem}); ask for fewer, or restart the kernel and try again."
            ) from problem
        raise


def private_cluster(workers: int, *, hours: float) -> Cluster:
    """Start CPU workers outside of a sandbox, where other users of the machine share its loopback.

    Scheduler and workers ask each other for a certificate that only this process hands out, there is no dashboard, and
    nothing that a worker holds is written to a disk.

    Parameters
    ----------
    workers : int
        How many, 1–64.
    hours : float
        After how many hours it closes by itself.

    Source: distributed's TLS documentation (Security.temporary).
    """
    return Cluster(private_engine(workers), "cpu", workers, hours)
