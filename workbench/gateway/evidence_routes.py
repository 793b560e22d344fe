"""Routes of evidence: agreements, training, projects, terms of use, visas, the checklist, grants and purposes.

Runs in: gateway
"""

from __future__ import annotations

import json
from typing import Any

from workbench.errors import InvalidInput, WorkbenchError
from workbench.gateway.call import Call, Route, dataset_in_path
from workbench.governance import access, checklist, people
from workbench.governance.decide import authorise
from workbench.governance.evidence import agreements, projects, training, usage, visas
from workbench.governance.evidence.passport import MOST_CHARACTERS

PEOPLE = ("person", "kernel")
PERSON = ("person",)
OPERATOR = "operator"
LONGEST_ID = 200
MOST_VISAS = 20
VISA_BYTES = 512 * 1024


def get_agreement(call: Call) -> dict[str, Any]:
    """Give the agreement of a dataset, and when this person accepted it."""
    return agreements.get_agreement(call.state.store, call.person, call.dataset)


def set_agreement(call: Call) -> dict[str, Any]:
    """Ask for an agreement, or for its next version."""
    title, text = call.text("title", longest=1000), call.text("text", longest=200_000)
    return agreements.set_agreement(call.state.store, call.person, call.dataset, title, text)


def accept_agreement(call: Call) -> dict[str, Any]:
    """Accept the agreement at the version that was read."""
    version = call.json().get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise InvalidInput("The body needs “version”: the number of the agreement that you read.")
    return agreements.accept_agreement(call.state.store, call.person, call.dataset, version)


def get_checklist(call: Call) -> dict[str, Any]:
    """Give what this person has and lacks for a dataset and a purpose, and what declared facts would change."""
    facts: Any = {}
    if text := call.query.get("facts"):
        try:
            facts = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidInput("“facts” is a JSON object, such as {“is_commercial”: false}.") from None
    purpose = call.query.get("purpose") or None
    return checklist.checklist(call.state.store, call.person, call.dataset, purpose, facts)


def get_usage(call: Call) -> dict[str, Any]:
    """Give the terms of use of a dataset and the training it asks for."""
    return usage.get_usage(call.state.store, call.person, call.dataset)


def set_usage(call: Call) -> dict[str, Any]:
    """Replace the terms of use, the training asked for, or both."""
    body = call.json()
    return usage.set_usage(call.state.store, call.person, call.dataset, body.get("terms"), body.get("training"))


def list_training(call: Call) -> dict[str, Any]:
    """List one's own training, or everybody's for those who record it."""
    return {"training": training.list_training(call.state.store, call.person)}


def record_training(call: Call) -> dict[str, Any]:
    """Record the training of somebody else."""
    return training.record_training(
        call.state.store, call.person, call.text("person", longest=LONGEST_ID), call.text("kind", longest=LONGEST_ID),
        provider=call.text("provider"), issued=call.text("issued"), ends=call.text("ends"),
    )  # fmt: skip


def end_training(call: Call) -> dict[str, Any]:
    """End a training record now."""
    return training.end_training(call.state.store, call.person, call.path["training"])


def list_visas(call: Call) -> dict[str, Any]:
    """List one's own visas, and what one may trust or not."""
    return visas.list_visas(call.state.store, call.person)


def send_visas(call: Call) -> dict[str, Any]:
    """Take in a visa, or of a passport those that count here; when none does, the first refusal is the answer."""
    body = call.json()
    sent = [body["visa"]] if "visa" in body else body.get("ga4gh_passport_v1", body.get("visas"))
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_VISAS:
        raise InvalidInput("The body needs “visa”: a signed visa as text, or “visas”: a list of at most 20.")
    if not all(isinstance(one, str) and len(one) <= MOST_CHARACTERS for one in sent):
        raise InvalidInput(f"A visa is a text of at most {MOST_CHARACTERS} characters.")
    taken, refused = [], []
    for one in sent:
        try:
            taken.append(visas.send_visa(call.state.store, call.person, one.strip()))
        except WorkbenchError as refusal:
            refused.append(refusal)
    if not taken:
        raise refused[0]
    return {"visas": taken, "refused": [refusal.as_dict() for refusal in refused]}


def trust_visas(call: Call) -> dict[str, Any]:
    """Trust an issuer and source for one exact statement, for a dataset or the whole home."""
    body = call.json()
    facts = {name: call.text(name) for name in ("issuer", "source", "type", "value")}
    is_approval = body.get("is_approval", False)
    if not isinstance(is_approval, bool):
        raise InvalidInput("“is_approval” is true or false.")
    return visas.trust_visas(
        call.state.store, call.person, _scope(call), facts, keys=body.get("keys"), is_approval=is_approval
    )  # fmt: skip


