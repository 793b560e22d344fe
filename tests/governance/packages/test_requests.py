"""Who may ask, what waits, and who decides; nothing of it happens by halves."""

from __future__ import annotations

import pytest

from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.governance.packages import requests
from workbench.governance.people import add_person
from workbench.governance.record.audit import list_events
from workbench.governance.store import Store


def ask(store: Store, *names: str, person: str = "researcher") -> dict[str, object]:
    return requests.ask(store, person, names, "for a figure", may_wait=True)


def test_a_listed_package_is_installed_without_asking_anybody(store: Store) -> None:
    assert ask(store, "lifelines")["state"] == "installing"


def test_an_unlisted_one_waits_and_takes_its_companions_along(store: Store) -> None:
    assert ask(store, "lifelines", "my-own-tool")["state"] == "review"


def test_where_nothing_may_wait_it_is_refused(store: Store) -> None:
    with pytest.raises(AccessDenied, match="not on this home's list"):
        requests.ask(store, "researcher", ["my-own-tool"], "", may_wait=False)
    assert list_events(store)[-1]["outcome"] == "denied"


def test_an_approved_name_passes_from_then_on(store: Store) -> None:
    decided = requests.decide(store, "custodian", str(ask(store, "my-own-tool")["id"]), is_approved=True, comment="")

    assert (decided["state"], decided["decided_by"]) == ("installing", "custodian")
    assert ask(store, "My_Own.Tool", person="reviewer")["state"] == "installing"


def test_a_refused_name_is_refused_from_then_on_with_the_reason(store: Store) -> None:
    requests.decide(store, "custodian", str(ask(store, "my-own-tool")["id"]), is_approved=False, comment="abandoned")

    with pytest.raises(AccessDenied, match="abandoned"):
        ask(store, "my-own-tool", person="reviewer")


def test_a_refusal_needs_a_reason(store: Store) -> None:
    with pytest.raises(InvalidInput, match="Say why"):
        requests.decide(store, "custodian", str(ask(store, "my-own-tool")["id"]), is_approved=False, comment=" ")


@pytest.mark.parametrize("person", ["researcher", "reviewer", "checker-1", "teacher"])
def test_only_administrators_and_custodians_decide(store: Store, person: str) -> None:
    with pytest.raises(AccessDenied):
        requests.decide(store, person, str(ask(store, "my-own-tool")["id"]), is_approved=True, comment="")
    assert list_events(store)[-1]["action"] == "package.decide"


@pytest.mark.parametrize("role", ["custodian", "administrator"])
def test_nobody_decides_their_own(store: Store, role: str) -> None:
    add_person(store, "operator", "boss", "Boss", (role,))

    with pytest.raises(AccessDenied, match="your own request"):
        requests.decide(
            store, "boss", str(ask(store, "my-own-tool", person="boss")["id"]), is_approved=True, comment=""
        )


def test_a_decision_is_made_once(store: Store) -> None:
    request = str(ask(store, "my-own-tool")["id"])
    requests.decide(store, "custodian", request, is_approved=False, comment="no")

    with pytest.raises(Conflict, match="refused"):
        requests.decide(store, "custodian", request, is_approved=True, comment="")


def test_others_requests_are_for_those_who_decide(store: Store) -> None:
    request = str(ask(store, "my-own-tool")["id"])

    assert [one["id"] for one in requests.list_requests(store, "custodian")] == [request]
    assert requests.list_requests(store, "reviewer") == [] and not requests.may_see(store, "reviewer", request)


def test_asking_has_a_pace(store: Store) -> None:
    for _ in range(requests.MOST_AN_HOUR):
        ask(store, "lifelines")

    with pytest.raises(AccessDenied, match="last hour"):
        ask(store, "lifelines")


def test_only_what_was_asked_for_can_be_removed(store: Store) -> None:
    with pytest.raises(NotFound, match="you asked for none"):
        requests.remove(store, "researcher", ["lifelines"])


def test_an_unknown_request_is_unknown(store: Store) -> None:
    with pytest.raises(NotFound, match="K9"):
        requests.decide(store, "custodian", "K9", is_approved=True, comment="")
