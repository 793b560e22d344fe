"""Workers beyond one machine, by dask-gateway, for open data alone.

The workers of a dask-gateway reach the network of their host, so a kernel that may submit to one has left its sandbox.
Whether a kernel may is read from its token, at this home's gateway: a kernel without a sandbox is given open data and
nothing else, one with a sandbox may read governed data and is refused. Governed work goes to jobs instead.

Runs in: kernel
Source: dask-gateway's documentation (authentication, cluster options, resource limits).
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.compute.cluster import MAX_HOURS, MAX_WORKERS, Cluster
from workbench.compute.clusters.shown import as_html
from workbench.connection import Connection, connect_from_environment
from workbench.errors import (
    AccessDenied,
    GatewayUnavailable,
    InvalidInput,
    MissingDependency,
    NotSignedIn,
    RunFailed,
)

if TYPE_CHECKING:
    from dask_gateway import Gateway, GatewayCluster

HUB = "jupyterhub"
START_S, LOOK_S = 180.0, 0.2
REFUSED = (
    "This kernel may read governed data, and the workers of a dask-gateway reach the network of their host, so it may "
    "not submit to one. Use wb.cluster(workers=…) inside the sandbox, or run_job for work that goes on alone; for open "
    "data use a kernel without a sandbox, which reads nothing else."
)
CODE = "engine-not-isolated"


def require_open_only(line: Connection | None = None) -> None:
    """Refuse whoever may read more than open data.

    Parameters
    ----------
    line : Connection, optional
        The kernel's own when left out.

    Raises
    ------
    AccessDenied
        With ``engine-not-isolated`` when the token is of a kernel in a sandbox, or of no kernel.
    NotSignedIn
        When this Python was not started by the workbench.
    """
    own = line or connect_from_environment()
    try:
        who = own.get("/v1/whoami")
    finally:
        if line is None:
            own.close()
    # The gateway reads both from the token that it signed itself; what the environment says does not count.
    if who["kind"] != "kernel" or who["isolation"] != "none":
        raise AccessDenied(REFUSED, code=CODE)


class BeyondCluster(Cluster):
    """A cluster at a dask-gateway; it maps, scales and closes as one inside the sandbox does."""

    def _repr_html_(self) -> str:
        inside = as_html(self.kind, self.workers, self.hours, self.is_open)
        return inside.replace("in this kernel’s sandbox", "at a dask-gateway, for open data alone")


def cluster_beyond(
    address: str,
    workers: int = 1,
    *,
    hours: float = 2.0,
    sign_in: str | tuple[str, str] = HUB,
    proxy_address: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> BeyondCluster:
    """Start workers at a dask-gateway; `wb.cluster(address=…)` calls this.

    Parameters
    ----------
    address, workers, sign_in, proxy_address, options
        As for `beyond_engine`, which tells what is raised.
    hours : float
        After how many hours it closes by itself, above 0, at most 24; the gateway has an idle time of its own.

    Returns
    -------
    BeyondCluster

    Raises
    ------
    InvalidInput
        Besides, when the hours are out of their range.
    """
    if not 0 < hours <= MAX_HOURS:
        raise InvalidInput(f"hours must be above 0 and at most {MAX_HOURS:g}; got {hours!r}.")
    engine = beyond_engine(address, workers, sign_in=sign_in, proxy_address=proxy_address, options=options)
    return BeyondCluster(engine, "cpu", workers, hours)


def beyond_engine(
    address: str,
    workers: int,
    *,
    sign_in: str | tuple[str, str] = HUB,
    proxy_address: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> GatewayCluster:
    """Start workers at a dask-gateway and give the dask cluster, which `Cluster` and `distributed.Client` take.

    Parameters
    ----------
    address : str
        Of the dask-gateway, such as ``https://hub.example.org/services/dask-gateway``.
    workers : int
        How many, from 1; the gateway has a limit of its own.
    sign_in : str or tuple of str
        ``jupyterhub`` for the token of the hub that started this kernel, or name and password.
    proxy_address : str, optional
        Where its schedulers are reached, when that is another address.
    options : mapping, optional
        What the gateway lets people choose, by its own names and types, such as ``worker_cores``.

    Raises
    ------
    AccessDenied
        When this kernel may read governed data.
    MissingDependency
        When the extra ``gateway`` is not installed.
    InvalidInput
        When an option is unknown or out of its range, or more workers are asked for than the gateway gives.
    NotSignedIn
        When the gateway does not know who asks.
    GatewayUnavailable
        When it does not answer.
    RunFailed
        When the cluster does not start.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= MAX_WORKERS:
        raise InvalidInput(f"workers must be a whole number from 1 to {MAX_WORKERS}; got {workers!r}.")
    require_open_only()
    gateway = _connect(address, proxy_address, sign_in)
    try:
        engine = _new_cluster(gateway, dict(options or {}))
    finally:
        hang_up(gateway)
    try:
        _scale(engine, workers)
        return engine
    except BaseException:
        engine.close(shutdown=True)
        raise


