"""Scores one submission on the hidden test: a process of its own, started by the gateway, that ends with the gateway.

It prepares the hidden scans and knows the truth, and it never runs a submitted model itself: that happens in a
sandbox without network and labels (`infer.py`), from which only a file of numbers comes back. `python -m
workbench.benchmark.evaluation.evaluator SUBMISSION`, with the evaluator's token in the environment.

Runs in: evaluator
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.benchmark.evaluation.failures import FAILURES
from workbench.benchmark.evaluation.infer import JOB, OUT_OF_MEMORY, STARTUP_FAILED
from workbench.benchmark.evaluation.onnx_gate import check_model
from workbench.benchmark.scoring import checked_probabilities
from workbench.benchmark.tasks.definition import Limits, task_definition
from workbench.connection import Connection, connect_from_environment
from workbench.errors import InvalidInput, SubmissionRefused, WorkbenchError
from workbench.governance.sandbox import bwrap_command, sandbox_environment

Floats = NDArray[np.float64]
MIB = 2**20
STATUS = {
    STARTUP_FAILED: "STARTUP_FAILED", OUT_OF_MEMORY: "OOM_KILLED",
    128 + signal.SIGKILL: "OOM_KILLED", 128 + signal.SIGXCPU: "TIMEOUT", 128 + signal.SIGXFSZ: "OUTPUT_TOO_LARGE",
}  # fmt: skip


def infer(model: bytes, patches: NDArray[np.float32], limits: Limits) -> Floats:
    """Run a model on patches in the sandbox and give its checked answer.

    Raises
    ------
    SubmissionRefused
        With one of the codes of `failures.FAILURES`.
    SandboxMissing
        When this machine cannot isolate; the model is then not run at all.
    """
    with tempfile.TemporaryDirectory(prefix="evaluation-") as folder:
        job = Path(folder)
        (job / "out").mkdir(mode=0o700)
        (job / "model.onnx").write_bytes(model)
        np.save(job / "patches.npy", np.ascontiguousarray(patches, dtype=np.float32), allow_pickle=False)
        words = [str(n) for n in (limits.memory_mib, limits.cpu_seconds, limits.output_mib)]
        command = bwrap_command(
            [sys.executable, "-I", str(Path(__file__).with_name("infer.py")), *words],
            read_only={f"{JOB}/model.onnx": job / "model.onnx", f"{JOB}/patches.npy": job / "patches.npy"},
            binds={f"{JOB}/out": job / "out"}, devices=False,
        )  # fmt: skip
        with (job / "log").open("wb") as log:
            status = _run(command, limits.seconds, log.fileno())
        if status != 0:
            # For the operator alone: it may repeat what a stranger wrote into the model.
            sys.stderr.write((job / "log").read_text(errors="replace")[-4000:])
            raise _failed("TIMEOUT" if status is None else STATUS.get(status, "NONZERO_EXIT"))
        return read_answer(job / "out" / "probability.npy", len(patches), limits)


def _run(command: list[str], seconds: int, log: int) -> int | None:
    """Give the exit status, or None when the time was up."""
    process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=sandbox_environment()
    )
    try:
        status = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    return 128 - status if status < 0 else status


def read_answer(file: Path, count: int, limits: Limits) -> Floats:
    """Read what came out of the sandbox; it is a stranger's file."""
    if file.is_symlink() or not file.is_file():
        raise _failed("NO_OUTPUT")
    if file.stat().st_size > limits.output_mib * MIB:
        raise _failed("OUTPUT_TOO_LARGE")
    try:
        values = np.load(file, allow_pickle=False)
        return checked_probabilities(values, count)
    except (ValueError, OSError, EOFError):
        raise _failed("MALFORMED_OUTPUT") from None
    except InvalidInput as problem:
        raise SubmissionRefused(problem.message, code="MALFORMED_OUTPUT") from None


def evaluate(line: Connection, submission: str) -> dict[str, Any]:
    """Evaluate a submission and give the result that goes back to the gateway."""
    job = line.get(f"/v1/evaluations/{submission}")
    model = line.request("GET", f"/v1/evaluations/{submission}/model")[2]
    task = task_definition(job["task"])
    if hashlib.sha256(model).hexdigest() != job["sha256"]:
        raise _failed("DIGEST_MISMATCH")
    check_model(model, max_bytes=task.limits.model_mib * MIB)
    if job["intent"] == "validation":
        noise = np.random.default_rng(0).random((3, 1, task.patch.size, task.patch.size, task.patch.size), np.float32)
        infer(model, noise, task.limits)
        return {"state": "valid"}
    from workbench.benchmark.evaluation.hidden_test import prepare  # noqa: PLC0415 - a rehearsal does without scipy and pandas

    hidden = prepare(task, "public_test")
    answer = infer(model, hidden.patches, task.limits)
    baselines = {name: {"scores": scores} for name, scores in hidden.baselines().items()}
    return {"state": "scored", "scores": hidden.measure(answer), "baselines": baselines}


def _failed(code: str) -> SubmissionRefused:
    return SubmissionRefused(FAILURES[code], code=code)


def _end_with_parent() -> None:
    """End when the gateway that started this process is gone: its end of standard input closes then."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main(submission: str) -> int:
    """Evaluate, report, and leave."""
    _end_with_parent()
    line = connect_from_environment()
    try:
        result = evaluate(line, submission)
    except SubmissionRefused as refusal:
        result = {"state": "failed", "code": refusal.code, "message": refusal.message}
    except WorkbenchError as problem:
        result = {"state": "failed", "code": "INTERNAL_ERROR", "message": problem.message}
    line.post(f"/v1/evaluations/{submission}/result", result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
