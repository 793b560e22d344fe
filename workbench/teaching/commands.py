"""The verb `cohort`: create, list, approve and end teaching cohorts.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any
from urllib.parse import quote

from workbench.connection import default_account, terminal
from workbench.errors import InvalidInput
from workbench.settings import load_settings


def cohort_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench cohort`."""
    parser.add_argument("deed", choices=("create", "list", "approve", "end"))
    parser.add_argument("name", nargs="?", default="", help="a name for create, an id such as C1 for approve and end")
    parser.add_argument("--members", default="", metavar="A,B,…", help="account names, separated by commas")
    parser.add_argument("--datasets", default="", metavar="D,…", help="dataset names, separated by commas")
    parser.add_argument("--exercises", default="", metavar="N,…", help="notebooks to work on, separated by commas")
    parser.add_argument("--days", type=int, default=14, help="how long the cohort lasts (default 14)")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


def cohort(args: argparse.Namespace) -> None:
    """Run one deed."""
    role = "custodian" if args.deed == "approve" else "teacher"
    if args.deed != "list" and not args.name:
        raise InvalidInput(f"`workbench cohort {args.deed}` needs a name or an id.")
    with terminal(args.account or default_account(load_settings(), role)) as line:
        if args.deed == "list":
            _show(args, line.get("/v1/cohorts")["cohorts"])
            return
        if args.deed == "create":
            lists = {key: _split(getattr(args, key)) for key in ("members", "datasets", "exercises")}
            body = line.post("/v1/cohorts", {"name": args.name, "days": args.days, **lists})
        else:
            body = line.post(f"/v1/cohorts/{quote(args.name, safe='')}/{args.deed}")
    _show(args, body)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _show(args: argparse.Namespace, value: Any) -> None:
    if args.json:
        sys.stdout.write(json.dumps(value) + "\n")
        return
    for body in value if isinstance(value, list) else [value]:
        state = "ended" if body["ended"] else f"until {body['ends'][:10]}"
        waiting = [d["dataset"] for d in body["datasets"] if d["approved_by"] is None]
        sys.stdout.write(
            f"{body['id']}  {body['name']}  {len(body['members'])} members  {state}"
            + (f"  waits for approval of {', '.join(waiting)}" if waiting else "")
            + "\n"
        )
