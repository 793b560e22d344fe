"""Routes of the airlock: offer from a notebook or a terminal, vote and release as a person.

Runs in: gateway
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from starlette.responses import Response

from workbench.airlock.releases import MAX_FILES, Releases
from workbench.airlock.scan import MAX_FILE_BYTES
from workbench.errors import InvalidInput
from workbench.gateway import guard
from workbench.gateway.call import Call, Route

PEOPLE = ("person", "kernel")
# Base64 adds a third; a release is a handful of figures, not a dataset.
MAX_BODY = 3 * MAX_FILE_BYTES


def offer(call: Call) -> dict[str, Any]:
    """Take files into the airlock."""
    guard.require(call, "release.offer", "release")
    files = call.json().get("files")
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        raise InvalidInput(f"“files” must map 1 to {MAX_FILES} file names to their content in base64.")
    contents = {name: _decoded(name, text) for name, text in files.items()}
    return _releases(call).offer(call.person, contents, reason=call.text("reason"), controls=call.text("controls", ""))


def list_offers(call: Call) -> dict[str, Any]:
    """List one's own releases and those one may check."""
    return {"offers": _releases(call).list_for(call.person)}


def get_offer(call: Call) -> dict[str, Any]:
    """Show one release."""
    return _releases(call).get(call.person, call.path["offer"])


def get_file(call: Call) -> Response:
    """Give a file to a checker, or to its author once it is released."""
    content = _releases(call).read_file(call.person, call.path["offer"], call.path["name"])
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def vote(call: Call) -> dict[str, Any]:
    """Vote as an output checker."""
    guard.require(call, "release.vote", call.path["offer"])
    return _releases(call).vote(call.person, call.path["offer"], call.text("vote"), call.text("comment", ""))


def release(call: Call) -> dict[str, Any]:
    """Take an approved release out."""
    return _releases(call).release(call.person, call.path["offer"])


def withdraw(call: Call) -> dict[str, Any]:
    """Take an offer back."""
    return _releases(call).withdraw(call.person, call.path["offer"])


def _releases(call: Call) -> Releases:
    return Releases(call.state.store, call.state.settings.home / "releases")


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"The content of “{name[:120]}” is not base64.") from None


ROUTES = (
    Route("POST", "/v1/offers", offer, PEOPLE, "release.offer", max_body=MAX_BODY),
    Route("GET", "/v1/offers", list_offers, PEOPLE, "release.list"),
    Route("GET", "/v1/offers/{offer}", get_offer, PEOPLE, "release.see"),
    # A file that was released leaves by a person's own door, never back into a kernel.
    Route("GET", "/v1/offers/{offer}/files/{name}", get_file, ("person",), "release.look"),
    Route("POST", "/v1/offers/{offer}/votes", vote, ("person",), "release.vote"),
    Route("POST", "/v1/offers/{offer}/release", release, ("person",), "release.release"),
    Route("POST", "/v1/offers/{offer}/withdraw", withdraw, PEOPLE, "release.withdraw"),
)
