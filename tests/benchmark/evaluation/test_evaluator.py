"""A stranger's model passes a gate and runs alone; what comes back is checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from workbench.benchmark.evaluation.evaluator import infer, read_answer
from workbench.benchmark.evaluation.onnx_gate import check_model
from workbench.benchmark.tasks.definition import task_definition
from workbench.errors import SubmissionRefused

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

LIMITS = task_definition("lung-nodule-detection").limits
PATCHES = np.random.default_rng(0).random((5, 1, 32, 32, 32), dtype=np.float32)
Nodes = list["onnx.NodeProto"]


def model_of(
    nodes: Nodes, weights: list[object] | None = None, *, gives: str = "probability", opset: int = 17
) -> object:
    takes = helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", 1, 32, 32, 32])
    answer = helper.make_tensor_value_info(gives, TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "model", [takes], [answer], weights or [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def mean_nodes(last: str = "probability") -> Nodes:
    return [helper.make_node("ReduceMean", ["patches"], [last], axes=[1, 2, 3, 4], keepdims=0)]


def mean_model() -> bytes:
    return model_of(mean_nodes()).SerializeToString()


def refused(model: object) -> str:
    content = model if isinstance(model, bytes) else model.SerializeToString()  # type: ignore[attr-defined]
    with pytest.raises(SubmissionRefused) as stop:
        check_model(content, max_bytes=2**20)
    assert stop.value.code == "MODEL_REFUSED"
    return stop.value.message


def test_a_plain_model_passes_the_gate_at_exactly_its_size() -> None:
    model = mean_model()
    assert check_model(model, max_bytes=len(model)) is None
    with pytest.raises(SubmissionRefused):
        check_model(model, max_bytes=len(model) - 1)


@pytest.mark.parametrize("content", [b"\x00\xff" * 40, b"PK\x03\x04", b"import os"])
def test_what_is_no_onnx_is_refused(content: bytes) -> None:
    assert "not an ONNX file" in refused(content)


@pytest.mark.parametrize("size", [0, 2**20 + 1])
def test_a_model_of_no_or_too_many_bytes_is_refused(size: int) -> None:
    assert f"it has {size} bytes" in refused(b"x" * size)


def external() -> object:
    tensor = numpy_helper.from_array(np.zeros(4, dtype=np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def test_external_data_are_refused() -> None:
    assert "outside the file" in refused(model_of(mean_nodes(), [external()]))


def test_external_data_in_a_constant_are_refused() -> None:
    nodes = [helper.make_node("Constant", [], ["w"], value=external()), *mean_nodes()]
    assert "outside the file" in refused(model_of(nodes))


def test_external_data_in_sparse_weights_are_refused() -> None:
    model = model_of(mean_nodes())
    model.graph.sparse_initializer.add().values.CopyFrom(external())  # type: ignore[attr-defined]
    assert "outside the file" in refused(model)


def test_external_data_in_a_subgraph_are_refused() -> None:
    inner = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "inner", [], [], [external()])
    nodes = [helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner), *mean_nodes()]
    assert "outside the file" in refused(model_of(nodes))


def test_a_foreign_operator_is_refused() -> None:
    nodes = [helper.make_node("Evil", ["patches"], ["probability"], domain="com.example")]
    assert "not a standard one" in refused(model_of(nodes))


def test_a_foreign_operator_domain_is_refused() -> None:
    model = model_of(mean_nodes())
    model.opset_import.append(helper.make_opsetid("com.example", 1))  # type: ignore[attr-defined]
    assert "operator domain" in refused(model)


def test_local_functions_are_refused() -> None:
    model = model_of(mean_nodes())
    model.functions.add().name = "f"  # type: ignore[attr-defined]
    assert "local functions" in refused(model)


def test_graphs_nested_without_end_are_refused() -> None:
    inner = helper.make_graph([helper.make_node("Identity", ["w"], ["y"])], "inner", [], [])
    for _ in range(12):
        inner = helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=inner)], "inner", [], [])
    assert "nested" in refused(model_of([*inner.node, *mean_nodes()]))


def test_another_output_name_is_refused() -> None:
    assert "one input “patches”" in refused(model_of(mean_nodes("other"), gives="other"))


def test_a_model_runs_in_the_sandbox(bubblewrap: None) -> None:
    answer = infer(mean_model(), PATCHES, LIMITS)
    assert answer == pytest.approx(PATCHES.mean(axis=(1, 2, 3, 4)), abs=1e-5)


def code_of(model: object, **limits: int) -> str:
    with pytest.raises(SubmissionRefused) as stop:
        infer(model.SerializeToString(), PATCHES, LIMITS.model_copy(update=limits))  # type: ignore[attr-defined]
    return stop.value.code


def test_a_model_that_does_not_load_fails_at_start(bubblewrap: None) -> None:
    assert code_of(model_of([helper.make_node("NoSuch", ["patches"], ["probability"])])) == "STARTUP_FAILED"


def test_a_model_that_gives_no_probabilities_is_malformed(bubblewrap: None) -> None:
    nodes = [*mean_nodes("m"), helper.make_node("Add", ["m", "two"], ["probability"])]
    assert code_of(model_of(nodes, [numpy_helper.from_array(np.float32([2.0]), "two")])) == "MALFORMED_OUTPUT"


def test_a_model_that_wants_too_much_memory_is_stopped(bubblewrap: None) -> None:
    shape = numpy_helper.from_array(np.array([60_000, 60_000], dtype=np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        *mean_nodes("m"),
        helper.make_node("Add", ["m", "sum"], ["probability"]),
    ]
    assert code_of(model_of(nodes, [shape]), memory_mib=512) == "OOM_KILLED"


def test_a_model_that_never_ends_is_stopped(bubblewrap: None) -> None:
    def value(name: str, kind: int, shape: list[int] | None) -> object:
        return helper.make_tensor_value_info(name, kind, shape)

    inner = [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Sin", ["x"], ["y"])]
    takes = [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("x", TensorProto.FLOAT, None)]
    gives = [value("again", TensorProto.BOOL, []), value("y", TensorProto.FLOAT, None)]
    body = helper.make_graph(inner, "body", takes, gives)
    weights = [numpy_helper.from_array(np.array(2**60), "many"), numpy_helper.from_array(np.array(True), "true")]
    nodes = [*mean_nodes("m"), helper.make_node("Loop", ["many", "true", "m"], ["probability"], body=body)]
    assert code_of(model_of(nodes, weights), seconds=4) == "TIMEOUT"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda file: None, "NO_OUTPUT"),
        (lambda file: file.symlink_to("/etc/passwd"), "NO_OUTPUT"),
        (lambda file: file.write_bytes(b"junk"), "MALFORMED_OUTPUT"),
        (lambda file: np.save(file, np.array([{}], dtype=object), allow_pickle=True), "MALFORMED_OUTPUT"),
        (lambda file: np.save(file, np.zeros(4)), "MALFORMED_OUTPUT"),
        (lambda file: np.save(file, np.full(5, np.nan)), "MALFORMED_OUTPUT"),
        (lambda file: np.save(file, np.zeros(3_000_000)), "OUTPUT_TOO_LARGE"),
    ],
)
def test_what_comes_out_is_checked(tmp_path: Path, make: Callable[[Path], None], code: str) -> None:
    make(tmp_path / "probability.npy")
    with pytest.raises(SubmissionRefused) as stop:
        read_answer(tmp_path / "probability.npy", 5, LIMITS)
    assert stop.value.code == code
