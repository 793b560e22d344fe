"""A desk of a home that holds the datasets of the shipped tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.benchmark.submissions.payloads import Payloads
from workbench.benchmark.tasks.definition import task_definition
from workbench.benchmark.tasks.fields import Quota
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))
from submission_desk import SCHEMAS, Clock, Desk, fill


@pytest.fixture
def desk(home: Settings, tmp_path: Path) -> Iterator[Desk]:
    clock = Clock()
    store = Store(home.store, SCHEMAS, clock=clock)
    seed(store, home)
    fill(store)
    task = task_definition("lung-nodule-detection")
    task = task.model_copy(update={"quota": Quota(scored_per_week=3, scored_in_all=5)})
    yield Desk(store, Payloads(tmp_path / "submissions"), clock, task)
    store.close()
