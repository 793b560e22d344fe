"""The verb `leaderboard` of the benchmark room.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from workbench.connection import default_account, terminal
from workbench.settings import load_settings


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def _print_json(value: Any) -> None:
    _say(json.dumps(value, ensure_ascii=False))


def leaderboard_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the task."""
    parser.add_argument("task", help="the task's id")
    _as(parser)


def leaderboard(args: argparse.Namespace) -> None:
    """Show a task's leaderboard."""
    from workbench.benchmark.client import read_leaderboard  # noqa: PLC0415 - pandas, on first use

    with terminal(args.account or default_account(load_settings())) as line:
        if args.json:
            _print_json(line.get(f"/v1/tasks/{args.task}/leaderboard"))
        else:
            _say(repr(read_leaderboard(line, args.task)))
