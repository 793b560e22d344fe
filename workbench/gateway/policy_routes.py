"""Routes of the policies: why an answer is what it is, and the policy that a custodian gives a dataset.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.errors import AccessDenied, InvalidInput
from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.gateway.shown import Shown
from workbench.governance.people import find_purpose
from workbench.governance.policy.checking import Checked, check_text
from workbench.governance.policy.explaining import explain
from workbench.governance.policy.mistakes import Mistake
from workbench.governance.policy.reading import MOST_CHARACTERS
from workbench.governance.policy.texts import set_policy, show_policy
from workbench.governance.versions import newest_version

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
    purposes = [row["id"] for row in call.state.store.read().execute("SELECT id FROM purposes")]
    found = check_text(text, dataset=call.dataset, purposes=purposes)
    misfits = _misfits(call, found)
    if call.json().get("check") is True:
        answer = found.as_dict()
        mistakes = [*answer["mistakes"], *(one.as_dict() for one in misfits)]
        return {**answer, "ok": found.ok and not misfits, "mistakes": mistakes}
    if found.ok and misfits:
        raise InvalidInput(f"The policy is not set: {'; '.join(one.sentence() for one in misfits)}", code="bad-policy")
    return set_policy(call.state.store, call.person, call.dataset, text)


def _misfits(call: Call, found: Checked) -> list[Mistake]:
    """Give the policies whose restrictions could not be carried out on the newest version, so that nobody could read.

    The version is looked at whole and only for this; the sentence names tables and columns, never a value.
    """
    state, mistakes = call.state, []
    version = newest_version(state.store, call.dataset)
    for policy in found.policies if version else ():
        try:
            Shown(state.archive, call.dataset, str(version), policy.obligations).try_tables()
        except AccessDenied as unmet:
            mistakes.append(Mistake(policy.line, 1, f"“{policy.name}” does not fit the data. {unmet.message}"))
    return mistakes


_POLICY = "/v1/datasets/{dataset}/policy"
ROUTES = (
    Route("GET", "/v1/explain", explain_answer, PEOPLE, "policy.explain"),
    Route("GET", _POLICY, get_policy, PERSON, "dataset.govern", dataset_in_path),
    Route("POST", _POLICY, post_policy, PERSON, "dataset.govern", dataset_in_path),
)
