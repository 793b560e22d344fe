"""A stage's key changes with everything the stage follows from, and with nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.benchmark.reports.stage_keys import Stage, stages_of


def cell(source: str, *tags: str, kind: str = "code") -> dict[str, Any]:
    return {"cell_type": kind, "source": source, "metadata": {"tags": list(tags)}}


def stage(*before: str, source: str = "model = train(scans, seed)", tags: tuple[str, ...] = ()) -> Stage:
    cells = [cell("seed = 7\nwords = 'a'", "parameters"), *map(cell, before), cell(source, "stage:train", *tags)]
    return stages_of(cells, ("seed", "words"))[len(cells) - 1]


def key(found: Stage, **changed: Any) -> str:
    told = {"account": "researcher", "environment": "e1", "values": {"seed": 7, "words": "a"}, "files": {}, **changed}
    return found.key(**told)


BEFORE = ("scans = read(place)", "place = 'x'", "figure = draw(other)")


def test_a_stage_follows_from_the_cells_that_mention_its_names() -> None:
    found = stage(*BEFORE)
    assert found.sources == ("scans = read(place)", "place = 'x'", "model = train(scans, seed)")
    assert (found.parameters, found.makes) == (("seed",), ("model",))


@pytest.mark.parametrize(
    "other",
    [
        stage("scans = read(place, 2)", *BEFORE[1:]),
        stage(BEFORE[0], "place = 'y'", BEFORE[2]),
        stage(*BEFORE, source="model = train(scans, seed) "),
        stage(*BEFORE, "scans.sort()"),
        stage(*BEFORE, "from train_words import *"),
        stage(*BEFORE, "%load_ext anything"),
        stage(*BEFORE, "torch.manual_seed(5)"),
        stage(*BEFORE, "exec('scans = 5')"),
        stage(*BEFORE, "match words:\n    case {'x': scans}:\n        pass"),
        stage(*BEFORE, tags=("output:model.onnx",)),
    ],
)
def test_another_source_gives_another_key(other: Stage) -> None:
    assert key(other) != key(stage(*BEFORE))


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "reviewer"},
        {"environment": "e2"},
        {"values": {"seed": 8, "words": "a"}},
        {"files": {"table.csv": "00"}},
    ],
)
def test_another_person_environment_parameter_or_file_gives_another_key(changed: dict[str, Any]) -> None:
    assert key(stage(*BEFORE), **changed) != key(stage(*BEFORE))


@pytest.mark.parametrize(
    ("imported", "drawing"),
    [
        ("from random import gauss", "import random\nrandom.seed(seed)"),
        ("from random import gauss", "import random as r\nwaste = [r.random() for _ in range(seed)]"),
        ("from numpy.random import normal as gauss", "import numpy as n\nx = n.random.rand(seed)"),
    ],
)
def test_cells_that_draw_from_the_same_generator_count(imported: str, drawing: str) -> None:
    found = stage(drawing, imported, source="x = gauss(0, 1)")
    assert (found.sources, found.parameters) == ((drawing, imported, "x = gauss(0, 1)"), ("seed",))


def test_what_a_stage_does_not_follow_from_leaves_its_key() -> None:
    same = stage(BEFORE[0], BEFORE[1], "figure = draw(another)")
    assert key(same, values={"seed": 7, "words": "b"}) == key(stage(*BEFORE))


def test_names_in_functions_and_the_parameters_behind_them_count() -> None:
    found = stage("def train(scans, seed):\n    return fit(scans, len(words))")
    assert found.parameters == ("seed", "words")


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("a, (b, *c) = f()\nd: int = 1\ne += 1", {"a", "b", "c", "d", "e"}),
        ("import numpy as np, os.path\nfrom a import b as c", {"np", "os", "c"}),
        ("def f(x):\n    inner = x\nclass G:\n    y = 1", {"f", "G"}),
        ("for i in rows:\n    total = i", {"i", "total"}),
        ("with open(x) as file:\n    text = file.read()", {"text"}),
        ("squares = [n * n for n in rows]", {"squares"}),
        ("if (n := f()):\n    del m", {"n", "m"}),
        ("model.fit(x)\nmodel.layers[0].rate = 1\ntable['a'] = 2\ng(y)", {"model", "table"}),
        ("found = model.score(x)", {"found"}),
    ],
)
def test_what_a_stage_binds_or_may_change_is_kept(source: str, made: set[str]) -> None:
    assert set(stage(source=source).makes) == made


def test_declared_files_are_read_from_the_tags() -> None:
    found = stage(tags=("input:table.csv", "output:model.onnx", "input:"))
    assert (found.inputs, found.outputs) == (("table.csv",), ("model.onnx",))


@pytest.mark.parametrize("source", ["%matplotlib inline", "!ls", "x = (", "\0"])
def test_a_cell_that_is_no_plain_python_is_no_stage(source: str) -> None:
    assert stages_of([cell(source, "stage:train")]) == {}


def test_text_cells_and_cells_without_the_tag_are_no_stages() -> None:
    assert stages_of([cell("x", "stage:a", kind="markdown"), cell("x", "other"), cell("x", "stage:")]) == {}
