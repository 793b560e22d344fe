"""A notebook's view of a real gateway: the environment of a kernel, and a home to read from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection, running_gateway
from workbench.settings import load_settings

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import Lines, fill, lines_of

SignIn = Callable[..., Connection]


@pytest.fixture(scope="session")
def readable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    """Give lines to a gateway with `open-ct` and `clinic-ct`, which `researcher` holds a grant for."""
    settings = load_settings(tmp_path_factory.mktemp("readable") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill(lines.operator(), "open-ct", "open", seeds=(1, 2))
        fill(lines.person("custodian"), "clinic-ct")
        lines.grant("researcher", "clinic-ct")
        yield lines


@pytest.fixture
def in_kernel(readable: Lines, monkeypatch: pytest.MonkeyPatch) -> SignIn:
    """Put this process into a kernel of an account."""

    def enter(account: str = "researcher", isolation: str = "bubblewrap") -> Connection:
        line = readable.kernel(account, isolation)
        monkeypatch.setenv(SOCKET_VARIABLE, str(readable.settings.socket))
        monkeypatch.setenv(TOKEN_VARIABLE, line.token)
        return line

    return enter
