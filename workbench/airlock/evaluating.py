"""Test an ONNX model for membership: run it on its training records and on others, and keep the losses beside it.

Runs in: terminal
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.airlock.membership import Floats, write_evaluation
from workbench.airlock.model_runner import JOB
from workbench.errors import InvalidInput, RunFailed, cause_of
from workbench.governance.sandbox import bwrap_command, sandbox_environment

MEMORY_MIB, CPU_SECONDS, SECONDS = 4096, 300, 600
MAX_RECORDS = 100_000
LABEL = "label"
LEAST = 1e-12


def evaluate_model(model: bytes, members: Path, others: Path, *, subjects: int | None = None) -> bytes:
    """Run a model on records it was trained on and on others, and give its evaluation file.

    Parameters
    ----------
    model : bytes
        ONNX with one input.
    members, others : Path
        NPZ with ``inputs`` (records first) and ``labels``, or CSV of numbers with a column ``label``, or else the last.
    subjects : int, optional
        How many distinct subjects the model was trained on.

    Raises
    ------
    InvalidInput
        When a file is not such.
    RunFailed
        When the model does not run on it.
    SandboxMissing
        When this machine cannot isolate; the model is then not run.
    """
    losses = []
    for path in (members, others):
        inputs, labels = read_records(path)
        losses.append(losses_of(_run(model, inputs), labels))
    return write_evaluation(hashlib.sha256(model).hexdigest(), losses[0], losses[1], subjects=subjects)


def read_records(path: Path) -> tuple[Floats, Floats]:
    """Read inputs, shape (records, …), and labels, shape (records,)."""
    try:
        if path.suffix.lower() == ".npz":
            with np.load(path, allow_pickle=False) as file:
                inputs, labels = np.asarray(file["inputs"], np.float64), np.asarray(file["labels"], np.float64).ravel()
        else:
            import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

            frame = pd.read_csv(path)
            name = LABEL if LABEL in frame else frame.columns[-1]
            inputs, labels = frame.drop(columns=name).to_numpy(np.float64), frame[name].to_numpy(np.float64)
    except (OSError, ValueError, KeyError, IndexError) as problem:
        raise InvalidInput(
            f"“{path.name}” cannot be read ({cause_of(problem)}): give an NPZ with “inputs” and “labels”, or "
            "a CSV of numbers whose last column is the label."
        ) from None
    if not 0 < len(inputs) == len(labels) <= MAX_RECORDS:
        raise InvalidInput(f"“{path.name}” has {len(inputs)} inputs for {len(labels)} labels.")
    return inputs, labels


def losses_of(said: Floats, labels: Floats) -> Floats:
    """Give the loss of each record: of the true class where the model gives classes, else the squared error.

    Parameters
    ----------
    said : ndarray, shape (records, outputs)
        Probabilities, scores or a value.
    labels : ndarray, shape (records,)
        Whole numbers from 0 for classes.
    """
    are_classes = bool(
        np.all(labels == np.round(labels)) and labels.min() >= 0 and labels.max() < max(2, said.shape[1])
    )
    if not are_classes:
        return np.asarray((said[:, 0] - labels) ** 2)
    chances = _chances(said)
    return np.asarray(-np.log(np.maximum(chances[np.arange(len(labels)), labels.astype(int)], LEAST)))


def _chances(said: Floats) -> Floats:
    """Turn scores into probabilities, unless they are such already."""
    if said.shape[1] == 1:
        one = said[:, 0]
        one = one if one.min() >= 0 and one.max() <= 1 else 1.0 / (1.0 + np.exp(-np.clip(one, -500, 500)))
        return np.stack([1.0 - one, one], axis=1)
    if said.min() >= 0 and np.allclose(said.sum(axis=1), 1.0, atol=1e-3):
        return said
    powers = np.exp(said - said.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _run(model: bytes, inputs: NDArray[np.float64]) -> Floats:
    with tempfile.TemporaryDirectory(prefix="membership-") as folder:
        job = Path(folder)
        (job / "out").mkdir(mode=0o700)
        (job / "model.onnx").write_bytes(model)
        np.save(job / "inputs.npy", inputs, allow_pickle=False)
        command = bwrap_command(
            [sys.executable, "-I", str(Path(__file__).with_name("model_runner.py")), str(MEMORY_MIB), str(CPU_SECONDS)],
            read_only={f"{JOB}/model.onnx": job / "model.onnx", f"{JOB}/inputs.npy": job / "inputs.npy"},
            binds={f"{JOB}/out": job / "out"}, devices=False,
        )  # fmt: skip
        try:
            done = subprocess.run(  # noqa: S603 - our own command line, no shell
                command, stdin=subprocess.DEVNULL, capture_output=True, cwd="/", env=sandbox_environment(),
                timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise RunFailed(f"The model took longer than {SECONDS} s; give fewer records.") from None
        answer = job / "out" / "said.npy"
        if done.returncode or answer.is_symlink() or not answer.is_file():
            raise RunFailed("The model does not run on these records; it must take one input of their shape.")
        said = np.load(io.BytesIO(answer.read_bytes()), allow_pickle=False)
    if said.ndim != 2 or len(said) != len(inputs) or not np.isfinite(said).all():
        raise RunFailed("The model does not give finite numbers for each record, so its losses cannot be told.")
    return np.asarray(said, np.float64)
