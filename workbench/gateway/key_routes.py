"""Routes of the vault's keys, open to the owner of the home alone: what there is, and a new one around it.

Runs in: gateway
"""

from __future__ import annotations

from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.gateway.call import Call, Route
from workbench.governance.catalogue import find_dataset
from workbench.governance.decision import unknown_dataset

OPERATOR = "operator"
WHOLE = "vault"


def list_keys(call: Call) -> dict[str, Any]:
    """Say how many keys there are and when each wrapping key was made; never a key."""
    found = call.state.vault.key_ages()
    call.state.store.note(OPERATOR, "keys.list", WHOLE)
    return {"keys": found}


def rotate(call: Call) -> dict[str, Any]:
    """Put a new wrapping key around a dataset's keys, or around those of all datasets."""
    named = call.json().get("dataset")
    if named is not None and not isinstance(named, str):
        raise InvalidInput("“dataset” is the name of one dataset; leave it out to rotate the vault's master key.")
    if named is not None and find_dataset(call.state.store, named) is None:
        raise NotFound(unknown_dataset(named).reason)
    # On record before it is done: a crash in between is finished at the next start.
    call.state.store.note(OPERATOR, "keys.rotate", named or WHOLE)
    return {"rotated": named or WHOLE, "wrapped": call.state.vault.rotate(named)}


ROUTES = (
    Route("GET", "/v1/keys", list_keys, (OPERATOR,), "keys.list"),
    Route("POST", "/v1/keys/rotate", rotate, (OPERATOR,), "keys.rotate"),
)
