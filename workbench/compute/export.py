"""Write a trained model as a file that travels, with its card beside it.

Runs in: kernel
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.compute.model_card import Scored, card_markdown, make_card
from workbench.compute.model_file import ModelFile, card_path, check_exported, read_model, with_facts
from workbench.errors import InvalidInput, cause_of

if TYPE_CHECKING:
    from workbench.compute.model import TrainedModel

EDGE = 32


def export_model(
    model: TrainedModel, path: Path | str, *, scores: Sequence[Scored], intended_use: str, limits: str, licence: str
) -> ModelFile:
    """Write a model as ONNX with its facts, and its card as Markdown and JSON; `TrainedModel.export` calls it.

    Parameters
    ----------
    model : TrainedModel
    path : Path or str
        Must end in ``.onnx``; ``.card.md`` and ``.card.json`` take its place beside it.
    scores : sequence of Score
        At least one, each with its interval.
    intended_use, limits, licence : str
        What it is for, where it must not be used, and under which terms others may use it.

    Returns
    -------
    ModelFile
        The file as it was read back and checked.

    Raises
    ------
    InvalidInput
        When the path or a text is not usable, a score is missing its interval, or the file cannot be written.
    """
    file = Path(path)
    if file.suffix != ".onnx":
        raise InvalidInput(f"A model is exported to a file whose name ends in .onnx, not to “{file.name}”.")
    if model.edge != EDGE and model.form == "patches":
        raise InvalidInput(
            f"Models for patches of {EDGE} voxels an edge are exported, and this one takes {model.edge}; save its "
            "weights as safetensors."
        )
    facts = {"task": model.task, "data": model.data, "seed": str(model.seed), "fingerprint": model.fingerprint}
    content = with_facts(_onnx_of(model), model.form, facts, spacing_mm=model.spacing_mm)
    made = check_exported(content)
    card = make_card(
        model=_model_row(model, made, file.name), training=_training_row(model), scores=scores,
        texts={"intended_use": intended_use, "limits": limits, "licence": licence},
    )  # fmt: skip
    _write(card_path(file, ".md"), card_markdown(card).encode())
    _write(card_path(file), (json.dumps(card, ensure_ascii=False, indent=1) + "\n").encode())
    _write(file, content)
    return read_model(file)


def _onnx_of(model: TrainedModel) -> bytes:
    try:
        return model.to_onnx()
    except RuntimeError as problem:
        # What torch says of it is long; its first line names the layer.
        reason = str(problem).strip().splitlines()[0][:200] if str(problem).strip() else type(problem).__name__
        raise InvalidInput(
            f"The network cannot be written as ONNX ({reason}); make it of layers that ONNX knows.",
            code="not-exportable",
        ) from None


def _model_row(model: TrainedModel, made: ModelFile, name: str) -> dict[str, Any]:
    return {
        "file": name, "sha256": made.sha256, "bytes": len(made.content), "task": made.task, "form": made.form,
        "input": made.input, "fingerprint": made.fingerprint,
        "parameters": sum(tensor.numel() for tensor in model.network.parameters()),
    }  # fmt: skip


def _training_row(model: TrainedModel) -> dict[str, Any]:
    return {
        "data": model.data, "examples": model.examples, "positives": model.positives, "seed": model.seed,
        "epochs": len(model.history), "last_loss": float(model.history[-1].loss) if model.history else 0.0,
    }  # fmt: skip


def _write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = file.with_name(f".{file.name}.part")
    try:
        beside.write_bytes(content)
        os.replace(beside, file)
    except OSError as problem:
        beside.unlink(missing_ok=True)
        raise InvalidInput(
            f"The file “{file.name}” cannot be written: {cause_of(problem)}; choose another folder."
        ) from None
