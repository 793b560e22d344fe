"""Looks at a submitted ONNX file before any runtime does, and refuses what could reach outside itself.

Nothing of the file is executed or loaded here: it is parsed and walked.

Runs in: evaluator
Source: ONNX IR version 13 (onnx.proto): external data, local functions, operator domains, subgraphs, training and
device configurations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import MissingDependency, SubmissionRefused

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
OUTPUT = "probability"


@dataclass(frozen=True)
class Form:
    """What a model takes and gives: the sizes of both (None for any), and how a person says it."""

    takes: tuple[int | None, ...]
    gives: int
    says: str


FORMS = {
    "patches": Form((None, 1, 32, 32, 32), 1, "patches of shape (n, 1, 32, 32, 32) and give (n,)"),
    "sections": Form((None, 1, 128, 128), 3, "sections of shape (n, 1, 128, 128) and give (n, 128, 128)"),
    "volume": Form((1, 1, None, None, None), 5, "a volume of shape (1, 1, z, y, x) and give the same"),
}
FORMS_OF_KIND = {"detection3d": ("patches",), "binary": ("patches",), "segmentation3d": ("sections", "volume")}
MAX_NODES = 10_000
MAX_DEPTH = 8


def check_model(model: bytes, *, max_bytes: int, kind: str = "detection3d") -> str:
    """Refuse an ONNX file that breaks a rule of the gate, and give the name of its form, which is that of its input.

    Parameters
    ----------
    model : bytes
        The file.
    max_bytes : int
        The task's limit.
    kind : str
        The task's kind: what the model must take and give.

    Raises
    ------
    SubmissionRefused
        With the code MODEL_REFUSED and the rule.
    """
    if not 0 < len(model) <= max_bytes:
        raise _refused(f"it has {len(model)} bytes; 1 to {max_bytes} are allowed")
    if kind not in FORMS_OF_KIND:
        raise _refused("this task takes no ONNX models; send predictions or a folder with predict.py")
    parsed = _parse(model)
    for name, present in (
        ("local functions", parsed.functions), ("training information", parsed.training_info),
        ("configurations of devices", getattr(parsed, "configuration", ())),
    ):  # fmt: skip
        if len(present):
            raise _refused(f"it holds {name}, which are not allowed")
    if {entry.domain for entry in parsed.opset_import} - DOMAINS:
        raise _refused("it imports an operator domain that is not standard; only ONNX's own are allowed")
    nodes = 0
    for graph in _graphs(parsed.graph, MAX_DEPTH):
        nodes += len(graph.node)
        if nodes > MAX_NODES:
            raise _refused(f"it has more than {MAX_NODES} nodes")
        if any(node.domain not in DOMAINS for node in graph.node):
            raise _refused("it uses an operator that is not a standard one")
        for tensor in _tensors(graph):
            if tensor.external_data or tensor.data_location == tensor.EXTERNAL:
                raise _refused("it refers to data outside the file; save it with its weights inside")
    return _form(parsed, FORMS_OF_KIND[kind])


def _parse(model: bytes) -> ModelProto:
    try:
        import onnx  # noqa: PLC0415 - heavy, loaded on first use
        from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with onnx
            DecodeError,
        )
    except ImportError as problem:
        raise MissingDependency(f"Evaluation needs onnx ({problem}): `pip install ai4h-workbench[train]`.") from None
    parsed = onnx.ModelProto()
    try:
        parsed.ParseFromString(model)
    except DecodeError:
        raise _refused("it is not an ONNX file") from None
    if not parsed.graph.node:
        raise _refused("it is not an ONNX file with a graph")
    return parsed


def _graphs(graph: GraphProto, depth: int) -> Iterator[GraphProto]:
    """Give a graph and every graph inside its nodes."""
    if depth == 0:
        raise _refused(f"its graphs are nested more than {MAX_DEPTH} deep")
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from _graphs(inner, depth - 1)


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """Give every tensor that a graph itself holds: weights, sparse weights, and constants in attributes."""
    yield from graph.initializer
    sparse = list(graph.sparse_initializer)
    for node in graph.node:
        for attribute in node.attribute:
            yield from ([attribute.t] if attribute.HasField("t") else []) + list(attribute.tensors)
            sparse += ([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []) + list(
                attribute.sparse_tensors
            )
    for tensor in sparse:
        yield tensor.values
        yield tensor.indices


def _form(model: ModelProto, names: tuple[str, ...]) -> str:
    weights = {tensor.name for tensor in model.graph.initializer}
    weights |= {sparse.values.name for sparse in model.graph.sparse_initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    outputs = list(model.graph.output)
    if len(inputs) != 1 or inputs[0].name not in names or [value.name for value in outputs] != [OUTPUT]:
        raise _refused(f"it must have one input “{'” or “'.join(names)}” and one output “{OUTPUT}”")
    form = FORMS[inputs[0].name]
    takes, gives = inputs[0].type.tensor_type, outputs[0].type.tensor_type
    if takes.elem_type != 1 or gives.elem_type != 1:  # TensorProto.FLOAT
        raise _refused("input and output must be float32")
    sizes = _sizes(takes)
    # An axis of any size must have no size in the file: the items are not known when it is made.
    fits = len(sizes) == len(form.takes) and all(
        size == want if want is not None else size is None for size, want in zip(sizes, form.takes, strict=True)
    )
    if not fits or (gives.HasField("shape") and len(_sizes(gives)) != form.gives):
        raise _refused(f"it must take {form.says}")
    return str(inputs[0].name)


def _sizes(tensor_type: Any) -> tuple[int | None, ...]:
    sizes = tensor_type.shape.dim
    return tuple(size.dim_value if size.HasField("dim_value") else None for size in sizes)


def _refused(rule: str) -> SubmissionRefused:
    return SubmissionRefused(f"This model is refused: {rule}.", code="MODEL_REFUSED")
