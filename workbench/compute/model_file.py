"""A model that travels: ONNX with a few facts of where it comes from, read back and held against what was written.

The facts are short, so that the airlock lets the file pass: task, data version, seed, the SHA-256 of the weights
that were trained, what an input is, and a SHA-256 of the network in the file.

Runs in: anywhere
Source: ONNX IR version 13 (onnx.proto), `metadata_props`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.compute.model_gate import check_model, parse_onnx, refused
from workbench.errors import IntegrityError, InvalidInput, NotFound, cause_of
from workbench.imaging.sections import SECTION_PIXEL_MM

if TYPE_CHECKING:
    from onnx import ModelProto

MOST_BYTES = 2**29
KEYS = ("task", "data", "seed", "fingerprint", "input", "network")
# What an input is, in words short enough for the file; another text means another way of making inputs.
INPUTS = {
    "patches": "32x32x32 voxels of {:g} mm, HU -1000..400 as 0..1",
    "sections": "128x128 pixels of {:g} mm, HU -1000..400 as 0..1",
}
SPACINGS_MM = {"patches": (0.1, 10.0), "sections": (SECTION_PIXEL_MM, SECTION_PIXEL_MM)}
OF_PATCHES_MM = 1.25
SPACING = re.compile(r" of ([0-9.]{1,9}) mm, ")
NETWORK_DIGITS = 32


@dataclass(frozen=True)
class ModelFile:
    """An exported model that passed every check.

    Parameters
    ----------
    content : bytes
        The ONNX file.
    form : str
        What it looks at: `patches` or `sections`.
    task, data : str
        What it was trained for, and on which version of which dataset (empty where that was not known).
    seed : int
        The seed of its training.
    fingerprint : str
        SHA-256 (hex) of the trained weights, as `TrainedModel.fingerprint` gives it.
    spacing_mm : float
        Of an input's voxels or pixels.
    """

    content: bytes = field(repr=False)
    form: str
    task: str
    data: str
    seed: int
    fingerprint: str
    spacing_mm: float = OF_PATCHES_MM

    @property
    def input(self) -> str:
        """What an input is, in words."""
        return INPUTS[self.form].format(self.spacing_mm)

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the file."""
        return hashlib.sha256(self.content).hexdigest()


def with_facts(content: bytes, form: str, facts: Mapping[str, str], *, spacing_mm: float = OF_PATCHES_MM) -> bytes:
    """Give an ONNX file with its facts written into it; equal models give equal bytes.

    Parameters
    ----------
    content : bytes
        As `TrainedModel.to_onnx` gives it.
    form : str
        `patches` or `sections`.
    facts : mapping of str to str
        `task`, `data`, `seed` and `fingerprint`.
    spacing_mm : float
        Of a patch's voxels; sections always have pixels of 3 mm.
    """
    model = parse_onnx(content)
    # What the exporter says of itself is no part of the model; the airlock takes such texts for hidden ones.
    model.doc_string = ""
    _strip(model)
    del model.metadata_props[:]
    step_mm = spacing_mm if form == "patches" else SECTION_PIXEL_MM
    for key, value in {**facts, "input": INPUTS[form].format(step_mm), "network": network_digest(model)}.items():
        model.metadata_props.add(key=key, value=value)
    return bytes(model.SerializeToString(deterministic=True))


def read_model(path: Path | str) -> ModelFile:
    """Read an exported model; nothing of it is run.

    Parameters
    ----------
    path : Path or str
        The ``.onnx`` file. Where its ``card.json`` lies beside it, the two must belong together.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidInput
        When it is no ONNX file, breaks a rule of the gate, or was not exported by `TrainedModel.export`.
    IntegrityError
        When the file or its card is not what was written.
    """
    file = Path(path)
    try:
        content = file.read_bytes() if file.stat().st_size <= MOST_BYTES else b""
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no model file “{file.name}”; check the path.") from None
    except OSError as problem:
        raise InvalidInput(f"The model file “{file.name}” cannot be read: {cause_of(problem)}.") from None
    model = check_exported(content)
    card = card_path(file)
    if card.is_file():
        _compare(card, model)
    return model


def check_exported(content: bytes) -> ModelFile:
    """Give the model in the bytes of an exported file; refuse what breaks a rule, is damaged or comes from elsewhere.

    Raises
    ------
    InvalidInput
        With the code ``model-refused`` and the rule.
    IntegrityError
        When the network is not the one that was written.
    """
    form = check_model(content, max_bytes=MOST_BYTES, forms=tuple(INPUTS))
    model = parse_onnx(content)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    if set(facts) != set(KEYS) or len(model.metadata_props) != len(KEYS):
        raise refused(
            "it does not say what it was trained for and what its inputs are; export it with `model.export(path)`"
        )
    spacing_mm = _spacing_mm(facts["input"], form)
    if spacing_mm is None or not facts["seed"].isdecimal():
        raise refused("its inputs are made in another way than this release makes them; export it again")
    if facts["network"] != network_digest(model):
        raise IntegrityError(
            "The network in this model file is not the one that was exported: the file is damaged or was changed; "
            "copy or export it again.", code="model-damaged",
        )  # fmt: skip
    return ModelFile(content, form, facts["task"], facts["data"], int(facts["seed"]), facts["fingerprint"], spacing_mm)


def card_path(path: Path, ending: str = ".json") -> Path:
    """Give where the card of a model lies: ``nodules.onnx`` has ``nodules.card.json`` and ``nodules.card.md``."""
    return path.with_name(f"{path.name.removesuffix('.onnx')}.card{ending}")


def network_digest(model: ModelProto) -> str:
    """Give the first digits of the SHA-256 (hex) of a model without its metadata."""
    bare = type(model)()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()[:NETWORK_DIGITS]


def _spacing_mm(told: str, form: str) -> float | None:
    """Give the spacing of inputs that are made as this release makes them, else None."""
    found = SPACING.search(told)
    try:
        step_mm = float(found[1]) if found else 0.0
    except ValueError:
        return None
    low, high = SPACINGS_MM[form]
    return step_mm if low <= step_mm <= high and INPUTS[form].format(step_mm) == told else None


def _strip(model: ModelProto) -> None:
    """Take away what the exporter notes at nodes and values, such as lines of source files."""
    graph = model.graph
    graph.doc_string = ""
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info):
        part.doc_string = ""
        del part.metadata_props[:]


def _compare(card: Path, model: ModelFile) -> None:
    try:
        said = json.loads(card.read_text())
        sha256 = said["model"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise IntegrityError(
            f"The card “{card.name}” beside the model cannot be read; copy it again, or take it away."
        ) from None
    if sha256 != model.sha256:
        raise IntegrityError(
            f"The card “{card.name}” describes another model than the file beside it; copy both again.",
            code="model-damaged",
        )
