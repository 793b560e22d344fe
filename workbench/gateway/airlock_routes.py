"""Routes of the airlock: offer from a notebook or a terminal, change, vote and release as a person.

Runs in: gateway
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from starlette.responses import Response

from workbench.airlock.findings import Finding
from workbench.airlock.kinds import kind_of
from workbench.airlock.releases import MAX_FILES, Releases
from workbench.airlock.scan import MAX_FILE_BYTES
from workbench.errors import InvalidInput
from workbench.gateway import guard
from workbench.gateway.call import Call, Route

PEOPLE = ("person", "kernel")
# Base64 adds a third; a release is a handful of figures, and further files are put in one by one.
MAX_BODY = 3 * MAX_FILE_BYTES


def offer(call: Call) -> dict[str, Any]:
    """Take files into the airlock."""
    guard.require(call, "release.offer", "release")
    is_draft = call.json().get("draft", False)
    if not isinstance(is_draft, bool):
        raise InvalidInput("“draft” is true to keep the offer for later, or false to hand it in.")
    blank = "" if is_draft else None
    return _releases(call).offer(
        call.person, _files(call, "files"), reason=call.text("reason", blank), controls=call.text("controls", blank),
        project=call.text("project", "", longest=200), is_draft=is_draft,
    )  # fmt: skip


def scan(call: Call) -> dict[str, Any]:
    """Check one file as an offer would, and keep nothing."""
    guard.require(call, "release.offer", "release")
    name = call.text("name", longest=200)
    beside = _files(call, "evidence") if "evidence" in call.json() else {}
    files = {name: _decoded(name, call.text("content", "", longest=MAX_BODY)), **beside}
    kept = _releases(call).scan(call.person, name, files)
    findings = [Finding(**found) for found in kept.findings]  # type: ignore[arg-type]
    return {
        "file": name, "kind": kind_of(name), "sha256": kept.sha256, "allowed": not any(f.is_stop for f in findings),
        "findings": list(kept.findings),
    }  # fmt: skip


def list_offers(call: Call) -> dict[str, Any]:
    """List one's own releases and those one may check."""
    return {"offers": _releases(call).list_for(call.person)}


def get_offer(call: Call) -> dict[str, Any]:
    """Show one release."""
    return _releases(call).get(call.person, call.path["offer"])


def get_file(call: Call) -> Response:
    """Give a file to a checker, or to its author once it is released."""
    content = _releases(call).read_file(call.person, call.path["offer"], call.path["name"])
    # Whatever a file says it is, a browser that is shown it runs nothing of it.
    safe = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": "no-store", **safe})


def put_file(call: Call) -> dict[str, Any]:
    """Add a file, or put new content under its name."""
    return _releases(call).replace(call.person, call.path["offer"], {call.path["name"]: call.body})


def put_files(call: Call) -> dict[str, Any]:
    """Put several files in at once, such as a table with its sidecar."""
    return _releases(call).replace(call.person, call.path["offer"], _files(call, "files"))


def remove_file(call: Call) -> dict[str, Any]:
    """Take a file out of an offer."""
    return _releases(call).remove(call.person, call.path["offer"], call.path["name"])


def submit(call: Call) -> dict[str, Any]:
    """Hand a draft, or what was returned, to the output checkers."""
    return _releases(call).submit(
        call.person, call.path["offer"], reason=call.text("reason", ""), controls=call.text("controls", "")
    )


def vote(call: Call) -> dict[str, Any]:
    """Vote as an output checker."""
    guard.require(call, "release.vote", call.path["offer"])
    revision = call.json().get("revision")
    if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
        raise InvalidInput("“revision” is the number of the revision that you looked at.")
    return _releases(call).vote(
        call.person, call.path["offer"], call.text("vote"), call.text("comment", ""), revision=revision
    )


def reject(call: Call) -> dict[str, Any]:
    """Stop, as an output checker, what was approved or returned, for good."""
    guard.require(call, "release.vote", call.path["offer"])
    return _releases(call).reject(call.person, call.path["offer"], call.text("comment"))


def release(call: Call) -> dict[str, Any]:
    """Take an approved release out."""
    return _releases(call).release(call.person, call.path["offer"])


def withdraw(call: Call) -> dict[str, Any]:
    """Take an offer back."""
    return _releases(call).withdraw(call.person, call.path["offer"])


def _releases(call: Call) -> Releases:
    return Releases(call.state.store, call.state.settings.home / "releases")


def _files(call: Call, name: str) -> dict[str, bytes]:
    files = call.json().get(name)
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise InvalidInput(f"“{name}” must map 1 to {MAX_FILES} file names to their content in base64.")
    return {file: _decoded(file, text) for file, text in files.items()}


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"The content of “{name[:120]}” is not base64.") from None


_OFFER = "/v1/offers/{offer}"
ROUTES = (
    Route("POST", "/v1/scan", scan, PEOPLE, "release.scan", max_body=MAX_BODY),
    Route("POST", "/v1/offers", offer, PEOPLE, "release.offer", max_body=MAX_BODY),
    Route("GET", "/v1/offers", list_offers, PEOPLE, "release.list"),
    Route("GET", _OFFER, get_offer, PEOPLE, "release.see"),
    # A file that was released leaves by a person's own door, never back into a kernel.
    Route("GET", f"{_OFFER}/files/{{name}}", get_file, ("person",), "release.look"),
    Route("POST", f"{_OFFER}/files", put_files, PEOPLE, "release.edit", max_body=MAX_BODY),
    Route("PUT", f"{_OFFER}/files/{{name}}", put_file, PEOPLE, "release.edit", max_body=MAX_FILE_BYTES),
    Route("DELETE", f"{_OFFER}/files/{{name}}", remove_file, PEOPLE, "release.edit"),
    Route("POST", f"{_OFFER}/submit", submit, PEOPLE, "release.submit"),
    Route("POST", f"{_OFFER}/votes", vote, ("person",), "release.vote"),
    Route("POST", f"{_OFFER}/reject", reject, ("person",), "release.vote"),
    Route("POST", f"{_OFFER}/release", release, ("person",), "release.release"),
    Route("POST", f"{_OFFER}/withdraw", withdraw, PEOPLE, "release.withdraw"),
)
