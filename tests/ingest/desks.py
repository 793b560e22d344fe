"""A desk at the ingest host: one home and gateway for a whole file of tests, and the command line as people type it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest

import workbench as wb
from workbench.cli import main
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, Connection, operator_secret, running_gateway
from workbench.data.dataset import Dataset
from workbench.settings import Settings, load_settings

STRANGE = ("WORKBENCH_GATEWAY", "WORKBENCH_TOKEN", "WORKBENCH_ACCOUNT")


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def body(self) -> dict[str, Any]:
        """The one JSON value of `--json`."""
        value: dict[str, Any] = json.loads(self.out)
        return value


@dataclass(frozen=True)
class Desk:
    """Types commands into one home."""

    settings: Settings

    def run(self, *words: object) -> Answer:
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            code = main([str(word) for word in words])
        return Answer(code, out.getvalue(), err.getvalue())

    def ingest(self, source: object, dataset: str, *words: object) -> dict[str, Any]:
        """Ingest something that must come in."""
        answer = self.run("ingest", source, "--dataset", dataset, "--json", *words)
        assert (answer.code, answer.err) == (0, ""), answer
        return answer.body

    def refused(self, source: object, dataset: str, *words: object) -> tuple[int, dict[str, Any]]:
        """Ingest something that must not come in: the exit code, and what is said."""
        answer = self.run("ingest", source, "--dataset", dataset, "--json", *words)
        assert answer.code and answer.body["message"].endswith("."), answer
        return answer.code, answer.body

    def publish(self, dataset: str) -> None:
        assert self.run("sign-off", dataset).code == 0

    @contextmanager
    def granted(self, dataset: str) -> Iterator[Dataset]:
        """Read a dataset as a researcher does, in a governed kernel, after a request and its approval."""
        asked = self.run(
            "request", dataset, "--purpose", "method development", "--days", 5, "--as", "researcher", "--json"
        )
        assert self.run("approve", asked.body["id"]).code == 0
        with closing(Connection(self.settings.socket, operator_secret(self.settings))) as line:
            started = line.post("/v1/kernels", {"person": "researcher", "isolation": "bubblewrap"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(SOCKET_VARIABLE, str(self.settings.socket))
            patch.setenv(TOKEN_VARIABLE, started["token"])
            yield wb.dataset(dataset)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Give the desk of this file's own home; each test takes a dataset of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("desk") / "home"))
        for name in STRANGE:
            patch.delenv(name, raising=False)
        settings = load_settings()
        with running_gateway(settings):
            yield Desk(settings)
