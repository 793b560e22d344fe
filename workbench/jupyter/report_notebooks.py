"""The notebooks that can be run into a report: those that come with the workbench, and those of a workspace.

Runs in: Jupyter server
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.benchmark.reports.parameters import TAG, parameters_of
from workbench.benchmark.reports.progress import code_cells, tags_of
from workbench.errors import InvalidInput, NotFound
from workbench.jupyter.accounts import workspace_of
from workbench.jupyter.notebooks import shipped_notebook, shipped_notebooks, title_of
from workbench.jupyter.workspace_files import read_workspace
from workbench.settings import Settings

# Where shipped notebooks that end in an answer with its interval lie.
FOLDER = "benchmark"
SHIPPED, OWN = "shipped:", "workspace:"
MOST_OWN, MOST_LOOKED_AT = 100, 400
MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class ReportNotebook:
    """One such notebook: how it is named here, its file name, and its text."""

    reference: str
    name: str
    text: str

    def form(self) -> dict[str, Any]:
        """Give what a form needs: the question, the typed parameters, and the cells that will run."""
        from workbench.benchmark.reports.notebook_run import read_notebook  # noqa: PLC0415 - papermill, on first use

        notebook = read_notebook(self.text, self.name)
        return {
            "notebook": self.reference, "name": self.name, "question": title_of(notebook, self.name),
            "parameters": parameters_of(notebook), "cells": cells_to_run(notebook.cells),
        }  # fmt: skip


def list_reports(settings: Settings, account: str) -> list[dict[str, Any]]:
    """List the notebooks as `notebook` (how the other functions name it), `name`, `question`, `source`."""
    shipped = [
        {"notebook": f"{SHIPPED}{one['folder']}/{one['name']}", "name": one["name"], "question": one["title"],
         "source": "shipped"}
        for one in shipped_notebooks() if one["folder"] == FOLDER
    ]  # fmt: skip
    return [*shipped, *_own(settings, account)]


def find_report(settings: Settings, account: str, reference: object) -> ReportNotebook:
    """Give one of the listed notebooks.

    Raises
    ------
    NotFound
        When it is neither shipped nor in the account's workspace.
    """
    if isinstance(reference, str) and reference.startswith(SHIPPED):
        folder, _, name = reference.removeprefix(SHIPPED).partition("/")
        return ReportNotebook(reference, name, shipped_notebook(folder, name).read_text(encoding="utf-8"))
    if isinstance(reference, str) and reference.startswith(OWN) and reference.endswith(".ipynb"):
        name, content = read_workspace(settings, account, reference.removeprefix(OWN))
        try:
            return ReportNotebook(reference, name, content.decode("utf-8"))
        except UnicodeDecodeError:
            raise InvalidInput(f"{name} is not a Jupyter notebook (UnicodeDecodeError).") from None
    raise NotFound("There is no such report notebook; choose one from the list again.")


def cells_to_run(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the code cells in order, each with its number, what it is called, and its stage."""
    return [asdict(cell) for cell in code_cells(cells).values()]


def _own(settings: Settings, account: str) -> list[dict[str, Any]]:
    root = workspace_of(settings, account)
    found: list[dict[str, Any]] = []
    looked = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if name.endswith(".ipynb")):
            looked += 1
            if looked > MOST_LOOKED_AT or len(found) >= MOST_OWN:
                return found
            path = str(Path(folder, name).relative_to(root))
            question = _question(settings, account, root / path, path)
            if question is not None:
                found.append({"notebook": OWN + path, "name": path, "question": question, "source": "workspace"})
    return found


def _question(settings: Settings, account: str, file: Path, path: str) -> str | None:
    """Give the question of a notebook with parameters that was not run yet; None for any other."""
    known = file.lstat()
    if not stat.S_ISREG(known.st_mode) or known.st_size > MOST_BYTES:
        return None
    try:
        body = json.loads(read_workspace(settings, account, path)[1])
        # What was run already is a result; its notebook is listed where it came from.
        if "papermill" in body["metadata"] or not any(TAG in tags_of(cell) for cell in body["cells"]):
            return None
        return title_of(body, Path(path).stem)
    except (NotFound, InvalidInput, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # Not a notebook, whatever its name says.
        return None
