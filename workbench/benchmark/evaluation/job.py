"""One submission as its evaluator sees it: its facts, its bytes, where its answers go, and the log.

Runs in: evaluator
"""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from workbench.benchmark.evaluation.failures import failed
from workbench.benchmark.tasks.definition import TaskDefinition, task_definition
from workbench.connection import Connection
from workbench.errors import WorkbenchError
from workbench.governance.canonical import moment

if TYPE_CHECKING:
    from workbench.benchmark.evaluation.predictions import Predictions

BINARY = {"Content-Type": "application/octet-stream"}


class Job:
    """One submission as its evaluator sees it, and the line on which it asks and answers."""

    def __init__(self, line: Connection, submission: str) -> None:
        self._line = line
        self.submission = submission
        self._url = f"/v1/evaluations/{submission}"
        self.facts: dict[str, Any] = line.get(self._url)
        definition = self.facts.get("definition")
        self.task = TaskDefinition.from_dict(definition) if definition else task_definition(self.facts["task"])
        self.intent, self.kind, self.split = self.facts["intent"], self.facts["kind"], self.facts["split"]

    @property
    def sees_patches(self) -> bool:
        """Whether what was submitted is shown patches; else it is shown scans."""
        return self.kind == "onnx" and self.task.kind != "segmentation3d"

    def payload(self) -> bytes:
        """Give what was submitted.

        Raises
        ------
        SubmissionRefused
            With DIGEST_MISMATCH, when it is not what was sent.
        """
        content = self._line.request("GET", f"{self._url}/payload")[2]
        if hashlib.sha256(content).hexdigest() != self.facts["sha256"]:
            raise failed("DIGEST_MISMATCH")
        return content

    def stored(self, items: list[str]) -> Predictions | None:
        """Give the predictions that are stored already, or None."""
        if not self.facts.get("predictions"):
            return None
        content = self._line.request("GET", f"{self._url}/predictions")[2]
        if hashlib.sha256(content).hexdigest() != self.facts["predictions"]:
            raise WorkbenchError("The stored predictions are not those that were stored.")
        return self.parsed(content, items)

    def parsed(self, content: bytes, items: list[str]) -> Predictions:
        """Read predictions of some of the items."""
        from workbench.benchmark.evaluation.predictions import parse  # noqa: PLC0415 - after the first sign of life
        from workbench.benchmark.submissions.validation import classes_of  # noqa: PLC0415 - the same

        return parse(self.task.kind, content, items, classes=classes_of(self.task), may_be_empty=True)

    def store(self, predictions: Predictions) -> None:
        """Store predictions, from which the submission can be scored again, or gone on with."""
        self._line.request("PUT", f"{self._url}/predictions", body=predictions.canonical(), headers=BINARY)

    def finish(self, result: dict[str, Any]) -> None:
        """Send the result; it is taken once, and only from the lease's holder."""
        self._line.post(f"{self._url}/result", result)

    def seconds_left(self) -> float:
        """Give the time until the submission's deadline."""
        return (moment(self.facts["deadline"]) - datetime.now(UTC)).total_seconds()


def log(text: str) -> None:
    """Write to the operator's log; it may repeat what a stranger wrote."""
    sys.stderr.write("".join(mark if mark.isprintable() or mark == "\n" else "?" for mark in text) + "\n")
