"""An ingest becomes one version as a whole, or nothing of it stays."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from homes import Lines, begin, fill, lines_of, scan_facts, send, volume_of

from workbench.connection import Connection, gateway_answers, running_gateway
from workbench.errors import AccessDenied, Conflict, GatewayUnavailable, InvalidInput, NotFound
from workbench.settings import Settings


def objects(settings: Settings) -> set[str]:
    return {file.name for file in settings.vault.rglob("*") if file.is_file()}


def gateway_pid(settings: Settings) -> int:
    """Give the process id of the home's own gateway."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"workbench.gateway" in words and f"WORKBENCH_HOME={settings.home}".encode() in environment:
            return int(folder.name)
    raise LookupError("no gateway")


def sent(line: Connection, dataset: str) -> tuple[str, dict[str, object]]:
    """Begin an ingest, send one scan, and leave it there."""
    begun = begin(line, dataset)
    facts = scan_facts(volume_of(5), begun["next_scan"])
    send(line, begun["ingest"], volume_of(5), facts)
    return begun["ingest"], facts


def test_commit_makes_a_version_that_continues_the_one_before(lines: Lines) -> None:
    custodian = lines.person("custodian")
    first, second = fill(custodian, "clinic-ct"), fill(custodian, "clinic-ct", seeds=(2, 3))
    assert (first["scans"], second["scans"]) == (1, 3)
    versions = custodian.get("/v1/datasets/clinic-ct")["versions"]
    assert [v["version"] for v in versions] == [second["version"], first["version"]]
    lines.grant("researcher", "clinic-ct")
    kernel = lines.kernel("researcher")
    assert len(kernel.get(f"/v1/datasets/clinic-ct/scans?version={first['version']}")["scans"]) == 1
    assert len(kernel.get("/v1/datasets/clinic-ct/scans")["scans"]) == 3


def test_same_data_have_the_same_version_id_in_another_home(lines: Lines, tmp_path: Path) -> None:
    here = fill(lines.operator(), "open-ct", "open", seeds=(1, 2))
    other = Settings(tmp_path / "other")
    with running_gateway(other), lines_of(other) as elsewhere:
        assert fill(elsewhere.operator(), "open-ct", "open", seeds=(1, 2))["version"] == here["version"]


def test_known_scans_and_subjects_are_told_to_the_next_ingest(lines: Lines) -> None:
    custodian = lines.person("custodian")
    fill(custodian, "clinic-ct", seeds=(1, 2))
    begun = begin(custodian, "clinic-ct")
    assert begun["known"]["scans"] == {"2.25.1": "S0001", "2.25.2": "S0002"}
    assert begun["known"]["subjects"]["pseudonym-2"] == "P0002"
    assert (begun["next_scan"], begun["next_subject"]) == (3, 3)


def test_dropped_ingest_leaves_nothing(lines: Lines) -> None:
    custodian = lines.person("custodian")
    fill(custodian, "clinic-ct")
    before = objects(lines.settings)
    ingest, _ = sent(custodian, "other-ct")
    assert objects(lines.settings) > before
    custodian.delete(f"/v1/ingests/{ingest}")
    assert objects(lines.settings) == before
    with pytest.raises(NotFound):
        custodian.get("/v1/datasets/other-ct")


def test_ingest_dropped_beside_another_is_gone_when_that_ends(lines: Lines) -> None:
    custodian = lines.person("custodian")
    begun = begin(custodian, "clinic-ct")
    dropped, _ = sent(custodian, "other-ct")
    custodian.delete(f"/v1/ingests/{dropped}")
    custodian.delete(f"/v1/ingests/{begun['ingest']}")
    assert objects(lines.settings) == set()


def test_killed_gateway_leaves_nothing_of_an_ingest(home: Settings) -> None:
    with running_gateway(home), lines_of(home) as lines:
        fill(lines.person("custodian"), "clinic-ct")
        before, custodian = objects(home), lines.person("custodian")
        ingest, facts = sent(custodian, "clinic-ct")
        os.kill(gateway_pid(home), signal.SIGKILL)
        with pytest.raises(GatewayUnavailable):
            custodian.post(f"/v1/ingests/{ingest}/commit", {"scans": [facts]})
        while gateway_answers(home):
            time.sleep(0.02)
    with running_gateway(home), lines_of(home) as lines:
        custodian = lines.person("custodian")
        assert objects(home) == before
        assert len(custodian.get("/v1/datasets/clinic-ct")["versions"]) == 1
        with pytest.raises(NotFound):
            custodian.post(f"/v1/ingests/{ingest}/commit", {"scans": [facts]})


def test_sending_twice_the_same_base_is_a_conflict(lines: Lines) -> None:
    custodian = lines.person("custodian")
    ingest, facts = sent(custodian, "clinic-ct")
    fill(custodian, "clinic-ct")
    with pytest.raises(Conflict, match="meanwhile"):
        custodian.post(f"/v1/ingests/{ingest}/commit", {"scans": [facts]})


