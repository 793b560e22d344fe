"""For random data under random policies, every way to read agrees with the plainest model of what may be seen."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, event, given, settings
from in_process import Door, Reply, opened, token_of
from naive import COARSE, NothingGiven, Refused, World
from worlds import DATASET, LABEL, SCANS, cedar, objects, publish, voxels, worlds

from workbench.gateway.tables import SCANS as SCAN_SCHEMA
from workbench.governance.access import approve, submit_request
from workbench.governance.policy.texts import set_policy
from workbench.settings import load_settings

URL = f"/v1/datasets/{DATASET}"
SHARD = "image.zarr/0/c/0/0/0"
LABEL_KEY = f"labels/{LABEL}.zarr/0/c/0/0/0"
OK, BAD, REFUSED, MISSING = 200, 400, 403, 404
FIRST = World(({"scan": "S0001", "subject": "P0001", "split": "train", "modality": "CT", "slices": 4},), {})


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Give a researcher's way into a home in this process, with a grant for the dataset."""
    with opened(load_settings(tmp_path_factory.mktemp("field") / "home")) as state, asyncio.Runner() as runner:
        publish(state, FIRST)
        asked = submit_request(state.store, "researcher", DATASET, "method development", 30)
        approve(state.store, "custodian", asked["id"], "ok")
        yield Door(state, runner, token_of(state, "researcher"))


@given(world=worlds())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_way_to_read_agrees_with_the_plain_model(door: Door, world: World) -> None:
    version = publish(door.state, world)
    set_policy(door.state.store, "custodian", DATASET, cedar(world))
    try:
        shown = [scan["scan"] for scan in world.seen_scans(shift(door))] if world.allowed() else None
    except Refused:
        shown = None
    event("refused" if shown is None else f"{len(shown)} of {len(world.scans)} scans")
    assert door.ask("GET", f"{URL}/scans")[0] == (REFUSED if shown is None else OK)
    check_lists(door, world, shown)
    for name in world.tables:
        check_table(door, world, name, refused=shown is None)
    for scan in SCANS:
        check_scan(door, scan, REFUSED if shown is None else OK if scan in shown else MISSING)
    check_catalogue(door, world, version, shown)


def check_lists(door: Door, world: World, shown: list[str] | None) -> None:
    """Compare the list and the table of scans: they hold the same scans and say the same of each."""
    listed, table = door.ask("GET", f"{URL}/scans"), door.ask("GET", f"{URL}/tables/scans")
    if shown is None:
        assert (listed[0], table[0]) == (REFUSED, REFUSED)
        return
    expected = world.seen_scans(shift(door))
    facts = [{k: v for k, v in one.items() if k in ("scan", *COARSE)} for one in json.loads(listed[2])["scans"]]
    assert facts == plain(expected)
    columns = [n for n in ("scan", *COARSE) if n in arrow(table).column_names]
    assert arrow(table).select(columns).to_pylist() == facts
    assert set(arrow(table).column_names) >= set(SCAN_SCHEMA.names) - set(COARSE)


def check_table(door: Door, world: World, name: str, *, refused: bool) -> None:
    """Compare a table's rows and values with the model's, or see it refused."""
    got = door.ask("GET", f"{URL}/tables/{name}")
    expected = None if refused else seen_or_refused(lambda: world.seen(name, shift(door)))
    if expected is None:
        assert got[0] == REFUSED, (name, got)
        return
    rows = arrow(got).to_pylist()
    assert sorted(map(repr, plain(rows, like=expected))) == sorted(map(repr, plain(expected)))
    etag = got[1]["etag"]
    assert door.ask("GET", f"{URL}/tables/{name}", if_none_match=etag)[0] == 304
    described = {one["name"]: one["columns"] for one in door.get(f"{URL}/tables")["tables"]}
    assert [column["name"] for column in described[name]] == arrow(got).column_names


def check_scan(door: Door, scan: str, status: int) -> None:
    """Image, labels and slices of a scan are given together, or none of them, however they are asked for."""
    for path in (f"zarr/{SHARD.removeprefix('image.zarr/')}", f"labels/{LABEL}/zarr/0/c/0/0/0"):
        url, stored = f"{URL}/scans/{scan}/{path}", objects(scan)[SHARD if path[0] == "z" else LABEL_KEY]
        for method in ("GET", "HEAD"):
            assert door.ask(method, url)[0] == status, (scan, method, path)
        assert door.ask("GET", url, range="bytes=0-9")[0] == (206 if status == OK else status)
        assert door.ask("GET", url, range=f"bytes={len(stored) + 5}-")[0] == (416 if status == OK else status)
        assert door.ask("GET", url, if_none_match=etag_of(stored))[0] == (304 if status == OK else status)
        assert door.ask("GET", url)[2] == stored or status != OK
    assert door.ask("GET", f"{URL}/scans/{scan}/labels")[0] == status
    view = door.ask("POST", "/v1/views", {"dataset": DATASET, "scan": scan})
    assert view[0] == status
    if status == OK:
        check_slices(door, scan, json.loads(view[2])["view"])


