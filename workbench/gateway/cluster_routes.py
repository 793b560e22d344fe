"""Routes of clusters: starting, saying that they live, scaling and stopping them, and what each person may have.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.compute.clusters import records
from workbench.compute.clusters.quotas import read_quota
from workbench.errors import InvalidInput, NotFound
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.governance import people

# What a cluster says of itself, and the largest number it may say.
SAID = ("actual", "memory_bytes", "tasks", "idle_s")
LARGEST = 2**53
BOTH = ("person", "kernel")


def list_all(call: Call) -> dict[str, Any]:
    """List the caller's clusters and quota; who sets quotas gets those of all people too."""
    state = call.state
    state.clusters.settle(state.store)
    clusters = [_with_life(call, one) for one in records.list_clusters(state.store, call.person)]
    answer = {"clusters": clusters, "quota": _quota(call, call.person)}
    if people.roles_of(state.store, call.person) & {"administrator", "custodian"}:
        everybody = [one["person"] for one in people.list_people(state.store)]
        answer["quotas"] = [{"person": person, **_quota(call, person)} for person in everybody]
    return answer


def start(call: Call) -> dict[str, Any]:
    """Record a kernel's new cluster."""
    call.state.clusters.settle(call.state.store)
    asked = records.Asked(
        call.text("kind", "cpu", longest=10), _whole(call, "workers"), _number(call, "hours", 2.0),
        _number(call, "idle_minutes", 60.0), bool(call.json().get("is_at_most", False)),
    )  # fmt: skip
    started = records.begin(call.state.store, call.state.settings, call.person, asked, guard.context_of(call.token))
    call.state.clusters.tell(started["id"], {})
    return {**started, "quota": _quota(call, call.person)}


def beat(call: Call) -> dict[str, Any]:
    """Take in that a cluster lives, and tell its kernel whether it shall go on."""
    row = _of_kernel(call)
    if row["ended"] is None:
        said = {name: _number(call, name, 0.0) for name in SAID}
        call.state.clusters.tell(row["id"], {n: one if n == "idle_s" else int(one) for n, one in said.items()})
    return records.shown(row)


def scale(call: Call) -> dict[str, Any]:
    """Record another number of workers."""
    row = _of_kernel(call)
    return records.scale(call.state.store, call.state.settings, row["id"], _whole(call, "workers"))


def stop(call: Call) -> dict[str, Any]:
    """End a cluster: at once when its own kernel says so, else as soon as that kernel hears of it."""
    state, cluster = call.state, call.path["cluster"]
    guard.require(call, "cluster.stop", cluster)
    row = records.find(state.store, cluster)
    if call.token.kind == "kernel" and row["kernel"] == call.token.id:
        ended = records.end(state.store, cluster, call.text("why", "closed", longest=200) or "closed")
        state.clusters.forget(cluster)
        return ended
    state.clusters.settle(state.store)
    return _with_life(call, records.ask_to_stop(state.store, call.person, cluster))


def set_quota(call: Call) -> dict[str, Any]:
    """Set what a person may have."""
    person = call.path["person"]
    guard.require(call, "cluster.govern", person)
    people.whoami(call.state.store, person)
    now = _quota(call, person)
    records.set_quota(
        call.state.store, call.person, person, workers=_whole(call, "workers", now["workers"]),
        gpus=_whole(call, "gpus", now["gpus"]), hours=_number(call, "hours", now["hours"]),
    )  # fmt: skip
    return {"person": person, **_quota(call, person)}


def _quota(call: Call, person: str) -> dict[str, Any]:
    store = call.state.store
    return read_quota(store.read().execute, call.state.settings, person, store.now()).as_dict()


def _with_life(call: Call, cluster: dict[str, Any]) -> dict[str, Any]:
    told = {} if cluster["ended"] else call.state.clusters.told(cluster["id"])
    return {**cluster, **{name: told.get(name) for name in SAID}}


def _of_kernel(call: Call) -> Any:
    row = records.find(call.state.store, call.path["cluster"])
    if row["kernel"] != call.token.id:
        raise NotFound(
            f"This kernel has no cluster “{call.path['cluster']}”; only the kernel that started one steers it."
        )
    return row


def _whole(call: Call, name: str, default: int | None = None) -> int:
    value = call.json().get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise InvalidInput(f"“{name}” must be a whole number.")
    return value


def _number(call: Call, name: str, default: float) -> float:
    value = call.json().get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= LARGEST:
        raise InvalidInput(f"“{name}” must be a number.")
    return float(value)


ROUTES = (
    Route("GET", "/v1/clusters", list_all, BOTH, "cluster.list"),
    Route("POST", "/v1/clusters", start, ("kernel",), "cluster.start"),
    Route("POST", "/v1/clusters/{cluster}/beat", beat, ("kernel",), "cluster.beat"),
    Route("POST", "/v1/clusters/{cluster}/scale", scale, ("kernel",), "cluster.scale"),
    Route("POST", "/v1/clusters/{cluster}/stop", stop, BOTH, "cluster.stop"),
    Route("POST", "/v1/cluster-quotas/{person}", set_quota, ("person",), "cluster.govern"),
)
