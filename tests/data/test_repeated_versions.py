"""A run that is repeated reads the versions that its crate names; whoever names a version reads that one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import workbench as wb
from workbench.connection import SOCKET_VARIABLE, TOKEN_VARIABLE, VERSIONS_VARIABLE
from workbench.data.catalogue import dataset
from workbench.errors import InvalidInput, NotFound
from workbench.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))
from homes import fill, lines_of


@pytest.fixture
def versions(gateway: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put this process into a kernel that reads a dataset with two versions; give their ids, oldest first."""
    with lines_of(gateway) as lines:
        fill(lines.operator(), "open-ct", "open", seeds=(1,))
        fill(lines.operator(), "open-ct", "open", seeds=(2,))
        line = lines.kernel("reviewer")
        monkeypatch.setenv(SOCKET_VARIABLE, str(gateway.socket))
        monkeypatch.setenv(TOKEN_VARIABLE, line.token)
        return [row["version"] for row in reversed(line.get("/v1/datasets/open-ct")["versions"])]


def test_a_run_of_its_own_reads_the_newest(versions: list[str]) -> None:
    assert wb.dataset("open-ct").version == versions[1]
    assert len(wb.dataset("open-ct").scans()) == 2


def test_a_repeated_run_reads_what_the_first_one_read(versions: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    newest = repr(wb.dataset("open-ct"))
    monkeypatch.setenv(VERSIONS_VARIABLE, json.dumps({"open-ct": versions[0]}))
    repeated = wb.dataset("open-ct")
    assert (repeated.version, repeated.scans()["scan"].tolist()) == (versions[0], ["S0001"])
    assert ("2 scans" in newest, "1 scans" in repr(repeated)) == (True, True)
    assert versions[0][:12] in repeated._repr_html_() and versions[1][:12] not in repeated._repr_html_()
    with pytest.raises(NotFound):
        repeated.volume("S0002")


def test_a_version_that_is_named_goes_before(versions: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VERSIONS_VARIABLE, json.dumps({"open-ct": versions[0]}))
    assert dataset("open-ct", versions[1][:12]).version == versions[1]


@pytest.mark.parametrize("text", ["", "{", "[]", "7"])
def test_what_names_no_versions_means_the_newest(
    versions: list[str], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VERSIONS_VARIABLE, text)
    assert wb.dataset("open-ct").version == versions[1]


def test_a_version_that_there_is_not_is_refused_with_those_that_are(versions: list[str]) -> None:
    with pytest.raises(NotFound, match=versions[0][:12]):
        wb.dataset("open-ct", "0" * 64)
    with pytest.raises(InvalidInput, match="8 or more digits"):
        wb.dataset("open-ct", versions[0][:7])
