"""The verb `workbench packages`: what is installed for a person, asking for more, deciding what is not on the list.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any
from urllib.parse import quote

from workbench.connection import Connection, default_account, terminal
from workbench.errors import InvalidInput, error_from_dict
from workbench.settings import load_settings

DEEDS = {
    "list": "what is installed, with versions, licences and hashes",
    "ask": "ask for packages by name; those on the list are installed at once",
    "remove": "take packages away again",
    "requests": "requests and their states",
    "approve": "let a request that waits pass (administrator or custodian, never one's own)",
    "refuse": "refuse a request that waits, with a reason",
}
POLL_S, PATIENCE_S = 0.4, 1200.0


def packages_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench packages`."""
    told = "; ".join(f"{deed}: {text}" for deed, text in DEEDS.items())
    parser.add_argument("deed", nargs="?", choices=tuple(DEEDS), default="list", help=told)
    parser.add_argument("names", nargs="*", help="names of packages, such as lifelines==0.30.0, or a request's id")
    parser.add_argument("--reason", default="", help="what the packages are for, or why a request is decided so")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts (demo homes)")


def packages(args: argparse.Namespace) -> None:
    """Do one of the deeds as one person, and wait for an installation to end."""
    deed, names = args.deed, args.names
    if deed in ("approve", "refuse") and len(names) != 1:
        raise InvalidInput(f"`workbench packages {deed}` needs the id of one request; `packages requests` lists them.")
    settings = load_settings()
    role = "custodian" if deed in ("approve", "refuse") else "researcher"
    with terminal(args.account or default_account(settings, role), settings) as line:
        if deed in ("list", "requests"):
            found = line.get("/v1/packages")
            _say(args, found["requests"] if deed == "requests" else found["packages"], _rows(deed, found))
            return
        answer = _await(line, _send(line, deed, names, args.reason))
    if answer["state"] == "failed":
        raise error_from_dict(answer)
    _say(args, answer, _told(answer))


def _send(line: Connection, deed: str, names: list[str], reason: str) -> dict[str, Any]:
    url = "/v1/packages/remove" if deed == "remove" else "/v1/packages"
    if deed in ("approve", "refuse"):
        url = f"/v1/packages/requests/{quote(names[0], safe='')}/{deed}"
    answer: dict[str, Any] = line.post(url, {"names": names, "reason": reason})
    return answer


def _await(line: Connection, request: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while request["state"] == "installing" and time.monotonic() < deadline:
        time.sleep(POLL_S)
        request = line.get(f"/v1/packages/requests/{request['id']}")
    return request


def _told(request: dict[str, Any]) -> str:
    if request["state"] == "review":
        return f"Request {request['id']} waits for an administrator: not everything in it is on this home's list."
    if request["state"] == "refused":
        return f"Request {request['id']} of {request['person']} is refused."
    done = f"Request {request['id']} is done; {request['person']} has:"
    return "\n".join([done, *_packages(request["packages"])]) if request["state"] == "installed" else "It still runs."


def _rows(deed: str, found: dict[str, Any]) -> str:
    if deed == "list":
        return "\n".join(_packages(found["packages"])) or "No packages of your own; `packages ask NAME` asks for one."
    rows = [_request(one) for one in found["requests"]]
    return "\n".join(rows) or "No requests yet; `workbench packages ask NAME` makes one."


def _request(one: dict[str, Any]) -> str:
    names = " ".join(one["names"] or [f"-{name}" for name in one["removed"]])
    said = one["comment"] or one["message"]
    return f"{one['id']:<6}{one['person']:<14}{one['state']:<12}{names}{f'  ({said})' if said else ''}"


def _packages(found: list[dict[str, Any]]) -> list[str]:
    return [
        f"  {one['name']:<28}{one['version']:<14}{one['licence'] or 'licence not named':<32}{one['sha256'][:16]}…"
        for one in found
    ]


def _say(args: argparse.Namespace, value: Any, text: str) -> None:
    sys.stdout.write(f"{json.dumps(value, ensure_ascii=False) if args.json else text}\n")
