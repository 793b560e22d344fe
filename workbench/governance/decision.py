"""What the policy answers, and what it is asked with.

Runs in: anywhere
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workbench.errors import AccessDenied, NotFound
from workbench.governance.obligations import NONE, Obligations

UNKNOWN = "unknown-dataset"
_HIDDEN = {UNKNOWN, "unknown-request", "unknown-grant", "unknown-submission", "unknown-final", "unknown-cluster"}


@dataclass(frozen=True)
class Decision:
    """Whether something is allowed, with the sentence that says why.

    Parameters
    ----------
    allowed : bool
        The answer.
    reason : str
        One or two sentences for the person: why, until when, and what to do next.
    code : str
        A short name that programs can match, such as ``granted`` or ``grant-ended``.
    obligations : Obligations
        What whoever serves the data must also do.
    policy : str
        The policies that decided, such as ``house/undisclosed`` or ``clinic-ct/ages-in-bands``, comma-separated;
        empty when none did, which is a refusal.
    grant : str
        The id of the running grant behind a yes, where there is one.
    purpose : str
        The id of the purpose that the answer is for, where there is one.
    """

    allowed: bool
    reason: str
    code: str = ""
    obligations: Obligations = NONE
    policy: str = ""
    grant: str = ""
    purpose: str = ""

    def require(self) -> None:
        """Go on only when allowed.

        Raises
        ------
        NotFound
            When the person may not even know that the thing exists.
        AccessDenied
            When the policy says no.
        """
        if self.allowed:
            return
        if self.code in _HIDDEN:
            raise NotFound(self.reason)
        raise AccessDenied(self.reason, code=self.code or None)

    def as_dict(self) -> dict[str, object]:
        """Give the decision as plain JSON values."""
        return {"allowed": self.allowed, "reason": self.reason, "code": self.code}


@dataclass(frozen=True)
class Context:
    """The circumstances of a question to the policy.

    Parameters
    ----------
    kind : str
        The kind of token that asks: ``operator``, ``person``, ``kernel`` or ``evaluator``.
    isolation : str
        ``bubblewrap`` when the code that asks runs in a sandbox without a network, else ``none``.
    now : datetime, optional
        The moment of the question; the store's own clock when left out.
    purpose, kernel, task : str
        What is known of the purpose, the kernel and the benchmark task; empty when unknown.
    """

    kind: str = "person"
    isolation: str = "none"
    now: datetime | None = None
    purpose: str = ""
    kernel: str = ""
    task: str = ""


def unknown_dataset(name: str) -> Decision:
    """Give the one answer for a dataset that does not exist and for one that this person may not know of."""
    return Decision(False, f"No dataset “{name}” is known here; `workbench datasets` lists those you may see.", UNKNOWN)
