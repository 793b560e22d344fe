"""A home's submissions without a gateway: short ways to do what it does, and a clock that a test turns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from workbench.benchmark.submissions import ending, leases, records, taking
from workbench.benchmark.submissions.ending import Measure, Outcome
from workbench.benchmark.submissions.payloads import Payloads
from workbench.benchmark.submissions.quota import quota_of
from workbench.benchmark.submissions.taking import Sending
from workbench.benchmark.tasks import published
from workbench.benchmark.tasks.definition import TaskDefinition
from workbench.governance.store import Store

SCHEMAS = (records.SCHEMA, published.SCHEMA)
VERSION = (
    "INSERT INTO versions (dataset, version, created, scans, subjects, bytes, manifest, status, uploader) "
    "VALUES (?, ?, '2026-05-01', 1, 1, 1, '', 'published', 'custodian')"
)


class Clock:
    """What the store takes for the present moment."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Desk:
    """A home's submissions, and short ways to do with them what the gateway does."""

    store: Store
    payloads: Payloads
    clock: Clock
    task: TaskDefinition

    def send(self, person: str = "researcher", **changed: Any) -> str:
        sent = Sending(self.task, changed.pop("kind", "onnx"), changed.pop("intent", "scored"), b"model", **changed)
        return taking.submit(self.store, self.payloads, person, sent)

    def start(self) -> tuple[str, str]:
        job = leases.take_next(self.store)
        assert job is not None
        return job["id"], job["lease"]

    def score(self, value: float = 0.5, person: str = "researcher") -> str:
        """Have one submission of a person sent, run and scored; nothing else may wait."""
        self.send(person)
        submission, lease = self.start()
        ending.finish(self.store, submission, lease, scored(value))
        return submission

    def fail(self, person: str = "researcher", code: str = "TIMEOUT") -> str:
        self.send(person)
        submission, lease = self.start()
        ending.finish(self.store, submission, lease, Outcome("failed", code))
        return submission

    def state(self, submission: str) -> str:
        return str(records.find_row(self.store, submission)["state"])

    def used(self, person: str = "researcher") -> tuple[int, int]:
        """Give what the quota of a person says is used: of the week, and in all."""
        version = self.task.version(records.pins(self.store, self.task))
        quota = quota_of(self.store, person, self.task, version)
        return quota["week_used"], quota["total_used"]

    def events(self, submission: str, action: str) -> int:
        found = self.store.read().execute(
            "SELECT COUNT(*) FROM audit WHERE resource = ? AND action = ?", (submission, action)
        )
        return int(found.fetchone()[0])


def scored(value: float = 0.5) -> Outcome:
    scores = f'{{"interval":[{value - 0.25},{value + 0.25}],"value":{value}}}'
    return Outcome("scored", measure=Measure(scores, b"\0" * 16))


def publish(store: Store, dataset: str, version: str) -> None:
    """Have a version of a dataset published."""
    with store.change("custodian", "test.fill", dataset) as db:
        db.execute(VERSION, (dataset, version))


def fill(store: Store) -> None:
    """Have the datasets of the shipped tasks, with a version each."""
    for name, tier in (("chest-ct", "open"), ("chest-ct-test", "undisclosed")):
        with store.change("custodian", "test.fill", name) as db:
            db.execute(
                "INSERT INTO datasets VALUES (?, ?, ?, 'custodian', '', '{}', 1, '2026-05-01')", (name, name, tier)
            )
        publish(store, name, "v1")
