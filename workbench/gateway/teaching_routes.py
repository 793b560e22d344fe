"""Routes of teaching cohorts.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.errors import InvalidInput
from workbench.gateway import guard
from workbench.gateway.call import Call, Route
from workbench.teaching import cohorts


def create(call: Call) -> dict[str, Any]:
    """Make a cohort."""
    guard.require(call, "cohort.manage", "cohort")
    days = call.json().get("days")
    if not isinstance(days, int) or isinstance(days, bool):
        raise InvalidInput("“days” must be a whole number.")
    return cohorts.create_cohort(
        call.state.store, call.person, call.text("name"), days=days,
        members=_texts(call, "members"), datasets=_texts(call, "datasets"), exercises=_texts(call, "exercises"),
    )  # fmt: skip


def list_all(call: Call) -> dict[str, Any]:
    """List the cohorts one has to do with."""
    return {"cohorts": cohorts.list_cohorts(call.state.store, call.person)}


def approve(call: Call) -> dict[str, Any]:
    """Approve a cohort for one's own datasets."""
    return cohorts.approve_cohort(call.state.store, call.person, call.path["cohort"])


def end(call: Call) -> dict[str, Any]:
    """End a cohort now."""
    return cohorts.end_cohort(call.state.store, call.person, call.path["cohort"])


def _texts(call: Call, name: str) -> list[str]:
    values = call.json().get(name, [])
    if not isinstance(values, list) or len(values) > 1000 or not all(isinstance(v, str) for v in values):
        raise InvalidInput(f"“{name}” must be a list of texts.")
    return values


ROUTES = (
    Route("POST", "/v1/cohorts", create, ("person",), "cohort.create"),
    Route("GET", "/v1/cohorts", list_all, ("person", "kernel"), "cohort.list"),
    Route("POST", "/v1/cohorts/{cohort}/approve", approve, ("person",), "cohort.approve"),
    Route("POST", "/v1/cohorts/{cohort}/end", end, ("person",), "cohort.end"),
)
