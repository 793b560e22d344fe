"""A version waits until somebody who did not bring it in published it; until then nobody reads it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from homes import Lines, begin, fill, scan_facts, send, volume_of

from workbench.connection import Connection
from workbench.errors import AccessDenied, Conflict, IngestRefused, InvalidInput, NotFound
from workbench.governance.people import add_person
from workbench.governance.store import Store

READS = ("scans", "tables/scans", "tables/nodules", "scans/S0001/zarr/0/zarr.json")


def waiting(line: Connection) -> dict[str, str]:
    return {item["dataset"]: item["version"] for item in line.get("/v1/versions/waiting")["versions"]}


def decide_on(line: Connection, dataset: str, version: str, decision: str, comment: str = "seen") -> object:
    body = {"decision": decision, "comment": comment}
    return line.post(f"/v1/datasets/{dataset}/versions/{version}/sign-off", body)


def log(lines: Lines) -> list[tuple[str, str]]:
    return [
        (event["actor"], event["action"]) for event in lines.person("checker-1").get("/v1/audit?limit=500")["events"]
    ]


def test_a_version_that_waits_is_read_by_nobody(lines: Lines) -> None:
    fill(lines.person("custodian"), "clinic-ct")
    lines.grant("researcher", "clinic-ct")
    second = fill(lines.person("custodian"), "clinic-ct", seeds=(2,), signed=False)
    kernel = lines.kernel()
    assert len(kernel.get("/v1/datasets/clinic-ct/scans")["scans"]) == 1
    for path in READS:
        with pytest.raises(NotFound, match="no version"):
            kernel.request("GET", f"/v1/datasets/clinic-ct/{path}?version={second['version']}")
    with pytest.raises(NotFound, match="no version"):
        kernel.post("/v1/views", {"dataset": "clinic-ct", "scan": "S0002", "version": second["version"]})
    shown = lines.person("researcher").get("/v1/datasets/clinic-ct")
    assert (shown["scans"], len(shown["versions"]), shown["card"]["wb:scans"]) == (1, 1, 1)


def test_a_dataset_whose_first_version_waits_is_unknown_to_readers(lines: Lines) -> None:
    made = fill(lines.person("custodian"), "clinic-ct", signed=False)
    for path in ("", "/scans", f"/versions/{made['version']}/report"):
        with pytest.raises(NotFound, match="No dataset"):
            lines.person("researcher").get(f"/v1/datasets/clinic-ct{path}")
    assert lines.person("researcher").get("/v1/datasets")["datasets"] == []
    for account in ("custodian", "checker-1", "checker-2"):
        assert lines.person(account).get("/v1/datasets/clinic-ct")["waiting"] == made["version"]
        assert waiting(lines.person(account)) == {"clinic-ct": made["version"]}


def test_a_published_version_is_read_at_once(lines: Lines) -> None:
    made = fill(lines.person("custodian"), "clinic-ct", signed=False)
    done = decide_on(lines.person("checker-1"), "clinic-ct", made["version"], "publish")
    assert done == {"dataset": "clinic-ct", "version": made["version"], "status": "published", "signed_by": "checker-1"}
    lines.grant("researcher", "clinic-ct")
    assert len(lines.kernel().get("/v1/datasets/clinic-ct/scans")["scans"]) == 1
    signing = lines.person("custodian").get("/v1/datasets/clinic-ct")["signings"][0]
    assert (signing["uploader"], signing["person"], signing["comment"]) == ("custodian", "checker-1", "seen")
    assert {("custodian", "version.submit"), ("checker-1", "version.publish")} <= set(log(lines))


def test_nobody_signs_off_what_they_brought_in(lines: Lines) -> None:
    custodian = lines.person("custodian")
    made = fill(custodian, "clinic-ct", signed=False)
    with pytest.raises(AccessDenied, match="nobody signs off their own"):
        decide_on(custodian, "clinic-ct", made["version"], "publish")
    item = custodian.get("/v1/versions/waiting")["versions"][0]
    assert (item["may_publish"], item["has_report"], item["findings"]) == (False, True, 0)
    assert ("custodian", "version.publish") in log(lines)


def test_what_the_owner_of_the_home_brings_in_counts_as_the_named_custodians(lines: Lines) -> None:
    made = fill(lines.operator(), "clinic-ct", signed=False)
    with pytest.raises(AccessDenied, match="nobody signs off their own"):
        decide_on(lines.person("custodian"), "clinic-ct", made["version"], "publish")
    decide_on(lines.person("checker-2"), "clinic-ct", made["version"], "publish")


@pytest.mark.parametrize("account", ["researcher", "teacher", "reviewer"])
def test_only_custodians_checkers_and_administrators_review(lines: Lines, account: str) -> None:
    fill(lines.person("custodian"), "clinic-ct")
    second = fill(lines.person("custodian"), "clinic-ct", seeds=(2,), signed=False)
    line = lines.person(account)
    assert waiting(line) == {}
    assert "waiting" not in line.get("/v1/datasets/clinic-ct")
    for decision in ("publish", "reject"):
        with pytest.raises(AccessDenied):
            decide_on(line, "clinic-ct", second["version"], decision)
    with pytest.raises(AccessDenied):
        line.get(f"/v1/datasets/clinic-ct/versions/{second['version']}/report")


def test_neither_a_kernel_nor_the_owner_of_the_home_signs(lines: Lines) -> None:
    made = fill(lines.person("custodian"), "clinic-ct", signed=False)
    for line in (lines.kernel("checker-1"), lines.operator()):
        with pytest.raises(AccessDenied, match="token"):
            decide_on(line, "clinic-ct", made["version"], "publish")


def test_the_report_names_its_version_runs_nothing_and_every_look_is_recorded(lines: Lines) -> None:
    made = fill(lines.person("custodian"), "clinic-ct", signed=False)
    url = f"/v1/datasets/clinic-ct/versions/{made['version']}/report"
    _, headers, body = lines.person("checker-1").request("GET", url)
    assert made["version"].encode() in body and b"{{" not in body
    assert headers["content-type"].startswith("text/html")
    assert (
        "default-src 'none'" in headers["content-security-policy"] and "sandbox" in headers["content-security-policy"]
    )
    assert ("checker-1", "version.report") in log(lines)


def test_a_rejected_version_leaves_its_record_and_nothing_else(lines: Lines, stored: Callable[[], set[str]]) -> None:
    fill(lines.person("custodian"), "clinic-ct")
    before = stored()
    second = fill(lines.person("custodian"), "clinic-ct", seeds=(2,), signed=False)
    checker = lines.person("checker-1")
    with pytest.raises(InvalidInput, match="why"):
        decide_on(checker, "clinic-ct", second["version"], "reject", " ")
    decide_on(checker, "clinic-ct", second["version"], "reject", "a face is visible")
    assert stored() == before
    shown = lines.person("custodian").get("/v1/datasets/clinic-ct")
    assert (shown["scans"], shown["waiting"], shown["signings"][0]["comment"]) == (1, None, "a face is visible")
    with pytest.raises(NotFound):
        decide_on(checker, "clinic-ct", second["version"], "publish")


def test_the_same_scans_may_come_again_after_a_rejection(lines: Lines, stored: Callable[[], set[str]]) -> None:
    first = fill(lines.person("custodian"), "clinic-ct", signed=False)
    decide_on(lines.person("custodian"), "clinic-ct", first["version"], "reject", "the wrong folder")
    assert stored() == set()
    with pytest.raises(NotFound):
        lines.person("custodian").get("/v1/datasets/clinic-ct")
    assert fill(lines.person("custodian"), "clinic-ct")["version"] == first["version"]


def test_nothing_comes_in_while_a_version_waits(lines: Lines) -> None:
    fill(lines.person("custodian"), "clinic-ct", signed=False)
    with pytest.raises(Conflict, match="waits for its sign-off"):
        begin(lines.person("custodian"), "clinic-ct")


def test_a_version_is_signed_off_once(lines: Lines) -> None:
    made = fill(lines.person("custodian"), "clinic-ct")
    with pytest.raises(Conflict, match="published already"):
        decide_on(lines.person("checker-2"), "clinic-ct", made["version"], "publish")


@pytest.mark.parametrize("version", ["newest", "0" * 63, "0" * 64])
def test_a_version_that_is_not_there_is_not_found(lines: Lines, version: str) -> None:
    fill(lines.person("custodian"), "clinic-ct", signed=False)
    with pytest.raises(NotFound):
        decide_on(lines.person("checker-1"), "clinic-ct", version, "publish")
    with pytest.raises(NotFound):
        lines.person("checker-1").get(f"/v1/datasets/clinic-ct/versions/{version}/report")


def test_a_finding_of_the_verifier_stops_the_commit(lines: Lines, stored: Callable[[], set[str]]) -> None:
    custodian = lines.person("custodian")
    ingest = begin(custodian, "clinic-ct")["ingest"]
    facts = scan_facts(volume_of(1), 1)
    send(custodian, ingest, volume_of(1), facts)
    findings = [{"file": "scans/S0001/scan.json", "element": "PatientName", "rule": "source-value"}]
    with pytest.raises(IngestRefused, match="1 findings") as refused:
        custodian.post(f"/v1/ingests/{ingest}/commit", {"scans": [facts], "findings": findings})
    assert refused.value.code == "verifier-findings"
    custodian.delete(f"/v1/ingests/{ingest}")
    assert stored() == set()


@pytest.mark.parametrize("lacks", ["findings", "report"])
def test_what_was_not_verified_or_told_is_signed_by_nobody(lines: Lines, lacks: str) -> None:
    custodian = lines.person("custodian")
    ingest = begin(custodian, "clinic-ct")["ingest"]
    facts = scan_facts(volume_of(1), 1)
    send(custodian, ingest, volume_of(1), facts)
    if lacks != "report":
        custodian.request("PUT", f"/v1/ingests/{ingest}/objects/report.html", body=b"<!doctype html>")
    body = {"scans": [facts]} if lacks == "findings" else {"scans": [facts], "findings": []}
    made = custodian.post(f"/v1/ingests/{ingest}/commit", body)
    with pytest.raises(Conflict, match="nobody can vouch for it"):
        decide_on(lines.person("checker-1"), "clinic-ct", made["version"], "publish")


def test_phantoms_are_published_at_once_and_recorded_as_such(lines: Lines) -> None:
    made = fill(lines.operator(), "open-ct", "open")
    assert made["status"] == "published"
    signing = lines.person("custodian").get("/v1/datasets/open-ct")["signings"][0]
    assert (signing["person"], signing["comment"]) == ("system", "phantoms: no patient behind them")
    event = lines.person("checker-1").get("/v1/audit?limit=500")["events"]
    assert [e["details"]["signed"] for e in event if e["action"] == "dataset.publish"] == [signing["comment"]]


def test_a_custodian_cannot_pass_scans_off_as_phantoms(lines: Lines) -> None:
    custodian = lines.person("custodian")
    begun = custodian.post("/v1/ingests", {"dataset": "clinic-ct", "phantoms": True})
    facts = scan_facts(volume_of(1), 1)
    send(custodian, begun["ingest"], volume_of(1), facts)
    made = custodian.post(f"/v1/ingests/{begun['ingest']}/commit", {"scans": [facts], "findings": []})
    assert made["status"] == "waiting"


def test_another_custodian_may_be_the_second_person(lines: Lines) -> None:
    store = Store(lines.settings.store)
    add_person(store, "custodian", "dr-oyelaran", "Dr Oyelaran", ("custodian",))
    store.close()
    fill(lines.person("custodian"), "clinic-ct", signed=False)
    assert lines.sign_off("clinic-ct", "dr-oyelaran")["signed_by"] == "dr-oyelaran"
