"""What training gives: weights that predict, explain how they came about, and travel as ONNX.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.compute.curve import curve_html
from workbench.compute.network import Mirrored
from workbench.errors import InvalidInput

BATCH = 64


@dataclass(frozen=True)
class Step:
    """One epoch of a run: its number from 1, and the mean loss over its batches."""

    epoch: int
    loss: float


@dataclass(frozen=True)
class TrainedModel:
    """A trained network.

    Parameters
    ----------
    task : str
        The id of the task it was trained for.
    network : torch.nn.Module
        The network, in evaluation mode, on the CPU.
    seed : int
        The seed of initialisation, order and augmentation.
    history : tuple of Step
        The loss of each epoch.
    patch : int
        The edge of the cubes it takes, voxels.
    """

    task: str
    network: torch.nn.Module = field(repr=False)
    seed: int
    history: tuple[Step, ...]
    examples: int
    positives: int
    patch: int = 32

    def predict(self, patches: NDArray[Any]) -> NDArray[np.float32]:
        """Give the probability that each patch is positive.

        Parameters
        ----------
        patches : ndarray, float32, shape (n, 1, 32, 32, 32)
            Values 0..1, as `imaging.extract_patches` makes them.

        Returns
        -------
        ndarray, float32, shape (n,)
            Probabilities, 0..1.

        Raises
        ------
        InvalidInput
            When the shape is another, or a value is not finite.
        """
        values = np.ascontiguousarray(patches, dtype=np.float32)
        if values.ndim != 5 or values.shape[1:] != (1, self.patch, self.patch, self.patch):
            raise InvalidInput(
                f"Patches must have the shape (n, 1, {self.patch}, {self.patch}, {self.patch}); got {values.shape}."
            )
        if not np.isfinite(values).all():
            raise InvalidInput("The patches hold values that are not finite; window the volume before cutting patches.")
        parts = [self._batch(values[start : start + BATCH]) for start in range(0, len(values), BATCH)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)

    def _batch(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            result: NDArray[np.float32] = Mirrored(self.network).eval()(torch.from_numpy(values)).numpy()
        return result

    def to_onnx(self) -> bytes:
        """Give the model as ONNX: input ``patches`` (n, 1, 32, 32, 32), output ``probability`` (n,)."""
        buffer = io.BytesIO()
        module = Mirrored(self.network).eval()
        sample = torch.zeros((2, 1, self.patch, self.patch, self.patch))
        with torch.no_grad(), warnings.catch_warnings():
            # The classic exporter needs no further package; it warns that it is no longer the default.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module, (sample,), buffer, input_names=["patches"], output_names=["probability"],
                dynamic_axes={"patches": {0: "n"}, "probability": {0: "n"}}, opset_version=17, dynamo=False,
            )  # fmt: skip
        return buffer.getvalue()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the weights in their order, so that two runs can be compared."""
        digest = hashlib.sha256()
        for name, tensor in self.network.state_dict().items():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        """Say what it is in one line."""
        return (
            f"<TrainedModel for {self.task}: {len(self.history)} epochs on {self.examples} patches "
            f"({self.positives} positive), seed {self.seed}, weights {self.fingerprint[:12]}>"
        )

    def _repr_html_(self) -> str:
        parameters = sum(tensor.numel() for tensor in self.network.parameters())
        head = (
            f"<b>Model for {self.task}</b><br>{parameters:,} weights · {self.examples:,} patches, "
            f"{self.positives:,} positive · seed {self.seed} · <code>{self.fingerprint[:12]}</code>"
        )
        return curve_html(head, [step.loss for step in self.history], len(self.history))
