"""What training gives: weights that predict, explain how they came about, and travel as ONNX.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.compute.curve import curve_html
from workbench.compute.export import export_model
from workbench.compute.model_card import Scored
from workbench.compute.model_file import ModelFile
from workbench.compute.network import Mirrored
from workbench.compute.section_network import Marked
from workbench.errors import InvalidInput

BATCH = 64


@dataclass(frozen=True)
class Form:
    """What a network looks at: the shapes of one input and of its answer, what asks it, and what makes inputs."""

    shape: tuple[int, ...]
    answer: tuple[int, ...]
    asked: type[Mirrored] | type[Marked]
    made_by: str


FORMS = {
    "patches": Form((1, 32, 32, 32), (), Mirrored, "imaging.extract_patches"),
    "sections": Form((1, 128, 128), (128, 128), Marked, "imaging.cut_sections"),
}


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
    examples, positives : int
        How many it learned from; of sections, `positives` counts those with a marked pixel.
    form : str
        What it looks at: `patches` or `sections`.
    data : str
        Which version of which dataset it learned from, such as ``chest-ct@0123456789abcdef``; empty when not known.
    spacing_mm : float
        Of the voxels of the patches that it learned from.
    edge : int
        Voxels along an edge of these patches.
    """

    task: str
    network: torch.nn.Module = field(repr=False)
    seed: int
    history: tuple[Step, ...]
    examples: int
    positives: int
    form: str = "patches"
    data: str = ""
    spacing_mm: float = 1.25
    edge: int = 32

    def predict(self, inputs: NDArray[Any]) -> NDArray[np.float32]:
        """Give the probability of each patch, or of each pixel of each section.

        Parameters
        ----------
        inputs : ndarray, float32, shape (n, 1, 32, 32, 32) of patches or (n, 1, 128, 128) of sections
            Values 0..1, as `imaging.extract_patches` and `imaging.cut_sections` make them.

        Returns
        -------
        ndarray, float32, shape (n,) for patches, (n, 128, 128) for sections
            Probabilities, 0..1.

        Raises
        ------
        InvalidInput
            When the shape is another, or a value is not finite.
        """
        values, form = np.ascontiguousarray(inputs, dtype=np.float32), FORMS[self.form]
        if values.shape[1:] != form.shape:
            wanted = ", ".join(map(str, form.shape))
            raise InvalidInput(
                f"{self.form.capitalize()} must have the shape (n, {wanted}), as {form.made_by} makes them; "
                f"got {values.shape}."
            )
        if not np.isfinite(values).all():
            raise InvalidInput(f"The {self.form} hold values that are not finite; make them by {form.made_by}.")
        parts = [self._batch(values[start : start + BATCH]) for start in range(0, len(values), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, *form.answer), dtype=np.float32)

    def _batch(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            asked = FORMS[self.form].asked(self.network).eval()
            result: NDArray[np.float32] = asked(torch.from_numpy(values)).numpy()
        return result

    def to_onnx(self) -> bytes:
        """Give the model as ONNX: input ``patches`` or ``sections`` as `predict` takes them, output ``probability``."""
        buffer, form = io.BytesIO(), FORMS[self.form]
        module = form.asked(self.network).eval()
        sample = torch.zeros((2, *form.shape))
        with torch.no_grad(), warnings.catch_warnings():
            # The classic exporter needs no further package; it warns that it is no longer the default.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module, (sample,), buffer, input_names=[self.form], output_names=["probability"],
                dynamic_axes={self.form: {0: "n"}, "probability": {0: "n"}}, opset_version=17, dynamo=False,
            )  # fmt: skip
        return buffer.getvalue()

    def export(
        self, path: Path | str, *, scores: Sequence[Scored], intended_use: str, limits: str, licence: str
    ) -> ModelFile:
        """Write the model as ONNX, with a card of what it is for, what it learned from and how well it does.

        Parameters
        ----------
        path : Path or str
            Must end in ``.onnx``; the card lies beside it as ``.card.md`` and ``.card.json``.
        scores : sequence of Score
            What `task.score(model)` gave; at least one, each with its 95 % interval.
        intended_use, limits, licence : str
            What it is for, where it must not be used, and under which terms others may use it.

        Returns
        -------
        ModelFile
            The file as it was read back and checked.

        Raises
        ------
        InvalidInput
            When the path or a text is not usable, or a score has no interval.

        Examples
        --------
        >>> model.export(
        ...     "nodules.onnx", scores=[task.score(model)], intended_use="Mark lung nodules for a second reader.",
        ...     limits="Trained on phantoms.", licence="CC-BY-4.0",
        ... )  # doctest: +SKIP
        """
        return export_model(self, path, scores=scores, intended_use=intended_use, limits=limits, licence=licence)

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
            f"<TrainedModel for {self.task}: {len(self.history)} epochs on {self.examples} {self.form} "
            f"({self.positives} positive), seed {self.seed}, weights {self.fingerprint[:12]}>"
        )

    def _repr_html_(self) -> str:
        parameters = sum(tensor.numel() for tensor in self.network.parameters())
        head = (
            f"<b>Model for {self.task}</b><br>{parameters:,} weights · {self.examples:,} {self.form}, "
            f"{self.positives:,} positive · seed {self.seed} · <code>{self.fingerprint[:12]}</code>"
        )
        return curve_html(head, [step.loss for step in self.history], len(self.history))