def check_slices(door: Door, scan: str, view: str) -> None:
    for plane, axis in (("axial", 0), ("sagittal", 2)):
        pixels = door.ask("GET", f"/v1/views/{view}/slices/{plane}/1")
        assert pixels[0] == OK
        assert pixels[2] == np.ascontiguousarray(voxels(scan).take(1, axis)).tobytes()
    slab = door.ask("GET", f"/v1/views/{view}/slices/axial/1?slab_mm=4&mode=mip")
    assert (slab[0], slab[2]) == (OK, voxels(scan)[:3].max(axis=0).tobytes())
    labels = door.ask("GET", f"/v1/views/{view}/labels/{LABEL}/slices/axial/1")
    # The only region is a cube of two voxels at the corner.
    assert labels[0] == OK and np.flatnonzero(np.frombuffer(labels[2], "<u2")).tolist() == [0, 1, 8, 9]


def check_catalogue(door: Door, world: World, version: str, shown: list[str] | None) -> None:
    """Compare the catalogue: it counts what the lists hold, and does not promise what is refused."""
    found = door.get(URL)
    assert found["version"] == version
    scans = people = None
    if shown is not None:
        whole = not world.filters("scans")
        scans = len(shown)
        owners = {owner for table in world.tables.values() for owner, _ in table.rows} if whole else set()
        people = len({scan["subject"] for scan in world.scans if scan["scan"] in shown} | owners)
    assert found["allowed"] == (shown is not None)
    if shown is not None:
        assert (found["scans"], found["subjects"]) == (scans, people)
        assert (found["card"]["wb:scans"], found["versions"][0]["subjects"]) == (scans, people)
    elif world.allowed():
        assert (found["scans"], found["subjects"]) == (None, None)


def test_a_view_shows_nothing_any_more_once_its_scan_is_withheld(door: Door) -> None:
    publish(door.state, FIRST)
    set_policy(door.state.store, "custodian", DATASET, "")
    view = json.loads(door.ask("POST", "/v1/views", {"dataset": DATASET, "scan": "S0001"})[2])["view"]
    url = f"/v1/views/{view}/slices/axial/0"
    first = door.ask("GET", url)
    permit = '@id("x") @rows("scans.split = final_test") permit (principal, action == Action::"read", resource);'
    set_policy(door.state.store, "custodian", DATASET, permit)
    assert first[0] == OK
    assert door.ask("GET", url)[0] == MISSING
    assert door.ask("GET", url, if_none_match=first[1]["etag"])[0] == MISSING
    assert door.ask("GET", f"/v1/views/{view}")[0] == MISSING
    set_policy(door.state.store, "custodian", DATASET, "")


def test_a_withheld_scan_is_refused_as_one_that_never_was(door: Door) -> None:
    publish(door.state, FIRST)
    permit = '@id("x") @rows("scans.split = final_test") permit (principal, action == Action::"read", resource);'
    set_policy(door.state.store, "custodian", DATASET, permit)
    for end in ("zarr/0/zarr.json", f"labels/{LABEL}/zarr/zarr.json", "labels"):
        withheld, never = (door.ask("GET", f"{URL}/scans/{scan}/{end}") for scan in ("S0001", "S0009"))
        assert withheld[0] == never[0] == MISSING
        assert withheld[2].replace(b"S0001", b"S0009") == never[2]
    set_policy(door.state.store, "custodian", DATASET, "")


def test_an_obligation_that_cannot_be_met_is_on_record(door: Door) -> None:
    publish(door.state, FIRST)
    permit = '@id("odd") @drop("nowhere.age") permit (principal, action == Action::"read", resource);'
    set_policy(door.state.store, "custodian", DATASET, permit)
    assert door.ask("GET", f"{URL}/scans")[0] == REFUSED
    row = door.state.store.read().execute("SELECT outcome, details FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    assert (row["outcome"], json.loads(row["details"])["policy"]) == ("denied", f"{DATASET}/odd")
    set_policy(door.state.store, "custodian", DATASET, "")


def test_a_policy_that_does_not_fit_the_data_is_not_set(door: Door) -> None:
    publish(door.state, FIRST)
    custodian = door.as_person("custodian")
    permit = '@id("odd") @drop("scan.split") permit (principal, action == Action::"read", resource);'
    checked = json.loads(custodian.ask("POST", f"{URL}/policy", {"text": permit, "check": True})[2])
    assert not checked["ok"]
    assert "did you mean scans" in checked["mistakes"][0]["text"]
    assert custodian.ask("POST", f"{URL}/policy", {"text": permit})[0] == BAD
    assert custodian.ask("POST", f"{URL}/policy", {"text": permit.replace("scan.", "scans.")})[0] == OK
    assert "split" not in arrow(door.ask("GET", f"{URL}/tables/scans")).column_names
    set_policy(door.state.store, "custodian", DATASET, "")


def seen_or_refused(work: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]] | None:
    try:
        return work()
    except Refused as refused:
        assert not isinstance(refused, NothingGiven)
        return None


def shift(door: Door) -> Callable[[str, int], int]:
    return door.state.archive.shift(DATASET)


def arrow(reply: Reply) -> pa.Table:
    assert reply[0] == OK, reply
    return pa.ipc.open_stream(reply[2]).read_all()


def etag_of(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()}"'


def plain(rows: list[dict[str, Any]], like: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Give rows whose numbers are fractions, also those in text where the model has numbers there."""
    as_numbers = {name for row in like or () for name, value in row.items() if isinstance(value, Fraction)}
    return [{name: _plain(value, name in as_numbers) for name, value in sorted(row.items())} for row in rows]


def _plain(value: Any, is_number: bool) -> Any:
    if isinstance(value, (int, float, Fraction)) and not isinstance(value, bool):
        return Fraction(value)
    return Fraction(value) if is_number and isinstance(value, str) else value