def test_nothing_new_is_a_conflict(lines: Lines) -> None:
    custodian = lines.person("custodian")
    begun = begin(custodian, "clinic-ct")
    with pytest.raises(Conflict, match="Nothing new"):
        custodian.post(f"/v1/ingests/{begun['ingest']}/commit", {"scans": []})


Spoil = Callable[[dict[str, object]], object]


@pytest.mark.parametrize("spoil", [
    lambda facts: facts.update(scan="../x"), lambda facts: facts.update(subject="Smith^John"),
    lambda facts: facts.update(subject="P0099"), lambda facts: facts.update(scan="S0044"),
    lambda facts: facts.update(sha256="x"), lambda facts: facts.update(shape=[1, 2]),
    lambda facts: facts.update(spacing_mm=[0, 1, 1]), lambda facts: facts.pop("origin_mm"),
])  # fmt: skip
def test_scans_that_do_not_fit_what_was_sent_are_refused(lines: Lines, spoil: Spoil) -> None:
    custodian = lines.person("custodian")
    ingest, facts = sent(custodian, "clinic-ct")
    spoil(facts)
    with pytest.raises(InvalidInput):
        custodian.post(f"/v1/ingests/{ingest}/commit", {"scans": [facts]})
    with pytest.raises(NotFound):
        custodian.get("/v1/datasets/clinic-ct")


@pytest.mark.parametrize("path", [
    "scans/S0001/scan.json", "tables/scans.arrow", "card.json", "scans/x/image.zarr/zarr.json?subject=P0001",
    "scans/S0001/image.zarr/zarr.json", "scans/S0001/image.zarr/zarr.json?subject=Smith",
    "tables/nodules.arrow?subject=P0001", "tables/nodules/P0001.arrow", "tables/nodules/P0001.arrow?subject=P0002",
    "tables/nodules.json?subject=P0001", "tables/scans.json", "tables/scans/P0001.arrow?subject=P0001",
    "scans/S0001/labels/lungs.zarr/0/zarr.json", "scans/S0001/labels/../x.json?subject=P0001", "other.html",
])  # fmt: skip
def test_only_images_labels_tables_and_the_report_are_taken(lines: Lines, path: str) -> None:
    custodian = lines.person("custodian")
    begun = begin(custodian, "clinic-ct")
    with pytest.raises(InvalidInput):
        custodian.request("PUT", f"/v1/ingests/{begun['ingest']}/objects/{path}", body=b"x")


def test_scan_of_an_earlier_version_cannot_be_replaced(lines: Lines) -> None:
    custodian = lines.person("custodian")
    fill(custodian, "clinic-ct")
    begun = begin(custodian, "clinic-ct")
    with pytest.raises(Conflict, match="never changes"):
        send(custodian, begun["ingest"], volume_of(9), scan_facts(volume_of(9), 1))


@pytest.mark.parametrize("tier", ["open", "registered", "undisclosed"])
def test_real_scans_are_controlled(lines: Lines, tier: str) -> None:
    with pytest.raises(AccessDenied, match="phantoms"):
        begin(lines.person("custodian"), "clinic-ct", tier)


def test_real_scans_cannot_join_an_open_dataset(lines: Lines) -> None:
    fill(lines.operator(), "open-ct", "open")
    with pytest.raises(AccessDenied):
        begin(lines.person("custodian"), "open-ct")


def test_only_custodians_ingest_and_only_into_their_own_ingest(lines: Lines) -> None:
    with pytest.raises(AccessDenied):
        begin(lines.person("researcher"), "clinic-ct")
    begun = begin(lines.person("custodian"), "clinic-ct")
    with pytest.raises(NotFound):
        lines.operator().delete(f"/v1/ingests/{begun['ingest']}")


def test_nodules_of_all_versions_are_one_table(lines: Lines) -> None:
    fill(lines.operator(), "open-ct", "open", seeds=(1,))
    fill(lines.operator(), "open-ct", "open", seeds=(2,))
    body = lines.kernel().request("GET", "/v1/datasets/open-ct/tables/nodules")[2]
    import pyarrow as pa

    assert pa.ipc.open_stream(body).read_all()["scan"].to_pylist() == ["S0001", "S0002"]


def test_vault_holds_no_plain_voxels(lines: Lines) -> None:
    fill(lines.operator(), "open-ct", "open")
    line = lines.kernel()
    plain = line.request("GET", "/v1/datasets/open-ct/scans/S0001/zarr/0/c/0/0/0")[2][1000:1032]
    assert all(plain not in file.read_bytes() for file in lines.settings.vault.rglob("*") if file.is_file())
    assert np.frombuffer(plain, "u1").any()
