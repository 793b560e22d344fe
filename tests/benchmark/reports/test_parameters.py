"""Parameters are typed by their cell; an unknown or missing one stops before any kernel starts."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.benchmark.reports.parameters import Parameter, choose, read_parameters, split_pairs
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


def test_the_cell_gives_names_types_defaults_and_help() -> None:
    found = read_parameters(notebook(CELL))
    assert found["seed"] == Parameter("seed", "int", 7, "of training")
    assert (found["name"].type, found["scans"].default) == ("str", None)


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
        ({"scans": 1, "sede": 1}, "no parameter “sede”; it has seed, rate"),
        ({}, "needs a value for “scans”"),
        ({"scans": "many"}, "“scans” must be of type int"),
        ({"scans": 1.5}, "must be of type int"),
        ({"scans": True}, "must be of type int"),
        ({"scans": 1, "rate": "nan"}, "“rate” must be of type float"),
        ({"scans": 1, "deep": "perhaps"}, "“deep” must be of type bool"),
        ({"scans": 1, "sizes": "{}"}, "“sizes” must be of type list"),
        ({"scans": 1, "name": 5}, "“name” must be of type str"),
    ],
)
def test_wrong_values_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        choose(read_parameters(notebook(CELL)), given)


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "seed = open('x')",
        "seed: Path = 1",
        "a = b = 1",
        "seed = 7\nseed = 8",
        "seed: int = 'x'",
        "x =",
        "x=None",
    ],
)
def test_a_cell_with_anything_but_plain_values_is_refused(source: str) -> None:
    with pytest.raises(InvalidInput):
        read_parameters(notebook(source))


def test_two_parameter_cells_are_refused() -> None:
    with pytest.raises(InvalidInput, match="2 cells tagged"):
        read_parameters(notebook("a = 1", "b = 2"))


@pytest.mark.parametrize("pair", ["seed", "=7", "a b=1", "1x=2"])
def test_a_malformed_pair_is_refused(pair: str) -> None:
    with pytest.raises(InvalidInput, match="not of the form"):
        split_pairs([pair])


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InvalidInput, match="given twice"):
        split_pairs(["a=1", "a=2"])
