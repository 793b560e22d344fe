"""The verb `workbench people`: who has an account here, and a new one with its roles and its secret.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import quote

from workbench.connection import SECRET_VARIABLE, Connection, operator_secret, running_gateway
from workbench.errors import InvalidInput
from workbench.governance.people import ROLES
from workbench.settings import load_settings


def people_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench people`."""
    parser.add_argument(
        "deed", nargs="?", choices=("list", "add", "set"), default="list",
        help="list accounts, add one, or set where a person works",
    )  # fmt: skip
    parser.add_argument("person", nargs="?", help="the new account: letters, digits, dots and hyphens")
    parser.add_argument("--name", help="the person's name, as others read it (default: the account)")
    parser.add_argument("--role", action="append", default=[], choices=ROLES, help="a role; may be given several times")
    parser.add_argument("--institution", default="", help="for set: where the person works")
    parser.add_argument("--country", default="", help="for set: in which country, such as AT")


def people(args: argparse.Namespace) -> None:
    """List the accounts of this home, or add one, as the owner of the home."""
    if args.deed == "add" and not (args.person and args.role):
        raise InvalidInput("`workbench people add NAME --role ROLE` needs the account's name and at least one role.")
    if args.deed == "set" and not args.person:
        raise InvalidInput("`workbench people set NAME --institution … --country …` needs the account's name.")
    settings = load_settings()
    with running_gateway(settings):
        line = Connection(settings.socket, operator_secret(settings))
        try:
            answer: Any = _DEEDS[args.deed](line, args)
        finally:
            line.close()
    if args.json:
        text = json.dumps(answer, ensure_ascii=False)
    elif args.deed == "list":
        text = "\n".join(f"{one['person']:<20} {one['name']:<28} {', '.join(one['roles'])}" for one in answer)
    elif args.deed == "set":
        text = f"{answer['person']} works at {answer['institution'] or '–'}, {answer['country'] or '–'}."
    else:
        text = f"{answer['person']} has an account with the roles {', '.join(answer['roles'])}."
        if not settings.demo_accounts:
            text += (
                f"\nTheir secret, shown this once: {answer['secret']}\nHand it to them alone. They act with `--as "
                f"{answer['person']}` and are asked for it; a script puts it into {SECRET_VARIABLE}."
            )
    sys.stdout.write(f"{text}\n")


def _add(line: Connection, args: argparse.Namespace) -> Any:
    return line.post("/v1/people", {"person": args.person, "name": args.name or args.person, "roles": args.role})


def _list(line: Connection, args: argparse.Namespace) -> Any:
    return line.get("/v1/people")["people"]


def _set(line: Connection, args: argparse.Namespace) -> Any:
    return line.post(f"/v1/people/{quote(args.person, safe='')}", {
        "institution": args.institution, "country": args.country
    })  # fmt: skip


_DEEDS = {"list": _list, "add": _add, "set": _set}
