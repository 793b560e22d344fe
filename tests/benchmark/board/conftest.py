"""A home with a task and scored submissions, made as the gateway makes them: taken in, leased, ended by a result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.benchmark.board import final
from workbench.benchmark.submissions import ending, leases, records, taking
from workbench.benchmark.submissions.ending import Measure, Outcome
from workbench.benchmark.submissions.payloads import Payloads
from workbench.benchmark.submissions.taking import Sending
from workbench.benchmark.tasks import published
from workbench.benchmark.tasks.definition import TaskDefinition, task_definition
from workbench.governance.canonical import canonical_json
from workbench.governance.people import add_person, seed
from workbench.governance.store import Store
from workbench.settings import Settings

TASK = "lung-nodule-detection"


@dataclass
class Board:
    """The store of a home, and what tests do with it."""

    store: Store
    payloads: Payloads
    task: TaskDefinition

    @property
    def version(self) -> str:
        """The present version of the task."""
        return self.task.version(records.pins(self.store, self.task))

    def send(self, person: str = "researcher", note: str = "") -> str:
        """Take predictions in, to be scored."""
        sent = Sending(self.task, "predictions", "scored", b"scan,x_mm,y_mm,z_mm,probability\n", note)
        return taking.submit(self.store, self.payloads, person, sent)

    def end(self, submission: str, outcome: Outcome) -> str:
        """End the submission whose turn it is, which must be this one."""
        job = leases.take_next(self.store)
        assert job is not None
        assert job["id"] == submission
        ending.finish(self.store, submission, job["lease"], outcome)
        return submission

    def score(self, value: float, *draws: float, person: str = "researcher", note: str = "", **scores: Any) -> str:
        """Send predictions and have them scored."""
        return self.end(self.send(person, note), self.scored(value, *draws, **scores))

    def scored(self, value: float, *draws: float, **scores: Any) -> Outcome:
        """Give the outcome of an evaluation that measured this, and a baseline at 0.5."""
        return Outcome("scored", measure=measure(value, draws, **scores), baselines=(("blob filter alone",
                       measure(0.5, [0.5] * len(draws))),))  # fmt: skip

    def renew_data(self, version: str) -> None:
        """Publish another version of the hidden data, which makes another version of the task."""
        with self.store.change("custodian", "test.fill", "chest-ct-test") as db:
            db.execute(
                "INSERT INTO versions (dataset, version, created, scans, subjects, bytes, manifest, status, uploader) "
                "VALUES ('chest-ct-test', ?, '2026-05-01', 1, 1, 1, '', 'published', 'custodian')", (version,),
            )  # fmt: skip

    def events(self) -> list[str]:
        """Name what is on record, in order."""
        return [row["action"] for row in self.store.read().execute("SELECT action FROM audit ORDER BY seq").fetchall()]


def measure(value: float, draws: Sequence[float], **scores: Any) -> Measure:
    """Give a stored measure."""
    said = {
        "metric": "froc_cpm:v1", "value": value, "interval": [value - 0.1, value + 0.1], "units": 40, "items": 40,
        "answered": 40, "coverage": 1.0, **scores,
    }  # fmt: skip
    return Measure(canonical_json(said).decode(), np.array(draws, dtype="<f8").tobytes() or None)


@pytest.fixture
def board(home: Settings, tmp_path: Path) -> Iterator[Board]:
    """Give a home whose detection task has its data, and nothing on its board."""
    store = Store(home.store, (records.SCHEMA, published.SCHEMA, final.SCHEMA))
    seed(store, home)
    add_person(store, "system", "second", "Second", ("custodian",))
    made = Board(store, Payloads(tmp_path / "submissions"), task_definition(TASK))
    with store.change("custodian", "test.fill", "chest-ct") as db:
        for name, tier in (("chest-ct", "controlled"), ("chest-ct-test", "undisclosed")):
            db.execute("INSERT INTO datasets VALUES (?, ?, ?, 'custodian', '', '{}', 1, '2026-05-01')",
                       (name, name, tier))  # fmt: skip
        db.execute(
            "INSERT INTO versions (dataset, version, created, scans, subjects, bytes, manifest, status, uploader) "
            "VALUES ('chest-ct', 'v1', '2026-05-01', 1, 1, 1, '', 'published', 'custodian')"
        )
    made.renew_data("v1")
    yield made
    store.close()
