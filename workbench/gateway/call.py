"""What a handler is given, and the row of the route table that names it.

Runs in: gateway
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response

from workbench.errors import AccessDenied, InvalidInput, NotFound
from workbench.gateway.leases import Lease
from workbench.gateway.shown import Shown
from workbench.gateway.tokens import Token
from workbench.governance.decision import unknown_dataset
from workbench.governance.obligations import NONE, Obligations

if TYPE_CHECKING:
    from workbench.gateway.state import State

MAX_JSON_BYTES = 4 * 1024 * 1024

# A handler gives a JSON value or a whole response.
Answer = Response | dict[str, Any] | list[Any]


@dataclass
class Call:
    """One request that the guard has let in: who asks, for what, with which body."""

    state: State
    token: Token
    path: Mapping[str, str]
    query: QueryParams
    headers: Headers
    body: bytes
    method: str
    dataset: str = ""
    reason: str = ""
    purpose: str = ""
    lease: Lease | None = None
    obligations: Obligations = NONE
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def person(self) -> str:
        """Who asks."""
        return self.token.person

    def shown(self, version: str) -> Shown:
        """Give what the caller may see of a version of the dataset; the opening is on record when this returns."""
        if self.lease is None:
            raise NotFound(unknown_dataset(self.dataset).reason)
        shown = Shown(self.state.archive, self.dataset, version, self.obligations)
        self.state.leases.open(self.lease, version)
        return shown

    def require_still(self) -> None:
        """Go on with a long answer only while its lease holds, with the same obligations as at its beginning."""
        if self.lease is None:
            return
        self.state.leases.check(self.lease)
        if self.lease.decision.obligations != self.obligations:
            raise AccessDenied(
                "The policy of this dataset changed while it was read; read again.", code="policy-changed"
            )

    def json(self) -> dict[str, Any]:
        """Give the body's JSON object."""
        try:
            value = json.loads(self.body or b"{}")
        except (ValueError, RecursionError):
            raise InvalidInput("The body is not JSON; send one JSON object in UTF-8.") from None
        if not isinstance(value, dict):
            raise InvalidInput("The body is JSON but not an object; send {…}.")
        return value

    def text(self, name: str, default: str | None = None, *, longest: int = 2000) -> str:
        """Give a text from the JSON body, checked for type and length; without a default it may not be blank."""
        value = self.json().get(name, default)
        is_blank = default is None and isinstance(value, str) and not value.strip()
        if not isinstance(value, str) or len(value) > longest or "\x00" in value or is_blank:
            raise InvalidInput(f"The body needs “{name}”: a text of at most {longest} characters.")
        return value

    def number(self, name: str, default: int) -> int:
        """Give a whole number from the query string."""
        text = self.query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 16):
            raise InvalidInput(f"“{name}” must be a whole number from 0.")
        return int(text)


@dataclass(frozen=True)
class Route:
    """One door: who may knock (`kinds`), what `decide` is asked (`action`), and about which dataset.

    Parameters
    ----------
    method, path : str
        As Starlette matches them.
    handler : callable
        Runs in a thread, after the guard.
    kinds : tuple of str
        Token kinds that may use it; a kind that is not listed is refused before anything else is looked at.
    action : str
        The name in the audit log; with `dataset`, also what `decide` is asked.
    dataset : callable, optional
        Finds the dataset that the call is about; the guard then asks `decide(person, action, dataset)`.
    max_body : int
        Largest body, bytes.
    """

    method: str
    path: str
    handler: Callable[[Call], Answer]
    kinds: tuple[str, ...]
    action: str
    dataset: Callable[[Call], str] | None = None
    max_body: int = MAX_JSON_BYTES


def dataset_in_path(call: Call) -> str:
    """Give the dataset that the path names."""
    return call.path["dataset"]


def dataset_in_body(call: Call) -> str:
    """Give the dataset that the JSON body names."""
    return call.text("dataset", longest=200)
