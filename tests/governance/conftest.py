"""A real store of a demo home with a clock that the test turns."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workbench.governance.catalogue import NewDataset, add_version, register_dataset
from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.governance.versions import NewVersion
from workbench.settings import Settings


@dataclass
class Clock:
    """A clock that stands still until it is turned."""

    now: datetime = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **ahead: float) -> None:
        self.now += timedelta(**ahead)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a demo home with one dataset of each tier, and one that only its custodian may know of."""
    home = tmp_path_factory.mktemp("furnished") / "home"
    opened = Store(home / "store.sqlite", clock=Clock())
    seed(opened, Settings(home))
    for name, tier in (("phantoms", "open"), ("clinic-ct", "controlled"), ("hidden-test", "undisclosed")):
        register_dataset(opened, "custodian", NewDataset(name, name.title(), tier, "custodian"))
        add_version(opened, "custodian", NewVersion(name, "ab" * 32, 3, 2, 1000, "{}", status="published"))
    secret = NewDataset("secret-ct", "Secret CT", "controlled", "custodian", discoverable=False)
    register_dataset(opened, "custodian", secret)
    opened.close()
    return home


@pytest.fixture
def store(tmp_path: Path, clock: Clock, furnished: Path) -> Iterator[Store]:
    """Give the store of a furnished home of this test's own."""
    home = Path(shutil.copytree(furnished, tmp_path / "home"))
    opened = Store(home / "store.sqlite", clock=clock)
    yield opened
    opened.close()
