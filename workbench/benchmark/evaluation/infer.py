"""Runs a submitted model on patches, alone in a sandbox: no network, no labels, hard limits set before the model.

`python -I infer.py MEMORY_MIB CPU_SECONDS OUTPUT_MIB` reads /job/model.onnx and /job/patches.npy and
writes /job/out/probability.npy. What it prints is for the operator only. It imports nothing of the workbench.

Runs in: evaluator
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STARTUP_FAILED, OUT_OF_MEMORY = 10, 12
JOB = Path("/job")
BATCH = 32
THREADS = 2
MIB = 2**20


def main(arguments: list[str]) -> int:
    """Run the job and give its exit status."""
    memory_mib, cpu_seconds, output_mib = (int(word) for word in arguments)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_FSIZE, output_mib * MIB)
    _limit(resource.RLIMIT_CORE, 0)
    import numpy as np  # noqa: PLC0415 - after the limits
    import onnxruntime  # noqa: PLC0415 - after the limits

    _limit(resource.RLIMIT_AS, _address_space() + memory_mib * MIB)
    patches = np.load(JOB / "patches.npy", mmap_mode="r", allow_pickle=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.use_deterministic_compute = True
    try:
        model = (JOB / "model.onnx").read_bytes()
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except MemoryError:
        return OUT_OF_MEMORY
    except Exception as problem:
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        return STARTUP_FAILED
    parts = []
    try:
        for first in range(0, len(patches), BATCH):
            parts += session.run(["probability"], {"patches": np.ascontiguousarray(patches[first : first + BATCH])})
    except Exception as problem:
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        is_memory = isinstance(problem, MemoryError) or "alloc" in str(problem).lower()
        return OUT_OF_MEMORY if is_memory else 1
    np.save(JOB / "out" / "probability.npy", np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32))
    return 0


def _limit(what: int, value: int) -> None:
    resource.setrlimit(what, (value, value))


def _address_space() -> int:
    """Give the bytes of address space that Python and the runtime hold before the model."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
