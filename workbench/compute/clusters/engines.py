"""Makes the dask cluster behind a `Cluster`: on CPU, on GPUs with one worker each, or private outside of a sandbox.

Every address is on loopback; in a governed kernel that is the loopback of the sandbox's own network.

Runs in: kernel
Source: distributed's documentation of `idle_timeout` and of TLS (Security.temporary); dask-cuda issues 721 and 867.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from typing import Any

from workbench.compute.clusters.watch import is_alive
from workbench.errors import MissingDependency

LOOPBACK = "127.0.0.1"
LONGEST_START_S, AFTER_WATCH_S, GOODBYE_S = 600.0, 60.0, 3.0


def cpu_engine(workers: int, idle_minutes: float) -> Any:
    """Start CPU workers with one thread each.

    Parameters
    ----------
    workers : int
        How many.
    idle_minutes : float
        After how long with nothing to do its scheduler ends.
    """
    import dask  # noqa: PLC0415 - heavy, loaded on first use
    from distributed import LocalCluster  # noqa: PLC0415 - the same

    # Workers that are daemons cannot have children, so a DataLoader inside one would fail.
    dask.config.set({"distributed.worker.daemon": False})
    engine = LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, **_options(idle_minutes))
    return _counting_from_now(engine, idle_minutes)


def gpu_engine(gpus: int, idle_minutes: float) -> Any:
    """Start one worker for each of so many GPUs.

    Parameters
    ----------
    gpus : int
        How many.
    idle_minutes : float
        As for `cpu_engine`.

    Raises
    ------
    MissingDependency
        When the packages of the extra ``cuda`` are not there.
    """
    try:
        import dask  # noqa: PLC0415 - heavy, loaded on first use
        from dask_cuda import LocalCUDACluster  # noqa: PLC0415 - needs NVML, loaded where GPUs are
    except ImportError as problem:
        raise MissingDependency(
            f"This machine has GPUs but Dask-CUDA cannot be used ({problem}); install the extra: "
            "`pip install ai4h-workbench[cuda]`."
        ) from None
    dask.config.set({"distributed.worker.daemon": False})
    return _counting_from_now(LocalCUDACluster(n_workers=gpus, **_options(idle_minutes)), idle_minutes)


def private_engine(workers: int) -> Any:
    """Start CPU workers that ask each other for a certificate, and write nothing that they hold to a disk.

    Parameters
    ----------
    workers : int
        How many.
    """
    import dask  # noqa: PLC0415 - heavy, loaded on first use
    from distributed import LocalCluster  # noqa: PLC0415 - the same
    from distributed.security import Security  # noqa: PLC0415 - the same

    dask.config.set({"distributed.worker.daemon": True, "distributed.worker.profile.enabled": False})
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, host=LOOPBACK, dashboard_address=None,
        security=Security.temporary(), memory_limit=0, silence_logs=logging.ERROR,
    )  # fmt: skip


def end_engine(engine: Any, client: Any) -> None:
    """End an engine and the client that uses it, also when its scheduler is gone.

    Parameters
    ----------
    engine : object
        The dask cluster.
    client : distributed.Client
        Of the same.
    """
    if client.status != "connecting" and is_alive(engine):
        with contextlib.suppress(OSError):
            client.close()
            engine.close()
            return
    # With its scheduler gone, maybe a moment ago, nobody is there to say goodbye to; its workers end by themselves.
    engine.shutdown_scheduler = False
    with contextlib.suppress(OSError, RuntimeError, AssertionError):
        client.close(timeout=1)
        engine.close(**({"timeout": GOODBYE_S} if hasattr(engine, "worker_spec") else {}))


def _options(idle_minutes: float) -> dict[str, Any]:
    # Without an address distributed binds its dashboard to 0.0.0.0:8787 with no login; as a plain keyword
    # `idle_timeout` would reach the workers' nannies and end those.
    return {
        "host": LOOPBACK,
        "dashboard_address": f"{LOOPBACK}:0",
        "local_directory": tempfile.mkdtemp(prefix="workers-"),
        "scheduler_kwargs": {"idle_timeout": f"{idle_minutes * 60 + LONGEST_START_S:g} s"},
    }


def _counting_from_now(engine: Any, idle_minutes: float) -> Any:
    """Have the idle time counted from the moment at which all workers are there.

    A scheduler that ends of idleness while its first workers start leaves the start waiting for ever. One that ends
    before its client does makes that try to connect again, so the watch closes all of it in order a little earlier.
    """
    engine.scheduler.idle_since = time.time()
    engine.scheduler.idle_timeout = idle_minutes * 60 + AFTER_WATCH_S
    return engine
