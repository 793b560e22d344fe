"""Nothing leaves but what two other people approved, and what leaves is what they saw."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.airlock.conftest import Desk, png
from workbench.airlock.releases import Releases
from workbench.airlock.tabulate import tabulate
from workbench.errors import AccessDenied, Conflict, IntegrityError, InvalidInput, NotFound, OutputNotClean
from workbench.governance.canonical import canonical_json
from workbench.governance.record.checkpoints import read_checkpoint
from workbench.governance.store import Store

SEX = "sex,subjects\nF,40\nM,50\n"


def denials(store: Store) -> list[tuple[str, str]]:
    rows = store.read().execute("SELECT actor, action FROM audit WHERE outcome = 'denied' ORDER BY seq")
    return [(row["actor"], row["action"]) for row in rows]


def test_two_approvals_and_the_author_let_a_file_out(desk: Desk) -> None:
    offer = desk.offer(sex__csv=SEX)
    desk.approve(offer)
    assert desk.releases.release("researcher", offer)["state"] == "released"
    assert desk.releases.read_file("researcher", offer, "sex.csv") == SEX.encode()


def test_one_approval_lets_nothing_out(desk: Desk, store: Store) -> None:
    offer = desk.offer()
    desk.releases.vote("checker-1", offer, "approve", "")
    with pytest.raises(Conflict, match="partially reviewed"):
        desk.releases.release("researcher", offer)
    with pytest.raises(AccessDenied, match="partially reviewed"):
        desk.releases.read_file("researcher", offer, "froc.png")
    assert denials(store) == [("researcher", "release.release"), ("researcher", "release.look")]


def test_a_release_of_somebody_else_does_not_exist_for_a_researcher(desk: Desk) -> None:
    offer = desk.offer()
    for person in ("reviewer", "custodian"):
        with pytest.raises(NotFound):
            desk.releases.get(person, offer)
    assert desk.releases.list_for("reviewer") == []


def test_only_the_author_releases_edits_or_withdraws(desk: Desk) -> None:
    offer = desk.offer()
    deeds: list[Any] = [desk.releases.withdraw, desk.releases.release, desk.releases.submit]
    for deed in deeds:
        with pytest.raises(AccessDenied, match="Only the author"):
            deed("checker-1", offer)
    with pytest.raises(NotFound):
        desk.releases.replace("reviewer", offer, {"a.png": png()})
    assert desk.releases.withdraw("researcher", offer)["state"] == "withdrawn"


def test_a_draft_is_its_authors_alone_until_it_is_handed_in(desk: Desk) -> None:
    offer = desk.offer(is_draft=True)
    assert desk.releases.list_for("checker-1") == []
    for deed in (desk.releases.get, desk.releases.withdraw):
        with pytest.raises(NotFound):
            deed("checker-1", offer)
    assert desk.releases.submit("researcher", offer)["state"] == "submitted"
    assert desk.releases.get("checker-1", offer)["may"] == ["look", "vote"]


def test_a_draft_that_is_taken_back_stays_its_authors_alone(desk: Desk) -> None:
    offer = desk.offer(is_draft=True)
    desk.releases.withdraw("researcher", offer)
    assert desk.releases.list_for("checker-1") == []
    with pytest.raises(NotFound):
        desk.releases.get("checker-1", offer)


def test_what_a_check_stops_is_kept_as_a_draft_and_handed_in_when_it_is_mended(desk: Desk) -> None:
    small = "sex,subjects\nF,40\nM,3\n"
    with pytest.raises(OutputNotClean, match="row 3") as refused:
        desk.offer(sex__csv=small)
    assert refused.value.code == "small-cell" and refused.value.exit_code == 16
    offer = desk.offer(is_draft=True, sex__csv=small)
    with pytest.raises(OutputNotClean):
        desk.releases.submit("researcher", offer)
    desk.releases.replace("researcher", offer, {"sex.csv": SEX.encode()})
    assert desk.releases.submit("researcher", offer)["state"] == "submitted"


def test_a_changed_file_resets_the_votes(desk: Desk) -> None:
    offer = desk.offer()
    desk.approve(offer)
    body = desk.releases.replace("researcher", offer, {"froc.png": png(7)})
    assert (body["state"], body["votes_given"], body["votes"]) == ("submitted", 0, [])
    with pytest.raises(Conflict):
        desk.releases.release("researcher", offer)


def test_files_are_added_and_taken_out_but_never_all(desk: Desk) -> None:
    offer = desk.offer()
    body = desk.releases.replace("researcher", offer, {"b.png": png(7)})
    assert [file["name"] for file in body["files"]] == ["froc.png", "b.png"]
    assert [file["name"] for file in desk.releases.remove("researcher", offer, "froc.png")["files"]] == ["b.png"]
    with pytest.raises(InvalidInput, match="1 to 50 files"):
        desk.releases.remove("researcher", offer, "b.png")


def test_a_released_file_cannot_be_changed(desk: Desk) -> None:
    offer = desk.release()
    with pytest.raises(Conflict, match="it has ended"):
        desk.releases.replace("researcher", offer, {"froc.png": png(7)})


def test_a_file_changed_in_the_airlock_is_noticed(desk: Desk, tmp_path: Path) -> None:
    offer = desk.offer()
    next((tmp_path / "releases").iterdir()).write_bytes(b"other")
    with pytest.raises(IntegrityError):
        desk.releases.read_file("checker-1", offer, "froc.png")


def test_every_look_at_a_file_is_an_event(desk: Desk, store: Store) -> None:
    desk.releases.read_file("checker-1", desk.offer(), "froc.png")
    last = store.read().execute("SELECT actor, action FROM audit ORDER BY seq DESC").fetchone()
    assert (last["actor"], last["action"]) == ("checker-1", "release.look")


def test_the_ledger_chains_what_left_with_its_hashes_and_votes(desk: Desk) -> None:
    first = desk.releases.get("researcher", desk.release(sex__csv=SEX))["ledger"]
    second = desk.releases.get("researcher", desk.release())["ledger"]
    assert first["entry"]["files"][0]["sha256"] == hashlib.sha256(SEX.encode()).hexdigest()
    assert [vote["vote"] for vote in first["entry"]["votes"]] == ["approve", "approve"]
    assert hashlib.sha256(canonical_json(first["entry"])).hexdigest() == first["sha256"]
    assert second["entry"]["previous"] == first["sha256"]


def test_a_release_carries_a_signed_checkpoint_of_the_log_that_covers_it(desk: Desk, store: Store) -> None:
    offer = desk.release()
    signed = desk.releases.get("researcher", offer)["ledger"]["checkpoint"]
    left = store.read().execute("SELECT seq FROM audit WHERE action = 'release.release'").fetchone()["seq"]
    found = read_checkpoint(signed["note"], signed["key"])
    assert found.size == signed["size"] >= left and found.root.hex() == signed["root"]


def test_nothing_leaves_on_a_log_that_was_tampered_with(desk: Desk, store: Store) -> None:
    offer = desk.offer()
    desk.approve(offer)
    outside = sqlite3.connect(store.path)
    outside.executescript("DROP TRIGGER audit_is_never_edited; UPDATE audit SET actor = 'x' WHERE seq = 2;")
    outside.close()
    with pytest.raises(IntegrityError):
        desk.releases.release("researcher", offer)
    assert desk.releases.get("researcher", offer)["state"] == "approved"


def test_a_sidecar_is_looked_at_and_never_leaves(desk: Desk) -> None:
    offer = desk.offer(sex__csv=SEX, is_draft=True)
    body = desk.releases.replace("researcher", offer, {"other.csv.cells.json": b"{}"})
    assert [file["name"] for file in body["files"]] == ["sex.csv"]
    desk.releases.submit("researcher", offer)
    desk.approve(offer)
    desk.releases.release("researcher", offer)
    assert desk.releases.read_file("checker-1", offer, "other.csv.cells.json") == b"{}"
    with pytest.raises(AccessDenied, match="does not leave"):
        desk.releases.read_file("researcher", offer, "other.csv.cells.json")


def test_a_table_and_its_sidecar_are_changed_together_or_the_old_sidecar_goes(desk: Desk, tmp_path: Path) -> None:
    def tabulated(size: int) -> dict[str, bytes]:
        frame = pd.DataFrame({"subject": range(size), "sex": "F"})
        tabulate(frame, tmp_path / "sex.csv", by="sex", subject="subject")
        return {name: (tmp_path / name).read_bytes() for name in ("sex.csv", "sex.csv.cells.json")}

    first, second = tabulated(40), tabulated(60)
    offer = str(desk.releases.offer("researcher", first, reason="r", controls="c")["id"])
    assert len(desk.releases.replace("researcher", offer, second)["evidence"]) == 1
    assert desk.releases.replace("researcher", offer, {"sex.csv": first["sex.csv"]})["evidence"] == []
    with pytest.raises(OutputNotClean, match="sidecar"):
        desk.releases.replace("researcher", offer, {"sex.csv.cells.json": second["sex.csv.cells.json"]})


def test_a_project_one_is_no_member_of_is_refused(desk: Desk, store: Store) -> None:
    with pytest.raises(AccessDenied, match="no member"):
        desk.releases.offer("researcher", {"a.png": png()}, reason="r", controls="c", project="lungs")
    assert desk.releases.get("researcher", desk.offer())["project"] == "researcher"


@pytest.mark.parametrize(
    ("files", "reason", "controls", "sentence"),
    [
        ({}, "r", "c", "1 to 50 files"),
        ({f"{number}.txt": b"x" for number in range(51)}, "r", "c", "51 were offered"),
        ({"a.txt": b"x"}, " ", "c", "Say the reason"),
        ({"a.txt": b"x"}, "r", "", "Say the controls"),
        ({"../a.txt": b"x"}, "r", "c", "name"),
        ({"a.txt": b"x", "A.txt": b"x"}, "r", "c", "capitals"),
        ({"a.csv.cells.json": b"{}"}, "r", "c", "1 to 50 files"),
    ],
    ids=["none", "too-many", "no-reason", "no-controls", "odd-name", "same-name", "evidence-alone"],
)
def test_an_offer_that_cannot_be_judged_is_refused(
    releases: Releases, files: dict[str, bytes], reason: str, controls: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        releases.offer("researcher", files, reason=reason, controls=controls)
