"""The crates of a workspace: what each asked, who ran it, and the verdicts it has collected.

Runs in: Jupyter server
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import InvalidInput, NotFound
from workbench.jupyter.accounts import workspace_of
from workbench.jupyter.workspace_files import read_workspace
from workbench.settings import Settings

ENDING = ".crate.zip"
MOST_LISTED = 200
MOST_BYTES = 100_000_000
SHOWN_PACKAGES = ("python", "ai4h-workbench", "numpy", "scipy", "torch")


class CrateShelf:
    """The crates of every workspace of a home; one that did not change is not read twice."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[tuple[str, str], tuple[tuple[int, int, int], dict[str, Any]]] = {}

    def list(self, account: str) -> list[dict[str, Any]]:
        """List an account's crates, newest file first, each as `read` gives it less results, or with its `problem`."""
        root = workspace_of(self._settings, account)
        found = []
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if name.endswith(ENDING) and not name.startswith("."):
                    known = Path(folder, name).lstat()
                    if stat.S_ISREG(known.st_mode):
                        found.append((known, str(Path(folder, name).relative_to(root))))
        found.sort(key=lambda one: (-one[0].st_mtime_ns, one[1]))
        return [self._summary(account, path, known) for known, path in found[:MOST_LISTED]]

    def read(self, account: str, path: str) -> dict[str, Any]:
        """Describe one crate: question, who, when, data versions, environment, results and verdicts so far.

        Raises
        ------
        NotFound
            When the workspace has no such file.
        InvalidInput
            When it is no crate, or was changed.
        """
        with self.copied(account, path) as file:
            return {"path": path, **describe(file)}

    def report(self, account: str, path: str) -> bytes:
        """Give the report inside a crate; its HTML is for a frame that runs nothing."""
        with self.copied(account, path) as file:
            return report_in(file)

    @contextmanager
    def copied(self, account: str, path: str) -> Iterator[Path]:
        """Hold a copy of a crate that nobody can change while it is read."""
        with tempfile.TemporaryDirectory(prefix="crate-") as folder:
            name, content = self.content(account, path)
            file = Path(folder, name)
            file.write_bytes(content)
            yield file

    def content(self, account: str, path: str) -> tuple[str, bytes]:
        """Give the name and the bytes of a crate."""
        if not path.endswith(ENDING):
            raise NotFound(f"“{path[:200]}” is no crate; the name of one ends in {ENDING}.")
        return read_workspace(self._settings, account, path, MOST_BYTES)

    def _summary(self, account: str, path: str, known: os.stat_result) -> dict[str, Any]:
        state = (known.st_mtime_ns, known.st_size, known.st_ino)
        before = self._known.get((account, path))
        if before is None or before[0] != state:
            try:
                body = self.read(account, path)
            except (InvalidInput, NotFound) as problem:
                body = {"path": path, "problem": problem.message}
            before = self._known[account, path] = (state, body)
        return {name: value for name, value in before[1].items() if name not in ("results", "environment")}


def describe(file: Path) -> dict[str, Any]:
    """Describe a crate that lies where nobody else writes."""
    from workbench.benchmark.reports.crate import parse_crate, read_contents  # noqa: PLC0415 - rocrate, on first use
    from workbench.benchmark.reports.reruns import reruns_in  # noqa: PLC0415 - the same

    contents = read_contents(file)
    crate = parse_crate(contents, file.name)
    about = crate.about
    versions = dict(line.split("==", 1) for line in about["environment"] if "==" in line)
    return {
        "question": about["question"], "notebook": about["notebook"], "parameters": about["parameters"],
        "data": about["data"], "account": str(about.get("account", "")), "started": about.get("started"),
        "ended": about.get("ended"), "isolation": str(about.get("isolation", "")),
        "environment": {name: versions[name] for name in SHOWN_PACKAGES if name in versions},
        "results": [result.as_dict() for result in crate.results],
        "verdicts": reruns_in(contents, file.name),
    }  # fmt: skip


def report_in(file: Path) -> bytes:
    """Give the report inside a crate."""
    from workbench.benchmark.reports.crate import REPORT, read_contents  # noqa: PLC0415 - rocrate, on first use

    return read_contents(file).get(REPORT, b"<!doctype html><title>Report</title><p>This crate holds no report.")


def compared(file: Path, number: int) -> dict[str, Any]:
    """Put the first run of a crate and one of its re-runs side by side.

    Returns
    -------
    dict
        `record` of the re-run and `cells` as `compare_runs` gives them (empty when nothing ran again).
    """
    from workbench.jupyter.run_comparison import compare_runs  # noqa: PLC0415 - rocrate, on first use

    first, second, record = _runs(file, number)
    return {"record": record, "cells": [] if second is None else compare_runs(first, second)}


def cell_compared(file: Path, number: int, cell: int) -> list[dict[str, Any]]:
    """Give one cell of both runs, also where they do not differ."""
    from workbench.jupyter.run_comparison import cell_of  # noqa: PLC0415 - rocrate, on first use

    first, second, _ = _runs(file, number)
    return [] if second is None else cell_of(first, second, cell)


def _runs(file: Path, number: int) -> tuple[list[Any], list[Any] | None, dict[str, Any]]:
    from workbench.benchmark.reports.crate import RUN, read_contents  # noqa: PLC0415 - rocrate, on first use
    from workbench.benchmark.reports.notebook_run import read_notebook  # noqa: PLC0415 - the same
    from workbench.benchmark.reports.reruns import reruns_in, run_again_of  # noqa: PLC0415 - the same

    contents = read_contents(file)
    records = reruns_in(contents, file.name)
    if not 1 <= number <= len(records):
        raise NotFound(f"{file.name} holds no re-run number {number}.")
    again = run_again_of(file, number)
    first = read_notebook(contents[RUN].decode("utf-8", "replace"), "run.ipynb").cells
    second = None if again is None else read_notebook(again, "run.ipynb").cells
    return first, second, records[number - 1]
