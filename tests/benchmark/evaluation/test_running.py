"""Models and folders run alone, on scans that never touch a disk, and answer in the form of everybody's predictions."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import psutil
import pytest

from workbench.benchmark.evaluation.parts import Part, Scan
from workbench.benchmark.evaluation.predictions import Predictions
from workbench.benchmark.evaluation.rehearsal import rehearsal_parts
from workbench.benchmark.evaluation.running import Budget, Used, index_of, runner_of
from workbench.benchmark.tasks.definition import TaskDefinition, task_definition
from workbench.errors import SubmissionRefused, WorkbenchError
from workbench.geometry import Geometry
from workbench.imaging.nifti import read_nifti

pytest.importorskip("onnx")
from onnx import helper, numpy_helper
from small_models import (
    HONEST,
    endless_model,
    folder_of,
    mean_model,
    mean_nodes,
    model_of,
    section_model,
    threshold_model,
    written,
)

TASK = task_definition("lung-nodule-detection")


def task_of(kind: str, **truth: Any) -> TaskDefinition:
    """Give a task of another kind, without the rules that its file would be held to."""
    return TASK.model_copy(update={"kind": kind, "truth": TASK.truth.model_copy(update=truth), "missing": "worst"})


def answer(task: TaskDefinition, kind: str, payload: bytes, **limits: int) -> Predictions:
    within = task.limits.model_copy(update={"seconds": 120, "processes": 64, **limits})
    task = task.model_copy(update={"limits": within})
    run = runner_of(task, kind, payload, Budget(within), lambda text: None)
    return run(next(iter(rehearsal_parts(task, kind))))


def code_of(payload: bytes, kind: str = "onnx", task: TaskDefinition = TASK, **limits: int) -> str:
    with pytest.raises(SubmissionRefused) as stop:
        answer(task, kind, payload, **limits)
    assert stop.value.message.endswith(".")
    return stop.value.code


def test_a_model_marks_every_candidate(bubblewrap: None) -> None:
    found = answer(TASK, "onnx", mean_model())

    assert found.answered == ("rehearsal-1", "rehearsal-2")
    assert len(found.rows["rehearsal-1"]) == 3
    assert all(0.4 < mark[3] < 0.6 for mark in found.rows["rehearsal-1"])  # the mean of even noise is one half


def test_a_model_answers_for_every_nodule(bubblewrap: None) -> None:
    found = answer(task_definition("nodule-malignancy"), "onnx", mean_model())

    assert found.answered == ("rehearsal-1-1", "rehearsal-2-1")


def test_a_model_of_volumes_gives_masks_on_the_scans_grid(bubblewrap: None) -> None:
    task = task_of("segmentation3d", table=None, labels="lungs")
    part = next(iter(rehearsal_parts(task, "onnx")))
    found = answer(task, "onnx", threshold_model())

    values, grid = read_nifti(found.masks["rehearsal-1"])
    assert grid.spacing_mm == part.scans[0].grid.spacing_mm
    # 1 - (HU + 1000) / 1400 is one half and more up to -300 HU.
    assert np.array_equal(values > 0, part.scans[0].hu <= -300)


def test_a_model_of_sections_gives_masks_on_the_scans_grid(bubblewrap: None) -> None:
    task = task_of("segmentation3d", table=None, labels="lungs")
    part = next(iter(rehearsal_parts(task, "onnx")))
    found = answer(task, "onnx", section_model())

    values, grid = read_nifti(found.masks["rehearsal-2"])
    assert (values.shape, grid.spacing_mm) == (part.scans[1].hu.shape, part.scans[1].grid.spacing_mm)
    # The mean of even noise is -300 HU, the middle of the range, so about half is dark.
    assert 0.3 < float((values > 0).mean()) < 0.7


def test_a_folder_reads_scans_and_writes_predictions(bubblewrap: None) -> None:
    found = answer(TASK, "folder", folder_of(HONEST))

    assert found.rows["rehearsal-2"][0][:3] == (0.0, 0.0, 0.0)
    assert 0.6 < found.rows["rehearsal-2"][0][3] < 0.7  # -500 … 399 of -1000 … 399


@pytest.mark.parametrize("ending", [".npy", ".nii.gz"])
def test_a_folder_may_write_masks_in_two_forms(bubblewrap: None, ending: str) -> None:
    lines = ["import json, numpy as np", "scan = json.load(open('/input/index.json'))['scans'][0]"]
    lines += ["mask = (np.load(scan['path']) < 0).astype(np.uint8)", "name = '/output/' + scan['scan']"]
    if ending == ".npy":
        lines.append("np.save(name + '.npy', mask)")
    else:
        lines += ["from workbench.imaging.nifti import write_nifti", "from workbench.geometry import Geometry"]
        lines.append("open(name + '.nii.gz', 'wb').write(write_nifti(mask, Geometry.from_dict(scan)))")
    found = answer(task_of("segmentation3d", table=None, labels="lungs"), "folder", folder_of("\n".join(lines)))

    assert found.answered == ("rehearsal-1",)
    assert read_nifti(found.masks["rehearsal-1"])[0].max() == 1


def test_a_folder_may_lie_in_a_folder_of_its_own_name(bubblewrap: None) -> None:
    import io
    import zipfile

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as box:
        box.writestr("mine/predict.py", "import near; near.go()")
        box.writestr("mine/near.py", f"def go(): {written('[]')}")

    assert answer(TASK, "folder", target.getvalue()).answered == ()


def test_the_index_names_scans_items_and_grids_and_nothing_of_the_truth() -> None:
    grid = Geometry((2, 3, 4), (2.0, 1.0, 1.0), (5.0, 6.0, 7.0))
    part = Part(("S1-1",), (Scan("S1", np.zeros((2, 3, 4), np.int16), grid),), {"S1-1": np.array([1.0, 2.0, 3.0])})
    index = index_of(task_definition("nodule-malignancy"), part)

    assert index["items"] == [{"id": "S1-1", "scan": "S1", "centre_mm": [1.0, 2.0, 3.0]}]
    assert index["scans"][0] | grid.as_dict() == index["scans"][0]
    assert "malignan" not in json.dumps([index["items"], index["scans"]])


def test_a_model_that_does_not_load_fails_at_start(bubblewrap: None) -> None:
    model = model_of([helper.make_node("NoSuch", ["patches"], ["probability"])])
    assert code_of(model.SerializeToString()) == "STARTUP_FAILED"


@pytest.mark.parametrize("scale", [2.0, -1.0, float("nan"), float("inf")])
def test_a_model_that_gives_no_probabilities_is_malformed(bubblewrap: None, scale: float) -> None:
    assert code_of(mean_model(scale)) == "MALFORMED_OUTPUT"


def test_a_model_that_wants_too_much_memory_is_stopped(bubblewrap: None) -> None:
    shape = numpy_helper.from_array(np.array([60_000, 60_000], dtype=np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["huge"]),
        helper.make_node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        *mean_nodes("m"),
        helper.make_node("Add", ["m", "sum"], ["probability"]),
    ]
    assert code_of(model_of(nodes, [shape]).SerializeToString(), memory_mib=512) == "OOM_KILLED"


def test_a_model_that_never_ends_is_stopped(bubblewrap: None) -> None:
    assert code_of(endless_model(), seconds=3) == "TIMEOUT"


def kill_the_program(words: str) -> None:
    """Kill, from outside, the process whose program file has this name, once it runs in its sandbox."""
    while True:
        for one in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if any(word.endswith(words) for word in one.cmdline()[:3]):
                    one.kill()
                    return
        time.sleep(0.01)


def test_a_model_that_is_killed_from_outside_has_not_failed(bubblewrap: None) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(kill_the_program, "/infer.py")
        with pytest.raises(WorkbenchError, match="killed from outside its sandbox; run it again") as stop:
            answer(TASK, "onnx", endless_model(), seconds=60)
    assert not isinstance(stop.value, SubmissionRefused)


def test_a_folder_that_is_killed_may_have_done_that_itself(bubblewrap: None) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(kill_the_program, "/start_predict.py")
        assert code_of(folder_of("import time; time.sleep(600)"), "folder") == "NONZERO_EXIT"


def test_the_parts_of_a_submission_share_its_time(bubblewrap: None) -> None:
    within = TASK.limits.model_copy(update={"seconds": 30})
    budget = Budget(within)
    run = runner_of(TASK, "folder", folder_of(HONEST), budget, lambda text: None)
    part = next(iter(rehearsal_parts(TASK, "folder")))
    run(part)
    spent = budget.used.wall_seconds
    budget.add(Used(wall_seconds=29.5 - spent))

    for go_on in (lambda: run(part), lambda: budget.add(Used(wall_seconds=0.6))):
        with pytest.raises(SubmissionRefused) as stop:
            go_on()
        assert stop.value.code == "TIMEOUT"
    assert budget.as_dict()["cpu_seconds"] > 0


def test_the_limits_are_those_of_the_task() -> None:
    assert {"model_mib", "seconds", "cpu_seconds", "memory_mib", "output_mib", "output_files", "processes"} <= set(
        TASK.limits.model_dump()
    )
