"""The lab's side of the airlock: only one's own workspace goes in, looks are safe, nothing leaves early."""

from __future__ import annotations

import json

import pytest

from workbench.jupyter.accounts import workspace_of

COUNTS = "group,count\nA,40\nB,55\n"
API = "/workbench/api"


@pytest.fixture
def author(signed_in, governed_home):
    (workspace_of(governed_home, "researcher") / "counts.csv").write_text(COUNTS)
    return signed_in("researcher")


@pytest.fixture
def offer(author) -> str:
    form = {"files": ["counts.csv"], "reason": "table 1", "controls": "10 or more in each group"}
    return str(author.json("POST", f"{API}/offers", form)["id"])


def test_files_of_the_workspace_are_listed_and_checked_before_they_are_offered(author):
    assert "counts.csv" in [file["path"] for file in author.json("GET", f"{API}/workspace/files")["files"]]

    found = author.json("POST", f"{API}/scan", {"path": "counts.csv"})

    assert (found["kind"], found["allowed"]) == ("table", True)


@pytest.mark.parametrize("path", ["../custodian/x.csv", "/etc/passwd", "missing.csv", "", 7, None])
def test_nothing_but_the_workspace_is_offered(author, path):
    form = {"files": [path], "reason": "r", "controls": "c"}

    assert author.ask("POST", f"{API}/offers", [form])[0] in (400, 404)
    assert author.ask("POST", f"{API}/scan", [{"path": path}])[0] in (400, 404)


@pytest.mark.parametrize("files", [[], "counts.csv", None, ["counts.csv", "counts.csv"], ["counts.csv"] * 51])
def test_an_offer_names_each_file_once(author, files):
    assert author.ask("POST", f"{API}/offers", [{"files": files, "reason": "r", "controls": "c"}])[0] in (400, 409)


def test_a_checker_gets_the_safe_form_and_never_the_file(signed_in, offer):
    checker = signed_in("checker-1")

    shown = checker.json("GET", f"{API}/offers/{offer}/files/counts.csv/preview")
    status, _, text = checker.ask("GET", f"{API}/offers/{offer}/files/counts.csv")

    assert shown["parts"][0]["rows"] == [["A", "40"], ["B", "55"]]
    assert status == 403 and "once released" in json.loads(text)["message"]


def test_an_author_keeps_a_file_only_once_it_is_released(signed_in, author, offer):
    assert author.ask("GET", f"{API}/offers/{offer}/files/counts.csv")[0] == 403
    for checker in ("checker-1", "checker-2"):
        signed_in(checker).json("POST", f"{API}/offers/{offer}/votes", {"vote": "approve", "comment": ""})
    author.sign_in("researcher")
    author.json("POST", f"{API}/offers/{offer}/release", {})

    status, headers, text = author.ask("GET", f"{API}/offers/{offer}/files/counts.csv")

    assert (status, text) == (200, COUNTS)
    assert headers["content-disposition"].startswith("attachment")
    assert "sandbox" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"


def test_a_file_is_replaced_from_the_workspace_and_taken_out(author, offer, governed_home):
    (workspace_of(governed_home, "researcher") / "notes.md").write_text("# How the groups were made")

    added = author.json("POST", f"{API}/offers/{offer}/files/notes.md", {"path": "notes.md"})
    left = author.json("DELETE", f"{API}/offers/{offer}/files/counts.csv")

    assert [file["name"] for file in added["files"]] == ["counts.csv", "notes.md"]
    assert [file["name"] for file in left["files"]] == ["notes.md"]


def test_another_researcher_knows_of_no_offer(signed_in, offer):
    stranger = signed_in("teacher")

    for path in (f"offers/{offer}", f"offers/{offer}/files/counts.csv", f"offers/{offer}/files/counts.csv/preview"):
        assert stranger.ask("GET", f"{API}/{path}")[0] == 404
