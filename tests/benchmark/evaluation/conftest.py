"""A home with a few small phantoms, some of them hidden, and a gateway that evaluates."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.connection import Connection, operator_secret, running_gateway, sign_in
from workbench.ingest.phantoms import ingest_phantoms
from workbench.settings import Settings, load_settings

sys.path.insert(0, str(Path(__file__).parent))

PLAN = (("train", 11), ("validation", 12), ("public_test", 13), ("public_test", 14), ("public_test", 16),
        ("final_test", 15))  # fmt: skip


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Have a home whose hidden test has three public scans and a final one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("hidden") / "home"))
        settings = load_settings()
    with running_gateway(settings):
        owner = Connection(settings.socket, operator_secret(settings))
        ingest_phantoms(owner, plan=PLAN, size=96)
        owner.close()
        yield settings


@pytest.fixture
def line(filled: Settings, bubblewrap: None) -> Iterator[Connection]:
    opened = sign_in(filled, "researcher")
    yield opened
    opened.close()
