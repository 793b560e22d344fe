"""Routes of the policies: why an answer is what it is, and the policy that a custodian gives a dataset.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.errors import InvalidInput
from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.governance.people import find_purpose
from workbench.governance.policy.checking import check_text
from workbench.governance.policy.explaining import explain
from workbench.governance.policy.reading import MOST_CHARACTERS
from workbench.governance.policy.texts import set_policy, show_policy

PEOPLE = ("person", "kernel")
PERSON = ("person",)


def explain_answer(call: Call) -> dict[str, Any]:
    """Say which policy decides a question, and what would change the answer."""
    words = {name: call.query.get(name, "") for name in ("person", "action", "dataset", "purpose")}
    if not (words["action"] and words["dataset"]):
        raise InvalidInput("Ask with `?person=…&action=…&dataset=…`, and `&purpose=…` for one purpose.")
    store = call.state.store
    purpose = find_purpose(store, words["purpose"]) if words["purpose"] else ""
    person = words["person"] or call.person
    return explain(store, call.person, person, words["action"], words["dataset"], purpose=purpose)


def get_policy(call: Call) -> dict[str, Any]:
    """Give the text of a dataset's own policy, to those who set its terms."""
    return show_policy(call.state.store, call.dataset)


def post_policy(call: Call) -> dict[str, Any]:
    """Have a text hold for a dataset, or only check it (`check` true); a text with a mistake is not taken."""
    text = call.text("text", "", longest=MOST_CHARACTERS)
    if call.json().get("check") is True:
        purposes = [row["id"] for row in call.state.store.read().execute("SELECT id FROM purposes")]
        return check_text(text, dataset=call.dataset, purposes=purposes).as_dict()
    return set_policy(call.state.store, call.person, call.dataset, text)


_POLICY = "/v1/datasets/{dataset}/policy"
ROUTES = (
    Route("GET", "/v1/explain", explain_answer, PEOPLE, "policy.explain"),
    Route("GET", _POLICY, get_policy, PERSON, "dataset.govern", dataset_in_path),
    Route("POST", _POLICY, post_policy, PERSON, "dataset.govern", dataset_in_path),
)
