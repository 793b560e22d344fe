"""The verb `jobs`: what runs beside the notebook, how far it is, what it printed, and how to end it.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys

from workbench.compute.jobs import DONE, UNDER_WAY, GatewayJobs, find_job
from workbench.connection import Connection, default_account, terminal
from workbench.errors import InvalidInput
from workbench.settings import load_settings


def jobs_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a job, or nothing for all of them, and what to do with it."""
    parser.add_argument("job", nargs="?", help="a job's id; all of them, newest first, if left out")
    deed = parser.add_mutually_exclusive_group()
    deed.add_argument("--cancel", action="store_true", help="ask it to end")
    deed.add_argument("--log", action="store_true", help="show the last of what it printed")
    deed.add_argument("--follow", action="store_true", help="show a bar until it has ended; Ctrl-C leaves it alone")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="whose; the home's own account if left out")


def jobs(args: argparse.Namespace) -> int:
    """List the jobs, or show, follow or cancel one; exit code 1 when the one that is shown did not end well."""
    settings = load_settings()
    if not args.job and (args.cancel or args.log or args.follow):
        raise InvalidInput("Name the job; `workbench jobs` lists them with their ids.")
    with terminal(args.account or default_account(settings), settings) as line:
        if args.job:
            return _one(args, line)
        found = GatewayJobs(line).list()
    if args.json:
        _say(json.dumps(found))
        return 0
    for facts in found:
        _say(_row(facts))
    if not found:
        _say("No jobs yet; `workbench preprocess` and `workbench train` start some, and so does run_job in a notebook.")
    return 0


def _one(args: argparse.Namespace, line: Connection) -> int:
    job = find_job(args.job, line=line)
    if args.log:
        text = job.log()
        _say(json.dumps({"log": text}) if args.json else text.rstrip("\n"))
        return 0
    if args.cancel:
        job.cancel().wait()
    if args.follow:
        job.follow()
    facts = job.look()
    _say(json.dumps(facts) if args.json else _row(facts))
    return 0 if args.cancel or facts["state"] in (*UNDER_WAY, DONE) else 1


def _row(facts: dict[str, object]) -> str:
    progress = facts.get("progress")
    far = ""
    if isinstance(progress, dict) and progress.get("total"):
        far = f"{progress.get('done', 0)} of {progress['total']} {progress.get('text', '')}".rstrip()
    words = (f"{facts['id']}  {str(facts['state']):<14}{facts['name']}", far, str(facts.get("message") or ""))
    return "  ".join(word for word in words if word)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
