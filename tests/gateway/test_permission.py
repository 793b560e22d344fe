"""Who reads what: grants, isolation, tiers, and the moment a grant ends."""

from __future__ import annotations

import time

import pytest
from homes import Lines, fill

from workbench.errors import AccessDenied, NotFound, WorkbenchError
from workbench.gateway.tokens import Token, open_tokens

KEY = "/v1/datasets/{}/scans/S0001/zarr/0/zarr.json"
DATA = (KEY, "/v1/datasets/{}/scans", "/v1/datasets/{}/tables/scans")


def test_granted_and_isolated_kernel_reads(shared: Lines) -> None:
    line = shared.kernel("researcher")
    for path in DATA:
        assert line.request("GET", path.format("clinic-ct"))[0] == 200


@pytest.mark.parametrize("path", DATA)
def test_nobody_else_reads_a_controlled_dataset(shared: Lines, path: str) -> None:
    lines = [
        shared.kernel("researcher", "none"), shared.kernel("reviewer"), shared.kernel("custodian"),
        shared.person("researcher"), shared.person("custodian"),
    ]  # fmt: skip
    for line in lines:
        with pytest.raises(AccessDenied):
            line.request("GET", path.format("clinic-ct"))


def test_open_data_are_read_without_a_sandbox(shared: Lines) -> None:
    assert shared.kernel("reviewer", "none").request("GET", KEY.format("open-ct"))[0] == 200


@pytest.mark.parametrize("path", DATA)
def test_undisclosed_data_are_read_by_nobody(shared: Lines, path: str) -> None:
    forged = Token("researcher", "evaluator", "B1", "bubblewrap", time.time() + 60, "lung-nodule-detection", "B1")
    evaluator = shared.with_token(open_tokens(shared.settings.keys).make(forged))
    for line in (shared.kernel("researcher"), shared.person("custodian"), shared.kernel("custodian"), evaluator):
        with pytest.raises((AccessDenied, NotFound)):
            line.request("GET", path.format("hidden-ct"))


def test_undisclosed_scan_cannot_be_viewed(shared: Lines) -> None:
    with pytest.raises(AccessDenied):
        shared.kernel("researcher").post("/v1/views", {"dataset": "hidden-ct", "scan": "S0001"})


def test_unknown_and_hidden_names_get_the_same_sentence(shared: Lines) -> None:
    line, said = shared.kernel(), []
    for path in ("/v1/datasets/nothing-ct", "/v1/datasets/nothing-ct/scans"):
        with pytest.raises(NotFound) as refusal:
            line.request("GET", path)
        said.append(refusal.value.message)
    assert len(set(said)) == 1


def test_view_is_read_by_its_person_alone(shared: Lines) -> None:
    view = shared.kernel("researcher").post("/v1/views", {"dataset": "clinic-ct", "scan": "S0001"})["view"]
    url = f"/v1/views/{view}/slices/axial/0"
    assert shared.person("researcher").request("GET", url)[0] == 200
    assert shared.person("researcher").get(f"/v1/views/{view}")["scan"] == "S0001"
    for line in (shared.person("custodian"), shared.kernel("reviewer"), shared.kernel("researcher")):
        with pytest.raises(NotFound):
            line.request("GET", url)


def test_view_ends_with_its_kernel(shared: Lines) -> None:
    kernel = shared.kernel("researcher")
    view = kernel.post("/v1/views", {"dataset": "clinic-ct", "scan": "S0001"})["view"]
    shared.operator().delete(f"/v1/kernels/{kernel.kernel}")  # type: ignore[attr-defined]
    with pytest.raises(NotFound, match="kernel has ended"):
        shared.person("researcher").request("GET", f"/v1/views/{view}/slices/axial/0")


def test_revoked_grant_is_refused_at_the_next_request(lines: Lines) -> None:
    fill(lines.person("custodian"), "clinic-ct")
    grant = lines.grant("researcher", "clinic-ct")["grant"]
    kernel, person = lines.kernel("researcher"), lines.person("researcher")
    view = kernel.post("/v1/views", {"dataset": "clinic-ct", "scan": "S0001"})["view"]
    slices = f"/v1/views/{view}/slices/axial/0"
    etag = person.request("GET", slices)[1]["etag"]
    kernel.request("GET", KEY.format("clinic-ct"))
    lines.person("custodian").post(f"/v1/grants/{grant}/revoke", {"reason": "withdrawn"})
    for path in DATA:
        with pytest.raises(AccessDenied, match="revoked"):
            kernel.request("GET", path.format("clinic-ct"))
    for line in (person, kernel):
        with pytest.raises(AccessDenied, match="revoked"):
            line.request("GET", slices, headers={"If-None-Match": etag})


def test_reads_and_refusals_are_in_the_log_when_they_are_answered(lines: Lines) -> None:
    fill(lines.operator(), "open-ct", "open")
    fill(lines.person("custodian"), "clinic-ct")
    kernel, custodian = lines.kernel("researcher"), lines.person("custodian")
    kernel.request("GET", KEY.format("open-ct"))
    with pytest.raises(AccessDenied):
        kernel.request("GET", KEY.format("clinic-ct"))
    events = custodian.get("/v1/audit?limit=500")["events"]
    reads = [(e["actor"], e["resource"], e["outcome"]) for e in events if e["action"] == "dataset.read"]
    assert reads == [("researcher", "open-ct", "allowed"), ("researcher", "clinic-ct", "denied")]
    assert custodian.get("/v1/audit/verify")["ok"] is True


def test_the_log_is_not_open_to_researchers(shared: Lines) -> None:
    for path in ("/v1/audit", "/v1/audit/verify"):
        with pytest.raises(WorkbenchError) as refusal:
            shared.person("researcher").get(path)
        assert refusal.value.status == 403
