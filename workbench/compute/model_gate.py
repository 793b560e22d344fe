"""Looks at an ONNX file before any runtime does, and refuses what could reach outside itself.

Nothing of the file is executed or loaded here: it is parsed and walked. The evaluator of the hidden test and
`workbench infer` both ask this gate.

Runs in: anywhere
Source: ONNX IR version 13 (onnx.proto): external data, local functions, operator domains, subgraphs, training and
device configurations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import InvalidInput, MissingDependency

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
OUTPUT = "probability"


@dataclass(frozen=True)
class Shapes:
    """What a model takes and gives: the sizes of both (None for any), and how a person says it."""

    takes: tuple[int | None, ...]
    gives: int
    says: str


SHAPES = {
    "patches": Shapes((None, 1, 32, 32, 32), 1, "patches of shape (n, 1, 32, 32, 32) and give (n,)"),
    "sections": Shapes((None, 1, 128, 128), 3, "sections of shape (n, 1, 128, 128) and give (n, 128, 128)"),
    "volume": Shapes((1, 1, None, None, None), 5, "a volume of shape (1, 1, z, y, x) and give the same"),
}
MAX_NODES = 10_000
MAX_DEPTH = 8


def parse_onnx(content: bytes) -> ModelProto:
    """Parse an ONNX file; nothing of it is run.

    Raises
    ------
    InvalidInput
        When it is not an ONNX file with a graph.
    MissingDependency
        When the package onnx is not installed.
    """
    try:
        import onnx  # noqa: PLC0415 - heavy, loaded on first use
        from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with onnx
            DecodeError,
        )
    except ImportError as problem:
        raise MissingDependency(
            f"The check of a model needs onnx ({problem}): `pip install ai4h-workbench[train]`."
        ) from None
    parsed = onnx.ModelProto()
    try:
        parsed.ParseFromString(content)
    except DecodeError:
        raise refused("it is not an ONNX file") from None
    if not parsed.graph.node:
        raise refused("it is not an ONNX file with a graph")
    return parsed


def check_model(content: bytes, *, max_bytes: int, forms: Collection[str] = tuple(SHAPES)) -> str:
    """Refuse an ONNX file that breaks a rule of the gate, and give the name of its form, which is that of its input.

    Parameters
    ----------
    content : bytes
        The file.
    max_bytes : int
        How large it may be.
    forms : collection of str
        Which of `patches`, `sections` and `volume` it may take.

    Raises
    ------
    InvalidInput
        With the code ``model-refused`` and the rule.
    """
    if not 0 < len(content) <= max_bytes:
        raise refused(f"it has {len(content)} bytes; 1 to {max_bytes} are allowed")
    parsed = parse_onnx(content)
    for name, present in (
        ("local functions", parsed.functions), ("training information", parsed.training_info),
        ("configurations of devices", getattr(parsed, "configuration", ())),
    ):  # fmt: skip
        if len(present):
            raise refused(f"it holds {name}, which are not allowed")
    if {entry.domain for entry in parsed.opset_import} - DOMAINS:
        raise refused("it imports an operator domain that is not standard; only ONNX's own are allowed")
    nodes = 0
    for graph in _graphs(parsed.graph, MAX_DEPTH):
        nodes += len(graph.node)
        if nodes > MAX_NODES:
            raise refused(f"it has more than {MAX_NODES} nodes")
        if any(node.domain not in DOMAINS for node in graph.node):
            raise refused("it uses an operator that is not a standard one")
        for tensor in _tensors(graph):
            if tensor.external_data or tensor.data_location == tensor.EXTERNAL:
                raise refused("it refers to data outside the file; save it with its weights inside")
    return _form(parsed, tuple(forms))


def refused(rule: str) -> InvalidInput:
    """Give the error of a model that breaks a rule."""
    return InvalidInput(f"This model is refused: {rule}.", code="model-refused")


def _graphs(graph: GraphProto, depth: int) -> Iterator[GraphProto]:
    """Give a graph and every graph inside its nodes."""
    if depth == 0:
        raise refused(f"its graphs are nested more than {MAX_DEPTH} deep")
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
        raise refused(f"it must have one input “{'” or “'.join(names)}” and one output “{OUTPUT}”")
    form = SHAPES[inputs[0].name]
    takes, gives = inputs[0].type.tensor_type, outputs[0].type.tensor_type
    if takes.elem_type != 1 or gives.elem_type != 1:  # TensorProto.FLOAT
        raise refused("input and output must be float32")
    sizes = _sizes(takes)
    # An axis of any size must have no size in the file: the items are not known when it is made.
    fits = len(sizes) == len(form.takes) and all(
        size == want if want is not None else size is None for size, want in zip(sizes, form.takes, strict=True)
    )
    if not fits or (gives.HasField("shape") and len(_sizes(gives)) != form.gives):
        raise refused(f"it must take {form.says}")
    return str(inputs[0].name)


def _sizes(tensor_type: Any) -> tuple[int | None, ...]:
    sizes = tensor_type.shape.dim
    return tuple(size.dim_value if size.HasField("dim_value") else None for size in sizes)
