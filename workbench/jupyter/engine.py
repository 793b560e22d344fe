"""The papermill engine that writes down which kernel ran a notebook and how it was isolated.

papermill itself writes `python3` into its output, whatever kernel ran, and has no field for the rest.

Runs in: terminal
"""

from __future__ import annotations

from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.log import logger

from workbench.benchmark.reports.progress import DONE, FAILED, RUNNING, STARTING, OnCell, Reporter


class _RecordingClient(PapermillNotebookClient):
    """papermill's client, with a record made as soon as the kernel runs, and word of each cell."""

    def __init__(self, nb_man: NotebookExecutionManager, on_cell: OnCell | None = None, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._reporter = Reporter(self.nb.cells, on_cell)

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Run one cell and tell of it."""
        self._reporter.tell(RUNNING, cell_index)
        try:
            done = super().execute_cell(cell, cell_index, **options)
        except BaseException:
            self._reporter.tell(FAILED, cell_index)
            raise
        self._reporter.tell(DONE, cell_index)
        return done

    def start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel and write down what it is."""
        self._reporter.tell(STARTING)
        super().start_new_kernel(**kwargs)
        spec, provisioner = self.km.kernel_spec, self.km.provisioner
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
        **kwargs: Any,
    ) -> Any:
        """Execute the notebook that the manager holds; `on_cell` is told of each cell."""
        options = {name: value for name, value in kwargs.items() if name not in ("input_path", "timeout")}
        client = _RecordingClient(
            nb_man, kernel_name=kernel_name, startup_timeout=start_timeout, timeout=execution_timeout,
            log_output=log_output, log=logger, on_cell=on_cell, **options,
        )  # fmt: skip
        return client.execute()
