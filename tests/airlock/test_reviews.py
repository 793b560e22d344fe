"""Two output checkers, blind to each other until both have voted; neither alone lets anything out."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.airlock.conftest import Desk, png
from workbench.errors import AccessDenied, Conflict, InvalidInput, OutputNotClean
from workbench.governance.people import add_person
from workbench.governance.store import Store


def test_checkers_are_blind_to_each_other_until_both_voted(desk: Desk) -> None:
    offer = desk.offer()
    mine = desk.releases.vote("checker-1", offer, "changes", "round the axis")
    assert [vote["vote"] for vote in mine["votes"]] == ["changes"] and mine["may"] == ["look"]
    for person in ("checker-2", "researcher"):
        seen = desk.releases.get(person, offer)
        assert seen["votes"] == [] and "checker-1" not in str(seen) and "axis" not in str(seen)
    assert len(desk.releases.vote("checker-2", offer, "approve", "")["votes"]) == 2


def test_the_log_holds_a_vote_sealed_until_both_are_open(desk: Desk, store: Store) -> None:
    def events() -> list[str]:
        rows = store.read().execute("SELECT details FROM audit WHERE action = 'release.vote' ORDER BY seq")
        return [row["details"] for row in rows]

    offer = desk.offer()
    desk.releases.vote("checker-1", offer, "changes", "round the axis")
    assert "changes" not in events()[0] and "axis" not in events()[0]
    desk.releases.vote("checker-2", offer, "approve", "")
    opened = json.loads(events()[1])["votes"][0]
    sealed = "\0".join((opened["salt"], opened["vote"], opened["comment"]))
    assert json.loads(events()[0])["sealed"] == hashlib.sha256(sealed.encode()).hexdigest()


def test_a_vote_that_a_new_file_made_void_is_never_opened(desk: Desk) -> None:
    offer = desk.offer()
    desk.releases.vote("checker-1", offer, "changes", "round the axis")
    desk.releases.replace("researcher", offer, {"froc.png": png(7)})
    desk.approve(offer)
    assert "axis" not in str(desk.releases.get("checker-2", offer))
    assert "an output checker" in [move["actor"] for move in desk.releases.get("checker-2", offer)["history"]]


def test_one_wish_for_changes_returns_the_release_with_its_comment(desk: Desk) -> None:
    offer = desk.offer()
    desk.releases.vote("checker-1", offer, "approve", "")
    assert desk.releases.vote("checker-2", offer, "changes", "round the axis")["state"] == "returned"
    body = desk.releases.replace("researcher", offer, {"froc.png": png(7)})
    assert body["state"] == "submitted" and "round the axis" in [move["comment"] for move in body["history"]]


def test_one_rejection_ends_it(desk: Desk) -> None:
    offer = desk.offer()
    desk.releases.vote("checker-1", offer, "approve", "")
    assert desk.releases.vote("checker-2", offer, "reject", "a face")["state"] == "rejected"
    with pytest.raises(Conflict, match="it has ended"):
        desk.releases.submit("researcher", offer)


def test_a_checker_stops_what_was_approved_and_has_not_left(desk: Desk) -> None:
    offer = desk.offer()
    desk.approve(offer)
    assert desk.releases.reject("checker-2", offer, "seen too late")["state"] == "rejected"
    with pytest.raises(Conflict):
        desk.releases.release("researcher", offer)
    with pytest.raises(Conflict, match="cannot be changed by “reject”"):
        desk.releases.reject("checker-2", desk.offer(), "why")


def test_nobody_votes_twice_or_on_their_own(desk: Desk, store: Store) -> None:
    offer = desk.offer()
    desk.releases.vote("checker-1", offer, "approve", "")
    with pytest.raises(Conflict, match="already voted"):
        desk.releases.vote("checker-1", offer, "approve", "")
    add_person(store, "custodian", "both", "Both", ("researcher", "checker"))
    own = desk.offer("both")
    for deed in (desk.releases.vote, desk.releases.reject):
        with pytest.raises(AccessDenied, match="own release"):
            deed("both", own, *(["approve", ""] if deed == desk.releases.vote else ["why"]))


def test_a_vote_on_files_that_were_changed_meanwhile_is_refused(desk: Desk) -> None:
    offer = desk.offer()
    seen = desk.releases.get("checker-1", offer)["revision"]
    desk.releases.replace("researcher", offer, {"froc.png": png(7)})
    with pytest.raises(Conflict, match="changed since you looked"):
        desk.releases.vote("checker-1", offer, "approve", "", revision=seen)


def test_a_wish_for_changes_says_which(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="Say the comment"):
        desk.releases.vote("checker-1", desk.offer(), "changes", " ")
    with pytest.raises(InvalidInput, match="one of approve"):
        desk.releases.vote("checker-1", desk.offer(), "maybe", "")


def test_the_second_of_two_harmless_releases_is_stopped_and_says_why(desk: Desk) -> None:
    desk.release(sex__csv="sex,subjects\nF,47\nM,60\n")
    with pytest.raises(OutputNotClean, match=r"“sex = f” has 46 subjects here and 47 in X1 \(sex.csv\)") as refused:
        desk.offer(later__csv="sex,subjects\nF,46\nM,60\n")
    assert refused.value.code == "differencing" and "1 subject" in refused.value.message


def test_two_that_were_approved_together_do_not_both_leave(desk: Desk) -> None:
    first, second = (desk.offer(sex__csv=f"sex,subjects\nF,{count}\nM,60\n") for count in (47, 46))
    desk.approve(first)
    desk.approve(second)
    desk.releases.release("researcher", first)
    with pytest.raises(OutputNotClean, match=r"47 in X1"):
        desk.releases.release("researcher", second)
    assert desk.releases.get("researcher", second)["state"] == "returned"


def test_an_approval_looks_again_at_what_left_meanwhile(desk: Desk) -> None:
    first, second = (desk.offer(sex__csv=f"sex,subjects\nF,{count}\nM,60\n") for count in (47, 46))
    desk.approve(first)
    desk.releases.release("researcher", first)
    with pytest.raises(OutputNotClean):
        desk.releases.vote("checker-1", second, "approve", "")
    assert desk.releases.vote("checker-1", second, "changes", "hide the row")["state"] == "partially reviewed"
