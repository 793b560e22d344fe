"""The verbs `workbench run` and `workbench report`: a notebook goes in; notebook, report and crate come out.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.benchmark.markup import interval_text
from workbench.errors import NotFound

# The rest of the room loads papermill, nbconvert and rocrate; `--help` does without them.


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def run_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the notebook, its parameters and the output."""
    parser.add_argument("notebook", type=Path, help="the notebook to run")
    _options(parser)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE", help="a parameter")
    parser.add_argument("-o", dest="output", type=Path, metavar="OUT.ipynb", help="where the run goes")
    parser.add_argument("--timeout", type=int, metavar="SECONDS", help="longest time for one cell")
    parser.add_argument("--fresh", action="store_true", help="run every stage, also those that an earlier run has kept")
    parser.add_argument("--parameters", dest="form", action="store_true", help="only show the notebook's parameters")
    parser.add_argument("--as", dest="account", metavar="ACCOUNT", help="who acts; the home's own account if left out")


def run(args: argparse.Namespace) -> None:
    """Run a notebook in a governed kernel; writes OUT.ipynb, OUT.html and OUT.crate.zip."""
    _run(args, args.notebook)


def report_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the name of a shipped notebook."""
    parser.add_argument("name", help="a shipped notebook, such as lung-nodule-detection")
    _options(parser)


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
    package = Path(__file__).resolve().parents[2]
    folders = [package / "notebooks", package.parent / "notebooks"]
    found = {file.stem: file for folder in folders if folder.is_dir() for file in sorted(folder.glob("*/*.ipynb"))}
    if name.removesuffix(".ipynb") not in found:
        raise NotFound(f"No shipped notebook is called “{name}”; there are {', '.join(found) or 'none'}.")
    return found[name.removesuffix(".ipynb")]


def _run(args: argparse.Namespace, notebook: Path) -> None:
    from workbench.benchmark.reports.notebook_run import load_notebook, run_notebook  # noqa: PLC0415 - papermill, on first use
    from workbench.benchmark.reports.parameters import split_pairs  # noqa: PLC0415 - with it
    from workbench.benchmark.reports.progress import TerminalProgress  # noqa: PLC0415 - with it

    if args.form:
        _show_form(load_notebook(notebook), as_json=args.json)
        return
    output = args.output or Path(f"{notebook.stem}.run.ipynb")
    given, shown, stages = split_pairs(args.parameters), TerminalProgress(), "renew" if args.fresh else "resume"
    try:
        done = run_notebook(notebook, output, given, args.account, timeout_s=args.timeout, on_cell=shown, stages=stages)
    finally:
        shown.close()
    if args.json:
        _say(json.dumps(done.as_dict(), ensure_ascii=False))
        return
    for result in done.results:
        _say(f"{result.name} {interval_text(result.value, result.interval, 4)}")
    for stage in done.about["stages"]:
        _say_stage(stage)
    _say(f"notebook {done.notebook}\nreport   {done.report}\ncrate    {done.crate}")


def _say_stage(stage: Mapping[str, Any]) -> None:
    if stage["cached"]:
        made = str(stage["made"])[:16].replace("T", " ")
        _say(f"stage {stage['name']}: taken from an earlier run of {made} UTC; --fresh runs it again")
    elif stage.get("kept") is False:
        _say(f"stage {stage['name']}: not kept for later, because {stage['why']}")


def _show_form(notebook: Mapping[str, Any], *, as_json: bool) -> None:
    from workbench.benchmark.reports.parameters import read_parameters  # noqa: PLC0415 - only for this

    found = read_parameters(notebook).values()
    if as_json:
        _say(json.dumps([parameter.as_dict() for parameter in found], ensure_ascii=False))
        return
    for one in found:
        may = ", ".join(map(str, one.choices)) or one.limits()
        default = "must be given" if one.default is None else f"{one.default!r} if left out"
        _say(f"{one.name:<16} {one.type:<6} {one.help}{f' [{may}]' if may else ''}; {default}")
