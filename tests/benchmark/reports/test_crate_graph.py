"""A crate's description holds what Process Run Crate 0.6 demands; one that does not is told what it lacks."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from workbench.benchmark.reports.crate_graph import describe, profile_problems
from workbench.benchmark.reports.recording import Result

ABOUT: dict[str, Any] = {
    "question": "Does it work?", "notebook": "n.ipynb", "parameters": {"seed": 7, "näme": "a b"},
    "account": "a/b <c>", "isolation": "bubblewrap", "kernel": "workbench-python", "data": {"chest-ct": "ab" * 32},
    "environment": ["python==3.11.7", "numpy==2.4.6", "ai4h-workbench==0.1.0"],
    "started": "2026-05-03T10:00:00+00:00", "ended": "2026-05-03T10:01:00.123456+00:00",
}  # fmt: skip
FILES = {"notebook.ipynb": b"{}", "report.html": b"<p>", "environment.txt": b"numpy", "figures/figure-01.png": b"png"}
KINDS = {"report.html": ("The report", "text/html")}
RESULTS = [Result("CPM, all", 0.5, (0.4, 0.6), 1e-9, "froc_cpm:v1"), Result("n", 3.0)]


@pytest.fixture
def metadata() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(describe(FILES, KINDS, ABOUT, RESULTS).metadata.generate()))
    return made


def entity(metadata: dict[str, Any], identifier: str) -> dict[str, Any]:
    return next(item for item in metadata["@graph"] if item["@id"] == identifier)


def test_a_run_conforms_to_the_newest_crate_and_profile(metadata: dict[str, Any]) -> None:
    assert profile_problems(metadata) == []
    assert metadata["@context"] == "https://w3id.org/ro/crate/1.3/context"
    assert entity(metadata, "./")["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.6"}


def test_the_action_says_who_ran_what_with_which_data_and_parameters(metadata: dict[str, Any]) -> None:
    action = entity(metadata, "#run")
    assert entity(metadata, action["agent"]["@id"])["name"] == "a/b <c>"
    assert entity(metadata, action["instrument"]["@id"])["version"] == "0.1.0"
    names = [entity(metadata, one["@id"])["name"] for one in action["object"]]
    assert names == ["notebook.ipynb", "seed", "näme", "chest-ct"]
    assert (action["startTime"], action["endTime"]) == ("2026-05-03T10:00:00+00:00", "2026-05-03T10:01:00+00:00")
    assert action["description"] == 'workbench run n.ipynb -p seed=7 -p näme="a b"'


def test_data_are_named_by_their_version_and_are_no_files(metadata: dict[str, Any]) -> None:
    data = entity(metadata, "#data/chest-ct")
    assert (data["version"], data["@type"]) == ("ab" * 32, "CreativeWork")
    assert {"@id": "#data/chest-ct"} not in entity(metadata, "./")["hasPart"]


def test_results_carry_interval_and_definition(metadata: dict[str, Any]) -> None:
    result = entity(metadata, "#result/CPM%2C%20all")
    assert (result["value"], result["minValue"], result["maxValue"]) == (0.5, 0.4, 0.6)
    assert result["propertyID"] == "froc_cpm:v1" and "distance" in result["description"]


def test_every_identifier_can_stand_in_an_address(metadata: dict[str, Any]) -> None:
    assert all(not set(item["@id"]) & set(' <>"{}|\\^`') for item in metadata["@graph"])


def without(identifier: str, field: str) -> Callable[[dict[str, Any]], Any]:
    return lambda metadata: entity(metadata, identifier).pop(field)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda m: m.pop("@graph"), "no graph"),
        (lambda m: m["@graph"].append("x"), "no graph"),
        (lambda m: m["@graph"].append({"@id": "#run"}), "the same identifier"),
        (without("./", "name"), "no name"),
        (without("./", "datePublished"), "no datePublished"),
        (without("./", "conformsTo"), "not say that it is a Process Run Crate"),
        (without("./", "mentions"), "mentions no action"),
        (without("./", "hasPart"), "environment.txt is not part of its root"),
        (without("#run", "instrument"), "no software as its instrument"),
        (lambda m: entity(m, "#run").update(instrument={"@id": "#run"}), "no software as its instrument"),
        (lambda m: entity(m, "#run").update(agent={"@id": "#nobody"}), "#nobody, which is not described"),
        (lambda m: entity(m, "#run").update(error="x"), "has an error, yet did not fail"),
    ],
)
def test_what_a_description_lacks_is_told(
    metadata: dict[str, Any], spoil: Callable[[dict[str, Any]], Any], problem: str
) -> None:
    spoiled = copy.deepcopy(metadata)
    spoil(spoiled)
    assert any(problem in one for one in profile_problems(spoiled))
