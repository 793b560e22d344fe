"""The verbs of submissions: submit and submissions.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.connection import default_account, terminal
from workbench.errors import GatewayUnavailable, SubmissionRefused
from workbench.settings import load_settings

if TYPE_CHECKING:
    from workbench.benchmark.results import Entry

_SUBMISSION = re.compile(r"B[0-9]{1,12}")
# A gateway that stops while somebody waits is started again, and the submission goes on.
MOST_STARTS = 3


def submit_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the task, the file and what to do with it."""
    parser.add_argument("task", help="the task's id")
    parser.add_argument(
        "file", type=Path,
        help="predictions (.csv, .json; .zip of masks), a model (.onnx), or a folder or .zip with predict.py",
    )  # fmt: skip
    intent = parser.add_mutually_exclusive_group()
    intent.add_argument(
        "--validate", action="store_const", dest="intent", const="validation",
        help="only check that it can be scored: touches no labels, costs no quota",
    )  # fmt: skip
    intent.add_argument(
        "--scored", action="store_const", dest="intent", const="scored", help="score it on the hidden test (default)"
    )
    parser.add_argument("--note", default="", help="one line for the leaderboard")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the end; `workbench submissions` tells")
    _as(parser)
    parser.set_defaults(intent="scored")


def submit(args: argparse.Namespace) -> int:
    """Submit a file to the hidden test and wait for its end; exit code 8 when it failed."""
    from workbench.benchmark.client import send  # noqa: PLC0415 - pandas, on first use
    from workbench.benchmark.submissions.sending import read_submission  # noqa: PLC0415 - the same

    kind, content = read_submission(args.file)
    account = args.account or default_account(load_settings())
    with terminal(account) as line:
        entry = send(line, args.task, content, kind=kind, note=args.note, intent=args.intent)
    if not args.no_wait:
        entry = _waited(account, entry)
    if entry.state not in ("failed", "withdrawn"):
        _say(json.dumps(entry.body, ensure_ascii=False) if args.json else _told(entry.body))
        return 0
    refusal = SubmissionRefused(f"{entry.submission}: {entry.message}", code=entry.code or "WITHDRAWN")
    if not args.json:
        raise refusal
    _say(json.dumps({**entry.body, **refusal.as_dict(), "message": entry.message}, ensure_ascii=False))
    return refusal.exit_code


def submissions_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to list, or which submission to take back."""
    parser.add_argument(
        "about", nargs="?", default="", metavar="TASK", help="of one task; or one submission, such as B7"
    )
    parser.add_argument("--withdraw", metavar="ID", help="take back a submission that waits or runs")
    parser.add_argument("--since", type=int, default=0, metavar="N", help="only what changed after this cursor")
    _as(parser)


def submissions(args: argparse.Namespace) -> None:
    """List your submissions with their states, or take one back."""
    from workbench.benchmark.client import list_submissions, withdraw  # noqa: PLC0415 - pandas, on first use

    with terminal(args.account or default_account(load_settings())) as line:
        if args.withdraw:
            found: dict[str, Any] = withdraw(line, args.withdraw)
        elif _SUBMISSION.fullmatch(args.about):
            found = line.get(f"/v1/submissions/{args.about}")
        else:
            found = list_submissions(line, args.about, since=args.since)
    if args.json:
        _say(json.dumps(found, ensure_ascii=False))
    elif "submissions" not in found:
        _say(_told(found))
    else:
        rows = found["submissions"]
        for row in rows:
            _say(f"{row['submission']:<6} {row['created'][:16].replace('T', ' ')}  {_told(row, '')}")
        if not rows:
            _say("You have sent nothing yet: `workbench submit TASK FILE --validate` checks a file.")


def _waited(account: str, entry: Entry) -> Entry:
    from workbench.benchmark.client import wait_for  # noqa: PLC0415 - pandas, on first use

    for start in range(MOST_STARTS):
        try:
            with terminal(account) as line:
                return wait_for(line, entry)
        except GatewayUnavailable:
            if start == MOST_STARTS - 1:
                raise
    return entry


def _told(row: dict[str, Any], name: str | None = None) -> str:
    """Say a submission in one line."""
    head = f"{row['submission']}: " if name is None else name
    code = f" {row['code']}" if row["code"] else ""
    note = f" “{row['note']}”" if row["note"] else ""
    quota = row.get("quota") or {}
    left = f" ({quota['week_used']} of {quota['week']} this week)" if name is None and quota else ""
    return f"{head}{row['task']} {row['kind']}, {row['intent']}: {row['state']}{code}{note}. {row['message']}{left}"


def _as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
