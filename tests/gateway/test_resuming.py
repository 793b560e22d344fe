"""An ingest survives the death of its client and of its gateway: nothing is lost, nothing is sent twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from homes import Lines, begin, lines_of, scan_facts, send, volume_of
from processes import started
from resumable import SCANS, bring_in, encoded

from workbench.connection import sign_in
from workbench.errors import Conflict, GatewayUnavailable, IngestRefused, NotFound
from workbench.gateway import staging
from workbench.gateway.routes import SCHEMAS
from workbench.gateway.state import open_state
from workbench.governance.store import Store
from workbench.ingest.delivery import Delivery, send_scan
from workbench.settings import Settings

CLIENT = Path(__file__).with_name("resumable.py")


def stopped(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(timeout=60)


def client() -> subprocess.Popen[str]:
    """Start the command in a process of its own and wait until its ingest has begun or failed."""
    process = subprocess.Popen(
        [sys.executable, str(CLIENT)], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=dict(os.environ), text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    return process


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for the command and give what it printed last."""
    assert process.stdout is not None
    text = process.stdout.read().strip()
    process.stdout.close()
    process.wait()
    return text


def files(settings: Settings) -> int:
    return sum(file.is_file() for file in settings.vault.rglob("*"))


@pytest.fixture
def uninterrupted(tmp_path: Path) -> tuple[str, int]:
    """Give the version and the number of stored objects of a run that nobody disturbed, in another home."""
    other = Settings(tmp_path / "other")
    process = started(other)
    line = sign_in(other, "custodian")
    version = bring_in(line)
    line.close()
    stopped(process)
    return version, files(other)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_clients_and_gateways_end_in_the_same_version(
    home: Settings, uninterrupted: tuple[str, int], seed: int
) -> None:
    chance, gateway, kills, version = random.Random(seed), started(home), 0, ""  # noqa: S311 - not a secret
    while len(version) != 64:
        running = client()
        if kills < 6:
            time.sleep(chance.uniform(0, 0.12))
            victim = chance.choice([running, gateway])
            victim.send_signal(signal.SIGKILL)
            kills += 1
        version = finish(running)
        if gateway.poll() is not None:
            gateway = started(home)
    stopped(gateway)
    gateway = started(home)
    assert (version, files(home)) == uninterrupted
    store = Store(home.store)
    rows = store.read().execute("SELECT details FROM audit WHERE action = 'ingest.scan'").fetchall()
    assert sorted(Counter(row["details"].split('"scan":"')[1][:5] for row in rows).values()) == [1] * SCANS
    assert store.read().execute("SELECT COUNT(*) FROM versions").fetchone()[0] == 1
    store.close()
    stopped(gateway)


def test_a_commit_whose_answer_was_lost_is_answered_again(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    line = lines.person("custodian")

    def commit_and_die(self: Delivery, scans: Any, card: Any, note: str = "", **more: Any) -> None:
        line.post(f"/v1/ingests/{self.id}/commit", {"scans": scans, "card": {}, "findings": []})
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Delivery, "commit", commit_and_die)
        bring_in(line)
    version = line.get("/v1/versions/waiting")["versions"][0]["version"]
    assert bring_in(line) == version
    with pytest.raises(Conflict, match="waits for its sign-off"):
        bring_in(line)


def test_a_refusal_drops_what_was_sent(lines: Lines, stored: Any) -> None:
    line = lines.person("custodian")
    with pytest.raises(IngestRefused), Delivery(line, "clinic-ct", resume_key="k") as delivery:
        objects, facts = encoded(1)
        send_scan(line, delivery.id, facts, objects)
        raise IngestRefused("Nothing was ingested.")
    assert stored() == set()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, GatewayUnavailable("gone"), OSError("disk")])
def test_a_stop_keeps_the_scans_that_are_whole(lines: Lines, stop: BaseException) -> None:
    line = lines.person("custodian")
    with pytest.raises(BaseException, match=".*"), Delivery(line, "clinic-ct", resume_key="k") as delivery:
        objects, facts = encoded(1)
        send_scan(line, delivery.id, facts, objects)
        raise stop
    with Delivery(line, "clinic-ct", resume_key="k") as again:
        assert (again.id, list(again.done_scans.values())) == (delivery.id, [facts])


def test_another_key_dataset_or_person_gets_another_ingest(lines: Lines) -> None:
    line = lines.person("custodian")
    first = Delivery(line, "clinic-ct", resume_key="k").__enter__()
    other_key = Delivery(line, "clinic-ct", resume_key="other").__enter__()
    other_dataset = Delivery(line, "other-ct", resume_key="k").__enter__()
    operator = Delivery(lines.operator(), "clinic-ct", resume_key="k").__enter__()
    assert len({first.id, other_key.id, other_dataset.id, operator.id}) == 4
    with pytest.raises(NotFound):
        lines.operator().delete(f"/v1/ingests/{first.id}")


def test_an_ingest_that_was_overtaken_begins_anew(lines: Lines) -> None:
    line = lines.person("custodian")
    first = Delivery(line, "clinic-ct", resume_key="k").__enter__()
    objects, facts = encoded(1)
    send_scan(line, first.id, facts, objects)
    bring_in(line)
    lines.sign_off("clinic-ct")
    again = Delivery(line, "clinic-ct", resume_key="k").__enter__()
    assert again.id != first.id
    assert (again.done_scans, again.next_scan) == ({}, SCANS + 1)


def test_a_gateway_that_was_started_anew_says_how_to_go_on(home: Settings) -> None:
    gateway = started(home)
    with lines_of(home) as lines:
        line = lines.person("custodian")
        begun = line.post("/v1/ingests", {"dataset": "clinic-ct", "resume_key": "k"})
        stopped(gateway)
        gateway = started(home)
        with pytest.raises(GatewayUnavailable, match="same command again"):
            send(line, begun["ingest"], volume_of(1), scan_facts(volume_of(1), 1))
    stopped(gateway)


def test_an_abandoned_ingest_is_dropped_after_a_week(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = started(home)
    with lines_of(home) as lines, Delivery(lines.person("custodian"), "clinic-ct", resume_key="k") as delivery:
        objects, facts = encoded(1)
        send_scan(lines.person("custodian"), delivery.id, facts, objects)
        delivery._open = False
    stopped(gateway)
    open_state(home, SCHEMAS).store.close()
    assert files(home) > 0
    monkeypatch.setattr(staging, "FORGET_RESUMABLE_AFTER", timedelta(seconds=-5))
    open_state(home, SCHEMAS).store.close()
    assert files(home) == 0


def test_an_ingest_without_a_key_is_not_kept(lines: Lines) -> None:
    begun = begin(lines.person("custodian"), "clinic-ct")
    store = Store(lines.settings.store)
    assert store.read().execute("SELECT COUNT(*) FROM ingests").fetchone()[0] == 0
    assert begun["scans_done"] == []
    store.close()
