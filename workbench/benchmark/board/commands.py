"""The verbs of the board: leaderboard, rescore and final.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any
from urllib.parse import quote, urlencode

from workbench.benchmark.board.table import Leaderboard, final_words
from workbench.connection import Connection, default_account, terminal
from workbench.errors import InvalidInput, SubmissionRefused
from workbench.settings import load_settings

POLL_S = 0.3
# What stays the same however often a submission is scored again; each evaluation has a name of its own.
RESCORED = ("submission", "identical", "first_sha256", "second_sha256", "scores")
# Who opens a final test in a demo home when nobody is named; the custodian is who proposes it.
DEMO_SECOND = "checker-1"


def leaderboard_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the task."""
    parser.add_argument("task", help="the task's id")
    parser.add_argument("--version", metavar="HASH", help="an older version of the task, by the start of its hash")
    _as(parser)


def leaderboard(args: argparse.Namespace) -> None:
    """Show who stands where on a task, and how sure that is."""
    query = f"?{urlencode({'version': args.version})}" if args.version is not None else ""
    with _line(args.account) as line:
        body = line.get(f"/v1/tasks/{_part(args.task)}/leaderboard{query}")
    _say(json.dumps(body, ensure_ascii=False) if args.json else repr(Leaderboard.from_reply(body)))


def rescore_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the task and the submission."""
    parser.add_argument("task", help="the task's id")
    parser.add_argument("submission", help="one that is scored: your own, or any if you answer for its data")
    _as(parser)


def rescore(args: argparse.Namespace) -> int:
    """Score a submission again from its stored predictions; exit code 0 when every byte is the same, else 1."""
    with _line(args.account) as line:
        found = _rescored(line, args.task, args.submission)
    if found["identical"] is None:
        raise SubmissionRefused(f"{found['submission']}: {found['message']}", code=found["code"])
    if args.json:
        _say(json.dumps({name: found[name] for name in RESCORED}, ensure_ascii=False))
    elif found["identical"]:
        _say(f"{found['submission']} was scored again: every byte is the same (SHA-256 {found['first_sha256']}).")
    else:
        _say(
            f"{found['submission']} was scored again and DIFFERS: {found['first_sha256']} before, "
            f"{found['second_sha256']} now. Tell who answers for the task's data."
        )
    return 0 if found["identical"] else 1


def final_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the task and what to do with its final test."""
    parser.add_argument("task", help="the task's id; with nothing else, say how its final test stands")
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument("--propose", action="store_true", help="close the task and propose to open it (custodian)")
    deed.add_argument("--open", action="store_true", help="open what somebody else proposed; this happens once")
    deed.add_argument("--drop", action="store_true", help="take the proposal back (custodian)")
    deed.add_argument("--again", action="store_true", help="queue again the runs that failed here (custodian)")
    deed.add_argument("--choose", metavar="ID", help="which of your scored submissions is tested; else the one shown")
    parser.add_argument("--reason", default="", help="with --propose: why now; kept on record")
    parser.add_argument("--no-wait", action="store_true", help="with --open and --again: do not wait for the runs")
    _as(parser)


def final(args: argparse.Namespace) -> None:
    """Say how the final test of a task stands, or take a step towards opening it."""
    if args.reason and not args.propose:
        raise InvalidInput("--reason belongs to --propose.")
    url = f"/v1/tasks/{_part(args.task)}/final"
    with _line(args.account or _default_for(args)) as line:
        body: dict[str, Any] = _step(line, args, url)
        while (args.open or args.again) and not args.no_wait and body["state"] == "running":
            time.sleep(POLL_S)
            body = line.get(url)
    if args.json:
        _say(json.dumps(body, ensure_ascii=False))
    elif args.choose:
        _say(f"{body['submission']} is the submission of {body['person']} that the final test runs.")
    else:
        _say(f"{final_words(body)}{_next(args.task, body)}")


def _step(line: Connection, args: argparse.Namespace, url: str) -> Any:
    if args.propose:
        return line.post(url, {"reason": args.reason})
    if args.choose:
        return line.post(f"{url}/choose", {"submission": args.choose})
    stands = line.get(url)
    deed = "open" if args.open else "drop" if args.drop else "retry" if args.again else ""
    if not deed:
        return stands
    if "final" not in stands:
        raise InvalidInput(f"Nobody has proposed to open the final test of {args.task}; its custodian does: --propose.")
    return line.post(f"/v1/finals/{_part(stands['final'])}/{deed}", {})


def _next(task: str, body: dict[str, Any]) -> str:
    """Say what comes next, and what of whom is tested."""
    chosen = ", ".join(f"{submission} of {person}" for person, submission in body["chosen"].items())
    when = "To be tested" if body["state"] in ("none", "proposed") else "Tested"
    lines = [f"{when}: {chosen}." if chosen else ""]
    lines.append({
        "none": f"Its custodian proposes it: workbench final {task} --propose",
        "proposed": f"A second person opens it, once: workbench final {task} --open",
        "stopped": f"Its custodian tries them again: workbench final {task} --again",
    }.get(body["state"], ""))  # fmt: skip
    return "".join(f"\n{line}" for line in lines if line)


def _rescored(line: Connection, task: str, submission: str) -> dict[str, Any]:
    entry = line.get(f"/v1/submissions/{_part(submission)}")
    if entry["task"] != task:
        raise InvalidInput(f"{submission} was sent to {entry['task']}, not to {task}.")
    url = f"/v1/submissions/{_part(submission)}/rescore"
    evaluation = line.post(url, {})["evaluation"]
    while True:
        found: dict[str, Any] = line.get(f"{url}/{_part(evaluation)}")
        if found["state"] not in ("queued", "running"):
            return found
        time.sleep(POLL_S)


def _default_for(args: argparse.Namespace) -> str:
    settings = load_settings()
    if args.open and settings.demo_accounts:
        return DEMO_SECOND
    return default_account(settings, "custodian" if args.propose or args.drop or args.again else "researcher")


def _line(account: str | None) -> Any:
    return terminal(account or default_account(load_settings()))


def _as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def _part(name: str) -> str:
    return quote(name, safe="")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
