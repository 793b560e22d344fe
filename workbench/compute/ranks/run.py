"""Run a plan: here as a single rank, or on a cluster's workers, with its checkpoint and its live curve.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from workbench.compute.live_curve import LiveCurve
from workbench.compute.ranks.generations import Learnt, lead
from workbench.compute.ranks.loop import Told, Work, run_steps
from workbench.compute.ranks.meeting import Place
from workbench.errors import InvalidInput

if TYPE_CHECKING:
    from workbench.compute.cluster import Cluster


def run_plan(cluster: Cluster | None, work: Work, live: LiveCurve, *, resume: bool) -> Learnt:
    """Learn to the end of the plan; give the weights and the mean loss of each epoch.

    Parameters
    ----------
    cluster : Cluster, optional
        Whose workers are the ranks; this process is the only rank when left out.
    work : Work
        What to learn. Without a checkpoint, one that ends with the run serves lost ranks.
    live : LiveCurve
        Shows how it goes.
    resume : bool
        Whether to go on from a checkpoint that is there; else it is replaced.

    Raises
    ------
    InvalidInput
        When several ranks are asked for without a cluster, or the checkpoint's place is a folder.
    Conflict, IntegrityError
        When the checkpoint is of another run, or damaged.
    RunFailed
        When the training fails.
    """
    if cluster is None and work.plan.ranks > 1:
        raise InvalidInput(
            f"{work.plan.ranks} ranks need {work.plan.ranks} workers: pass cluster=wb.cluster("
            f"workers={work.plan.ranks}), or train with ranks=1."
        )

    def tell(told: Told) -> None:
        if told.kind == "step":
            live.step(told.number, told.loss, told.samples_per_s)
        elif told.kind == "epoch":
            live.epoch(told.number, told.loss)

    with ExitStack() as stack:
        if not work.checkpoint and cluster is not None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="training-"))
            work = replace(work, checkpoint=str(Path(folder, "run.ckpt")))
        elif work.checkpoint:
            work = replace(work, checkpoint=str(_ready(Path(work.checkpoint), resume=resume)))
        if cluster is not None:
            return lead(cluster, work, tell, live.note)
        return run_steps(work, Place(0, 1, torch.device("cpu")), tell)


def fingerprint_of(network: torch.nn.Module) -> str:
    """Name the layers of a network, since a checkpoint fits only the same; the first weights come from it anyway."""
    digest = hashlib.sha256(str(network).encode())
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
    return digest.hexdigest()


def _ready(path: Path, *, resume: bool) -> Path:
    """Give the checkpoint's place as every worker finds it, freed when the run shall begin anew."""
    place = path.absolute()
    if place.is_dir():
        raise InvalidInput(f"The checkpoint “{path.name}” is a folder; name a file, such as {path.name}/run.ckpt.")
    for partial in place.parent.glob(f"{place.name}.*.partial"):
        # Left by a process that was killed while it wrote.
        partial.unlink(missing_ok=True)
    if not resume:
        place.unlink(missing_ok=True)
    return place
