"""A subject who withdraws is unreadable at once, in every version, for ever; what stays is the record of it."""

from __future__ import annotations

import json
import os
import signal

import pyarrow as pa
import pytest
from homes import Lines, begin, fill, lines_of, scan_facts, send, volume_of
from test_ingests import gateway_pid

from workbench.connection import gateway_answers, running_gateway
from workbench.errors import AccessDenied, Conflict, IngestRefused, InvalidInput, NotFound
from workbench.governance.store import Store
from workbench.governance.withdrawals import Withdrawal, record_withdrawal
from workbench.settings import Settings
from workbench.vault.manifest import load_manifest
from workbench.vault.vault import Vault

SHARD = "/v1/datasets/clinic-ct/scans/{}/zarr/0/c/0/0/0"


def withdraw(
    lines: Lines, subject: str = "P0002", account: str = "custodian", reason: str = "consent"
) -> dict[str, object]:
    url = f"/v1/datasets/clinic-ct/subjects/{subject}/withdraw"
    done: dict[str, object] = lines.person(account).post(url, {"reason": reason})
    return done


@pytest.fixture
def clinic(lines: Lines) -> Lines:
    """Give a home whose `clinic-ct` has two versions: scans 1 and 2, then 3 besides; the researcher may read it."""
    fill(lines.person("custodian"), "clinic-ct", seeds=(1, 2))
    fill(lines.person("custodian"), "clinic-ct", seeds=(3,))
    lines.grant("researcher", "clinic-ct")
    return lines


def versions(lines: Lines) -> list[dict[str, object]]:
    found: list[dict[str, object]] = lines.person("custodian").get("/v1/datasets/clinic-ct")["versions"]
    return found


def test_a_withdrawn_subject_is_unreadable_in_every_version(clinic: Lines) -> None:
    kernel, ids = clinic.kernel(), [v["version"] for v in versions(clinic)]
    for version in ids:
        kernel.request("GET", f"{SHARD.format('S0002')}?version={version}")
    withdraw(clinic)
    for version in ids:
        with pytest.raises(NotFound, match=r"withdrawn from “clinic-ct” on .* Leave it out") as refused:
            kernel.request("GET", f"{SHARD.format('S0002')}?version={version}")
        assert refused.value.code == "withdrawn"
        scans = kernel.get(f"/v1/datasets/clinic-ct/scans?version={version}")["scans"]
        assert "S0002" not in {scan["scan"] for scan in scans}
    assert kernel.request("GET", SHARD.format("S0001"))[0] == 200


def test_counts_cards_and_tables_are_without_the_subject(clinic: Lines) -> None:
    before = versions(clinic)
    withdraw(clinic)
    shown = clinic.person("custodian").get("/v1/datasets/clinic-ct")
    assert [(v["scans"], v["subjects"]) for v in shown["versions"]] == [(2, 2), (1, 1)]
    assert all(now["bytes"] < then["bytes"] for now, then in zip(shown["versions"], before, strict=True))
    assert (shown["card"]["wb:scans"], shown["card"]["wb:subjects"]) == (2, 2)
    for name in ("scans", "nodules"):
        body = clinic.kernel().request("GET", f"/v1/datasets/clinic-ct/tables/{name}")[2]
        assert pa.ipc.open_stream(body).read_all()["scan"].to_pylist() == ["S0001", "S0003"]


def test_what_was_read_before_is_not_kept_in_memory(clinic: Lines) -> None:
    kernel = clinic.kernel()
    view = kernel.post("/v1/views", {"dataset": "clinic-ct", "scan": "S0002"})["view"]
    kernel.request("GET", f"/v1/views/{view}/slices/axial/3")
    kernel.request("GET", "/v1/datasets/clinic-ct/tables/nodules")
    withdraw(clinic)
    with pytest.raises(NotFound, match="closed"):
        kernel.request("GET", f"/v1/views/{view}/slices/axial/3")
    with pytest.raises(NotFound, match="withdrawn"):
        kernel.post("/v1/views", {"dataset": "clinic-ct", "scan": "S0002"})


def test_the_key_and_the_report_that_shows_them_are_destroyed(clinic: Lines) -> None:
    kept, gone = (v["version"] for v in versions(clinic))
    checker = clinic.person("checker-1")
    withdraw(clinic)
    assert not (clinic.settings.keys / "clinic-ct" / "P0002.key").exists()
    with pytest.raises(NotFound, match="withdrew"):
        checker.get(f"/v1/datasets/clinic-ct/versions/{gone}/report")
    assert checker.request("GET", f"/v1/datasets/clinic-ct/versions/{kept}/report")[0] == 200
    reports = {file.name for file in (clinic.settings.keys / "clinic-ct").glob("report-*")}
    assert sorted(name.split(".")[1] for name in reports) == ["key", "withdrawn"]


def test_the_version_id_can_still_be_verified(clinic: Lines) -> None:
    withdraw(clinic)
    store, vault = Store(clinic.settings.store), Vault(clinic.settings.vault, clinic.settings.keys)
    for row in store.read().execute("SELECT version, manifest FROM versions").fetchall():
        manifest = load_manifest(vault, "clinic-ct", row["manifest"], row["version"])
        assert manifest.get("scans/S0002/scan.json") is not None
    store.close()


