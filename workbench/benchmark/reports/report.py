"""The HTML report of a run: one file, no script, nothing fetched, made to be read and printed, light or dark.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML

from workbench.benchmark.reports.harmless import harmless
from workbench.benchmark.reports.recording import Result, definitions_text
from workbench.benchmark.reports.report_head import (
    css_text,
    facts,
    headline,
    result_rows,
    verdict_rows,
    verdict_summary,
)

TEMPLATES = Path(__file__).resolve().parent / "templates"
# A picture goes before the widget it stands for: a report runs no script.
SHOWN = ["text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/latex", "text/plain"]
LEFT_OUT = {"parameters", "injected-parameters"}


def question_of(notebook: nbformat.NotebookNode) -> str:
    """Give the notebook's title: the first heading of its first text cell."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("#"):
                    return str(line).lstrip("#").strip()
    return "Untitled notebook"


class _Exporter(HTMLExporter):
    """nbconvert's HTML, without its last step, which parses the whole page once more to change nothing of ours."""

    def from_notebook_node(
        self, nb: nbformat.NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Convert a notebook."""
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="python", parent=self))
        self.register_filter("harmless", harmless)
        self.register_filter("best_data", lambda data: next((kind for kind in SHOWN if kind in data), None))
        page: tuple[str, dict[str, Any]] = TemplateExporter.from_notebook_node(
            self, nb, self._init_resources(resources), **options
        )
        return page


def write_report(
    notebook: nbformat.NotebookNode, results: Sequence[Result], about: Mapping[str, Any], file: Path
) -> None:
    """Write the report of an executed notebook, as nobody has run it again yet."""
    file.write_text(report_page(notebook, results, about), encoding="utf-8")


def report_again(contents: Mapping[str, bytes], verdicts: Sequence[Mapping[str, Any]]) -> bytes:
    """Give a crate's report anew, with the verdicts so far in its head.

    Parameters
    ----------
    contents : mapping of str to bytes
        The crate's files by name.
    verdicts : sequence of mapping
        As `verdicts_of` gives them.
    """
    notebook = nbformat.reads(contents["run.ipynb"].decode(), as_version=4)
    results = [Result.from_dict(result) for result in json.loads(contents["results.json"])]
    return report_page(notebook, results, json.loads(contents["about.json"]), verdicts).encode()


def report_page(
    notebook: nbformat.NotebookNode, results: Sequence[Result], about: Mapping[str, Any],
    verdicts: Sequence[Mapping[str, Any]] = (),
) -> str:  # fmt: skip
    """Give the report of an executed notebook as one HTML page.

    Parameters
    ----------
    notebook : NotebookNode
        With the outputs of the run.
    results : sequence of Result
        What it declares.
    about : mapping
        Question, who, data versions and environment, as a crate's ``about.json`` has them.
    verdicts : sequence of mapping
        Of whoever ran it again so far, oldest first.
    """
    shown = copy.deepcopy(notebook)
    shown.cells = [cell for cell in shown.cells if not LEFT_OUT & set(cell.metadata.get("tags", []))]
    for cell in shown.cells:
        _check_stage(cell)
    first = shown.cells[0] if shown.cells else None
    lead = ""
    if first is not None and first.cell_type == "markdown" and first.source.startswith("# "):
        lead = first.source.partition("\n")[2].strip()
        shown.cells = shown.cells[1:]
    head = {
        "style": (TEMPLATES / "report" / "style.css").read_text(encoding="utf-8"),
        "question": str(about["question"]), "running": css_text(str(about["question"])), "lead": lead,
        "answer": _answer(shown), "headline": headline(results), "results": result_rows(results),
        "definitions": definitions_text(results), "facts": facts(about),
        "verdicts": verdict_rows(verdicts), "summary": verdict_summary(verdicts),
        "environment": "\n".join(about["environment"]),
    }  # fmt: skip
    exporter = _Exporter(extra_template_basedirs=[str(TEMPLATES)], template_name="report")
    return exporter.from_notebook_node(shown, resources={"report": head})[0]


def _check_stage(cell: nbformat.NotebookNode) -> None:
    """Take out what a cell says of its stage unless the page can show it; a crate's notebook may say anything."""
    told = cell.metadata.get("workbench")
    stage = told.get("stage") if isinstance(told, dict) else None
    wanted = {"name": str, "made": str, "seconds": int | float}
    if not isinstance(stage, dict) or not all(isinstance(stage.get(name), kind) for name, kind in wanted.items()):
        cell.metadata.pop("workbench", None)


def _answer(notebook: nbformat.NotebookNode) -> str:
    """Give the sentence with which the last cell answers, as Markdown; nothing when it has none."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    for output in reversed(code[-1].outputs if code else []):
        if "text/markdown" in output.get("data", {}):
            return str(output["data"]["text/markdown"])
    return ""