def untrust_visas(call: Call) -> dict[str, Any]:
    """Trust those visas no longer."""
    return visas.untrust_visas(call.state.store, call.person, call.path["trusted"])


def link_identity(call: Call) -> dict[str, Any]:
    """Say that an issuer's subject is a person of this home."""
    return visas.link_identity(
        call.state.store, call.person, _scope(call), call.text("person", longest=LONGEST_ID),
        issuer=call.text("issuer"), subject=call.text("subject"),
    )  # fmt: skip


def list_projects(call: Call) -> dict[str, Any]:
    """List one's own projects, or all for those who make them."""
    return {"projects": projects.list_projects(call.state.store, call.person)}


def set_project(call: Call) -> dict[str, Any]:
    """Make a project, or replace its title and members."""
    members = call.json().get("members")
    if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
        raise InvalidInput("The body needs “members”: a list of accounts.")
    project, title = call.text("id", longest=LONGEST_ID), call.text("title")
    return projects.set_project(call.state.store, call.person, project, title, members)


def list_grants(call: Call) -> dict[str, Any]:
    """List one's own grants and those one may end."""
    return {"grants": access.list_grants(call.state.store, call.person)}


def add_purpose(call: Call) -> dict[str, Any]:
    """Add a purpose that people may name."""
    store = call.state.store
    if call.token.kind != OPERATOR:
        authorise(store, call.person, "home.govern", "home")
    people.add_purpose(
        store, call.person or OPERATOR, call.text("id", longest=LONGEST_ID), call.text("label"),
        duo=call.text("duo", ""), facts=call.json().get("facts"),
    )  # fmt: skip
    return {"purposes": people.list_purposes(store)}


def set_attributes(call: Call) -> dict[str, Any]:
    """Record where a person works, on the word of whoever owns the home."""
    institution, country = call.text("institution", ""), call.text("country", "")
    return people.set_attributes(call.state.store, OPERATOR, call.path["person"], institution, country)


def _scope(call: Call) -> str | None:
    """Give the dataset that the body names, or None for the whole home."""
    name = call.json().get("dataset")
    if name is not None and not (isinstance(name, str) and 0 < len(name) <= LONGEST_ID):
        raise InvalidInput("“dataset” is a dataset's name; leave it out for the whole home.")
    return name


ROUTES = (
    Route("GET", "/v1/datasets/{dataset}/agreement", get_agreement, PEOPLE, "dataset.see", dataset_in_path),
    Route("POST", "/v1/datasets/{dataset}/agreement", set_agreement, PERSON, "dataset.govern", dataset_in_path),
    Route("POST", "/v1/datasets/{dataset}/agreement/accept", accept_agreement, PERSON, "dataset.see", dataset_in_path),
    Route("GET", "/v1/datasets/{dataset}/checklist", get_checklist, PEOPLE, "dataset.see", dataset_in_path),
    Route("GET", "/v1/datasets/{dataset}/usage", get_usage, PEOPLE, "dataset.see", dataset_in_path),
    Route("POST", "/v1/datasets/{dataset}/usage", set_usage, PERSON, "dataset.govern", dataset_in_path),
    Route("GET", "/v1/training", list_training, PEOPLE, "training.list"),
    Route("POST", "/v1/training", record_training, PERSON, "training.record"),
    Route("POST", "/v1/training/{training}/end", end_training, PERSON, "training.record"),
    Route("GET", "/v1/visas", list_visas, PERSON, "visas.list"),
    Route("POST", "/v1/visas", send_visas, PERSON, "visa.send", max_body=VISA_BYTES),
    Route("POST", "/v1/visas/trusted", trust_visas, PERSON, "dataset.govern"),
    Route("POST", "/v1/visas/trusted/{trusted}/end", untrust_visas, PERSON, "dataset.govern"),
    Route("POST", "/v1/visas/identities", link_identity, PERSON, "dataset.govern"),
    Route("GET", "/v1/projects", list_projects, PEOPLE, "projects.list"),
    Route("POST", "/v1/projects", set_project, PERSON, "project.manage"),
    Route("GET", "/v1/grants", list_grants, PEOPLE, "grants.list"),
    Route("POST", "/v1/purposes", add_purpose, (OPERATOR, "person"), "home.govern"),
    Route("POST", "/v1/people/{person}", set_attributes, (OPERATOR,), "person.attributes"),
)
