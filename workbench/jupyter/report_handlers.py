"""`/workbench/api/reports…`: report notebooks, their runs as jobs of this server, crates and their verdicts.

Runs in: Jupyter server
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from workbench.benchmark.reports.parameters import choose, read_parameters
from workbench.errors import InvalidInput, NotFound, WorkbenchError
from workbench.jupyter.accounts import current_account
from workbench.jupyter.crates import CrateShelf, cell_compared, compared
from workbench.jupyter.replies import RESOURCE, WorkbenchHandler, send_error
from workbench.jupyter.report_notebooks import find_report, list_reports
from workbench.jupyter.report_runs import ReportRuns
from workbench.settings import Settings

# A report is HTML that a notebook wrote: it may show itself, and run and fetch nothing.
REPORT_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)


class ReportHandler(WorkbenchHandler):
    """What these handlers share: the account, the jobs, the crates, and work done away from the event loop."""

    def initialize(self, settings: Settings, runs: ReportRuns, shelf: CrateShelf) -> None:
        """Take what the handlers work with."""
        self.settings_of_home, self.runs, self.shelf = settings, runs, shelf

    async def answer(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Answer with what a function gives for this account: JSON, or a report as the bytes it is."""
        try:
            found = await asyncio.to_thread(work, current_account(self.settings_of_home), *arguments)
        except WorkbenchError as error:
            send_error(self, error)
            return
        if isinstance(found, bytes):
            for header, value in REPORT_HEADERS:
                self.set_header(header, value)
            self.finish(found, set_content_type="text/html; charset=utf-8")
        else:
            self.finish(json.dumps(found, ensure_ascii=False))

    def number(self, name: str) -> int:
        """Give a whole number of the query."""
        text = self.get_query_argument(name, "1")
        if not (text.isascii() and text.isdecimal() and len(text) < 6):
            raise InvalidInput(f"“{name}” must be a whole number.")
        return int(text)


class NotebooksHandler(ReportHandler):
    """The notebooks that can be run into a report."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """List them."""
        await self.answer(lambda account: {"reports": list_reports(self.settings_of_home, account)})


class FormHandler(ReportHandler):
    """The typed parameters of one notebook."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """Give them with the question and the cells that will run."""
        wanted = self.get_query_argument("notebook", "")
        await self.answer(lambda account: find_report(self.settings_of_home, account, wanted).form())


class RunsHandler(ReportHandler):
    """The jobs of this account."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """List them."""
        await self.answer(lambda account: {"runs": self.runs.list(account)})

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self) -> None:
        """Run a notebook; parameters that are wrong are each told in `fields`, and nothing starts."""
        await self.answer(self._start)

    def _start(self, account: str) -> dict[str, Any]:
        from workbench.benchmark.reports.notebook_run import read_notebook  # noqa: PLC0415 - papermill, on first use

        form = self.form()
        wanted, given, is_fresh = form.get("notebook"), form.get("parameters", {}), form.get("fresh") is True
        if not isinstance(given, dict):
            raise InvalidInput("“parameters” must be an object of names and values.")
        report = find_report(self.settings_of_home, account, wanted)
        parameters = read_parameters(read_notebook(report.text, report.name))
        fields = wrong_fields(parameters, given)
        if fields:
            return self._refuse(fields)
        request = {
            "kind": "run", "notebook": report.reference, "file": report.name,
            "question": report.form()["question"], "parameters": choose(parameters, given),
            "is_fresh": is_fresh,
        }  # fmt: skip
        return self.runs.start(account, request, {report.name: report.text.encode()})

    def _refuse(self, fields: Mapping[str, str]) -> dict[str, Any]:
        error = InvalidInput(next(iter(fields.values())))
        self.set_status(error.status)
        return {**error.as_dict(), "fields": fields}


class RunHandler(ReportHandler):
    """One job."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self, run: str) -> None:
        """Say how far it is, or what became of it."""
        await self.answer(self.runs.read, run)


class CancelHandler(ReportHandler):
    """The end of a job before its time."""

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self, run: str) -> None:
        """End it."""
        await self.answer(self.runs.cancel, run)


