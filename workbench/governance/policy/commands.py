"""The verbs `workbench explain` and `workbench policy`: why an answer is what it is, and a dataset's own policy.

`policy check` and `policy schema` need no gateway; the others talk to it as one person.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from workbench.connection import default_account, terminal
from workbench.errors import InvalidInput
from workbench.governance.policy.checking import Checked, check_text
from workbench.governance.policy.reading import MOST_CHARACTERS, OWN, schema_text
from workbench.settings import load_settings


def explain_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench explain`."""
    parser.add_argument("person", help="the account in question")
    parser.add_argument("action", help="read, view, see, request, or an action as the log names it")
    parser.add_argument("dataset", help="the dataset's name")
    parser.add_argument("--purpose", default="", help="for this purpose only, such as “lung nodule detection”")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who asks: the person, a custodian, …")


def explain(args: argparse.Namespace) -> None:
    """Say which policy decides a question, and what would change the answer."""
    settings = load_settings()
    asker = args.account or (args.person if settings.demo_accounts else default_account(settings))
    query = {"person": args.person, "action": args.action, "dataset": args.dataset, "purpose": args.purpose}
    with terminal(asker, settings) as line:
        answer: Any = line.get(f"/v1/explain?{urlencode(query)}")
    _say(json.dumps(answer, ensure_ascii=False) if args.json else _explained(answer, is_own=asker == args.person))


def policy_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench policy`."""
    parser.add_argument(
        "deed", choices=("check", "set", "show", "schema"),
        help="check a file with its examples; set or show a dataset's policy; show what policies may speak of",
    )  # fmt: skip
    parser.add_argument("words", nargs="*", metavar="DATASET|FILE", help="check FILE, set DATASET FILE, show DATASET")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="the demo account that acts")


def policy(args: argparse.Namespace) -> int:
    """Check, set or show the policy of a dataset; exit code 2 when a check finds something."""
    wanted = {"check": 1, "set": 2, "show": 1, "schema": 0}[args.deed]
    if len(args.words) != wanted:
        forms = {"check": " FILE", "set": " DATASET FILE", "show": " DATASET", "schema": ""}
        raise InvalidInput(f"Write `workbench policy {args.deed}{forms[args.deed]}`.")
    if args.deed == "check":
        return _check(args)
    if args.deed == "schema":
        text = schema_text(OWN)
        _say(json.dumps({"schema": text}) if args.json else text.rstrip())
        return 0
    url = f"/v1/datasets/{quote(args.words[0], safe='')}/policy"
    with terminal(args.account or default_account(load_settings(), "custodian")) as line:
        if args.deed == "show":
            answer: Any = line.get(url)
        else:
            answer = line.post(url, {"text": _read(args.words[1])})
    _say(json.dumps(answer, ensure_ascii=False) if args.json else _held(answer, is_new=args.deed == "set"))
    return 0


def _check(args: argparse.Namespace) -> int:
    found = check_text(_read(args.words[0]))
    if args.json:
        _say(json.dumps(found.as_dict(), ensure_ascii=False))
    else:
        _say(_checked(found))
    return 0 if found.ok else InvalidInput.exit_code


def _read(name: str) -> str:
    try:
        text = Path(name).read_bytes()[: MOST_CHARACTERS * 4].decode("utf-8")
    except OSError as problem:
        raise InvalidInput(f"“{Path(name).name}” cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"“{Path(name).name}” is not UTF-8 text; save it as that.") from None
    return text


def _checked(found: Checked) -> str:
    if found.mistakes:
        return "\n".join(f"✗ {mistake.sentence()}" for mistake in found.mistakes)
    lines = [f"✓ {len(found.policies)} policies fit the schema."]
    for policy in found.policies:
        lines.append(f"  line {policy.line}: {policy.effect} {policy.name}")
        lines += [f"      {sentence}" for sentence in policy.obligations.sentences()]
    for example in found.examples:
        lines.append(f"{'✓' if example.ok else '✗'} {example.sentence() if not example.ok else example.title}")
    if not found.examples:
        lines.append('  No examples; `// example "…": {…} => allow` above a policy says what it should do.')
    return "\n".join(lines)


def _held(answer: dict[str, Any], *, is_new: bool) -> str:
    name = answer["dataset"]
    if not answer["text"]:
        return f"“{name}” has no policy of its own; those of the house hold."
    if is_new:
        return f"The policy of “{name}” holds from the next question on (text {answer['number']})."
    return f"// text {answer['number']} of {answer['author']}, {answer['created']}\n{answer['text'].rstrip()}"


def _explained(answer: dict[str, Any], *, is_own: bool) -> str:
    mark, may = ("✓", "may") if answer["allowed"] else ("✗", "may not")
    purpose = f" for “{answer['purpose']}”" if answer["purpose"] else ""
    deed = answer["action"].rpartition(".")[2]
    lines = [f"{mark} {answer['person']} {may} {deed} “{answer['resource']}”{purpose}."]
    lines.append(f"  {answer['reason']}" if is_own else f"  They are told: {answer['reason']}")
    if not answer["policies"]:
        lines.append("decided by: no policy, and what none permits is refused")
    for number, one in enumerate(answer["policies"]):
        head, title = "       and:" if number else "decided by:", f" “{one['title']}”" if one["title"] else ""
        where = "the house's" if one["source"] == "house" else "the dataset's own"
        lines.append(f"{head} {one['id']}{title} ({where} {one['effect']}, line {one['line']})")
    lines += [f"obliges to: {sentence}" for sentence in answer["obligations"]]
    if answer["changes"]:
        lines.append("what would change it:")
        lines += [f"  – {sentence}" for sentence in answer["changes"]]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
