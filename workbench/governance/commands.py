"""The verbs of governance: datasets, request, requests, approve, refuse, revoke.

Each talks to the gateway as one person; nothing here opens the store.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from workbench.connection import default_account, terminal
from workbench.governance.canonical import day
from workbench.governance.evidence.commands import add_facts, facts_of
from workbench.settings import load_settings

_MARKS = {"open": "✓", "granted": "✓", "submitted": "…", "undisclosed": "✗", "refused": "✗", "ended": "✗", "none": "✗"}


def datasets_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench datasets`."""
    parser.add_argument("name", nargs="?", help="one dataset, with its card and versions")
    parser.add_argument("--purpose", default="", help="for this purpose only, such as “lung nodule detection”")
    _account(parser)


def datasets(args: argparse.Namespace) -> None:
    """List the datasets, or show one."""
    url = f"/v1/datasets/{_part(args.name)}" if args.name else "/v1/datasets"
    url += f"?purpose={_part(args.purpose)}" if args.purpose else ""
    answer = _ask(args, "researcher", "GET", url)
    if args.json:
        _say_json(answer if args.name else answer["datasets"])
    elif args.name:
        _say(_dataset_text(answer))
    else:
        rows = [
            (_mark(item), item["name"], item["tier"], str(item["scans"]), item["reason"]) for item in answer["datasets"]
        ]
        _say(
            _table(("", "NAME", "TIER", "SCANS", "WHY"), rows)
            if rows
            else "No datasets yet; `workbench demo` makes some."
        )


def request_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench request`."""
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("--purpose", required=True, help="what for, such as “lung nodule detection”")
    parser.add_argument("--days", type=int, required=True, help="for how long, 1 to 365 days")
    parser.add_argument("--note", default="", help="anything the custodian should know")
    add_facts(parser)
    _account(parser)


def request(args: argparse.Namespace) -> None:
    """Ask for access."""
    body = {"purpose": args.purpose, "days": args.days, "note": args.note, "attestations": facts_of(args)}
    answer = _ask(args, "researcher", "POST", f"/v1/datasets/{_part(args.dataset)}/requests", body)
    told = f"Request {answer['id']} for “{answer['dataset']}” is submitted; its custodian decides."
    unsure = [one for one in (answer["match"] or {"terms": []})["terms"] if one["answer"] == "review"]
    _report(args, answer, "\n".join([told, *(f"… {one['label']}: {one['text']}" for one in unsure)]))


def requests_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench requests`."""
    _account(parser)


def requests(args: argparse.Namespace) -> None:
    """List own requests and those this person may decide."""
    found = _ask(args, "researcher", "GET", "/v1/requests")["requests"]
    if args.json:
        _say_json(found)
        return
    rows = [
        (item["id"], item["dataset"], item["person"], item["purpose"], str(item["days"]), _status_text(item))
        for item in found
    ]
    heads = ("ID", "DATASET", "PERSON", "PURPOSE", "DAYS", "STATUS")
    _say(
        _table(heads, rows) if rows else "No requests yet; `workbench request DATASET --purpose … --days …` makes one."
    )
    for item in found:
        if item["status"] == "submitted" and item["may_decide"]:
            _say(_asked_text(item))


def approve_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench approve`."""
    _decision(parser, "the request's id, such as R1")
    parser.add_argument("--days", type=int, help="for fewer days than were asked for")


def approve(args: argparse.Namespace) -> None:
    """Approve a request."""
    body = {"reason": args.reason, **({"days": args.days} if args.days is not None else {})}
    answer = _ask(args, "custodian", "POST", f"/v1/requests/{_part(args.id)}/approve", body)
    until = day(answer["until"])
    text = f"{answer['person']} may read “{answer['dataset']}” until {until} (grant {answer['grant']})."
    _report(args, answer, text)


