"""The verbs of the airlock: offer, offers, review, release.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.airlock.offering import offer_from_dict, send_offer
from workbench.airlock.releases import VOTES
from workbench.connection import default_account, terminal
from workbench.errors import Conflict
from workbench.settings import load_settings


def offer_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench offer`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="PNG, CSV, notebook, ONNX or text")
    parser.add_argument("--reason", required=True, help="what the files are for")
    parser.add_argument("--controls", default="", help="what was done against disclosure")
    _account(parser)


def offer(args: argparse.Namespace) -> None:
    """Offer files for release."""
    with terminal(_who(args, "researcher")) as line:
        body = send_offer(line, tuple(args.files), reason=args.reason, controls=args.controls).body
    _show(args, body)


def offers_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench offers`."""
    _account(parser)


def offers(args: argparse.Namespace) -> None:
    """List the releases this person may see."""
    with terminal(_who(args, "researcher")) as line:
        bodies = line.get("/v1/offers")["offers"]
    if args.json:
        _say(json.dumps(bodies))
    for body in [] if args.json else bodies:
        _show(args, body)


def review_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench review`."""
    parser.add_argument("id", metavar="ID", help="the release, such as X1")
    parser.add_argument("--vote", required=True, choices=VOTES)
    parser.add_argument("--comment", default="", help="needed with --vote changes")
    _account(parser)


def review(args: argparse.Namespace) -> None:
    """Vote on a release."""
    with terminal(_who(args, "checker-1")) as line:
        _show(
            args, line.post(f"/v1/offers/{quote(args.id, safe='')}/votes", {"vote": args.vote, "comment": args.comment})
        )


def release_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench release`."""
    parser.add_argument("id", metavar="ID", help="the release, such as X1")
    parser.add_argument("--to", default=".", metavar="FOLDER", help="where to put the files (default: here)")
    _account(parser)


def release(args: argparse.Namespace) -> None:
    """Take an approved release out and write its files to a folder."""
    offer_id, folder = quote(args.id, safe=""), Path(args.to)
    with terminal(_who(args, "researcher")) as line:
        files = [file["name"] for file in line.get(f"/v1/offers/{offer_id}")["files"]]
        there = [name for name in files if (folder / name).exists()]
        if there:
            raise Conflict(f"“{there[0]}” exists in the folder already; nothing was released. Name another with --to.")
        body = line.post(f"/v1/offers/{offer_id}/release")
        folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            (folder / name).write_bytes(line.request("GET", f"/v1/offers/{offer_id}/files/{quote(name, safe='')}")[2])
    _show(args, body)


def _account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


def _who(args: argparse.Namespace, role: str) -> str:
    return args.account or default_account(load_settings(), role)


def _show(args: argparse.Namespace, body: dict[str, Any]) -> None:
    if args.json:
        _say(json.dumps(body))
        return
    offer = offer_from_dict(body)
    _say(
        f"{offer.id}  {offer.state}  {offer.votes_given}/{offer.votes_needed} votes  "
        f"{', '.join(offer.files)}  {offer.reason}"
    )
    for finding in offer.findings:
        _say(f"    {finding['file']}, {finding['place']}: {finding['reason']}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
