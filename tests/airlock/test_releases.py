"""Nothing leaves but what two other people approved, and what leaves is what they saw."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from workbench.airlock.releases import SCHEMA, Releases
from workbench.airlock.states import MOVES, next_state
from workbench.errors import AccessDenied, Conflict, IntegrityError, InvalidInput, NotFound
from workbench.governance.people import add_person, seed
from workbench.governance.store import Store
from workbench.settings import Settings


def png(text: str = "") -> bytes:
    buffer, info = io.BytesIO(), PngInfo()
    if text:
        info.add_text("Comment", text)
    Image.new("L", (4, 4)).save(buffer, "png", pnginfo=info)
    return buffer.getvalue()


@pytest.fixture
def store(home: Settings) -> Iterator[Store]:
    opened = Store(home.store, (SCHEMA,))
    seed(opened, replace(home, demo_accounts=True))
    yield opened
    opened.close()


@pytest.fixture
def releases(store: Store, tmp_path: Path) -> Releases:
    return Releases(store, tmp_path / "releases")


def offered(releases: Releases) -> str:
    return str(releases.offer("researcher", {"froc.png": png()}, reason="figure 2")["id"])


def test_two_approvals_and_the_author_let_a_file_out(releases: Releases) -> None:
    offer = offered(releases)
    releases.vote("checker-1", offer, "approve", "")
    assert releases.vote("checker-2", offer, "approve", "")["state"] == "approved"
    assert releases.release("researcher", offer)["state"] == "released"
    assert releases.read_file("researcher", offer, "froc.png") == png()


def test_one_approval_lets_nothing_out(releases: Releases) -> None:
    offer = offered(releases)
    releases.vote("checker-1", offer, "approve", "")
    with pytest.raises(Conflict, match="partially reviewed"):
        releases.release("researcher", offer)
    with pytest.raises(AccessDenied, match="partially reviewed"):
        releases.read_file("researcher", offer, "froc.png")


def test_one_wish_for_changes_returns_the_release(releases: Releases) -> None:
    offer = offered(releases)
    releases.vote("checker-1", offer, "approve", "")
    assert releases.vote("checker-2", offer, "changes", "round the axis")["state"] == "returned"
    with pytest.raises(Conflict, match="nothing, it has ended"):
        releases.release("researcher", offer)


def test_checkers_are_blind_to_each_other_until_both_voted(releases: Releases) -> None:
    offer = offered(releases)
    releases.vote("checker-1", offer, "changes", "why")
    assert releases.get("checker-2", offer)["votes"] == []
    assert len(releases.vote("checker-2", offer, "approve", "")["votes"]) == 2


def test_nobody_votes_twice_or_on_their_own(releases: Releases, store: Store) -> None:
    offer = offered(releases)
    releases.vote("checker-1", offer, "approve", "")
    with pytest.raises(Conflict, match="already voted"):
        releases.vote("checker-1", offer, "approve", "")
    add_person(store, "custodian", "both", "Both", ("researcher", "checker"))
    own = releases.offer("both", {"a.png": png()}, reason="figure 1")["id"]
    with pytest.raises(AccessDenied, match="own release"):
        releases.vote("both", own, "approve", "")


def test_a_release_of_somebody_else_does_not_exist_for_a_researcher(releases: Releases) -> None:
    offer = offered(releases)
    for person in ("reviewer", "custodian"):
        with pytest.raises(NotFound):
            releases.get(person, offer)
    assert releases.list_for("reviewer") == []


def test_only_the_author_releases_or_withdraws(releases: Releases) -> None:
    offer = offered(releases)
    with pytest.raises(AccessDenied, match="Only the author"):
        releases.withdraw("checker-1", offer)
    assert releases.withdraw("researcher", offer)["state"] == "withdrawn"


def test_a_file_changed_in_the_airlock_is_noticed(releases: Releases, tmp_path: Path) -> None:
    offer = offered(releases)
    next((tmp_path / "releases").iterdir()).write_bytes(b"other")
    with pytest.raises(IntegrityError):
        releases.read_file("checker-1", offer, "froc.png")


def test_every_look_at_a_file_is_an_event(releases: Releases, store: Store) -> None:
    offer = offered(releases)
    releases.read_file("checker-1", offer, "froc.png")
    last = store.read().execute("SELECT actor, action FROM audit ORDER BY seq DESC").fetchone()
    assert (last["actor"], last["action"]) == ("checker-1", "release.look")


@pytest.mark.parametrize(
    ("files", "reason", "sentence"),
    [
        ({}, "r", "1 to 20 files"),
        ({"a.png": png()}, " ", "Say the reason"),
        ({"../a.png": png()}, "r", "file name"),
        ({"weights.pkl": b"x"}, "r", "cannot be released"),
        ({"a.png": b"not a png"}, "r", "not a readable image"),
        ({"a.ipynb": b"{}"}, "r", "not a readable notebook"),
        ({"a.onnx": b"\x80\x04 pickle"}, "r", "not a readable model"),
        ({"a.csv": b"\xff\xfe"}, "r", "not a readable table"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    releases: Releases, files: dict[str, bytes], reason: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        releases.offer("researcher", files, reason=reason)


def test_findings_name_place_and_reason(releases: Releases) -> None:
    table = b"scan,score\nS0001,0.5\n"
    notebook = b'{"metadata":{},"cells":[{"outputs":[{"output_type":"error"}]}]}'
    files = {"t.csv": table, "n.ipynb": notebook, "p.png": png("Doe^Jane")}
    body = releases.offer("researcher", files, reason="tables")
    places = {finding["place"] for file in body["files"] for finding in file["findings"]}
    assert places == {"column “scan”", "cell 1", "metadata “Comment”"}
    assert "Doe" not in str(body)


def test_the_table_of_moves_has_no_way_out_but_release() -> None:
    assert {move.state for move in MOVES if move.leads_to == "released"} == {"approved"}
    with pytest.raises(Conflict, match="possible now: vote"):
        next_state("submitted", "release")
