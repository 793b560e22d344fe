"""What an ONNX file hides: other files, foreign operators, texts, data among the weights, rows of training data.

The file is parsed and walked; nothing of it is run.

Runs in: anywhere
Source: ONNX IR version 10 (onnx.proto); ai.onnx.ml operators (SVM, tree ensembles) keep rows and leaves in attributes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.airlock.findings import Hit
from workbench.airlock.scanners.tensors import hits_in_tensor
from workbench.errors import MissingDependency

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
MAX_NODES, MAX_DEPTH, MAX_TEXT = 20_000, 8, 300
# Operators whose attributes are training rows themselves, and those that look rows up.
KEEPS_ROWS = {"SVMClassifier": "support_vectors", "SVMRegressor": "support_vectors"}
LOOKS_UP = {"Gather", "GatherND", "GatherElements", "EmbeddingBag"}
NEAREST = {"TopK", "ArgMin"}
TREES = {"TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble"}
MANY_ROWS, SMALL_LEAF = 10, 10

Placed = tuple[str, Hit]


def hits_in_onnx(content: bytes, *, subjects: int | None = None) -> tuple[int, list[Placed]]:
    """Give how many numbers an ONNX file holds, and what it carries beside a network.

    Raises
    ------
    ValueError
        When it is not an ONNX file.
    MissingDependency
        When the package onnx is not installed.
    """
    model = _parse(content)
    graphs = list(_graphs(model.graph, MAX_DEPTH))
    nodes = [node for graph in graphs for node in graph.node]
    if len(nodes) > MAX_NODES or len(graphs) > MAX_NODES:
        return 0, [("graph", Hit("unreadable", f"More than {MAX_NODES:,} nodes, so nobody can judge it."))]
    placed = [*_file(model, content), *_texts(model, graphs)]
    is_quantised = any(node.op_type in ("QuantizeLinear", "DequantizeLinear", "QLinearConv") for node in nodes)
    parameters = 0
    for graph in graphs:
        for place, tensor in _tensors(graph):
            if tensor.external_data or tensor.data_location == tensor.EXTERNAL:
                placed.append((place, Hit("external-data", "Weights in another file; save the model in one file.")))
                continue
            values = _values(tensor)
            if values is None:
                placed.append((place, Hit("data-in-weights", "Texts among the weights; save the network alone.")))
                continue
            parameters += values.size
            placed += [(place, hit) for hit in hits_in_tensor(values, is_quantised=is_quantised)]
        placed += _unused(graph)
    for node in nodes:
        parameters += sum(len(attribute.floats) for attribute in node.attribute)
        placed += [(f"node {node.op_type[:40]}", hit) for hit in _structure(node, subjects)]
    placed += _neighbours(graphs)
    return parameters, placed


def _parse(content: bytes) -> ModelProto:
    try:
        import onnx  # noqa: PLC0415 - heavy, loaded on first use
        from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415 - comes with onnx
            DecodeError,
        )
    except ImportError as problem:
        raise MissingDependency(
            f"The check of a model needs onnx ({problem}): `pip install ai4h-workbench[train]`."
        ) from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise ValueError("no ONNX") from None
    if not model.graph.node:
        raise ValueError("no graph")
    return model


def _file(model: ModelProto, content: bytes) -> Iterator[Placed]:
    if len(model.functions) or len(model.training_info):
        yield "file", Hit("active-content", "Local functions or training information; export the network alone.")
    foreign = {entry.domain for entry in model.opset_import} - DOMAINS
    if foreign:
        yield "file", Hit("foreign-operator", "Operators that are not standard; export it with standard ones.")
    known = type(model)()
    known.CopyFrom(model)
    known.DiscardUnknownFields()
    # Parsing keeps what it does not know, and repeats are merged: bytes that are gone now were never part of a model.
    if len(known.SerializeToString()) < len(content):
        yield "file", Hit("hidden-bytes", "Bytes that belong to no part of a model; export it again.")


def _graphs(graph: GraphProto, depth: int) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                if depth:
                    yield from _graphs(inner, depth - 1)
                else:
                    raise ValueError("graphs nested too deep")


def _texts(model: ModelProto, graphs: list[GraphProto]) -> Iterator[Placed]:
    """Find texts: none is needed to run a network, apart from the names of classes and of nodes."""
    said = [model.doc_string, *_entries(model)]
    for graph in graphs:
        said += [graph.doc_string, *_entries(graph)]
        said += [part.doc_string for part in (*graph.node, *graph.initializer, *graph.input, *graph.output)]
        for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
            said += _entries(part)
    if any(said):
        yield "metadata", Hit("metadata", "Descriptions inside the file, which nobody sees; export it without them.", (
            "stop" if sum(map(len, said)) > MAX_TEXT else "look"
        ))  # fmt: skip
    for graph in graphs:
        for node in graph.node:
            if node.domain not in DOMAINS:
                yield f"node {node.op_type[:40]}", Hit("foreign-operator", "An operator that is not standard.")
            texts = [text for one in node.attribute for text in ([one.s] if one.s else []) + list(one.strings)]
            if sum(map(len, texts)) > MAX_TEXT or any(not text.isascii() for text in texts):
                yield f"node {node.op_type[:40]}", Hit("metadata", "A text among its settings that is none of them.")
        names = [*(tensor.name for tensor in graph.initializer), *(node.name for node in graph.node)]
        if any(len(name) > MAX_TEXT for name in names):
            yield "names", Hit("metadata", "A name that carries more than a name; rename it.")


def _entries(part: Any) -> list[str]:
    """Give the keys and the values of a part's metadata: a row can hide in either."""
    return [text for entry in part.metadata_props for text in (entry.key, entry.value)]


