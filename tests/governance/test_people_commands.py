"""A home with real people: its owner adds others, and cannot act as them."""

from __future__ import annotations

import getpass
import json

import pytest

from workbench.cli import main
from workbench.connection import sign_in
from workbench.errors import NotSignedIn
from workbench.settings import Settings, load_settings


@pytest.fixture
def clinic(home: Settings, request: pytest.FixtureRequest) -> Settings:
    """Give a home without demo accounts, and its gateway."""
    home.home.mkdir(parents=True)
    (home.home / "settings.toml").write_text("demo_accounts = false\n")
    request.getfixturevalue("gateway")
    return load_settings()


def add(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["people", "add", *words, "--json"]) == 0
    added: dict[str, object] = json.loads(capsys.readouterr().out)
    return added


def test_an_added_person_signs_in_with_their_secret_alone(
    clinic: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    added = add(capsys, "dr-oyelaran", "--role", "checker", "--name", "Dr Oyelaran")
    assert added["roles"] == ["checker"]
    with pytest.raises(NotSignedIn, match="no terminal"):
        sign_in(clinic, "dr-oyelaran")
    monkeypatch.setenv("WORKBENCH_SECRET", "guessed")
    with pytest.raises(NotSignedIn, match="not the secret"):
        sign_in(clinic, "dr-oyelaran")
    monkeypatch.setenv("WORKBENCH_SECRET", str(added["secret"]))
    line = sign_in(clinic, "dr-oyelaran")
    assert line.get("/v1/whoami")["name"] == "Dr Oyelaran"
    line.close()


def test_the_secret_is_not_kept(clinic: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    secret = str(add(capsys, "dr-oyelaran", "--role", "checker")["secret"]).encode()
    stored = [file.read_bytes() for file in clinic.home.rglob("*") if file.is_file()]
    assert not any(secret in content for content in stored)


@pytest.mark.usefixtures("clinic")
def test_the_accounts_are_listed_with_their_roles(capsys: pytest.CaptureFixture[str]) -> None:
    add(capsys, "dr-oyelaran", "--role", "checker", "--role", "researcher")
    assert main(["people"]) == 0
    said = capsys.readouterr().out
    assert getpass.getuser() in said and "checker, researcher" in said


@pytest.mark.usefixtures("clinic")
@pytest.mark.parametrize("words", [("dr x", "--role", "checker"), ("../x", "--role", "checker"), ("dr-x",), ()])
def test_an_account_without_name_or_role_is_refused(words: tuple[str, ...]) -> None:
    assert main(["people", "add", *words]) == 2


def test_in_a_demo_home_the_owner_acts_as_everybody(gateway: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    add(capsys, "checker-3", "--role", "checker")
    line = sign_in(gateway, "checker-3")
    assert line.get("/v1/whoami")["person"] == "checker-3"
    line.close()
