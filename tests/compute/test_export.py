"""A model leaves as ONNX with its card, says where it comes from, and is refused when it is not what was written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from workbench.airlock.scan import scan_file
from workbench.benchmark.metrics.definitions import Measured
from workbench.benchmark.results import Score
from workbench.benchmark.task import Task
from workbench.benchmark.tasks.definition import task_definition
from workbench.compute.engines import open_engine
from workbench.compute.fitting import initial_network
from workbench.compute.model import Step, TrainedModel
from workbench.compute.model_file import KEYS, ModelFile, card_path, check_exported, read_model
from workbench.compute.training import data_of
from workbench.errors import IntegrityError, InvalidInput, MissingDependency, NotFound

TASKS = {"patches": "lung-nodule-detection", "sections": "lung-segmentation"}
TEXTS = {"intended_use": "Mark nodules for a second reader.", "limits": "Phantoms only.", "licence": "CC-BY-4.0"}


def made(form: str) -> TrainedModel:
    """Give a model as training would, without the training."""
    network = initial_network(7, form).eval()
    return TrainedModel(TASKS[form], network, 7, (Step(1, 0.5),), 36, 12, form, "chest-ct@0123456789abcdef")


def score(interval: tuple[float, float] | None = (0.61, 0.83), split: str = "validation") -> Score:
    details = {"scans": 8, "nodules": 31, "false_positives_per_scan": [], "sensitivity": []}
    marks = pd.DataFrame({"scan": ["S0021"], "probability": [0.9]})
    return Score("lung-nodule-detection", split, Measured("froc_cpm:v1", 0.72, interval, details), marks)


def export(model: TrainedModel, path: Path, **changed: Any) -> ModelFile:
    return model.export(path, **{"scores": [score()], **TEXTS, **changed})


@pytest.fixture(scope="module", params=list(TASKS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainedModel, Path]:
    model, path = made(request.param), tmp_path_factory.mktemp("export") / "model.onnx"
    export(model, path)
    return model, path


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "nodules.onnx"
    export(made("patches"), path)
    return path


def inputs(form: str) -> np.ndarray[Any, Any]:
    shape = (3, 1, 32, 32, 32) if form == "patches" else (2, 1, 128, 128)
    return np.random.default_rng(1).random(shape, dtype=np.float32)


def test_the_file_says_where_the_model_comes_from(exported: tuple[TrainedModel, Path]) -> None:
    model, path = exported
    read = read_model(path)
    assert (read.task, read.form, read.seed, read.data) == (model.task, model.form, 7, "chest-ct@0123456789abcdef")
    assert read.fingerprint == model.fingerprint


def test_both_engines_give_what_the_model_gives(exported: tuple[TrainedModel, Path]) -> None:
    model, path = exported
    read, given = read_model(path), inputs(model.form)
    wanted = model.predict(given)
    np.testing.assert_allclose(open_engine(read, "onnxruntime", threads=1)(given), wanted, atol=1e-5)
    # bfloat16 keeps eight bits of a number, hence the hundredths.
    np.testing.assert_allclose(open_engine(read, "torch-bf16", threads=1)(given), wanted, atol=0.03)


def test_no_input_gives_no_answer(patches: Path) -> None:
    ask = open_engine(read_model(patches), threads=1)
    assert ask(np.zeros((0, 1, 32, 32, 32), dtype=np.float32)).shape == (0,)


def test_an_export_done_again_gives_the_same_bytes(patches: Path, tmp_path: Path) -> None:
    again = export(made("patches"), tmp_path / "nodules.onnx")
    assert again.content == patches.read_bytes()
    assert (tmp_path / "nodules.card.md").read_bytes() == card_path(patches, ".md").read_bytes()


def test_the_card_tells_use_data_scores_and_limits(patches: Path) -> None:
    card, page = json.loads(card_path(patches).read_text()), card_path(patches, ".md").read_text()
    assert card["scores"] == [{
        "metric": "CPM", "task": "lung-nodule-detection", "split": "validation", "value": 0.72,
        "interval_95": [0.61, 0.83], "scans": 8, "nodules": 31,
    }]  # fmt: skip
    assert card["training"]["data"] == "chest-ct@0123456789abcdef" and card["training"]["examples"] == 36
    for told in (*TEXTS.values(), "0.610 to 0.830", "no medical device", "chest-ct@0123456789abcdef"):
        assert told in page


def test_the_card_says_nothing_about_a_patient(patches: Path) -> None:
    # The score knows the scan S0021; the card and the file must not.
    for file in (card_path(patches), card_path(patches, ".md"), patches):
        assert b"S0021" not in file.read_bytes()


def test_an_exported_model_passes_the_airlock(exported: tuple[TrainedModel, Path]) -> None:
    _, path = exported
    found = scan_file(path.name, path.read_bytes())
    assert [one.rule for one in found if one.is_stop] == []
    for card in (card_path(path), card_path(path, ".md")):
        assert [one.rule for one in scan_file(card.name, card.read_bytes()) if one.is_stop] == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"scores": []}, "at least one score"),
        ({"scores": [score(interval=None)]}, "no interval"),
        ({"scores": [score(split="train")]}, "training split says nothing"),
        ({"limits": " "}, "limits must be a text"),
        ({"intended_use": "x" * 2001}, "intended_use must be a text"),
        ({"licence": "MIT\u200b"}, "nobody can see"),
    ],
)
def test_a_card_that_would_say_too_little_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        export(made("patches"), tmp_path / "m.onnx", **changed)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_not_onnx_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="ends in .onnx"):
        export(made("patches"), tmp_path / "model.pt")
    with pytest.raises(InvalidInput, match="cannot be written: no such file"):
        export(made("patches"), tmp_path / "none" / "model.onnx")


def test_a_model_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no model file “none.onnx”"):
        read_model(tmp_path / "none.onnx")


def test_a_changed_weight_is_noticed(patches: Path, tmp_path: Path) -> None:
    parsed = onnx.load_from_string(patches.read_bytes())
    weights = parsed.graph.initializer[0]
    values = numpy_helper.to_array(weights).copy()
    values.flat[0] += 1
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    (tmp_path / "m.onnx").write_bytes(parsed.SerializeToString())
    with pytest.raises(IntegrityError, match="damaged or was changed"):
        read_model(tmp_path / "m.onnx")


def test_the_card_of_another_model_is_noticed(patches: Path, tmp_path: Path) -> None:
    export(replace(made("patches"), seed=8), tmp_path / "m.onnx")
    (tmp_path / "m.onnx").write_bytes(patches.read_bytes())
    with pytest.raises(IntegrityError, match="another model"):
        read_model(tmp_path / "m.onnx")


def test_a_card_that_cannot_be_read_is_told(patches: Path, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(patches.read_bytes())
    (tmp_path / "m.card.json").write_text("{")
    with pytest.raises(IntegrityError, match=r"m\.card\.json.*cannot be read"):
        read_model(tmp_path / "m.onnx")


def changed(content: bytes, change: Any) -> bytes:
    parsed = onnx.load_from_string(content)
    change(parsed)
    return bytes(parsed.SerializeToString())


def outside(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def custom(model: Any) -> None:
    model.graph.node.append(helper.make_node("Mine", ["patches"], ["more"], domain="com.example"))


def narrow(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[4].dim_value = 16


def foreign(model: Any) -> None:
    del model.metadata_props[:]


def twice(model: Any) -> None:
    model.metadata_props.add(key="task", value="another")


def other_inputs(model: Any) -> None:
    next(one for one in model.metadata_props if one.key == "input").value = "64x64x64 voxels"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (outside, "data outside the file"), (custom, "not a standard one"), (narrow, r"\(n, 1, 32, 32, 32\)"),
        (foreign, "trained for"), (twice, "trained for"), (other_inputs, "made in another way"),
    ],
)  # fmt: skip
def test_a_model_from_elsewhere_is_refused_in_one_sentence(patches: Path, change: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as stop:
        check_exported(changed(patches.read_bytes(), change))
    assert stop.value.code == "model-refused" and stop.value.message.count("\n") == 0


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04" * 9])
def test_what_is_no_onnx_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="This model is refused"):
        check_exported(content)


def test_the_facts_are_the_known_ones(patches: Path) -> None:
    parsed = onnx.load_from_string(patches.read_bytes())
    assert [entry.key for entry in parsed.metadata_props] == list(KEYS)
    assert sum(len(entry.key) + len(entry.value) for entry in parsed.metadata_props) <= 300


def test_the_spacing_of_patches_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "fine.onnx"
    export(replace(made("patches"), spacing_mm=0.7), path)
    assert read_model(path).spacing_mm == 0.7 and "32x32x32 voxels of 0.7 mm" in card_path(path, ".md").read_text()


@pytest.mark.parametrize("told", ["1e3", "99", "0", "..", "1.250"])
def test_a_spacing_that_cannot_be_is_refused(patches: Path, told: str) -> None:
    def bend(model: Any) -> None:
        next(
            one for one in model.metadata_props if one.key == "input"
        ).value = f"32x32x32 voxels of {told} mm, HU -1000..400 as 0..1"

    with pytest.raises(InvalidInput, match="made in another way"):
        check_exported(changed(patches.read_bytes(), bend))


def test_a_model_for_other_patches_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="takes 64"):
        export(replace(made("patches"), edge=64), tmp_path / "m.onnx")


class Unusual(torch.nn.Module):
    """A network with a step that ONNX has no operator for."""

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return torch.linalg.svdvals(patches[:, 0, 0])[:, 0]


def test_a_network_that_onnx_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be written as ONNX") as stop:
        export(replace(made("patches"), network=Unusual()), tmp_path / "m.onnx")
    assert stop.value.code == "not-exportable" and list(tmp_path.iterdir()) == []


def test_training_notes_the_version_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    version = SimpleNamespace(version="0123456789abcdef0123")
    monkeypatch.setattr("workbench.benchmark.task.dataset", lambda name: version)
    assert data_of(Task(task_definition("lung-nodule-detection"))) == "chest-ct@0123456789abcdef"
    assert data_of(object()) == ""


def test_an_operator_that_torch_does_not_run_is_named(patches: Path) -> None:
    def bend(model: Any) -> None:
        model.graph.node[-1].op_type = "Erf"

    content = changed(patches.read_bytes(), bend)
    with pytest.raises(InvalidInput, match="operator Erf.*--engine onnxruntime"):
        open_engine(replace(read_model(patches), content=content), "torch-bf16")


def test_a_network_that_cannot_run_is_refused(patches: Path) -> None:
    def bend(model: Any) -> None:
        model.graph.node[0].input[0] = "nothing"

    content = changed(patches.read_bytes(), bend)
    with pytest.raises(InvalidInput, match="onnxruntime cannot load it"):
        open_engine(replace(read_model(patches), content=content))


@pytest.mark.parametrize("wrong", [{"engine": "tensorrt"}, {"threads": 65}, {"threads": True}, {"device": "tpu"}])
def test_unknown_engines_and_numbers_out_of_range_are_refused(patches: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="engines are|Threads must"):
        open_engine(read_model(patches), **wrong)


def test_a_gpu_is_not_promised_to_onnxruntime_nor_where_there_is_none(
    patches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInput, match="torch-bf16"):
        open_engine(read_model(patches), "onnxruntime", device="cuda")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(MissingDependency, match="No GPU is found"):
        open_engine(read_model(patches), "torch-bf16", device="cuda")