def test_it_is_on_record_without_the_pseudonym(clinic: Lines) -> None:
    done = withdraw(clinic, "pseudonym-2", reason="letter of 3 May")
    assert (done["subject"], done["scans"], done["versions"]) == ("P0002", ["S0002"], 2)
    shown = clinic.person("custodian").get("/v1/datasets/clinic-ct")["withdrawals"]
    assert [(one["subject"], one["person"], one["reason"]) for one in shown] == [
        ("P0002", "custodian", "letter of 3 May")
    ]
    event = [
        e for e in clinic.person("custodian").get("/v1/audit?limit=500")["events"] if e["action"] == "subject.withdraw"
    ]
    assert len(event) == 1 and "pseudonym-2" not in json.dumps([event, shown])


def test_a_later_ingest_of_the_same_patient_is_refused(clinic: Lines) -> None:
    withdraw(clinic)
    custodian = clinic.person("custodian")
    begun = begin(custodian, "clinic-ct")
    assert begun["known"]["withdrawn"] == ["pseudonym-2"]
    assert (begun["next_scan"], begun["next_subject"]) == (4, 4)
    facts = {**scan_facts(volume_of(4), 4), "subject_pseudonym": "pseudonym-2"}
    send(custodian, begun["ingest"], volume_of(4), facts)
    for path in ("scans", "commit"):
        body = facts if path == "scans" else {"scans": [facts], "findings": []}
        with pytest.raises(IngestRefused, match="withdrawn") as refused:
            custodian.post(f"/v1/ingests/{begun['ingest']}/{path}", body)
        assert refused.value.code == "withdrawn-subject"


def test_numbers_of_the_withdrawn_are_never_given_again(clinic: Lines) -> None:
    withdraw(clinic, "P0003")
    begun = begin(clinic.person("custodian"), "clinic-ct")
    assert (begun["next_scan"], begun["next_subject"]) == (4, 4)
    with pytest.raises(IngestRefused):
        send(
            clinic.person("custodian"),
            begun["ingest"],
            volume_of(4),
            {**scan_facts(volume_of(4), 4), "subject": "P0003"},
        )


def test_the_next_version_leaves_the_subject_out(clinic: Lines) -> None:
    withdraw(clinic)
    made = fill(clinic.person("custodian"), "clinic-ct", seeds=(4,))
    assert (made["scans"], made["subjects"]) == (3, 3)
    with pytest.raises(NotFound, match="S0002 was withdrawn"):
        clinic.kernel().post("/v1/views", {"dataset": "clinic-ct", "scan": "S0002"})


@pytest.mark.parametrize("subject", ["P0002", "P0004"])
def test_an_ingest_under_way_cannot_bring_them_back(clinic: Lines, subject: str) -> None:
    custodian = clinic.person("custodian")
    begun = begin(custodian, "clinic-ct")
    facts = {**scan_facts(volume_of(4), 4), "subject": subject, "subject_pseudonym": "pseudonym-2"}
    send(custodian, begun["ingest"], volume_of(4), facts)
    withdraw(clinic)
    with pytest.raises(IngestRefused, match="withdrawn"):
        custodian.post(f"/v1/ingests/{begun['ingest']}/commit", {"scans": [facts], "findings": []})
    custodian.delete(f"/v1/ingests/{begun['ingest']}")
    assert fill(custodian, "clinic-ct", seeds=(5,))["subjects"] == 3


@pytest.mark.parametrize("account", ["researcher", "checker-1", "teacher"])
def test_only_the_custodian_withdraws(clinic: Lines, account: str) -> None:
    with pytest.raises(AccessDenied, match="Only the custodian"):
        withdraw(clinic, account=account)
    assert [v["scans"] for v in versions(clinic)] == [3, 2]


def test_unknown_twice_and_without_a_reason_are_refused(clinic: Lines) -> None:
    for subject in ("P0009", "S0001", "pseudonym-9", "_shared", "x" * 70):
        with pytest.raises(NotFound, match="no such subject"):
            withdraw(clinic, subject)
    with pytest.raises(InvalidInput):
        withdraw(clinic, reason="  ")
    withdraw(clinic)
    for subject in ("P0002", "pseudonym-2"):
        with pytest.raises(Conflict, match="already"):
            withdraw(clinic, subject)


def test_a_crash_between_decision_and_deed_ends_withdrawn(home: Settings) -> None:
    with running_gateway(home), lines_of(home) as lines:
        fill(lines.person("custodian"), "clinic-ct", seeds=(1, 2))
        os.kill(gateway_pid(home), signal.SIGKILL)
        while gateway_answers(home):
            pass
    store = Store(home.store)
    version = store.read().execute("SELECT version FROM versions").fetchone()["version"]
    gone = Withdrawal("clinic-ct", "P0002", "pseudonym-2", ("S0002",), {version: (1, 10)}, ("P0002",))
    record_withdrawal(store, "custodian", gone, "consent")
    store.close()
    assert (home.keys / "clinic-ct" / "P0002.key").exists()
    with running_gateway(home), lines_of(home) as lines:
        assert not (home.keys / "clinic-ct" / "P0002.key").exists()
        lines.grant("researcher", "clinic-ct")
        assert len(lines.kernel().get("/v1/datasets/clinic-ct/scans")["scans"]) == 1


def test_a_subject_withdraws_from_a_version_that_waits(lines: Lines) -> None:
    made = fill(lines.person("custodian"), "clinic-ct", seeds=(1, 2), signed=False)
    withdraw(lines)
    item = lines.person("checker-1").get("/v1/versions/waiting")["versions"][0]
    assert (item["version"], item["scans"], item["has_report"]) == (made["version"], 1, False)
