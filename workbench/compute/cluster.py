"""Dask workers inside the kernel's own sandbox: Dask-CUDA where GPUs are present, the same on CPU elsewhere.

A scheduler is never shared between people, since all users of one share its memory (distributed issue 304); this
one listens on the loopback of the sandbox's own network and ends with the kernel.

Runs in: kernel
"""

from __future__ import annotations

import atexit
import logging
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.compute.devices import cpu_count, gpu_count
from workbench.compute.progress import Progress
from workbench.errors import InvalidInput, MissingDependency, RunFailed

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WORKERS = 64
MAX_HOURS = 24.0
LOOPBACK = "127.0.0.1"


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
    """

    def __init__(self, engine: Any, kind: str, workers: int, hours: float) -> None:
        from distributed import Client  # noqa: PLC0415 - heavy, loaded on first use

        self.kind = kind
        self.workers = workers
        self.hours = hours
        self._engine = engine
        self.client: Client = Client(engine)
        self.is_open = True
        self._timer = threading.Timer(hours * 3600, self.close)
        self._timer.daemon = True
        self._timer.start()
        atexit.register(self.close)

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
            When the function raises on an item, or a worker dies under it; the rest is cancelled.
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
            When the function raises on an item, or a worker dies under it again; the rest is cancelled.
        InvalidInput
            When the cluster was closed before.
        """
        from distributed import as_completed  # noqa: PLC0415 - heavy, loaded on first use

        if not self.is_open:
            raise InvalidInput("This cluster is closed; start a new one with wb.cluster().")
        futures = self.client.map(function, list(items), pure=False, retries=1)
        number_of = {future.key: number for number, future in enumerate(futures)}
        try:
            for future in as_completed(futures):
                number = number_of[future.key]
                if future.status != "finished":
                    problem = future.exception()
                    raise RunFailed(
                        f"Item {number + 1} of {len(futures)} failed on a worker "
                        f"({type(problem).__name__}: {problem}); mend it and run the cell again."
                    ) from problem
                yield number, future.result()
                future.release()
        finally:
            self.client.cancel(futures)

    def close(self) -> None:
        """End the workers; doing it twice is fine."""
        if not self.is_open:
            return
        self.is_open = False
        self._timer.cancel()
        atexit.unregister(self.close)
        self.client.close()
        self._engine.close()

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
        colour = "#2e7d32" if self.is_open else "#9e9e9e"
        state = "running" if self.is_open else "closed"
        return (
            '<div style="font-family:var(--jp-ui-font-family,sans-serif);font-size:13px;border:1px solid '
            'var(--jp-border-color1,#ccc);border-radius:8px;padding:.7em 1em;display:inline-block">'
            f'<b>Cluster</b> <span style="color:{colour}">● {state}</span><br>'
            f"{self.workers} {self.kind.upper()} worker{'s' * (self.workers != 1)} in this kernel’s sandbox · "
            f"closes with the kernel or after {self.hours:g} h</div>"
        )


def cluster(workers: int | None = None, *, gpus: int | None = None, hours: float = 2.0) -> Cluster:
    """Start workers for this notebook.

    Parameters
    ----------
    workers : int, optional
        How many workers, 1–64; one per GPU or per core when left out.
    gpus : int, optional
        How many GPUs to use. Where the machine has none, the same number of CPU workers starts and says so.
    hours : float
        After how many hours it closes by itself, above 0, at most 24.

    Returns
    -------
    Cluster

    Raises
    ------
    InvalidInput
        When a number is out of its range, or more GPUs are asked for than there are.
    MissingDependency
        When GPUs are present and the packages of the extra ``cuda`` are not.
    """
    for name, value, top in (("workers", workers, MAX_WORKERS), ("gpus", gpus, MAX_WORKERS)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= top):
            raise InvalidInput(f"{name} must be a whole number from 1 to {top}; got {value!r}.")
    if not 0 < hours <= MAX_HOURS:
        raise InvalidInput(f"hours must be above 0 and at most {MAX_HOURS:g}; got {hours!r}.")
    present = gpu_count()
    if present and gpus is not None and gpus > present:
        raise InvalidInput(f"This machine has {present} GPUs; {gpus} were asked for. Ask for fewer.")
    if present and workers is None:
        count = gpus or present
        return Cluster(_gpu_engine(count), "gpu", count, hours)
    count = workers or gpus or cpu_count()
    return Cluster(_cpu_engine(count), "cpu", count, hours)


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
    import dask  # noqa: PLC0415 - heavy, loaded on first use
    from distributed import LocalCluster  # noqa: PLC0415 - the same
    from distributed.security import Security  # noqa: PLC0415 - the same

    dask.config.set({"distributed.worker.daemon": True, "distributed.worker.profile.enabled": False})
    engine = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host=LOOPBACK, dashboard_address=None,
        security=Security.temporary(), memory_limit=0, silence_logs=logging.ERROR,
    )  # fmt: skip
    return Cluster(engine, "cpu", workers, hours)


def _options() -> dict[str, Any]:
    # Without an address distributed binds its dashboard to 0.0.0.0:8787 with no login.
    return {
        "host": LOOPBACK,
        "dashboard_address": f"{LOOPBACK}:0",
        "local_directory": tempfile.mkdtemp(prefix="workers-"),
    }


def _cpu_engine(workers: int) -> Any:
    import dask  # noqa: PLC0415 - heavy, loaded on first use
    from distributed import LocalCluster  # noqa: PLC0415 - heavy, loaded on first use

    # Workers that are daemons cannot have children, so a DataLoader inside one would fail.
    dask.config.set({"distributed.worker.daemon": False})
    return LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **_options())


def _gpu_engine(gpus: int) -> Any:
    try:
        from dask_cuda import LocalCUDACluster  # noqa: PLC0415 - needs NVML, loaded where GPUs are
    except ImportError as problem:
        raise MissingDependency(
            f"This machine has GPUs but Dask-CUDA cannot be used ({problem}); install the extra: "
            "`pip install ai4h-workbench[cuda]`."
        ) from None
    return LocalCUDACluster(n_workers=gpus, **_options())