class RunReportHandler(ReportHandler):
    """The report that a job wrote, kept apart from the workspace, so that nobody changed it since."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self, run: str) -> None:
        """Give its HTML."""
        await self.answer(self._report, run)

    def _report(self, account: str, run: str) -> bytes:
        file = next(self.runs.folder(account, run).glob("out/*.html"), None)
        if file is None:
            raise NotFound("This run wrote no report; its notebook is in your workspace as far as it came.")
        return file.read_bytes()


class CratesHandler(ReportHandler):
    """The crates of the workspace."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """List them with their verdicts."""
        await self.answer(lambda account: {"crates": self.shelf.list(account)})


class CrateHandler(ReportHandler):
    """One crate of the workspace, named by its path."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """Describe it."""
        await self.answer(self.shelf.read, self.get_query_argument("path", ""))


class CrateReportHandler(ReportHandler):
    """The report inside a crate."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """Give its HTML."""
        await self.answer(self.shelf.report, self.get_query_argument("path", ""))


class ReproduceHandler(ReportHandler):
    """Running a crate again."""

    @authenticated
    @authorized("write", RESOURCE)
    async def post(self) -> None:
        """Start it; the verdict comes when it has ended."""
        await self.answer(self._start)

    def _start(self, account: str) -> dict[str, Any]:
        form = self.form()
        path, any_environment = form.get("crate"), form.get("any_environment") is True
        if not isinstance(path, str):
            raise InvalidInput("Name a crate of your workspace.")
        known = self.shelf.read(account, path)
        name, content = self.shelf.content(account, path)
        request = {
            "kind": "reproduce", "crate": path, "file": name, "question": known["question"],
            "notebook": known["notebook"], "parameters": known["parameters"], "any_environment": any_environment,
        }  # fmt: skip
        return self.runs.start(account, request, {name: content})


class VerdictHandler(ReportHandler):
    """A verdict with both runs side by side."""

    @authenticated
    @authorized("read", RESOURCE)
    async def get(self) -> None:
        """Compare the first run of a crate with one of its re-runs; `cell` asks for one cell of both, whole."""
        try:
            number = self.number("number")
            cell = self.number("cell") if self.get_query_argument("cell", "") else None
        except InvalidInput as error:
            send_error(self, error)
            return
        await self.answer(self._compare, self.get_query_argument("path", ""), number, cell)

    def _compare(self, account: str, path: str, number: int, cell: int | None) -> dict[str, Any]:
        with self.shelf.copied(account, path) as file:
            return compared(file, number) if cell is None else {"parts": cell_compared(file, number, cell)}


def wrong_fields(parameters: Mapping[str, Any], given: Mapping[str, object]) -> dict[str, str]:
    """Say of each parameter what is wrong with the value it was given, by its name; unknown names as well."""
    wrong = {}
    for name in dict.fromkeys([*parameters, *given]):
        one = {name: parameters[name]} if name in parameters else {}
        try:
            choose(one, {name: given[name]} if name in given else {})
        except InvalidInput as problem:
            wrong[name] = problem.message
    return wrong


def report_handlers(root: str, settings: Settings) -> list[tuple[Any, ...]]:
    """Give these handlers for a Tornado application whose API begins at `root`."""
    shared = {"settings": settings, "runs": ReportRuns(settings), "shelf": CrateShelf(settings)}
    run = r"reports/runs/(?P<run>[\w-]+)"
    table: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("reports", NotebooksHandler),
        ("reports/form", FormHandler),
        ("reports/runs", RunsHandler),
        (run, RunHandler),
        (f"{run}/cancel", CancelHandler),
        (f"{run}/report", RunReportHandler),
        ("reports/crates", CratesHandler),
        ("reports/crate", CrateHandler),
        ("reports/crate/report", CrateReportHandler),
        ("reports/reproduce", ReproduceHandler),
        ("reports/verdict", VerdictHandler),
    )
    return [(root + pattern, handler, shared) for pattern, handler in table]
