"""Parameters are typed by their cell; an unknown or missing one stops before any kernel starts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from workbench.benchmark.reports.parameters import (
    Parameter,
    choose,
    parameters_of,
    problems_of,
    read_parameters,
    split_pairs,
)
from workbench.errors import InvalidInput


def notebook(*sources: str) -> dict[str, Any]:
    return {"cells": [{"metadata": {"tags": ["parameters"]}, "source": source} for source in sources]}


CELL = """
seed: int = 7  # of training
rate: float = 1e-3
name = "net"
deep: bool = False
sizes: list = [1, 2]
scans: int
"""
LIMITED = """
from typing import Annotated, Literal
epochs: int = 8  # passes of training [1..50]
rate: float = 0  # learning rate, größer als nötig [0..1]
depth: int = 3  # levels [1..]
network: str = "small"  # which network [small | large]
folds: int = 5  # [2 | 5 | 10]
loss: Literal["dice", "focal"] = "dice"  # what is minimised
share: Annotated[float, "0..1"] = 0.5  # of the scans
sizes: list[int] = [8, 16]  # channels [1..512]
"""


def test_the_cell_gives_names_types_defaults_and_help() -> None:
    found = read_parameters(notebook(CELL))
    assert found["seed"] == Parameter("seed", "int", 7, "of training")
    assert (found["name"].type, found["scans"].default) == ("str", None)


def test_a_form_learns_type_limits_and_choices() -> None:
    found = {one["name"]: one for one in parameters_of(notebook(LIMITED))}
    assert found["epochs"] == {
        "name": "epochs", "type": "int", "default": 8, "required": False, "help": "passes of training", "choices": [],
        "minimum": 1.0, "maximum": 50.0, "items": None,
    }  # fmt: skip
    assert (found["rate"]["help"], found["rate"]["default"]) == ("learning rate, größer als nötig", 0.0)
    assert (found["depth"]["minimum"], found["depth"]["maximum"]) == (1.0, None)
    assert (found["network"]["choices"], found["folds"]["choices"]) == (["small", "large"], [2, 5, 10])
    assert (found["loss"]["type"], found["loss"]["choices"]) == ("str", ["dice", "focal"])
    assert (found["share"]["type"], found["share"]["maximum"]) == ("float", 1.0)
    assert (found["sizes"]["items"], found["sizes"]["maximum"]) == ("int", 512.0)


def test_the_form_is_json_and_says_what_must_be_given() -> None:
    form = json.loads(json.dumps(parameters_of(notebook(CELL))))
    assert [one["name"] for one in form if one["required"]] == ["scans"]


def test_a_notebook_without_the_cell_has_no_parameters() -> None:
    assert read_parameters({"cells": [{"metadata": {}, "source": "x = 1"}]}) == {}


def test_text_becomes_the_parameters_type() -> None:
    chosen = choose(
        read_parameters(notebook(CELL)), split_pairs(["seed=9", "rate=1", "deep=yes", "sizes=[3]", "scans=4"])
    )
    assert chosen == {"seed": 9, "rate": 1.0, "name": "net", "deep": True, "sizes": [3], "scans": 4}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scans": 1, "sede": 1}, "no parameter “sede”; it has seed, .* scans. Did you mean “seed”"),
        ({}, "needs a value for “scans”"),
        ({"scans": "many"}, "“scans” must be of type int"),
        ({"scans": 1.5}, "must be of type int"),
        ({"scans": True}, "must be of type int"),
        ({"scans": 1, "rate": "nan"}, "“rate” must be of type float"),
        ({"scans": 1, "rate": 10**400}, "“rate” must be of type float"),
        ({"scans": 1, "deep": "perhaps"}, "“deep” must be of type bool"),
        ({"scans": 1, "sizes": "{}"}, "“sizes” must be of type list"),
        ({"scans": 1, "sizes": [{}]}, "“sizes” must be of type list"),
        ({"scans": 1, "sizes": "[NaN]"}, "“sizes” must be of type list"),
        ({"scans": 1, "sizes": "[" * 100_000}, "“sizes” must be of type list"),
        ({"scans": 1, "sizes": [1] * 1001}, "1001"),
        ({"scans": 1, "name": 5}, "“name” must be of type str"),
        ({"scans": 1, "name": "x" * 10_001}, "10000 characters"),
        ({"scans": 1, "name": "a\0b"}, "NUL"),
        ({"scans": None}, "“scans” must be of type int"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        choose(read_parameters(notebook(CELL)), given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, "“epochs” must be from 1 to 50; 0 is not"),
        ({"epochs": "51"}, "from 1 to 50"),
        ({"rate": -0.001}, "from 0 to 1"),
        ({"depth": 0}, "1 or more"),
        ({"network": "tiny"}, "“network” may be small, large; 'tiny' is none of them"),
        ({"folds": 3}, "may be 2, 5, 10"),
        ({"loss": "Dice"}, "may be dice, focal"),
        ({"share": 1.5}, "from 0 to 1"),
        ({"sizes": [8, 1024]}, "from 1 to 512; 1024 is not"),
        ({"sizes": ["8", 2.5]}, "must be of type int"),
    ],
)
def test_values_outside_the_limits_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        choose(read_parameters(notebook(LIMITED)), given)


def test_limits_are_told_as_they_were_written() -> None:
    found = read_parameters(notebook("a: int = 1  # [0..4294967295]\nb: float = 0.5  # [0.25..1]\nc: int = 1  # [..9]"))
    assert [one.limits() for one in found.values()] == ["from 0 to 4294967295", "from 0.25 to 1", "9 or less"]


def test_each_problem_is_told_by_its_parameter() -> None:
    found = problems_of(read_parameters(notebook(CELL)), {"seed": "x", "rate": "0.5", "other": 1})
    assert set(found) == {"seed", "other", "scans"}
    assert problems_of(read_parameters(notebook(LIMITED)), {}) == {}


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from os import path",
        "seed = open('x')",
        "seed: Path = 1",
        "a = b = 1",
        "seed = 7\nseed = 8",
        "seed: int = 'x'",
        "x =",
        "x=None",
        "x: dict = {}",
        "x: list[dict] = []",
        "x: list = [{}]",
        "x: Literal[1, 'a'] = 1",
        "x: Literal[open('x')] = 1",
        "x: float = float('nan')",
        "x: int = 0  # [1..5]",
        "x: int = 3  # [5..1]",
        "x: int = 3  # [a..b]",
        "x: int = 3  # [nan..]",
        "x: int = 3  # [..]",
        "x: str = 'a'  # [1..5]",
        "x: str = 'a'  # [b | c]",
        "\0",
        "x = " + "(" * 300,
        "\n".join(f"x{n} = 1" for n in range(101)),
    ],
)  # fmt: skip
def test_a_cell_with_anything_but_parameters_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput):
        read_parameters(notebook(source))


def test_what_is_no_limit_stays_in_the_help() -> None:
    assert read_parameters(notebook("x: int = 1  # see [3]"))["x"].help == "see [3]"


def test_two_parameter_cells_are_refused() -> None:
    with pytest.raises(InvalidInput, match="2 cells tagged"):
        read_parameters(notebook("a = 1", "b = 2"))


@pytest.mark.parametrize(
    "path", sorted(Path(__file__).parents[3].glob("notebooks/benchmark/*.ipynb")), ids=lambda p: p.stem
)
def test_every_shipped_notebook_has_a_form(path: Path) -> None:
    form = parameters_of(json.loads(path.read_text(encoding="utf-8")))
    assert all(one["help"] for one in form)


@pytest.mark.parametrize("pair", ["seed", "=7", "a b=1", "1x=2"])
def test_a_malformed_pair_is_refused(pair: str) -> None:
    with pytest.raises(InvalidInput, match="not of the form"):
        split_pairs([pair])


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="given twice"):
        split_pairs(["a=1", "a=2"])
