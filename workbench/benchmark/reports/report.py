"""The HTML report of a run: one file, no script, nothing fetched, made to be read and printed.

Runs in: terminal
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import HTMLExporter

from workbench.benchmark.markup import interval_text
from workbench.benchmark.reports.recording import Result, definitions_text, results_table

TEMPLATES = Path(__file__).resolve().parent / "templates"
SHOWN_PACKAGES = ("python", "ai4h-workbench", "numpy", "scipy", "torch", "dask", "papermill")


def question_of(notebook: nbformat.NotebookNode) -> str:
    """Give the notebook's title: the first heading of its first text cell."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("#"):
                    return str(line).lstrip("#").strip()
    return "Untitled notebook"


def write_report(
    notebook: nbformat.NotebookNode, results: Sequence[Result], about: Mapping[str, Any], file: Path
) -> None:
    """Write the report of an executed notebook."""
    exporter = HTMLExporter(extra_template_basedirs=[str(TEMPLATES)], template_name="report")
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    shown = copy.deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if not _is_left_out(cell)]
    if shown.cells and shown.cells[0].cell_type == "markdown" and shown.cells[0].source.startswith("# "):
        shown.cells[0].source = shown.cells[0].source.partition("\n")[2]
    head = {
        "style": (TEMPLATES / "report" / "style.css").read_text(encoding="utf-8"),
        "question": escape(str(about["question"])),
        "answer": escape(_answer(results)),
        "results": results_table(results) if results else "<p>This notebook declares no results.</p>",
        "definitions": definitions_text(results),
        "facts": _facts(about),
        "packages": _packages(about["environment"]),
        "environment": escape("\n".join(about["environment"])),
    }
    body, _ = exporter.from_notebook_node(shown, resources={"report": head})
    file.write_text(body, encoding="utf-8")


def _is_left_out(cell: nbformat.NotebookNode) -> bool:
    """Leave out the defaults of the parameters (the head shows the values)."""
    tags = cell.metadata.get("tags", [])
    return "parameters" in tags or "injected-parameters" in tags


def _answer(results: Sequence[Result]) -> str:
    return " · ".join(f"{result.name} {interval_text(result.value, result.interval)}" for result in results[:3])


def _facts(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    data = "<br>".join(
        f"{escape(name)} <code>{escape(version[:16])}</code>" for name, version in sorted(about["data"].items())
    )
    parameters = " ".join(
        f"<code>{escape(name)} = {escape(repr(value))}</code>" for name, value in about["parameters"].items()
    )
    isolated = {"bubblewrap": "isolated (bubblewrap, no network)"}.get(about["isolation"], "not isolated")
    head = about.get("audit_head")
    facts = [
        ("Data versions", data or "none read"),
        ("Parameters", parameters or "none"),
        ("Run by", f"{escape(str(about['account']))}, {_day(about['started'])}"),
        ("Kernel", f"{escape(str(about['kernel']))}, {isolated}"),
        ("Notebook", escape(str(about["notebook"]))),
    ]
    asked = [f"{escape(str(one['name']))} {escape(str(one['version']))}" for one in about.get("packages") or []]
    if asked:
        facts.append(("Packages on request", ", ".join(asked)))
    if head:
        facts.append(("Audit log", f"event {int(head['seq'])}, <code>{escape(str(head['hash'])[:16])}</code>"))
    return facts


def _day(stamp: str | None) -> str:
    return datetime.fromisoformat(stamp).strftime("%-d %B %Y, %H:%M UTC") if stamp else "at an unknown time"


def _packages(lock: Sequence[str]) -> str:
    versions = dict(line.split("==", 1) for line in lock)
    return ", ".join(f"{name} {versions[name]}" for name in SHOWN_PACKAGES if name in versions)
