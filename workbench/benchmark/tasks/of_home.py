"""The tasks that a notebook sees: those of the package, and those that the home's custodians published.

Runs in: kernel | terminal
"""

from __future__ import annotations

from urllib.parse import quote

from workbench.benchmark.tasks.definition import TaskDefinition, definitions
from workbench.connection import connect_from_environment
from workbench.errors import NotSignedIn


def tasks_here() -> list[TaskDefinition]:
    """Give every task; outside a home only those of the package."""
    try:
        line = connect_from_environment()
    except NotSignedIn:
        return list(definitions().values())
    own = [one["task"] for one in line.get("/v1/tasks")["tasks"] if not one["shipped"]]
    return [*definitions().values(), *(task_here(name) for name in own)]


def task_here(name: str) -> TaskDefinition:
    """Give one task by its id.

    Raises
    ------
    NotFound
        When neither the package nor the home has one of this name; the message names the nearest.
    NotSignedIn
        When it is none of the package's and there is no home to ask.
    """
    if name in definitions():
        return definitions()[name]
    reply = connect_from_environment().get(f"/v1/tasks/{quote(name, safe='')}")
    return TaskDefinition.from_dict(reply["content"])
