"""The papermill engine that writes down which kernel ran a notebook and how it was isolated.

papermill itself writes `python3` into its output, whatever kernel ran, and has no field for the rest.

Runs in: terminal
"""

from __future__ import annotations

import ast
import json
import queue
import time
from typing import Any

from jupyter_core.utils import run_sync
from nbclient.util import ensure_async
from nbformat import from_dict
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.log import logger

from workbench.benchmark.reports.progress import CACHED, DONE, FAILED, RUNNING, STARTING, OnCell, Reporter
from workbench.benchmark.reports.stages import KeptStage, Stages

# Longest time for keeping what a stage made, or bringing it back.
ASK_S = 600
ANSWER = "__import__('workbench.benchmark.reports.stage_values', fromlist=['answer']).answer({question!r}, globals())"


class _RecordingClient(PapermillNotebookClient):
    """papermill's client, with a record made as soon as the kernel runs, word of each cell, and kept stages."""

    def __init__(
        self, nb_man: NotebookExecutionManager, on_cell: OnCell | None = None, stages: Stages | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(nb_man, **options)
        self.provisioner: Any = None
        self._reporter = Reporter(self.nb.cells, on_cell)
        self._stages = stages

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Run one cell and tell of it, or take what it made from an earlier run."""
        self._reporter.tell(RUNNING, cell_index)
        kept = None if self._stages is None else self._stages.restored(cell_index, self._ask)
        if kept is not None:
            self._reporter.tell(CACHED, cell_index, seconds=kept.seconds)
            return self._filled(cell, cell_index, kept)
        began = time.monotonic()
        try:
            done = super().execute_cell(cell, cell_index, **options)
        except BaseException:
            # papermill marks a cell that raised, but counts one whose kernel died or whose time ran out as done.
            self.nb_man.cell_exception(self.nb.cells[cell_index], cell_index=cell_index)
            self._reporter.tell(FAILED, cell_index)
            raise
        took = time.monotonic() - began
        if self._stages is not None and cell.cell_type == "code":
            self._stages.keep(cell_index, self.nb.cells[cell_index], took, self._ask)
        self._reporter.tell(DONE, cell_index, seconds=took)
        return done

    def _filled(self, cell: Any, cell_index: int, kept: KeptStage) -> Any:
        cell.outputs = [from_dict(output) for output in kept.outputs]
        cell.execution_count = None
        self.nb.cells[cell_index] = cell
        return cell

    async def _asked(self, question: dict[str, Any]) -> dict[str, Any] | None:
        """Ask the kernel something beside its cells; None when it does not answer."""
        expression = ANSWER.format(question=json.dumps(question))
        request = await ensure_async(
            self.kc.execute("", silent=True, store_history=False, user_expressions={"answer": expression})
        )
        deadline = time.monotonic() + ASK_S
        while time.monotonic() < deadline and await ensure_async(self.km.is_alive()):
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
            except queue.Empty:
                continue
            if reply["parent_header"].get("msg_id") == request:
                return _as_answer(reply["content"])
        return None

    _ask = run_sync(_asked)

    async def _kernel_ended(self) -> None:
        provisioner = self.km.provisioner
        if provisioner is not None and provisioner.has_process:
            await provisioner.kill()
            await provisioner.wait()
            await ensure_async(self.km.cleanup_resources())

    _end_kernel = run_sync(_kernel_ended)

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel and write down what it is."""
        self._reporter.tell(STARTING)
        try:
            super().start_new_kernel(**kwargs)
        except BaseException:
            # It may run although nobody can talk to it; nbclient ends only what it has begun to talk to.
            self._end_kernel()
            raise
        spec, provisioner = self.km.kernel_spec, self.km.provisioner
        self.provisioner = provisioner
        # Without these two keys JupyterLab would offer the reader of the result another kernel.
        self.nb.metadata["kernelspec"] = {
            "name": self.km.kernel_name, "display_name": spec.display_name, "language": spec.language,
        }  # fmt: skip
        self.nb.metadata["workbench"] = {
            **self.nb.metadata.get("workbench", {}),
            "kernel": self.km.kernel_name,
            "id": getattr(provisioner, "_kernel", None) or "",
            "provisioner": type(provisioner).__name__,
            "isolation": getattr(provisioner, "isolation", "none"),
            "account": getattr(provisioner, "account", ""),
        }
        if self._stages is not None:
            self._stages.begin(self.nb.cells, str(self.nb.metadata["workbench"]["id"]))

    def record_end(self) -> None:
        """Write down how the kernel ended when that was not as it should be; papermill would not save it."""
        end = getattr(self.provisioner, "end", None)
        if end:
            self.nb.metadata["workbench"]["end"] = end
            self.nb_man.save()


def _as_answer(content: dict[str, Any]) -> dict[str, Any] | None:
    """Read what the kernel answers: JSON, as the text of a Python string."""
    try:
        told = content["user_expressions"]["answer"]
        answer = json.loads(ast.literal_eval(told["data"]["text/plain"]))
    except (KeyError, TypeError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return answer if isinstance(answer, dict) else None


class GovernedEngine(NBClientEngine):
    """Runs a notebook as papermill does, and records kernel, provisioner, isolation and account in its metadata.

    Used as `papermill.execute_notebook(…, engine_name="workbench", kernel_name="workbench-python")`.
    """

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        log_output: bool = False,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        on_cell: OnCell | None = None,
        stages: Stages | None = None,
        **kwargs: Any,
    ) -> Any:
        """Execute the notebook that the manager holds; `on_cell` is told of each cell, `stages` keeps and restores."""
        options = {name: value for name, value in kwargs.items() if name not in ("input_path", "timeout")}
        client = _RecordingClient(
            nb_man, kernel_name=kernel_name, startup_timeout=start_timeout, timeout=execution_timeout,
            log_output=log_output, log=logger, on_cell=on_cell, stages=stages, **options,
        )  # fmt: skip
        try:
            return client.execute()
        finally:
            client.record_end()
