"""The check of an offered model: safetensors or ONNX, nothing that runs or hides, and no subject in its weights.

Runs in: anywhere
Source: safetensors format (header, contiguous buffer); Jagielski et al. 2020 and SACRO-ML (structural risk); the
membership test is in `airlock/membership.py`.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.airlock.findings import Finding, Hit, ScanContext
from workbench.airlock.membership import ENDING, read_evaluation
from workbench.airlock.scanners.onnx_file import hits_in_onnx
from workbench.airlock.scanners.prose import hits_in_text
from workbench.airlock.scanners.tensors import hits_in_tensor

Placed = Iterator[tuple[str, Hit]]
WIDTHS = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2,
    "U8": 1, "BOOL": 1,
}  # fmt: skip
NUMPY = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
MAX_HEADER, MAX_NAME = 2_000_000, 200
PLAIN_METADATA = {"format"}
# A model with more free parameters than this for each subject can keep every subject; it needs a membership test.
PARAMETERS_PER_SUBJECT = 1.0


def scan_model(name: str, content: bytes, context: ScanContext | None = None) -> list[Finding]:
    """Check one model, with the evaluation beside it if there is one.

    Raises
    ------
    ValueError
        When it is not what its name says.
    """
    known = context or ScanContext()
    suffix = "." + name.rsplit(".", 1)[-1].lower()
    if suffix not in (".safetensors", ".onnx"):
        return [_refused(suffix).at(name, "file")]
    if suffix == ".safetensors":
        parameters, placed = _safetensors(content)
    else:
        parameters, placed = hits_in_onnx(content, subjects=known.subjects)
    hits = [*placed, *_membership(name, content, known, parameters)]
    found: dict[str, Finding] = {}
    for place, hit in hits:
        found.setdefault(hit.rule, hit.at(name, place))
    return list(found.values())


def _refused(suffix: str) -> Hit:
    return Hit(
        "model-format", f"A {suffix} file can run code or hide data when it is opened; save safetensors or ONNX."
    )


def _safetensors(content: bytes) -> tuple[int, list[tuple[str, Hit]]]:
    """Walk a safetensors file: the header, its names, and that the tensors fill the file without a gap."""
    size = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else MAX_HEADER + 1
    if not 2 <= size <= min(MAX_HEADER, len(content) - 8):
        raise ValueError("no header of safetensors")
    header = json.loads(content[8 : 8 + size], object_pairs_hook=_once)
    if not isinstance(header, dict):
        raise ValueError("a malformed header")
    hits = list(_metadata(header.pop("__metadata__", {})))
    if not header:
        raise ValueError("no tensors")
    body, at, parameters = content[8 + size :], 0, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        kind, shape = entry["dtype"], entry["shape"]
        if (
            kind not in WIDTHS
            or end - begin != WIDTHS[kind] * math.prod(shape)
            or set(entry) != {"dtype", "shape", "data_offsets"}
        ):
            raise ValueError("a malformed tensor")
        if begin != at:
            hits.append(("file", Hit("hidden-bytes", "Bytes between the tensors that no tensor holds; save it again.")))
        at, parameters = end, parameters + math.prod(shape)
        if len(name) > MAX_NAME or any(hit.severity == "stop" for hit in hits_in_text(name)):
            hits.append(
                ("names of tensors", Hit("metadata", "A name that carries more than a name; rename the tensor."))
            )
        hits += [(f"tensor {name[:60]}", hit) for hit in hits_in_tensor(_values(body[begin:end], kind, shape))]
    if at != len(body):
        hits.append(("file", Hit("trailing-bytes", f"{len(body) - at:,} bytes behind the tensors; save it again.")))
    return parameters, hits


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name given twice")
    return dict(pairs)


def _metadata(metadata: Any) -> Placed:
    if not isinstance(metadata, Mapping) or set(metadata) - PLAIN_METADATA or len(json.dumps(metadata)) > 100:
        yield "metadata", Hit("metadata", "Metadata beside the weights, which nobody sees; save the weights alone.")


def _values(data: bytes, kind: str, shape: list[int]) -> NDArray[Any]:
    if kind == "BF16":
        wide = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(shape)
    return np.frombuffer(data, NUMPY[kind]).reshape(shape)


def _membership(name: str, content: bytes, known: ScanContext, parameters: int) -> Placed:
    """Judge the evaluation beside a model, and how much the model could remember."""
    beside, subjects = known.files.get(name + ENDING), known.subjects
    if beside is None:
        yield "evaluation", Hit("no-evaluation", (
            "No membership test lies beside it, so nobody knows whether it tells who was trained on: "
            "workbench scan MODEL --members FILE --others FILE --save writes one."
        ), "look")  # fmt: skip
    else:
        try:
            found, told = read_evaluation(beside, hashlib.sha256(content).hexdigest())
        except ValueError as problem:
            yield "evaluation", Hit("evaluation", f"Its evaluation does not hold ({problem}); write it again.")
            return
        subjects = subjects or told
        if found.is_told_apart:
            yield (
                "evaluation",
                Hit(
                    "membership",
                    f"Its loss tells who was trained on: {found}. Train it shorter, smaller or on more subjects.",
                ),
            )
        else:
            yield "evaluation", Hit("membership", f"Membership test: {found}.", "look")
    if subjects is not None and parameters > PARAMETERS_PER_SUBJECT * subjects:
        yield (
            "weights",
            Hit(
                "capacity",
                f"{parameters:,} numbers for {subjects:,} subjects: enough to remember them.",
                "look",
            ),
        )
    elif subjects is None:
        yield "weights", Hit("capacity", f"{parameters:,} numbers, and nobody said from how many subjects.", "look")
