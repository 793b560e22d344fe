"""What `workbench train` runs inside its sandbox: examples, ranks, score, and the files in the workspace.

Runs in: kernel
"""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.benchmark.task import task as open_task
from workbench.compute.job_inside import report_progress
from workbench.compute.train_config import TrainConfig, config_of
from workbench.errors import Conflict, RunFailed, cause_of

if TYPE_CHECKING:
    from workbench.compute.model import TrainedModel

MODEL, CHECKPOINT, HISTORY, CONFIG = "model.onnx", "run.ckpt", "history.csv", "config.json"
HOURS = 24.0


def run(task: str, config: dict[str, Any], workers: int, out: str, resume: bool) -> dict[str, Any]:
    """Train for a task on several ranks and write model, card, checkpoint and history.

    Parameters
    ----------
    task : str
        The task's id.
    config : dict
        As `TrainConfig` has it.
    workers : int
        Ranks, 1–64.
    out : str
        Folder of the workspace.
    resume : bool
        Whether to go on from the folder's checkpoint.

    Returns
    -------
    dict
        `task, out, ranks, epochs, loss, score, interval, metric, fingerprint, files`.

    Raises
    ------
    Conflict
        When the folder has a checkpoint already and it is not to go on from it.
    """
    from workbench.compute.cluster import cluster  # noqa: PLC0415 - dask, where it is used
    from workbench.compute.training import train  # noqa: PLC0415 - torch, where it is used

    chosen, folder = config_of(config), Path(out)
    checkpoint = folder / CHECKPOINT
    if checkpoint.exists() and not resume:
        raise Conflict(
            f"“{out}” of the workspace holds a checkpoint already; add --resume to go on from it, or choose another "
            "folder with --out."
        )
    found = open_task(task)
    report_progress(0, chosen.epochs * chosen.batches, "steps")
    with cluster(workers=workers, hours=HOURS) as ranks:
        model = train(
            found, cluster=ranks, ranks=workers, seed=chosen.seed, epochs=chosen.epochs, batches=chosen.batches,
            learning_rate=chosen.learning_rate, precision=chosen.precision, checkpoint=checkpoint,
            checkpoint_every=chosen.checkpoint_every,
        )  # fmt: skip
    score = found.score(model, bootstrap=chosen.bootstrap)
    texts = {"intended_use": chosen.intended_use, "limits": chosen.limits, "licence": chosen.licence}
    model.export(folder / MODEL, scores=[score], **texts)
    _write(folder / HISTORY, _history(model, chosen))
    _write(folder / CONFIG, json.dumps({"task": task, "workers": workers, **chosen.as_dict()}, indent=1) + "\n")
    return {
        "task": task, "out": out, "ranks": workers, "epochs": chosen.epochs, "loss": model.history[-1].loss,
        "metric": score.measured.definition.name, "score": float(score.value),
        "interval": [float(end) for end in score.interval or ()], "fingerprint": model.fingerprint,
        "files": sorted(file.name for file in folder.iterdir()),
    }  # fmt: skip


def _history(model: TrainedModel, config: TrainConfig) -> str:
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("epoch", "steps", "loss"))
    rows.writerows((step.epoch, step.epoch * config.batches, repr(step.loss)) for step in model.history)
    return table.getvalue()


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = file.with_name(f".{file.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, file)
    except OSError as problem:
        beside.unlink(missing_ok=True)
        raise RunFailed(
            f"“{file.name}” cannot be written ({cause_of(problem)}); make room and run the same command with --resume."
        ) from None
