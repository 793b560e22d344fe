"""Runs an offered model on records, alone in a sandbox: no network, no labels, hard limits set before the model.

`python -I model_runner.py MEMORY_MIB CPU_SECONDS` reads /job/model.onnx and /job/inputs.npy and writes what the model
says to /job/out/said.npy. What it prints is for the operator only. It imports nothing of the workbench.

Runs in: evaluator
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

JOB = Path("/job")
BATCH = 64
MIB = 2**20


def main(arguments: list[str]) -> int:
    """Run the job and give its exit status."""
    memory_mib, cpu_seconds = (int(word) for word in arguments)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import numpy as np  # noqa: PLC0415 - after the limits
    import onnxruntime  # noqa: PLC0415 - after the limits

    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_mib * MIB,) * 2)
    inputs = np.load(JOB / "inputs.npy", allow_pickle=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(
        (JOB / "model.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    wanted = session.get_inputs()
    if len(wanted) != 1:
        sys.stderr.write("more than one input\n")
        return 1
    kind = {"tensor(double)": np.float64, "tensor(int64)": np.int64}.get(wanted[0].type, np.float32)
    parts: list[Any] = []
    for first in range(0, len(inputs), BATCH):
        given = {wanted[0].name: np.ascontiguousarray(inputs[first : first + BATCH], dtype=kind)}
        parts.append(said(session.run(None, given)))
    np.save(JOB / "out" / "said.npy", np.concatenate(parts).astype(np.float64))
    return 0


def said(outputs: list[Any]) -> Any:
    """Give the output that tells most: probabilities rather than a label, as an array with a row for each record."""
    import numpy as np  # noqa: PLC0415 - after the limits

    last = outputs[-1]
    if isinstance(last, list) and last and isinstance(last[0], dict):
        return np.array([[row[key] for key in sorted(row)] for row in last], dtype=np.float64)
    values = np.asarray(last)
    return values.reshape(len(values), -1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