def refuse_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench refuse`."""
    _decision(parser, "the request's id, such as R1")


def refuse(args: argparse.Namespace) -> None:
    """Refuse a request."""
    answer = _ask(args, "custodian", "POST", f"/v1/requests/{_part(args.id)}/refuse", {"reason": args.reason})
    _report(args, answer, f"Request {answer['id']} of {answer['person']} for “{answer['dataset']}” is refused.")


def revoke_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench revoke`."""
    _decision(parser, "the grant's id, such as G1")


def revoke(args: argparse.Namespace) -> None:
    """End a grant now."""
    answer = _ask(args, "custodian", "POST", f"/v1/grants/{_part(args.id)}/revoke", {"reason": args.reason})
    _report(args, answer, f"Grant {args.id} is revoked; {answer['person']} reads “{answer['dataset']}” no more.")


def _account(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


def _decision(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("id", help=what)
    parser.add_argument("--reason", default="", help="why; the person reads it")
    _account(parser)


def _ask(args: argparse.Namespace, role: str, method: str, url: str, body: object = None) -> Any:
    """Ask the gateway as the named account, or as the one that usually does this."""
    with terminal(args.account or default_account(load_settings(), role)) as line:
        return line.get(url) if method == "GET" else line.post(url, body)


def _part(text: str) -> str:
    return quote(text, safe="")


def _status_text(item: dict[str, Any]) -> str:
    if item["status"] == "granted":
        return f"granted until {day(item['until'])} ({item['grant']})"
    if item["status"] == "submitted" and item["may_decide"]:
        return "submitted: yours to decide"
    return f"{item['status']}: {item['reason']}" if item["reason"] else str(item["status"])


def _mark(item: dict[str, Any]) -> str:
    """Give the sign before a dataset: whether it may be read now, or else where a request stands."""
    return "✓" if item["allowed"] else _MARKS.get(item["status"], "✗").replace("✓", "✗")


def _asked_text(item: dict[str, Any]) -> str:
    """Say what whoever decides has to weigh: what was declared, and what the person has and lacks."""
    declared = ", ".join(f"{name}={value}" for name, value in item["attestations"].items())
    marks = {True: "✓", False: "✗", None: "…", "yes": "✓", "no": "✗", "review": "…"}
    lines = [f"\n{item['id']}: {item['note']}".rstrip(": "), f"  declared: {declared or 'nothing'}"]
    lines += [
        f"  {marks[term['answer']]} {term['label']}: {term['text']}" for term in (item["match"] or {}).get("terms", [])
    ]
    lines += [
        f"  {marks[one['met']]} {one['label']}: {one['text']}" for one in item["checklist"] if one["key"] != "use"
    ]
    return "\n".join(lines)


def _dataset_text(item: dict[str, Any]) -> str:
    lines = [
        f"{item['title']}  ({item['name']}, {item['tier']})",
        item["description"],
        f"{item['scans']} scans of {item['subjects']} subjects; custodian {item['custodian']}",
        f"{_mark(item)} {item['reason']}",
    ]
    if item.get("waiting"):
        lines.append(f"version {item['waiting'][:12]}  waits for its sign-off (`workbench sign-off {item['name']}`)")
    lines += [f"version {v['version'][:12]}  {v['created'][:10]}  {v['scans']} scans" for v in item["versions"]]
    return "\n".join(line for line in lines if line)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give rows under heads in columns; the last column wraps within the terminal's width."""
    last = len(heads) - 1
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(last)]
    indent = " " * (sum(widths) + 2 * last)
    room = max(len(indent) + 30, shutil.get_terminal_size((120, 24)).columns)
    lines = []
    for row in [heads, *rows]:
        start = "".join(f"{text:<{width}}  " for text, width in zip(row, widths, strict=False))
        lines.append(start + textwrap.fill(row[last], room, initial_indent=indent, subsequent_indent=indent).lstrip())
    return "\n".join(line.rstrip() for line in lines)


def _report(args: argparse.Namespace, answer: Any, text: str) -> None:
    if args.json:
        _say_json(answer)
    else:
        _say(text)


def _say_json(value: Any) -> None:
    _say(json.dumps(value, ensure_ascii=False))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
