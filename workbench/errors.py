"""Every error class of the workbench, each with its HTTP status and its exit code.

A message says what happened, why, and what to do next, in one sentence or two, and never holds a patient
identifier, a token, a header or an environment.

Runs in: anywhere
"""

from __future__ import annotations

from typing import Any


class WorkbenchError(Exception):
    """The root of all errors a person can cause or mend.

    Parameters
    ----------
    message : str
        What happened, why, and what to do next.
    code : str, optional
        A short name that programs can match, such as ``missing-slice``; the class's own name when left out.
    """

    status = 500
    exit_code = 1
    name = "workbench-error"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.name

    def as_dict(self) -> dict[str, str]:
        """Give the one JSON form that every door answers with."""
        return {"error": self.name, "code": self.code, "message": self.message}


class InvalidInput(WorkbenchError):
    """The request itself is wrong: a malformed value, an unknown option, a bad file."""

    status, exit_code, name = 400, 2, "invalid-input"


class RangeNotSatisfiable(WorkbenchError):
    """A byte range that is malformed or asks for nothing the object has."""

    status, exit_code, name = 416, 14, "range-not-satisfiable"


class TooLarge(WorkbenchError):
    """More was sent than this door takes."""

    status, exit_code, name = 413, 15, "too-large"


class TooSlow(WorkbenchError):
    """A request that did not arrive in the time this door waits."""

    status, exit_code, name = 408, 17, "too-slow"


class NotSignedIn(WorkbenchError):
    """No token, or one that is malformed, expired or withdrawn."""

    status, exit_code, name = 401, 3, "not-signed-in"


class AccessDenied(WorkbenchError):
    """The policy says no; the message carries the reason and how to ask."""

    status, exit_code, name = 403, 4, "access-denied"


class NotFound(WorkbenchError):
    """It does not exist, or this person may not know that it does."""

    status, exit_code, name = 404, 5, "not-found"


class Conflict(WorkbenchError):
    """The thing is in a state that forbids the change."""

    status, exit_code, name = 409, 6, "conflict"


class IngestRefused(WorkbenchError):
    """Nothing was ingested; `code` names the first rule and the message names the files.

    Attributes
    ----------
    refusals : tuple of dict
        Every reason as `{code, reason, files}`; it stays on the ingest host.
    """

    status, exit_code, name = 422, 7, "ingest-refused"
    refusals: tuple[dict[str, Any], ...] = ()


class OutputNotClean(WorkbenchError):
    """A check found something in de-identified output that must not leave."""

    status, exit_code, name = 422, 16, "output-not-clean"


class SubmissionRefused(WorkbenchError):
    """A submission that cannot be scored; `code` is one of the task's failure codes."""

    status, exit_code, name = 422, 8, "submission-refused"


class SandboxMissing(WorkbenchError):
    """The machine cannot isolate code; the message names what to install."""

    status, exit_code, name = 501, 9, "sandbox-missing"


class GatewayUnavailable(WorkbenchError):
    """The gateway does not answer."""

    status, exit_code, name = 503, 10, "gateway-unavailable"


class IntegrityError(WorkbenchError):
    """Stored bytes or the audit log are not what was written."""

    status, exit_code, name = 500, 11, "integrity-error"


class MissingDependency(WorkbenchError):
    """An optional package or program is not installed; the message names it."""

    status, exit_code, name = 501, 12, "missing-dependency"


class RunFailed(WorkbenchError):
    """A notebook, training run or job stopped with an error of its own.

    Parameters
    ----------
    message, code : str
        As for every error.
    cell : int, optional
        The cell of a notebook that stopped, counted from 1.
    error : str
        The name of the error inside, such as ``AccessDenied``.
    """

    status, exit_code, name = 500, 13, "run-failed"

    def __init__(self, message: str, *, code: str | None = None, cell: int | None = None, error: str = "") -> None:
        super().__init__(message, code=code)
        self.cell = cell
        self.error = error


class DiskFull(WorkbenchError):
    """A file could not be written for lack of room; nothing half written stays under its name."""

    status, exit_code, name = 507, 18, "disk-full"


ERRORS: dict[str, type[WorkbenchError]] = {
    cls.name: cls
    for cls in (
        WorkbenchError, InvalidInput, RangeNotSatisfiable, TooLarge, TooSlow, NotSignedIn, AccessDenied, NotFound,
        Conflict, IngestRefused, OutputNotClean, SubmissionRefused,
        SandboxMissing, GatewayUnavailable, IntegrityError, MissingDependency, RunFailed, DiskFull,
    )
}  # fmt: skip


def error_from_dict(body: dict[str, str]) -> WorkbenchError:
    """Rebuild the error that a door sent as JSON, as its own class.

    >>> error_from_dict({"error": "not-found", "code": "not-found", "message": "No dataset “x”."}).status
    404
    """
    cls = ERRORS.get(body.get("error", ""), WorkbenchError)
    return cls(body.get("message", "The gateway sent an error without a message."), code=body.get("code"))


def cause_of(problem: Exception) -> str:
    """Say in a few words why a file cannot be read or written: as the system says it, or the kind of damage."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror[0].lower() + problem.strerror[1:]
    name = type(problem).__name__
    return "damaged, or no zip file" if name == "BadZipFile" else name
