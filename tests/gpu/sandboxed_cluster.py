"""Runs inside the sandbox: start a cluster, use its GPU, print one line of JSON."""

from __future__ import annotations

import json
import sys
import time

from workbench.compute.cluster import cluster


def work(number: int) -> dict[str, object]:
    """Multiply on the worker's GPU, or on its processor where it has none."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    ones = torch.full((256, 256), float(number), device=device)
    name = torch.cuda.get_device_name(0) if device == "cuda" else "processor"
    return {"sum": float((ones @ ones).sum()), "device": device, "name": name, "seen": torch.cuda.device_count()}


def main() -> int:
    """Start, work, print."""
    begun = time.monotonic()
    with cluster(gpus=1, hours=0.2) as workers:
        started = time.monotonic()
        answers = workers.map(work, [1, 2, 3])
        first = time.monotonic()
        again = workers.map(work, [4])
        told = {
            "kind": workers.kind, "workers": workers.workers, "answers": [*answers, *again],
            "start_s": started - begun, "first_answers_s": first - started, "next_answer_s": time.monotonic() - first,
        }  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
