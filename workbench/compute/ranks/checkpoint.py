"""A checkpoint: everything a run needs to go on to the very same weights, written so that it is whole or not there.

Runs in: kernel
Source: torch.load with `weights_only=True` (unpickles tensors and plain values only); rename(2) is atomic.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from workbench.compute.ranks.plan import Plan
from workbench.errors import Conflict, IntegrityError, InvalidInput, RunFailed, cause_of

MAGIC = b"workbench-checkpoint-1\n"
DIGEST_BYTES = 32
PARTS = {"plan", "step", "model", "optimiser", "schedule", "random", "totals", "losses", "sampler"}


@dataclass(frozen=True)
class Checkpoint:
    """A run as it stood after a step.

    Parameters
    ----------
    plan : Plan
        The run that it is of, with world size and data version.
    step : int
        How many steps are done.
    model, optimiser, schedule : dict
        Their states.
    random : list of dict
        Each rank's random state.
    totals : list of float
        Each rank's sum of losses in the epoch that runs.
    losses : list of float
        Mean loss of each finished epoch.
    """

    plan: Plan
    step: int
    model: dict[str, Any]
    optimiser: dict[str, Any]
    schedule: dict[str, Any]
    random: list[dict[str, torch.Tensor]]
    totals: list[float]
    losses: list[float]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint to a temporary name, bring it to the disk and rename it.

    Raises
    ------
    RunFailed
        When the disk is full or the folder cannot be written; the checkpoint before stays as it was.
    """
    parts = {
        name: getattr(checkpoint, name)
        for name in ("step", "model", "optimiser", "schedule", "random", "totals", "losses")
    }
    buffer = io.BytesIO()
    sampler = {"next_step": checkpoint.step, "seed": checkpoint.plan.seed, "world_size": checkpoint.plan.ranks}
    torch.save({**parts, "plan": checkpoint.plan.as_dict(), "sampler": sampler}, buffer)
    content = buffer.getvalue()
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(MAGIC + hashlib.sha256(content).digest())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise RunFailed(
            f"The checkpoint “{path.name}” cannot be written ({cause_of(problem)}); make room or name another place, "
            "then train again: it goes on from the last checkpoint that was written."
        ) from None


def read_checkpoint(path: Path, plan: Plan) -> Checkpoint:
    """Read a checkpoint of a run.

    Raises
    ------
    IntegrityError
        When the file is damaged, or no checkpoint.
    Conflict
        When it is of another run.
    InvalidInput
        When it cannot be read.
    """
    found = _parts(path)
    differences = plan.differences(found["plan"])
    if differences:
        raise Conflict(
            f"The checkpoint “{path.name}” is of another run ({differences}); train with its numbers, or name "
            "another checkpoint."
        )
    names = ("model", "optimiser", "schedule", "random", "totals", "losses")
    return Checkpoint(plan, int(found["step"]), **{name: found[name] for name in names})


def _parts(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise InvalidInput(
            f"The checkpoint “{path.name}” cannot be read ({cause_of(problem)}); name another, or train anew."
        ) from None
    if not content.startswith(MAGIC):
        raise IntegrityError(
            f"“{path.name}” is not a checkpoint of the workbench; name another file, or remove it and train anew."
        )
    at = len(MAGIC) + DIGEST_BYTES
    body = memoryview(content)[at:]
    if hashlib.sha256(body).digest() != content[len(MAGIC) : at]:
        raise IntegrityError(f"The checkpoint “{path.name}” is damaged; remove it and train anew, or restore a copy.")
    try:
        found = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        found = None
    if not isinstance(found, dict) or not found.keys() >= PARTS:
        raise IntegrityError(
            f"The checkpoint “{path.name}” holds more or other things than weights and numbers; it is not loaded. "
            "Remove it and train anew."
        )
    return found


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
