"""Small models and folders to submit: honest ones, and pieces for hostile ones."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

PATCHES = ["n", 1, 32, 32, 32]


def model_of(
    nodes: list[Any], weights: list[Any] | None = None, *, gives: str = "probability", takes: list[Any] | None = None
) -> Any:
    """Give a model of the form that detection and malignancy ask for."""
    given = helper.make_tensor_value_info("patches", TensorProto.FLOAT, takes or PATCHES)
    answer = helper.make_tensor_value_info(gives, TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "model", [given], [answer], weights or [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def mean_nodes(last: str = "probability") -> list[Any]:
    return [helper.make_node("ReduceMean", ["patches"], [last], axes=[1, 2, 3, 4], keepdims=0)]


def mean_model(scale: float = 1.0) -> bytes:
    """Give a model that says how bright a patch is."""
    nodes = [*mean_nodes("mean"), helper.make_node("Mul", ["mean", "scale"], ["probability"])]
    return bytes(model_of(nodes, [numpy_helper.from_array(np.float32([scale]), "scale")]).SerializeToString())


def threshold_model() -> bytes:
    """Give a model that says where a volume is dark."""
    axes = [1, 1, "z", "y", "x"]
    given = helper.make_tensor_value_info("volume", TensorProto.FLOAT, axes)
    answer = helper.make_tensor_value_info("probability", TensorProto.FLOAT, axes)
    nodes = [helper.make_node("Sub", ["one", "volume"], ["probability"])]
    graph = helper.make_graph(nodes, "m", [given], [answer], [numpy_helper.from_array(np.float32(1.0), "one")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def section_model() -> bytes:
    """Give a model that says where a section is dark."""
    given = helper.make_tensor_value_info("sections", TensorProto.FLOAT, ["n", 1, 128, 128])
    answer = helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n", 128, 128])
    nodes = [
        helper.make_node("Sub", ["one", "sections"], ["dark"]),
        helper.make_node("Squeeze", ["dark", "axes"], ["probability"]),
    ]
    weights = [numpy_helper.from_array(np.float32(1.0), "one"), numpy_helper.from_array(np.array([1]), "axes")]
    graph = helper.make_graph(nodes, "m", [given], [answer], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def endless_model() -> bytes:
    """Give a model that passes the gate and never ends."""

    def value(name: str, kind: int, shape: list[int] | None) -> object:
        return helper.make_tensor_value_info(name, kind, shape)

    inner = [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Sin", ["x"], ["y"])]
    takes = [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("x", TensorProto.FLOAT, None)]
    gives = [value("again", TensorProto.BOOL, []), value("y", TensorProto.FLOAT, None)]
    body = helper.make_graph(inner, "body", takes, gives)
    weights = [numpy_helper.from_array(np.array(2**60), "many"), numpy_helper.from_array(np.array(True), "true")]
    nodes = [*mean_nodes("m"), helper.make_node("Loop", ["many", "true", "m"], ["probability"], body=body)]
    return bytes(model_of(nodes, weights).SerializeToString())


def folder_of(program: str, **others: bytes) -> bytes:
    """Give the zip of a folder with a predict.py; in the others' names `__` stands for a dot."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("predict.py", program)
        for name, content in others.items():
            box.writestr(name.replace("__", "."), content)
    return target.getvalue()


HONEST = """
import json, pathlib, numpy as np
index = json.load(open("/input/index.json"))
answers = []
for scan in index["scans"]:
    hu = np.load(scan["path"])
    place = dict(zip(("x_mm", "y_mm", "z_mm"), scan["origin_mm"]))
    answers.append({"id": scan["scan"], "marks": [{**place, "probability": float((hu > -500).mean())}]})
pathlib.Path("/output/predictions.json").write_text(json.dumps({"predictions": answers}))
"""


def written(value: str) -> str:
    """Give a predict.py that writes a text as its predictions."""
    return f"open('/output/predictions.json', 'w').write({value!r})"


def is_gone(path: Path) -> bool:
    """Tell whether nothing was written at a path of this machine."""
    return not path.exists() and not path.is_symlink()