def _connect(address: str, proxy_address: str | None, sign_in: str | tuple[str, str]) -> Gateway:
    try:
        from dask_gateway import BasicAuth, Gateway  # noqa: PLC0415 - an extra, for this engine alone
    except ImportError:
        raise MissingDependency(
            "dask-gateway is not installed; install the extra: `pip install ai4h-workbench[gateway]`."
        ) from None
    if isinstance(sign_in, str) and sign_in != HUB:
        raise InvalidInput(f"sign_in is “{HUB}” or a pair of name and password; got “{sign_in}”.")
    try:
        auth = sign_in if isinstance(sign_in, str) else BasicAuth(*sign_in)
        return Gateway(address, proxy_address=proxy_address, auth=auth)
    except (TypeError, ValueError) as problem:
        raise InvalidInput(f"This dask-gateway cannot be asked ({problem}); look at its address and sign_in.") from None


def hang_up(gateway: Gateway) -> None:
    """Close a line to a dask-gateway for good.

    Parameters
    ----------
    gateway : Gateway
        Not to be used afterwards.
    """
    gateway.close()
    _silence(gateway)


def _silence(gateway: Gateway) -> None:
    # Its `__del__` closes it again and asks a loop that has stopped, which distributed no longer allows; it leaves
    # alone what calls itself asynchronous.
    gateway._asynchronous = True


def _engine_class() -> type[GatewayCluster]:
    from dask_gateway import GatewayCluster  # noqa: PLC0415 - an extra, for this engine alone

    class Engine(GatewayCluster):
        """A dask-gateway's cluster with what `Cluster` asks of an engine, closed without an afterword.

        The gateway looks after its workers: there is no scheduler here to look into, and nothing to mend.
        """

        scheduler = None

        def __init__(self, **words: Any) -> None:
            try:
                super().__init__(**words)
            except BaseException:
                # Left to the garbage collector, it would be closed while another loop starts, and both would wait for
                # the lock that distributed's LoopRunner holds then.
                if hasattr(self, "gateway"):
                    hang_up(self.gateway)
                raise

        @property
        def workers(self) -> dict[str, Any]:
            """No processes of this machine."""
            return {}

        def sync(self, function: Callable[..., Any], *words: Any, callback_timeout: float | None = None) -> Any:
            """Run a coroutine function on this cluster's loop."""
            return self.gateway.sync(function, *words)

        async def _correct_state(self) -> None:
            return

        def scale(self, n: int, **words: Any) -> None:
            """Ask for workers; fewer than asked for is a refusal, not a surprise."""
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                super().scale(n, **words)
            limits = [str(one.message) for one in said if one.category.__name__ == "GatewayWarning"]
            if limits:
                raise InvalidInput(f"The dask-gateway gives fewer workers ({limits[0]}); ask for no more than that.")

        def close(self, shutdown: bool | None = None) -> None:
            """Close it; the first time shuts it down."""
            if self.status != "closed":
                super().close(shutdown=shutdown)
                _silence(self.gateway)

    return Engine


def _new_cluster(gateway: Gateway, options: dict[str, Any]) -> GatewayCluster:
    import aiohttp  # noqa: PLC0415 - comes with dask-gateway
    from dask_gateway import GatewayClusterError, GatewayServerError  # noqa: PLC0415 - the same

    try:
        known = _known_options(gateway)
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise InvalidInput(
                f"This dask-gateway has no option {', '.join(unknown)}; it has {', '.join(sorted(known)) or 'none'}."
            )
        return _engine_class()(
            address=gateway.address, proxy_address=gateway.proxy_address, auth=gateway.auth, shutdown_on_close=True,
            **options,
        )  # fmt: skip
    except ValueError as problem:
        raise InvalidInput(f"The dask-gateway refused the options ({problem}); choose others.") from None
    except (GatewayClusterError, GatewayServerError) as problem:
        raise RunFailed(
            f"The dask-gateway could not start a cluster ({problem}); try again, or ask its owner."
        ) from None
    except aiohttp.ClientResponseError as problem:
        if problem.status in (401, 403):
            raise NotSignedIn("The dask-gateway does not know who asks; give sign_in=(name, password).") from None
        raise GatewayUnavailable(f"The dask-gateway answered with HTTP status {problem.status}; try later.") from None
    except (aiohttp.ClientError, OSError) as problem:
        raise GatewayUnavailable(
            f"The dask-gateway does not answer ({type(problem).__name__}); look at its address, and try again."
        ) from None


def _known_options(gateway: Gateway) -> dict[str, Any]:
    try:
        return dict(gateway.cluster_options(use_local_defaults=False))
    except ValueError:
        raise InvalidInput("What answers at this address is no dask-gateway; look at the address.") from None


def _scale(engine: GatewayCluster, workers: int) -> None:
    """Ask for workers and wait until they are there."""
    engine.scale(workers)
    until = time.monotonic() + START_S
    while len(engine.scheduler_info.get("workers", {})) < workers:
        if time.monotonic() > until:
            raise RunFailed(
                f"Of {workers} workers {len(engine.scheduler_info.get('workers', {}))} came within {START_S:g} s, so "
                "the cluster was closed; ask for fewer, or ask the owner of the dask-gateway."
            )
        time.sleep(LOOK_S)
