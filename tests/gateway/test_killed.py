"""A gateway that is killed under load, fifty times: whatever it acknowledged is on record, and the log verifies."""

from __future__ import annotations

import base64
import json
import multiprocessing
import random
import sqlite3
import threading
import time
from contextlib import closing

from workbench.connection import Connection, gateway_answers, operator_secret
from workbench.errors import WorkbenchError
from workbench.gateway.lifecycle import serve
from workbench.governance.record.audit import verify_home
from workbench.settings import Settings

KILLS, WRITERS = 50, 12
LONGEST_S = 0.3
# Forked from a process that has imported the gateway once, or fifty starts would take minutes.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["workbench.gateway.lifecycle"])


def write_until_killed(settings: Settings, person: str, acknowledged: list[str]) -> None:
    """Open sessions (noted) and start kernels (a change each); keep the name of each that was acknowledged."""
    try:
        with closing(Connection(settings.socket, operator_secret(settings))) as line:
            for turn in range(100_000):
                if turn % 8:
                    body = line.post("/v1/sessions", {"person": person})["token"].split(".")[0]
                    name = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["id"]
                else:
                    name = line.post("/v1/kernels", {"person": person, "isolation": "none"})["kernel"]
                acknowledged.append(name)
    except (WorkbenchError, OSError, ValueError):
        return


def load_and_kill(settings: Settings, after_s: float) -> list[str]:
    """Kill a gateway a moment after many threads began to write to it; give the names that it acknowledged."""
    process = FORKS.Process(target=serve, args=(settings,), daemon=True)
    process.start()
    while not gateway_answers(settings):
        assert process.is_alive()
        time.sleep(0.01)
    acknowledged: list[str] = []
    threads = [
        threading.Thread(target=write_until_killed, args=(settings, "researcher", acknowledged)) for _ in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    while not acknowledged:
        time.sleep(0.001)
    time.sleep(after_s)
    process.kill()
    process.join()
    for thread in threads:
        thread.join()
    return acknowledged


def test_nothing_acknowledged_is_lost_when_a_gateway_is_killed_fifty_times(home: Settings) -> None:
    chance, acknowledged = random.Random(4), []  # noqa: S311 - moments to kill, not secrets
    for kill in range(KILLS):
        # Some live long enough to be killed while they export a checkpoint, a second after their start.
        acknowledged += load_and_kill(home, chance.uniform(0.0, LONGEST_S if kill % 5 else 1.3))
        verdict = verify_home(home)
        assert verdict["ok"], verdict
    with closing(sqlite3.connect(home.store)) as db:
        recorded = {row[0] for row in db.execute("SELECT resource FROM audit")}
        changed = {row[0] for row in db.execute("SELECT id FROM kernels")}
    assert len(acknowledged) >= KILLS
    assert set(acknowledged) <= recorded
    assert {name for name in acknowledged if name.startswith("kernel-")} <= changed
