"""Projects: what people work on together; requests name one, and releases belong to one.

Runs in: gateway
"""

from __future__ import annotations

import re
from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.governance.decide import authorise
from workbench.governance.people import roles_of, whoami
from workbench.governance.store import Store, stamped

MOST_MEMBERS = 500
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def set_project(store: Store, actor: str, project: str, title: str, members: list[str]) -> dict[str, Any]:
    """Make a project, or replace its title and members.

    Raises
    ------
    AccessDenied
        When the actor is neither custodian nor administrator.
    InvalidInput, NotFound
        When the id or title is odd, or a member has no account.
    """
    authorise(store, actor, "project.manage", project)
    if not _ID.fullmatch(project) or not 0 < len(title.strip()) <= 200 or len(members) > MOST_MEMBERS:
        raise InvalidInput(
            "A project has an id of small letters, digits and hyphens, a title, and at most 500 members."
        )
    chosen = sorted(set(members))
    for member in chosen:
        whoami(store, member)
    with store.change(actor, "project.set", project, members=chosen) as db:
        db.execute(
            "INSERT INTO projects (id, title, author, created) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET title = excluded.title",
            (project, title.strip(), actor, stamped(store)),
        )
        db.execute("DELETE FROM project_members WHERE project = ?", (project,))
        db.executemany(
            "INSERT INTO project_members (project, person) VALUES (?, ?)", [(project, one) for one in chosen]
        )
    return get_project(store, actor, project)


def get_project(store: Store, person: str, project: str) -> dict[str, Any]:
    """Give a project as `id, title, members`, to its members and to those who make projects.

    Raises
    ------
    NotFound
        When there is none, or it is not this person's.
    """
    found = [one for one in list_projects(store, person) if one["id"] == project]
    if not found:
        raise NotFound(f"No project “{project[:64]}” of yours; `workbench project` lists them.")
    return found[0]


def list_projects(store: Store, person: str) -> list[dict[str, Any]]:
    """Give one's own projects, or every project to those who make them."""
    everything = bool(roles_of(store, person) & {"custodian", "administrator"})
    rows = store.read().execute(
        "SELECT id, title, (SELECT group_concat(person) FROM project_members WHERE project = id) AS members "
        "FROM projects WHERE ? OR id IN (SELECT project FROM project_members WHERE person = ?) ORDER BY id",
        (everything, person),
    )
    return [
        {**dict(row), "members": sorted((row["members"] or "").split(",")) if row["members"] else []} for row in rows
    ]
