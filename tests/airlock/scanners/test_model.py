"""Models leave as safetensors or ONNX, with weights in them and nothing else."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from tests.airlock.scanners.leaks import CSV, body
from workbench.airlock.findings import ScanContext
from workbench.airlock.scan import scan_file
from workbench.errors import InvalidInput

RNG = np.random.default_rng(5)
WEIGHTS = {"a.weight": RNG.normal(0, 0.1, (64, 80)).astype(np.float32), "a.bias": np.zeros(64, np.float32)}
PLAIN = save(WEIGHTS)


def stops(name: str, content: bytes, subjects: int | None = None) -> set[str]:
    return {found.rule for found in scan_file(name, content, ScanContext(subjects=subjects)) if found.is_stop}


def edited(change: Callable[[dict[str, Any]], None], tail: bytes = b"") -> bytes:
    """Give the plain file with another header."""
    size = struct.unpack("<Q", PLAIN[:8])[0]
    header = json.loads(PLAIN[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + PLAIN[8 + size :] + tail


def model(*nodes: Any, weights: dict[str, Any] | None = None, domain: str = "", **parts: Any) -> bytes:
    """Give an ONNX file of one or more nodes between x and y."""
    made = nodes or (helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1),)
    kept = {"w": WEIGHTS["a.weight"], "b": WEIGHTS["a.bias"]} if weights is None else weights
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, size]) for name, size in (("x", 80), ("y", 64))
    ]
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in kept.items()]
    graph = helper.make_graph(list(made), "net", ends[:1], ends[1:], held)
    sets = [helper.make_opsetid("", 21), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return bytes(helper.make_model(graph, ir_version=10, opset_imports=sets, **parts).SerializeToString())


def outside() -> bytes:
    parsed = onnx.load_from_string(model())
    tensor = parsed.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    tensor.ClearField("raw_data")
    return bytes(parsed.SerializeToString())


def told() -> bytes:
    parsed = onnx.load_from_string(model())
    parsed.metadata_props.add(key="rows", value=CSV)
    return bytes(parsed.SerializeToString())


def keyed(part: str) -> bytes:
    """Give a model whose rows stand in the keys of its metadata, with nothing as their values."""
    parsed = onnx.load_from_string(model())
    held = {"file": parsed, "graph": parsed.graph, "node": parsed.graph.node[0], "weights": parsed.graph.initializer[0]}
    for row in (CSV * 3).splitlines():
        held[part].metadata_props.add(key=row)
    return bytes(parsed.SerializeToString())


def ml(kind: str, **settings: Any) -> Any:
    return helper.make_node(kind, ["x"], ["y"], domain="ai.onnx.ml", **settings)


TREE = {"nodes_treeids": [0, 0, 0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_hitrates": [30.0, 28.0, 2.0]}
W, B = WEIGHTS["a.weight"], WEIGHTS["a.bias"]
SLICES = np.stack([body()] * 2).astype(np.float32)
TEXTS = np.array(["P0001"], object)
NOISY = SLICES + RNG.normal(size=SLICES.shape)
ROWS = RNG.normal(size=(200, 80)).astype(np.float32)
FOREIGN = helper.make_node("Mine", ["x"], ["y"], domain="mine")
VECTORS = ml("SVMClassifier", support_vectors=[0.1] * 80)
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "pickle": ("m.pkl", pickle.dumps({"a": 1}), "model-format"),
    "torch archive": ("m.pt", b"PK\x03\x04", "model-format"),
    "joblib": ("m.joblib", b"\x80\x04", "model-format"),
    "HDF5": ("m.h5", b"\x89HDF", "model-format"),
    "safetensors with a tail": ("m.safetensors", PLAIN + CSV.encode(), "trailing-bytes"),
    "safetensors with facts": ("m.safetensors", save(WEIGHTS, {"rows": CSV}), "metadata"),
    "safetensors with pixels": ("m.safetensors", save({"w": SLICES / 255}), "data-in-weights"),
    "safetensors, noisy": ("m.safetensors", save({"w": NOISY}), "data-in-weights"),
    "safetensors with whole numbers": ("m.safetensors", save({"w": SLICES[0, :, ::-1].copy()}), "data-in-weights"),
    "safetensors with integers": ("m.safetensors", save({"w": body()}), "data-in-weights"),
    "safetensors with NaN": ("m.safetensors", save({"w": np.full(9, np.nan, np.float32)}), "data-in-weights"),
    "safetensors with rows as a name": ("m.safetensors", save({"P0001-" * 50: WEIGHTS["a.bias"]}), "metadata"),
    "ONNX with outside weights": ("m.onnx", outside(), "external-data"),
    "ONNX with facts": ("m.onnx", told(), "metadata"),
    "ONNX with a foreign operator": ("m.onnx", model(FOREIGN, domain="mine"), "foreign-operator"),
    "ONNX with unknown bytes": ("m.onnx", model() + b"\xfa\x3e\x05hello", "hidden-bytes"),
    "ONNX with a text": ("m.onnx", model(helper.make_node("Relu", ["x"], ["y"], mine=CSV)), "metadata"),
    "ONNX with texts as weights": ("m.onnx", model(weights={"w": W, "b": TEXTS}), "data-in-weights"),
    "ONNX with pixels": ("m.onnx", model(weights={"w": SLICES[0][:64, :80] / 255, "b": B}), "data-in-weights"),
    "ONNX with unused weights": ("m.onnx", model(weights={"w": W, "b": B, "c": np.ones(9)}), "data-in-weights"),
    "support vectors": ("m.onnx", model(VECTORS, weights={}, domain="ai.onnx.ml"), "keeps-rows"),
    "small leaf": ("m.onnx", model(ml("TreeEnsembleRegressor", **TREE), weights={}, domain="ai.onnx.ml"), "small-leaf"),
    "nearest neighbours": ("m.onnx", model(
        helper.make_node("Sub", ["x", "w"], ["d"]), helper.make_node("ReduceSumSquare", ["d"], ["s"]),
        helper.make_node("TopK", ["s", "k"], ["y", "i"]),
        weights={"w": ROWS, "k": np.array([5])},
    ), "keeps-rows"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_plain_network_is_stopped(case: str) -> None:
    name, content, rule = REFUSED[case]
    assert rule in stops(name, content)


@pytest.mark.parametrize("part", ["file", "graph", "node", "weights"])
def test_rows_in_the_keys_of_metadata_are_stopped(part: str) -> None:
    assert "metadata" in stops("m.onnx", keyed(part))


def test_a_short_note_of_what_a_model_is_is_looked_at() -> None:
    parsed = onnx.load_from_string(model())
    parsed.metadata_props.add(key="task", value="lung-nodule-detection")
    found = {one.rule: one.is_stop for one in scan_file("m.onnx", bytes(parsed.SerializeToString()))}
    assert found["metadata"] is False


def test_plain_weights_pass_and_ask_for_a_membership_test() -> None:
    for name, content in (("m.safetensors", PLAIN), ("m.onnx", model())):
        found = scan_file(name, content)
        assert {finding.rule for finding in found} == {"no-evaluation", "capacity"}
        assert not any(finding.is_stop for finding in found)


def test_leaves_are_weighed_against_the_subjects() -> None:
    tree = {**TREE, "nodes_modes": ["LEAF"] * 30, "nodes_treeids": [0] * 30, "nodes_hitrates": [1.0] * 30}
    content = model(ml("TreeEnsembleClassifier", **tree), weights={}, domain="ai.onnx.ml")
    assert stops("m.onnx", content, subjects=100) == {"small-leaf"}
    assert stops("m.onnx", content, subjects=1000) == set()


def test_an_evaluation_of_another_model_stops() -> None:
    other = b'{"form": "workbench-evaluation-1", "sha256": "0", "members": [], "others": []}'
    context = ScanContext(files={"m.onnx.evaluation.json": other})
    assert "evaluation" in {found.rule for found in scan_file("m.onnx", model(), context) if found.is_stop}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.onnx", b"\x80\x04 pickle"),
        ("m.onnx", b""),
        ("m.safetensors", b"short"),
        ("m.safetensors", struct.pack("<Q", 2**60) + b"{}"),
        ("m.safetensors", edited(lambda header: header["a.bias"].update(shape=[63]))),
        ("m.safetensors", edited(lambda header: header["a.bias"].update(dtype="PICKLE"))),
        ("m.safetensors", edited(lambda header: header["a.bias"].update(data_offsets=[8, 264]))),
    ],
    ids=["pickle", "empty", "short", "huge header", "other shape", "unknown type", "overlap"],
)
def test_what_is_no_model_is_refused(name: str, content: bytes) -> None:
    try:
        assert stops(name, content)
    except InvalidInput as refused:
        assert "not a readable model" in refused.message
