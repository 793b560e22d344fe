"""The verbs `workbench tasks` and `workbench task`: what can be answered, and the tasks of one's own.

`task check` needs no gateway; the others talk to it as one person.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from workbench.benchmark.markup import interval_text
from workbench.connection import default_account, terminal
from workbench.errors import InvalidInput
from workbench.settings import load_settings

# What needs numpy and pandas is loaded by the deed that uses it, so that `workbench tasks` answers at once.

DEEDS = ("check", "show", "publish", "retire")
BAND = "[synthetic] "


def tasks_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench tasks`."""
    parser.add_argument(
        "task", nargs="?", help="show this one task with its card; all of them in a line each if left out"
    )
    _as(parser)


def tasks(args: argparse.Namespace) -> None:
    """List the tasks with what is left of each quota, or show one with its card."""
    with terminal(args.account or default_account(load_settings())) as line:
        if args.task:
            found: Any = line.get(f"/v1/tasks/{quote(args.task, safe='')}")
        else:
            found = line.get("/v1/tasks")["tasks"]
    if args.json:
        _say(json.dumps(found, ensure_ascii=False))
    elif args.task:
        _say(shown(found))
    else:
        _say("\n".join(_line(task) for task in found))


def task_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench task`."""
    parser.add_argument(
        "deed", choices=DEEDS,
        help="check a file and whether it is honest; show a task's file; publish one on hidden data that you answer "
        "for; retire it",
    )  # fmt: skip
    parser.add_argument("word", metavar="FILE|TASK", help="check FILE, show TASK, publish FILE, retire TASK")
    check = parser.add_argument_group("check", "A task with a generator is tried on drawn data; others on files.")
    check.add_argument("--truth", type=Path, help="CSV: id and the task's columns; detection: LUNA16's annotations")
    check.add_argument(
        "--predictions", action="append", default=[], metavar="NAME=FILE",
        help="answers of a baseline, as often as needed; those called “oracle” are the ceiling",
    )  # fmt: skip
    check.add_argument("--scans", type=Path, help="detection: one scan id a line, those without findings included")
    check.add_argument("--phantoms", type=int, default=8, metavar="N", help="phantoms to paint (8)")
    check.add_argument("--seed", type=int, default=0, help="seed of what is drawn (0)")
    parser.add_argument("--reason", default="", help="retire: why, in a line")
    _as(parser)


def task(args: argparse.Namespace) -> int:
    """Check (exit code 1: something speaks against it, 2: the file is wrong), show, publish or retire a task."""
    if args.deed == "check":
        return _check(args)
    settings = load_settings()
    account = args.account or default_account(settings, *(() if args.deed == "show" else ("custodian",)))
    with terminal(account, settings) as line:
        if args.deed == "publish":
            answer: Any = line.post("/v1/tasks", {"text": _text(args.word)})
        elif args.deed == "retire":
            answer = line.post(f"/v1/tasks/{quote(args.word, safe='')}/retire", {"reason": args.reason})
        else:
            answer = line.get(f"/v1/tasks/{quote(args.word, safe='')}")
    if args.json:
        _say(json.dumps(answer, ensure_ascii=False))
    elif args.deed == "show":
        _say(_file(answer))
    else:
        _say(_done(args.deed, answer))
    return 0


def shown(found: dict[str, Any]) -> str:
    """Give a task's card as text."""
    from workbench.benchmark.tasks.card import sentences  # noqa: PLC0415 - numpy, loaded on first use
    from workbench.benchmark.tasks.definition import TaskDefinition  # noqa: PLC0415 - the same

    definition = TaskDefinition.from_dict(found["content"])
    quota, version = found["quota"], found["version"] or "its data are not filled in this home yet"
    lines = [
        f"{BAND if found['synthetic'] else ''}{found['title']}: {found['question']}",
        f"kind {found['kind']}, metric {found['metric']} ({found['metric_name']}), unit {found['unit']}, "
        f"items without an answer: {found['missing']}",
        f"submit {', '.join(found['submissions'])} for {found['items']} items; {_left(quota)}",
        f"version {version}",
        *(f"  {name:<12} {split['dataset']}, {split['split']}" for name, split in found["splits"].items()),
        *sentences(definition),
        f"{found['metric']}: {found['definition']}",
    ]
    history = found["history"]
    if history["retired"]:
        lines.insert(1, f"Retired on {history['retired'][:10]}: {history['reason']}")
    return "\n".join(lines)


def _check(args: argparse.Namespace) -> int:
    from workbench.benchmark.tasks.answer_files import Files  # noqa: PLC0415 - numpy, loaded on first use
    from workbench.benchmark.tasks.check import check_file  # noqa: PLC0415 - the same

    if (args.predictions or args.scans) and args.truth is None:
        raise InvalidInput("Predictions are held against the truth; give --truth FILE too.")
    if not 1 <= args.phantoms <= 500:
        raise InvalidInput(f"Between 1 and 500 phantoms can be painted, not {args.phantoms}.")
    files = None if args.truth is None else Files(args.truth, _pairs(args.predictions), args.scans)
    watch = None if args.json or not sys.stderr.isatty() else _progress
    found = check_file(Path(args.word), files=files, scans=args.phantoms, seed=args.seed, watch=watch)
    if args.json:
        _say(json.dumps(found.as_dict(), ensure_ascii=False))
        return found.exit_code
    for problem in found.problems:
        _say(f"✗ {found.file}, {problem}")
    if found.task is not None:
        _say(f"✓ {found.file} is a task: {found.task.id}, {found.task.kind}, {found.task.metric}")
    for one in found.ceilings:
        around = f" ± {one.standard_error:.4f}" if one.standard_error else ""
        _say(f"  ceiling  {one.metric:<15} {one.value:.4f}{around}  {one.says}")
    for row in found.rows:
        gap = "" if row.gap is None else f"  {row.gap:+.4f} from the ceiling, p {row.p:.2g}: {row.verdict}"
        _say(f"  {row.name:<28} {row.metric:<15} {interval_text(row.value, row.interval, 4)}{gap}")
    for note in found.notes:
        _say(f"  {note}")
    for fault in found.findings:
        _say(f"✗ {fault.code}: {fault.message}")
    return found.exit_code


def _pairs(words: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for word in words:
        name, sign, file = word.partition("=")
        if not (sign and name.strip() and file):
            raise InvalidInput(f"Write --predictions NAME=FILE, not “{word[:60]}”.")
        if name.strip() in found:
            raise InvalidInput(f"Two predictions are called “{name.strip()[:60]}”; give each a name of its own.")
        found[name.strip()] = Path(file)
    return found


def _text(name: str) -> str:
    from workbench.benchmark.tasks.answer_files import read_bytes  # noqa: PLC0415 - numpy, loaded on first use
    from workbench.benchmark.tasks.documents import MAX_CHARACTERS  # noqa: PLC0415 - yaml, the same

    try:
        return read_bytes(Path(name), 4 * MAX_CHARACTERS).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{Path(name).name} is not UTF-8 text; save it as that.") from None


def _line(task: dict[str, Any]) -> str:
    band = BAND if task["synthetic"] else ""
    return f"{task['task']:<24} {band}{task['question']:<48} {task['metric_name']:<6} {_left(task['quota'])}"


def _left(quota: dict[str, int]) -> str:
    week, total = quota["week"] - quota["week_used"], quota["total"] - quota["total_used"]
    return f"{max(min(week, total), 0)} of {quota['week']} scored submissions left this week, {max(total, 0)} in all"


def _done(deed: str, answer: dict[str, Any]) -> str:
    if deed == "retire":
        return f"“{answer['task']}” takes no submissions any more; its board stays."
    counts = "; ".join(
        f"{name.replace('_', ' ')}: {', '.join(f'{count} {what}' for what, count in found.items())}"
        for name, found in answer["counts"].items()
    )
    return f"“{answer['task']}” is published, version {answer['version']} ({counts})."


def _file(answer: dict[str, Any]) -> str:
    history = [f"# published by {one['person']}, {one['published']}" for one in answer["history"]["published"]]
    return "\n".join([f"# version {answer['version'] or '-'}", *history, answer["text"].rstrip()])


def _as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def _progress(done: int, of: int) -> None:
    sys.stderr.write(f"\r{done} of {of} phantoms painted{chr(10) if done == of else ''}")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
