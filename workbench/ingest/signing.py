"""The verbs of a version's second pair of eyes, `workbench sign-off`, and of a subject who withdraws.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.connection import Connection, default_account, terminal
from workbench.errors import InvalidInput, NotFound
from workbench.settings import load_settings

# Who signs off in a demo home when nobody is named; the custodian is usually who brought the version in.
DEMO_SIGNER = "checker-1"


def sign_off_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench sign-off`."""
    parser.add_argument("dataset", nargs="?", help="the dataset whose version waits; without it, list what waits")
    parser.add_argument("--report", type=Path, metavar="FILE", help="only save the ingest report, to read it first")
    parser.add_argument("--reject", action="store_true", help="reject it: everything that came with it is removed")
    parser.add_argument("--reason", default="", help="why it is rejected; who brought it in reads this")
    parser.add_argument("--comment", default="", help="what you looked at; kept with the sign-off")
    parser.add_argument("--as", dest="account", metavar="PERSON", help="who signs: not who brought the version in")


def sign_off(args: argparse.Namespace) -> int:
    """Publish or reject the version of a dataset that waits, or list what waits."""
    if args.reject and not args.reason.strip():
        raise InvalidInput("A rejection needs --reason: who brought the version in has to know what to mend.")
    if (args.reject or args.report) and not args.dataset:
        raise InvalidInput("Name the dataset whose version waits; `workbench sign-off` alone lists them.")
    settings = load_settings()
    with terminal(args.account or _signer(settings.demo_accounts), settings) as line:
        if not args.dataset:
            answer: Any = list_waiting(line)
            _say(json.dumps(answer, ensure_ascii=False) if args.json else _listed(answer))
            return 0
        if args.report:
            waiting = find_waiting(line, args.dataset)
            args.report.write_bytes(read_report(line, args.dataset, waiting["version"]))
            answer, text = {**waiting, "report": str(args.report)}, f"The report lies in {args.report}."
        elif args.reject:
            answer = decide_waiting(line, args.dataset, "reject", args.reason)
            text = f"Version {answer['version'][:12]} of {args.dataset} is rejected and everything it brought removed."
        else:
            answer = decide_waiting(line, args.dataset, "publish", args.comment)
            text = (
                f"Version {answer['version'][:12]} of {args.dataset} is published, signed off by {answer['signed_by']}."
            )
    _say(json.dumps(answer, ensure_ascii=False) if args.json else text)
    return 0


def withdraw_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench withdraw`."""
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("subject", help="the subject, such as P0001, or the patient's pseudonym")
    parser.add_argument("--reason", required=True, help="why, without a name; it is recorded for ever")
    parser.add_argument("--as", dest="account", metavar="PERSON", help="the dataset's custodian")


def withdraw(args: argparse.Namespace) -> int:
    """Make a subject of a dataset unreadable in every version, for ever."""
    settings = load_settings()
    with terminal(args.account or default_account(settings, "custodian"), settings) as line:
        url = f"/v1/datasets/{_part(args.dataset)}/subjects/{_part(args.subject)}/withdraw"
        answer = line.post(url, {"reason": args.reason})
    scans = ", ".join(answer["scans"]) or "no scan"
    text = (
        f"{answer['subject']} is withdrawn from {args.dataset} ({scans}): their key is destroyed, and nothing of them "
        f"can be read again in any of the {answer['versions']} versions that held them."
    )
    _say(json.dumps(answer, ensure_ascii=False) if args.json else text)
    return 0


def list_waiting(line: Connection) -> list[dict[str, Any]]:
    """Give the versions that wait and that the person on the line may review."""
    found: list[dict[str, Any]] = line.get("/v1/versions/waiting")["versions"]
    return found


def find_waiting(line: Connection, dataset: str) -> dict[str, Any]:
    """Give the version of a dataset that waits.

    Raises
    ------
    NotFound
        When none waits, or the person on the line may not review it.
    """
    for item in list_waiting(line):
        if item["dataset"] == dataset:
            return item
    raise NotFound(f"No version of “{dataset}” waits for a sign-off of yours; `workbench sign-off` lists what waits.")


def read_report(line: Connection, dataset: str, version: str) -> bytes:
    """Give the ingest report of a version."""
    return line.request("GET", f"/v1/datasets/{_part(dataset)}/versions/{_part(version)}/report")[2]


def decide_waiting(line: Connection, dataset: str, decision: str, comment: str) -> dict[str, Any]:
    """Have the person on the line publish or reject the version of a dataset that waits.

    Parameters
    ----------
    line : Connection
        Of somebody who did not bring the version in.
    dataset : str
        Its name.
    decision : str
        ``publish`` or ``reject``.
    comment : str
        Kept with the sign-off; a rejection needs one.
    """
    version = find_waiting(line, dataset)["version"]
    url = f"/v1/datasets/{_part(dataset)}/versions/{_part(version)}/sign-off"
    answer: dict[str, Any] = line.post(url, {"decision": decision, "comment": comment})
    return answer


def _signer(has_demo_accounts: bool) -> str:
    return DEMO_SIGNER if has_demo_accounts else default_account(load_settings())


def _listed(waiting: list[dict[str, Any]]) -> str:
    if not waiting:
        return "No version waits for a sign-off."
    lines = []
    for item in waiting:
        mark = "yours to sign off" if item["may_publish"] else item["why"]
        lines.append(
            f"{item['dataset']}  {item['version'][:12]}  {_count(item['scans'], 'scan')} of "
            f"{_count(item['subjects'], 'subject')}, brought in by {item['uploader']} on {item['created'][:10]}: {mark}"
        )
    return "\n".join(lines)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _part(text: str) -> str:
    return quote(text, safe="")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
