"""A stranger's model passes a gate before any runtime sees it, and runs alone; what comes back is checked."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.benchmark.evaluation.onnx_gate import check_model
from workbench.errors import SubmissionRefused

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from small_models import mean_model, mean_nodes, model_of, section_model, threshold_model  # noqa: E402


def refused(model: object, kind: str = "detection3d") -> str:
    content = model if isinstance(model, bytes) else model.SerializeToString()  # type: ignore[attr-defined]
    with pytest.raises(SubmissionRefused) as stop:
        check_model(content, max_bytes=2**20, kind=kind)
    assert stop.value.code == "MODEL_REFUSED"
    return stop.value.message


def test_a_plain_model_passes_the_gate_at_exactly_its_size() -> None:
    model = mean_model()
    assert check_model(model, max_bytes=len(model)) == "patches"
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


@pytest.mark.parametrize("sizes", [["n", 1, 32, 32], ["n", 1, 32, 32, 16], [4, 1, 32, 32, 32], ["n", "c", 32, 32, 32]])
def test_another_shape_is_refused(sizes: list[object]) -> None:
    assert "(n, 1, 32, 32, 32)" in refused(model_of(mean_nodes(), takes=sizes))


def test_a_segmentation_takes_sections_or_whole_volumes() -> None:
    assert check_model(threshold_model(), max_bytes=2**20, kind="segmentation3d") == "volume"
    assert check_model(section_model(), max_bytes=2**20, kind="segmentation3d") == "sections"
    assert "one input “sections” or “volume”" in refused(mean_model(), "segmentation3d")
    assert "one input “patches”" in refused(threshold_model())


def test_a_kind_without_a_form_takes_no_models() -> None:
    assert "takes no ONNX models" in refused(mean_model(), "survival")


def test_external_data_in_the_indices_of_sparse_weights_are_refused() -> None:
    model = model_of(mean_nodes())
    model.graph.sparse_initializer.add().indices.CopyFrom(external())
    assert "outside the file" in refused(model)


def test_external_data_in_a_sparse_constant_are_refused() -> None:
    node = helper.make_node("Constant", [], ["w"])
    attribute = node.attribute.add()
    attribute.name, attribute.type = "sparse_value", onnx.AttributeProto.SPARSE_TENSOR
    attribute.sparse_tensor.values.CopyFrom(external())
    assert "outside the file" in refused(model_of([node, *mean_nodes()]))


def test_a_location_that_is_marked_external_without_any_entry_is_refused() -> None:
    tensor = numpy_helper.from_array(np.zeros(4, dtype=np.float32), "w")
    tensor.data_location = TensorProto.EXTERNAL
    assert "outside the file" in refused(model_of(mean_nodes(), [tensor]))


def test_training_information_is_refused() -> None:
    model = model_of(mean_nodes())
    model.training_info.add()
    assert "training information" in refused(model)


def test_too_many_nodes_are_refused() -> None:
    nodes = [helper.make_node("Identity", ["patches"], [f"n{number}"]) for number in range(10_001)]
    assert "more than 10000 nodes" in refused(model_of([*nodes, *mean_nodes()]))
