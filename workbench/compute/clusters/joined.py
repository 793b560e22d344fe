"""Joining a cluster that runs without a notebook, from a notebook of the same account.

Runs in: kernel
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.compute.cluster import Cluster
from workbench.compute.clusters.engines import LOOPBACK
from workbench.compute.clusters.passage import Passage, open_way_out
from workbench.connection import connect_from_environment
from workbench.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from distributed import Client


class _Joined:
    """What `Cluster` asks of an engine, for a cluster that somebody else looks after."""

    scheduler = None
    status = "running"
    shutdown_scheduler = False

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self.joins_at = f"tcp://{LOOPBACK}:{passage.port}"
        self.client: Client | None = None

    def sync(self, _function: Callable[..., Any], *_words: Any, **_options: Any) -> dict[str, Any]:
        """Give what the scheduler last told; nothing is mended from here."""
        if self.client is None or self.client.status != "running":
            return {}
        found = [worker["metrics"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values()]
        return {
            "actual": len(found), "memory_bytes": sum(one.get("memory", 0) for one in found),
            "tasks": sum(one.get("executing", 0) + one.get("ready", 0) for one in found),
        }  # fmt: skip

    def scale(self, _workers: int) -> None:
        """Refuse: the quota of the cluster is counted where it runs."""
        raise InvalidInput(
            "A cluster that was joined keeps its workers; start one of the size you need: `workbench cluster start`."
        )

    def close(self, **_options: Any) -> None:
        """Leave; the cluster goes on."""
        if self.status == "running":
            self.status = "left"
            self._passage.close()


class JoinedCluster(Cluster):
    """A cluster of the same account that runs in a sandbox of its own; closing this leaves it, and it goes on."""

    def scale(self, workers: int) -> None:
        """Refuse to change what was started elsewhere."""
        self._require_open()
        self._engine.scale(workers)

    def _repr_html_(self) -> str:
        return super()._repr_html_().replace("in this kernel’s sandbox · closes with", "joined · left with")


def join_cluster(name: str) -> JoinedCluster:
    """Join a cluster that `workbench cluster start` started; `wb.cluster(join=…)` calls this.

    Parameters
    ----------
    name : str
        Its id, such as ``CL3``.

    Raises
    ------
    NotFound
        When the account has no such cluster that runs, or it lets nobody in.
    """
    line = connect_from_environment()
    try:
        known = {one["id"]: one for one in line.get("/v1/clusters")["clusters"]}
    finally:
        line.close()
    facts = known.get(name)
    if facts is None or facts["state"] != "running":
        why = f" any more: {facts['why']}" if facts and facts["why"] else ""
        raise NotFound(f"No cluster “{name}” of yours runs{why}; `workbench cluster list` lists those that do.")
    left_s = (datetime.fromisoformat(facts["ends"]) - datetime.now(UTC)).total_seconds()
    engine = _Joined(open_way_out(name))
    try:
        joined = JoinedCluster(engine, facts["kind"], facts["workers"], max(left_s, 1.0) / 3600)
    except BaseException:
        engine.close()
        raise
    engine.client = joined.client
    # As a cluster of the notebook's own does: only what a person must act on reaches the cell's output.
    logging.getLogger("distributed").setLevel(logging.WARNING)
    return joined
