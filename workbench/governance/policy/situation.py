"""Everything a policy may look at when it decides one question, as plain values, and its form for Cedar.

Values are put into Cedar's JSON as data, never into the text of a policy.

Runs in: anywhere
Source: Cedar policy language 4, JSON format of entities and requests.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

DATASET, NAME = "Dataset", "Name"

# What each action in the log is about, and its name in the policies where that is another one.
RESOURCES = {
    "dataset.see": DATASET, "dataset.read": DATASET, "dataset.view": DATASET, "dataset.request": DATASET,
    "dataset.ingest": DATASET, "dataset.govern": DATASET,
    "version.review": DATASET, "version.publish": DATASET, "version.reject": DATASET, "subject.withdraw": DATASET,
    "task.publish": DATASET, "score.read": DATASET, "final.propose": DATASET,
    "final.open": "Final", "submission.rescore": "Submission",
    "submission.read": "Submission", "submission.withdraw": "Submission",
    "request.decide": "Request", "grant.revoke": "Grant", "training.record": "Person", "project.manage": "Project",
    "audit.read": "Home", "home.govern": "Home", "task.submit": "Task", "task.evaluate": "Task",
    "release.offer": "Release", "release.vote": "Release", "cohort.manage": "Cohort",
    "package.request": "Home", "package.decide": "Packages",
    "cluster.start": "Home", "cluster.stop": "Cluster", "cluster.govern": "Person",
}  # fmt: skip
IN_POLICIES = {"dataset.read": "read", "dataset.view": "read", "dataset.request": "request"}


class Situation(NamedTuple):
    """One question with all its facts; the fields say what `dataset.cedarschema` says of the same name.

    Parameters
    ----------
    person, roles : str, frozenset of str
        Who asks, and the roles they hold now.
    action, type, resource : str
        What they want, as policies name it, and the thing it is about.
    owner : str
        Whose request, grant, release, submission or proposal it is; empty otherwise.
    now : str
        The moment (UTC stamp); empty where no policy that is asked looks at it.
    """

    person: str
    roles: frozenset[str]
    action: str
    type: str
    resource: str
    institution: str = ""
    country: str = ""
    projects: frozenset[str] = frozenset()
    agreement: bool = False
    training: bool = False
    use: bool = False
    grant: bool = False
    held: bool = False
    tier: str = "controlled"
    custodian: str = ""
    uploader: str = ""
    discoverable: bool = False
    published: bool = False
    waiting: bool = False
    owner: str = ""
    kind: str = "person"
    sandbox: bool = False
    looking: bool = False
    view: bool = False
    purpose: str = ""
    task: str = ""
    ruled: bool = False
    now: str = ""

    def request(self) -> dict[str, Any]:
        """Give the request in Cedar's JSON form."""
        return {
            "principal": _name("Person", self.person),
            "action": _name("Action", self.action),
            "resource": _name(self.type, self.resource),
            "context": self._circumstances() if self.type in (DATASET, NAME) else self._deed(),
        }

    def entities(self) -> list[dict[str, Any]]:
        """Give the person and the thing in Cedar's JSON form."""
        roles = [_name("Role", role) for role in sorted(self.roles)]
        found = [_entity("Person", self.person, self._standing(), roles)]
        if (self.type, self.resource) != ("Person", self.person):
            found.append(_entity(self.type, self.resource, self._thing(), []))
        return found

    def entities_text(self) -> str:
        """Give the entities as JSON text."""
        return json.dumps(self.entities())

    def _standing(self) -> dict[str, Any]:
        return {
            "institution": self.institution, "country": self.country, "projects": sorted(self.projects),
            "agreement": self.agreement, "training": self.training, "use": self.use, "grant": self.grant,
            "held": self.held,
        }  # fmt: skip

    def _thing(self) -> dict[str, Any]:
        if self.type == DATASET:
            return {
                "tier": _reference("Tier", self.tier), "custodian": _reference("Person", self.custodian),
                "uploader": _reference("Person", self.uploader), "discoverable": self.discoverable,
                "published": self.published, "waiting": self.waiting,
            }  # fmt: skip
        if self.type in ("Request", "Grant", "Submission", "Final"):
            return {"person": _reference("Person", self.owner), "custodian": _reference("Person", self.custodian)}
        if self.type in ("Packages", "Cluster"):
            return {"person": _reference("Person", self.owner)}
        if self.type == "Release":
            return {"author": _reference("Person", self.owner)}
        if self.type == "Person":
            return Situation(self.resource, frozenset(), self.action, self.type, self.resource)._standing()
        return {}

    def _circumstances(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": _reference("Kind", self.kind), "sandbox": self.sandbox, "looking": self.looking,
            "view": self.view, "purpose": _reference("Purpose", self.purpose), "ruled": self.ruled,
        }  # fmt: skip
        if self.now:
            found["now"] = {"__extn": {"fn": "datetime", "arg": self.now}}
        return found

    def _deed(self) -> dict[str, Any]:
        return {"kind": _reference("Kind", self.kind), "task": _reference("Task", self.task)}


def _name(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _reference(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": _name(kind, name)}


def _entity(kind: str, name: str, attributes: dict[str, Any], parents: list[dict[str, str]]) -> dict[str, Any]:
    return {"uid": _name(kind, name), "attrs": attributes, "parents": parents}
