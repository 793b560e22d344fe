"""Runs a submitted model, alone in a sandbox: no network, no labels, and limits that its watch keeps.

`python -I infer.py patches` (or `sections`) reads /submission/model.onnx and /input/patches.npy (or sections.npy), and
writes /output/probability.npy; `python -I infer.py volume` reads every /input/N.npy (HU) and writes its mask, packed
bits under gzip, as /output/N.mask. What it prints is for the operator only. It imports nothing of the workbench.

Runs in: evaluator
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

STARTUP_FAILED, OUT_OF_MEMORY, MALFORMED = 10, 12, 14
INPUT, OUTPUT, MODEL = Path("/input"), Path("/output"), Path("/submission/model.onnx")
BATCH = 32
THREADS = 2
AIR_HU, BONE_HU = -1000.0, 400.0


def main(arguments: list[str]) -> int:
    """Run the job and give its exit status."""
    try:
        session = _session()
    except MemoryError:
        return OUT_OF_MEMORY
    except Exception as problem:
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        return STARTUP_FAILED
    try:
        return _on_volumes(session) if arguments == ["volume"] else _in_batches(session, arguments[0])
    except Exception as problem:
        sys.stderr.write(f"{type(problem).__name__}: {problem}\n")
        is_memory = isinstance(problem, MemoryError) or "alloc" in str(problem).lower()
        return OUT_OF_MEMORY if is_memory else 1


def _session() -> Any:
    import onnxruntime  # noqa: PLC0415 - heavy, and its errors are to be told apart

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    options.use_deterministic_compute = True
    # Loaded from bytes, so that no path in the file has a folder to start from.
    return onnxruntime.InferenceSession(MODEL.read_bytes(), options, providers=["CPUExecutionProvider"])


def _in_batches(session: Any, form: str) -> int:
    import numpy as np  # noqa: PLC0415 - after the runtime

    items = np.load(INPUT / f"{form}.npy", mmap_mode="r", allow_pickle=False)
    parts = []
    for first in range(0, len(items), BATCH):
        parts += session.run(["probability"], {form: np.ascontiguousarray(items[first : first + BATCH])})
    np.save(OUTPUT / "probability.npy", np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32))
    return 0


def _on_volumes(session: Any) -> int:
    import numpy as np  # noqa: PLC0415 - after the runtime

    for file in sorted(INPUT.glob("*.npy")):
        hu = np.load(file, allow_pickle=False).astype(np.float32)
        scaled = np.clip((hu - AIR_HU) / (BONE_HU - AIR_HU), 0.0, 1.0)[None, None]
        said = session.run(["probability"], {"volume": scaled})[0]
        if said.shape != scaled.shape or not np.isfinite(said).all():
            return MALFORMED
        packed = gzip.compress(np.packbits(said[0, 0] >= 0.5).tobytes(), 1, mtime=0)
        (OUTPUT / f"{file.stem}.mask").write_bytes(packed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
