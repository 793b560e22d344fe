"""The airlock's routes: whole files in, nothing that runs out, and plain refusals for whatever is malformed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from workbench.connection import Connection, sign_in
from workbench.errors import AccessDenied, InvalidInput, NotFound, OutputNotClean
from workbench.settings import Settings


@pytest.fixture
def author(gateway: Settings) -> Iterator[Connection]:
    with closing(sign_in(gateway, "researcher")) as line:
        yield line


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SEX = coded("sex,subjects\nF,47\nM,60\n")
WORDS = {"reason": "table 1", "controls": "groups below 10 are hidden"}


def test_an_offer_tells_all_that_a_page_shows(author: Connection) -> None:
    body = author.post("/v1/offers", {"files": {"sex.csv": SEX}, **WORDS})
    assert {
        "id",
        "person",
        "project",
        "reason",
        "controls",
        "state",
        "created",
        "files",
        "votes",
        "votes_given",
    } <= set(body)
    assert {"votes_needed", "history", "may", "revision", "evidence", "ledger"} <= set(body)
    assert set(body["files"][0]) == {"name", "kind", "bytes", "sha256", "findings"}
    assert body["may"] == ["edit", "withdraw"]
    assert [set(move) for move in body["history"]] == [{"time", "actor", "verb", "state", "comment"}]


def test_a_file_is_put_in_and_taken_out_by_itself(author: Connection) -> None:
    author.post("/v1/offers", {"files": {"sex.csv": SEX}, **WORDS})
    body = json.loads(author.request("PUT", "/v1/offers/X1/files/notes.txt", body=b"What was done.")[2])
    assert [file["name"] for file in body["files"]] == ["sex.csv", "notes.txt"]
    assert len(author.delete("/v1/offers/X1/files/sex.csv")["files"]) == 1
    with pytest.raises(NotFound):
        author.delete("/v1/offers/X1/files/sex.csv")


def test_a_scan_keeps_nothing_and_knows_what_left_before(gateway: Settings, author: Connection) -> None:
    author.post("/v1/offers", {"files": {"sex.csv": SEX}, **WORDS})
    for checker in ("checker-1", "checker-2"):
        with closing(sign_in(gateway, checker)) as line:
            line.post("/v1/offers/X1/votes", {"vote": "approve"})
    author.post("/v1/offers/X1/release")
    later = author.post("/v1/scan", {"name": "later.csv", "content": coded("sex,subjects\nF,46\nM,60\n")})
    assert later["allowed"] is False and [found["rule"] for found in later["findings"]] == ["differencing"]
    assert len(author.get("/v1/offers")["offers"]) == 1


def test_what_a_check_stops_is_named_and_kept_only_as_a_draft(author: Connection) -> None:
    small = {"files": {"sex.csv": coded("sex,subjects\nF,47\nM,3\n")}, **WORDS}
    with pytest.raises(OutputNotClean, match="row 3"):
        author.post("/v1/offers", small)
    assert author.get("/v1/offers")["offers"] == []
    draft = author.post("/v1/offers", {**small, "draft": True})
    assert draft["state"] == "draft" and draft["files"][0]["findings"][0]["severity"] == "stop"


def test_a_file_that_a_checker_looks_at_runs_nothing(gateway: Settings, author: Connection) -> None:
    author.post("/v1/offers", {"files": {"notes.txt": coded("<script>alert(1)</script>")}, **WORDS})
    with closing(sign_in(gateway, "checker-1")) as line:
        _, headers, _ = line.request("GET", "/v1/offers/X1/files/notes.txt")
    assert headers["content-type"] == "application/octet-stream" and headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"] and headers["cache-control"] == "no-store"
    with pytest.raises(AccessDenied, match="submitted"):
        author.request("GET", "/v1/offers/X1/files/notes.txt")


MALFORMED: tuple[dict[str, Any], ...] = (
    {}, {"files": []}, {"files": {"a.txt": 3}, **WORDS}, {"files": {"a.txt": "?"}, **WORDS},
    {"files": {"a.txt": "eA=="}, "reason": "r"}, {"files": {"a.txt": "eA=="}, "draft": "yes", **WORDS},
    {"files": {"": "eA=="}, **WORDS}, {"files": {"a.exe": "eA=="}, **WORDS},
)  # fmt: skip


def test_malformed_offers_are_refused_plainly(author: Connection) -> None:
    for body in MALFORMED:
        with pytest.raises(InvalidInput):
            author.post("/v1/offers", body)
    assert author.get("/v1/offers")["offers"] == []


def test_only_an_output_checker_votes_and_says_what_was_looked_at(gateway: Settings, author: Connection) -> None:
    author.post("/v1/offers", {"files": {"sex.csv": SEX}, **WORDS})
    with pytest.raises(AccessDenied):
        author.post("/v1/offers/X1/votes", {"vote": "approve"})
    with closing(sign_in(gateway, "checker-1")) as line:
        for wrong in ({"vote": "maybe"}, {"vote": "approve", "revision": "1"}, {"vote": "approve", "revision": True}):
            with pytest.raises(InvalidInput):
                line.post("/v1/offers/X1/votes", wrong)
        assert line.post("/v1/offers/X1/votes", {"vote": "approve", "revision": 1})["votes_given"] == 1
