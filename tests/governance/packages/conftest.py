"""A store, and an index that is a folder of wheels."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.governance.people import seed
from workbench.governance.store import Store
from workbench.settings import Settings

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that pip is configured to take wheels from; it reaches nothing else."""
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path / "index"), "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


@pytest.fixture
def store(home: Settings) -> Iterator[Store]:
    """Give the store of an empty demo home."""
    store = Store(home.store)
    seed(store, home)
    yield store
    store.close()
