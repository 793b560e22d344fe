"""The verbs of the benchmark room: run tasks score leaderboard report.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from workbench.benchmark.markup import interval_text
from workbench.benchmark.metrics.definitions import DEFINITIONS, Measured, definition
from workbench.benchmark.tasks.definition import definitions
from workbench.connection import default_account, terminal
from workbench.errors import InvalidInput, NotFound
from workbench.settings import load_settings

# Run verbs load nbconvert, papermill and rocrate, which `score` and `tasks` do without.


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def _print_json(value: Any) -> None:
    _say(json.dumps(value, ensure_ascii=False))


def tasks_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def tasks(args: argparse.Namespace) -> None:
    """List the benchmark tasks."""
    found = definitions().values()
    if args.json:
        _print_json([{"task": t.id, "title": t.title, "question": t.question, "metric": t.metric} for t in found])
        return
    for task in found:
        _say(f"{task.id:<24} {task.question:<48} {definition(task.metric).name}")


def score_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the metric and the files it needs."""
    parser.add_argument("--metric", required=True, choices=sorted(DEFINITIONS), help="id and version of the metric")
    parser.add_argument("--annotations", type=Path, help="seriesuid,coordX,coordY,coordZ,diameter_mm")
    parser.add_argument("--excluded", type=Path, help="findings that count neither way, same columns")
    parser.add_argument("--scans", type=Path, help="one scan id a line, no header")
    parser.add_argument("--truth", type=Path, help="id,label (0 or 1), for auc_delong:v1")
    parser.add_argument("--predictions", type=Path, required=True, help="…,probability")
    parser.add_argument("--bootstrap", type=int, default=1000, metavar="N", help="resamples for the interval (1000)")
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="seed of the resamples (0)")


def score(args: argparse.Namespace) -> None:
    """Score files and print the number with its interval and definition."""
    measured = _score(args)
    if args.json:
        _print_json(measured.as_dict())
        return
    _say(f"{measured.definition.name} {interval_text(measured.value, measured.interval, 4)}")
    details = measured.details
    for number, per_scan in enumerate(details.get("false_positives_per_scan", [])):
        around = (details["sensitivity_interval"] or [None] * 7)[number]
        _say(f"  sensitivity at {per_scan:>5g} per scan  {interval_text(details['sensitivity'][number], around, 4)}")
    _say(f"{measured.metric}: {measured.definition.text}")


def _score(args: argparse.Namespace) -> Measured:
    from workbench.benchmark.metrics.score_files import score_auc_files, score_froc_files  # noqa: PLC0415 - scipy, on first use

    needed = {"froc_cpm:v1": ("annotations", "scans"), "auc_delong:v1": ("truth",)}[args.metric]
    missing = [name for name in needed if getattr(args, name) is None]
    if missing:
        raise InvalidInput(f"{args.metric} needs --{missing[0]}.")
    if args.metric == "auc_delong:v1":
        return score_auc_files(args.truth, args.predictions)
    return score_froc_files(
        args.annotations, args.excluded, args.scans, args.predictions, bootstrap=args.bootstrap, seed=args.seed
    )


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


def run_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the notebook, its parameters and the output."""
    parser.add_argument("notebook", type=Path, help="the notebook to run")
    _run_options(parser)


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE", help="a parameter")
    parser.add_argument("-o", dest="output", type=Path, metavar="OUT.ipynb", help="where the run goes")
    parser.add_argument("--timeout", type=int, metavar="SECONDS", help="longest time for one cell")
    _as(parser)


def run(args: argparse.Namespace) -> None:
    """Run a notebook in a governed kernel; writes OUT.ipynb, OUT.html and OUT.crate.zip."""
    _run(args, args.notebook)


def report_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the name of a shipped notebook."""
    parser.add_argument("name", help="a shipped notebook, such as lung-nodule-detection")
    _run_options(parser)


def report(args: argparse.Namespace) -> None:
    """Run a shipped notebook into a report and a crate."""
    _run(args, find_notebook(args.name))


def find_notebook(name: str) -> Path:
    """Give the path of a shipped notebook by its name.

    Raises
    ------
    NotFound
        When none has this name.
    """
    package = Path(__file__).resolve().parents[1]
    folders = [package / "notebooks", package.parent / "notebooks"]
    found = {file.stem: file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*/*.ipynb"))}
    if name.removesuffix(".ipynb") not in found:
        raise NotFound(f"No shipped notebook is called “{name}”; there are {', '.join(found) or 'none'}.")
    return found[name.removesuffix(".ipynb")]


def _run(args: argparse.Namespace, notebook: Path) -> None:
    from workbench.benchmark.reports.notebook_run import run_notebook  # noqa: PLC0415 - papermill, on first use
    from workbench.benchmark.reports.parameters import split_pairs  # noqa: PLC0415 - the same
    from workbench.benchmark.reports.progress import TerminalProgress  # noqa: PLC0415 - the same

    output = args.output or Path(f"{notebook.stem}.run.ipynb")
    given, shown = split_pairs(args.parameters), TerminalProgress()
    try:
        done = run_notebook(notebook, output, given, args.account, timeout_s=args.timeout, on_cell=shown)
    finally:
        shown.close()
    if args.json:
        _print_json(done.as_dict())
        return
    for result in done.results:
        _say(f"{result.name} {interval_text(result.value, result.interval, 4)}")
    _say(f"notebook {done.notebook}\nreport   {done.report}\ncrate    {done.crate}")