def _tensors(graph: GraphProto) -> Iterator[tuple[str, Any]]:
    for tensor in graph.initializer:
        yield f"weights {tensor.name[:60]}", tensor
    sparse = list(graph.sparse_initializer)
    for node in graph.node:
        for attribute in node.attribute:
            for tensor in ([attribute.t] if attribute.HasField("t") else []) + list(attribute.tensors):
                yield f"node {node.op_type[:40]}", tensor
            sparse += [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
            sparse += list(attribute.sparse_tensors)
    for pair in sparse:
        yield "sparse weights", pair.values


def _values(tensor: Any) -> np.ndarray[Any, Any] | None:
    from onnx import numpy_helper  # noqa: PLC0415 - heavy, loaded on first use

    if tensor.data_type == tensor.STRING:
        return None
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError):
        raise ValueError("a malformed tensor") from None


def _unused(graph: GraphProto) -> Iterator[Placed]:
    """Find weights that no node reads, or that leave as they are: what lies there is not a network."""
    read = Counter(name for inner in _graphs(graph, MAX_DEPTH) for node in inner.node for name in node.input)
    outputs = {value.name for value in graph.output}
    for tensor in graph.initializer:
        if tensor.name in outputs or not read[tensor.name]:
            yield (
                f"weights {tensor.name[:60]}",
                Hit("data-in-weights", "Weights that no node uses; export the network alone."),
            )


def _structure(node: NodeProto, subjects: int | None) -> Iterator[Hit]:
    if node.op_type in KEEPS_ROWS and node.domain == "ai.onnx.ml":
        yield Hit(
            "keeps-rows", "A support vector machine, whose vectors are rows of its training data; fit another kind."
        )
    if node.op_type in TREES:
        leaves, trees, fewest = _leaves(node)
        if fewest is not None and fewest < SMALL_LEAF:
            yield Hit(
                "small-leaf", f"A leaf that {fewest:g} records fell into; fit it with at least {SMALL_LEAF} in a leaf."
            )
        elif subjects is not None and leaves > trees * subjects / SMALL_LEAF:
            yield Hit("small-leaf", f"{leaves} leaves in {trees} trees for {subjects} subjects; limit the leaves.")
        else:
            yield Hit("small-leaf", f"{leaves} leaves in {trees} trees; check how many records fell into each.", "look")


def _leaves(node: NodeProto) -> tuple[int, int, float | None]:
    """Give the leaves and trees of an ensemble, and the smallest number of records in one, where the file says it."""
    settings = {attribute.name: attribute for attribute in node.attribute}
    modes = [mode.decode("latin-1") for mode in settings["nodes_modes"].strings] if "nodes_modes" in settings else []
    trees = len(set(settings["nodes_treeids"].ints)) if "nodes_treeids" in settings else 1
    rates = list(settings["nodes_hitrates"].floats) if "nodes_hitrates" in settings else []
    at = [rate for rate, mode in zip(rates, modes, strict=False) if mode == "LEAF"]
    fewest = min(at) if at and max(rates) > 1 else None
    return modes.count("LEAF"), max(1, trees), fewest


def _neighbours(graphs: list[GraphProto]) -> Iterator[Placed]:
    """Find models that compare with rows they keep, or look rows up by number."""
    for graph in graphs:
        sizes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
        kinds = {node.op_type for node in graph.node}
        rows = max((dims[0] for dims in sizes.values() if len(dims) == 2), default=0)
        if (
            kinds & NEAREST
            and rows >= MANY_ROWS
            and kinds & {"Sub", "Pow", "ReduceSumSquare", "CDist", "Gemm", "MatMul"}
        ):
            if kinds & {"ReduceSumSquare", "CDist", "Pow"} or {"Sub", "Sqrt"} <= kinds or {"Sub", "Mul"} <= kinds:
                yield (
                    "graph",
                    Hit("keeps-rows", f"It seeks the nearest of {rows} rows that it keeps; fit another kind."),
                )
        for node in graph.node:
            table = sizes.get(node.input[0], []) if node.input and node.op_type in LOOKS_UP else []
            if len(table) >= 2 and table[0] >= MANY_ROWS:
                yield (
                    f"weights {node.input[0][:60]}",
                    Hit(
                        "looks-up-rows",
                        f"A table of {table[0]} rows that are looked up by number; check that a row is no subject.",
                        "look",
                    ),
                )
