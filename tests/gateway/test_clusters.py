"""Clusters in the gateway's record: quotas that hold, an event for each start and end, and nobody else's cluster."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from in_process import Door, opened, token_of

from workbench.compute.clusters import records
from workbench.gateway.live_clusters import LiveClusters
from workbench.gateway.state import State
from workbench.governance.record.audit import list_events
from workbench.settings import Settings


class Home:
    """A home in this process whose clock is turned by hand."""

    def __init__(self, state: State, runner: asyncio.Runner) -> None:
        self.state, self._runner = state, runner
        self.now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        state.store._clock = lambda: self.now

    def door(self, person: str, kind: str = "kernel") -> Door:
        return Door(self.state, self._runner, token_of(self.state, person, kind))

    def events(self, action: str) -> list[dict[str, Any]]:
        return [event for event in list_events(self.state.store) if event["action"] == action]


@pytest.fixture
def place(tmp_path: Any) -> Iterator[Home]:
    settings = Settings(tmp_path / "home", cluster_workers=8, cluster_gpus=2, cluster_hours=20)
    with opened(settings) as state, asyncio.Runner() as runner:
        yield Home(state, runner)


def asked(door: Door, verb: str, url: str, **body: object) -> tuple[int, dict[str, Any]]:
    status, _, content = door.ask(verb, url, body)
    return status, json.loads(content)


def started(door: Door, workers: int, hours: float = 1, **more: object) -> dict[str, Any]:
    status, body = asked(door, "POST", "/v1/clusters", workers=workers, hours=hours, **more)
    assert status == 200, body
    return body


def test_a_start_is_recorded_with_its_kernel_and_ends_with_the_hours_it_used(place: Home) -> None:
    kernel = place.door("researcher")
    cluster = started(kernel, 2)
    assert (cluster["id"], cluster["state"], cluster["quota"]["hours_used"]) == ("CL1", "running", 2.0)
    place.now += timedelta(minutes=15)
    ended = asked(kernel, "POST", "/v1/clusters/CL1/stop", why="idle for 10 minutes")[1]
    assert (ended["state"], ended["why"]) == ("ended", "idle for 10 minutes")
    assert place.events("cluster.start")[0]["details"]["workers"] == 2
    assert place.events("cluster.end")[0]["details"]["worker_hours"] == 0.5
    assert kernel.get("/v1/clusters")["quota"]["hours_used"] == 0.5


def test_workers_beyond_the_quota_are_refused_with_what_would_do(place: Home) -> None:
    kernel = place.door("researcher")
    started(kernel, 6)
    status, refused = asked(place.door("researcher"), "POST", "/v1/clusters", workers=3, hours=1)
    assert (status, refused["code"]) == (403, "cluster-quota")
    assert refused["message"].startswith(
        "Your quota is 8 workers at the same time, 6 of them in CL1, and 3 were asked for: ask for at most 2, close one"
    )
    assert place.events("cluster.start")[-1]["outcome"] == "denied"
    assert started(kernel, 16, is_at_most=True)["workers"] == 2


def test_a_quota_is_each_person_s_own_and_gpus_count_apart(place: Home) -> None:
    started(place.door("researcher"), 8)
    assert started(place.door("teacher"), 8)["id"] == "CL2"
    gpus = place.door("researcher")
    assert started(gpus, 2, kind="gpu")["kind"] == "gpu"
    assert asked(gpus, "POST", "/v1/clusters", workers=1, kind="gpu")[1]["message"].startswith("Your quota is 2 GPUs")


def test_worker_hours_are_held_while_it_runs_and_come_back_after_a_week(place: Home) -> None:
    kernel = place.door("researcher")
    started(kernel, 5, hours=4)
    status, refused = asked(kernel, "POST", "/v1/clusters", workers=1, hours=1)
    assert status == 403
    assert "20 worker hours in 7 days, 0.0 of them left, and 1.0 were asked" in refused["message"]
    place.now += timedelta(hours=5)
    assert kernel.get("/v1/clusters")["clusters"][0]["why"] == records.HOURS_OVER
    assert kernel.get("/v1/clusters")["quota"]["hours_used"] == 20
    place.now += timedelta(days=7, hours=1)
    assert started(kernel, 1)["quota"]["hours_used"] == 1


def test_scaling_counts_against_the_quota_too(place: Home) -> None:
    kernel = place.door("researcher")
    started(kernel, 2)
    assert asked(kernel, "POST", "/v1/clusters/CL1/scale", workers=8)[1]["workers"] == 8
    assert asked(kernel, "POST", "/v1/clusters/CL1/scale", workers=9)[0] == 403
    assert asked(kernel, "POST", "/v1/clusters/CL1/scale", workers=0)[0] == 400
    assert [event["details"].get("workers") for event in place.events("cluster.scale")] == [8, None]


def test_the_kernel_hears_that_somebody_wants_it_to_stop(place: Home) -> None:
    kernel = place.door("researcher")
    started(kernel, 1)
    assert asked(kernel, "POST", "/v1/clusters/CL1/beat", actual=1, tasks=3)[1]["state"] == "running"
    person = place.door("researcher", "person")
    assert person.get("/v1/clusters")["clusters"][0]["tasks"] == 3
    assert asked(person, "POST", "/v1/clusters/CL1/stop")[1]["state"] == "stopping"
    assert asked(kernel, "POST", "/v1/clusters/CL1/beat")[1]["state"] == "stopping"
    asked(kernel, "POST", "/v1/clusters/CL1/stop", why="stopped by you")
    assert asked(person, "POST", "/v1/clusters/CL1/stop")[1]["code"] == "cluster-ended"


def test_nobody_sees_or_stops_the_cluster_of_another_and_no_kernel_steers_that_of_another(place: Home) -> None:
    started(place.door("researcher"), 1)
    other = place.door("teacher", "person")
    assert other.get("/v1/clusters")["clusters"] == []
    assert asked(other, "POST", "/v1/clusters/CL1/stop")[0] == 404
    second = place.door("researcher")
    assert asked(second, "POST", "/v1/clusters/CL1/scale", workers=2)[0] == 404
    assert asked(second, "POST", "/v1/clusters/CL1/beat")[0] == 404


def test_the_end_of_a_kernel_closes_its_cluster_in_the_record(place: Home) -> None:
    kernel = place.door("researcher")
    name = place.state.tokens.read(kernel._token).id
    started(kernel, 4)
    operator = Door(place.state, place._runner, place.state.tokens._operator)
    assert operator.ask("DELETE", f"/v1/kernels/{name}")[0] == 200
    found = place.door("researcher", "person").get("/v1/clusters")
    assert (found["clusters"][0]["why"], found["quota"]["workers_used"]) == (records.KERNEL_ENDED, 0)


def test_a_cluster_that_fell_silent_is_closed_and_holds_no_quota(place: Home) -> None:
    object.__setattr__(place.state, "clusters", LiveClusters(silence_s=-1.0))
    kernel = place.door("researcher")
    started(kernel, 8)
    assert started(kernel, 8)["id"] == "CL2"
    assert place.events("cluster.end")[0]["reason"] == records.SILENT
    assert asked(kernel, "POST", "/v1/clusters/CL1/beat")[1]["state"] == "ended"


def test_a_custodian_sets_the_quota_of_others_alone(place: Home) -> None:
    custodian = place.door("custodian", "person")
    status, quota = asked(custodian, "POST", "/v1/cluster-quotas/researcher", workers=1)
    assert (status, quota["workers"], quota["gpus"]) == (200, 1, 2)
    assert asked(place.door("researcher"), "POST", "/v1/clusters", workers=2)[0] == 403
    assert {one["person"]: one["workers"] for one in custodian.get("/v1/clusters")["quotas"]}["researcher"] == 1
    assert asked(custodian, "POST", "/v1/cluster-quotas/custodian", workers=99)[1]["code"] == "own-quota"
    assert asked(custodian, "POST", "/v1/cluster-quotas/nobody", workers=9)[0] == 404
    assert asked(custodian, "POST", "/v1/cluster-quotas/researcher", workers=-1)[0] == 400
    researcher = place.door("researcher", "person")
    assert asked(researcher, "POST", "/v1/cluster-quotas/teacher", workers=9)[0] == 403
    assert "quotas" not in researcher.get("/v1/clusters")


@pytest.mark.parametrize("body", [
    {"workers": 65}, {"workers": "2"}, {}, {"workers": 1, "hours": 25}, {"workers": 1, "kind": "tpu"},
    {"workers": 1, "idle_minutes": 0},
])  # fmt: skip
def test_absurd_wishes_are_refused(place: Home, body: dict[str, object]) -> None:
    assert asked(place.door("researcher"), "POST", "/v1/clusters", **body)[0] == 400


def test_a_browser_or_terminal_starts_none_by_itself(place: Home) -> None:
    assert asked(place.door("researcher", "person"), "POST", "/v1/clusters", workers=1)[0] == 403
