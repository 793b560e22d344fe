"""Real gateways: a shared one with three datasets to read from, and fresh ones for tests that change things."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.connection import running_gateway
from workbench.settings import Settings, load_settings

sys.path.insert(0, str(Path(__file__).parent))
from homes import Lines, fill, lines_of


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Give lines to a gateway with `open-ct`, `clinic-ct` (controlled) and `hidden-ct` (undisclosed).

    `researcher` holds a grant for `clinic-ct`; tests that use this home leave its data and grants as they are.
    """
    settings = load_settings(tmp_path_factory.mktemp("shared") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill(lines.operator(), "open-ct", "open", seeds=(1, 2))
        fill(lines.person("custodian"), "clinic-ct")
        fill(lines.operator(), "hidden-ct", "undisclosed", seeds=(3,))
        lines.grant("researcher", "clinic-ct")
        yield lines


@pytest.fixture(scope="session")
def arena_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Give lines to a gateway for the tests of the arena: `open-ct`, `clinic-ct`, `hidden-ct`.

    Nobody holds a grant for `clinic-ct`; a test that needs one asks for it.
    """
    settings = load_settings(tmp_path_factory.mktemp("arena") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill(lines.operator(), "open-ct", "open", seeds=(1, 2))
        fill(lines.person("custodian"), "clinic-ct")
        fill(lines.operator(), "hidden-ct", "undisclosed", seeds=(3,))
        yield lines


@pytest.fixture
def lines(gateway: Settings) -> Iterator[Lines]:
    """Give lines to the gateway of this test's own, empty home."""
    with lines_of(gateway) as lines:
        yield lines


@pytest.fixture
def stored(lines: Lines) -> Callable[[], set[str]]:
    """Give a function that lists what lies in this test's vault."""
    return lambda: {file.name for file in lines.settings.vault.rglob("*") if file.is_file()}
