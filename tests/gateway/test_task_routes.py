"""Tasks through the door: what there is, what is left of a quota, and tasks that a custodian publishes and retires."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources

import pytest
from homes import Lines, begin, fill, lines_of, scan_facts, send, volume_of

from workbench.connection import Connection, running_gateway
from workbench.errors import AccessDenied, Conflict, InvalidInput, NotFound
from workbench.ingest.tables.nodules import DECLARATION, nodule_table
from workbench.settings import load_settings

SHIPPED = (resources.files("workbench.benchmark") / "tasks" / "nodule-malignancy.yaml").read_text()
TEXT = (
    SHIPPED.replace("id: nodule-malignancy", "id: own-task").replace("chest-ct-test", "own-test")
    .replace("chest-ct,", "open-ct,").replace("  validation: {dataset: open-ct, split: validation}\n", "")
)  # fmt: skip
SPLITS = ("public_test", "final_test")
SMALL = (8, 16, 16)


def fill_hidden(line: Connection, name: str, scans_each: int) -> None:
    """Ingest small scans for each hidden split, with four nodules each, every second of them malignant."""
    begun = begin(line, name, "undisclosed")
    url = f"/v1/ingests/{begun['ingest']}/objects"
    scans = []
    for number in range(1, 2 * scans_each + 1):
        voxels = volume_of(number, SMALL)
        facts = scan_facts(voxels, number, SPLITS[number % 2])
        send(line, begun["ingest"], voxels, facts)
        scans.append(facts)
        rows = [
            {"scan": facts["scan"], "nodule": f"N{n}", "x_mm": 1.0, "y_mm": 2.0, "z_mm": 3.0, "diameter_mm": 5.0 + n,
             "texture": "solid", "place": "isolated", "malignant": n % 2 == 0}
            for n in range(4)
        ]  # fmt: skip
        part = f"{url}/tables/nodules/{facts['subject']}.arrow?subject={facts['subject']}"
        line.request("PUT", part, body=nodule_table(rows))
    line.request("PUT", f"{url}/tables/nodules.json", body=json.dumps(DECLARATION).encode())
    commit = {"scans": scans, "card": {}, "note": "test", "findings": []}
    line.post(f"/v1/ingests/{begun['ingest']}/commit", commit)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lines]:
    settings = load_settings(tmp_path_factory.mktemp("tasks") / "home")
    with running_gateway(settings), lines_of(settings) as lines:
        fill(lines.operator(), "open-ct", "open")
        fill_hidden(lines.operator(), "own-test", 10)
        yield lines


def publish(lines: Lines, text: str = TEXT, person: str = "custodian") -> dict[str, object]:
    done: dict[str, object] = lines.person(person).post("/v1/tasks", {"text": text})
    return done


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("table: nodules", "table: nodule", "truth.table: “own-test” has no table “nodule”; the nearest is “nodules”"),
        ("column: malignant", "column: malign", "has no column “malign”; the nearest is “malignant”"),
        ("column: texture", "column: sort", "subgroups.1.column: the table “nodules” has no column “sort”"),
        ("column: diameter_mm}", "column: size_mm}", "baselines.0.column: the table “nodules” has no column “size_mm”"),
        ("split: final_test", "split: final", "splits.final_test: “own-test” has no split “final”"),
    ],
)
def test_a_task_that_its_data_do_not_hold_is_refused(lines: Lines, old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(InvalidInput, match=says):
        publish(lines, TEXT.replace("id: own-task", "id: misfit").replace(old, new))
    with pytest.raises(NotFound):
        lines.person("custodian").get("/v1/tasks/misfit")


OTHER = """
id: misfit
kind: regression
title: How large is it
question: How large is this nodule?
splits:
  public_test: {dataset: own-test, split: public_test}
  final_test: {dataset: own-test, split: final_test}
truth: {table: nodules, item: nodule, column: diameter_mm}
label: {says: The diameter that was drawn., verified: true}
synthetic: false
unit: scan
metrics: [rmse:v1]
missing: worst
interval: {resamples: 200}
tolerance: 1.0e-9
submissions: [predictions]
limits: {model_mib: 8, seconds: 60, cpu_seconds: 60, memory_mib: 600, output_mib: 2}
quota: {scored_per_week: 3, scored_in_all: 4}
"""
CLASSES = OTHER.replace("kind: regression", "kind: multiclass").replace("rmse:v1", "topk:v1")
GRADES = OTHER.replace("kind: regression", "kind: ordinal").replace("rmse:v1", "qwk:v1")
BINARY = OTHER.replace("kind: regression", "kind: binary").replace("rmse:v1", "brier:v1")
WORTH = "prevalence: {share: 0.1, says: One in ten.}\n"
GROUPS = "[{name: diameter in mm, column: diameter_mm, bands: [6]}, {name: texture, column: texture}]"
TRUTH = "{table: nodules, item: nodule, column: diameter_mm}"


@pytest.mark.parametrize(
    ("text", "truth", "says"),
    [
        (OTHER, "{table: nodules, item: nodule, column: texture}", "40 of 40 values of “texture” in splits.public_test "
         "are not finite numbers"),
        (OTHER, "{table: nodules, item: scan, column: diameter_mm}", "truth.item: 10 of 10 scans of splits.final_test"),
        (CLASSES, "{table: nodules, item: nodule, column: texture, classes: [a, b]}", "among the task's classes"),
        (GRADES, "{table: nodules, item: nodule, column: diameter_mm, levels: [5, 7]}", "10 of 40 values of "
         "“diameter_mm” in splits.public_test are not grades from 5 to 7"),
        (BINARY + WORTH, TRUTH, "are not true or false"),
        (OTHER + "subgroups: [{name: texture, column: texture, bands: [1]}]\n", TRUTH, "subgroups.0.column: 40 of 40"),
        (OTHER + "subgroups: [{name: texture, column: texture, table: nodules}]\n",
         "{table: scans, item: scan, column: spacing_z_mm}", "subgroups.0.table: 10 of 10 scans of splits.public_test"),
        (OTHER + "baselines: [{name: by place, rule: column, column: place}]\n", TRUTH, "baselines.0.column: 40 of 40"),
    ],
)  # fmt: skip
def test_a_task_whose_truth_cannot_be_measured_is_refused(lines: Lines, text: str, truth: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        publish(lines, text.replace(TRUTH, truth))
    with pytest.raises(NotFound):
        lines.person("custodian").get("/v1/tasks/misfit")


def test_a_task_of_another_kind_is_published_on_the_same_data(lines: Lines) -> None:
    done = publish(lines, OTHER.replace("id: misfit", "id: own-size") + f"subgroups: {GROUPS}\n")
    assert done["counts"] == {name: {"units": 10, "items": 40} for name in SPLITS}


def test_a_custodian_publishes_a_task_and_a_researcher_finds_it(lines: Lines) -> None:
    done = publish(lines)
    # Ten scans of four nodules each, half of them malignant, in each hidden split.
    assert done["counts"] == {name: {"units": 10, "items": 40, "positives": 20} for name in SPLITS}
    found = lines.person("researcher").get("/v1/tasks/own-task")
    assert (found["version"], found["text"], found["items"]) == (done["version"], TEXT, 80)
    assert found["quota"] == {"week_used": 0, "week": 20, "total_used": 0, "total": 200}
    assert (found["shipped"], found["notebook"]) == (False, "")
    assert "own-task" in {task["task"] for task in lines.kernel().get("/v1/tasks")["tasks"]}


@pytest.mark.parametrize("person", ["researcher", "checker-1", "teacher"])
def test_nobody_but_its_custodian_publishes_on_hidden_data(lines: Lines, person: str) -> None:
    with pytest.raises(AccessDenied, match="publish tasks on “own-test”"):
        publish(lines, TEXT.replace("id: own-task", "id: stolen"), person)


def test_a_kernel_publishes_nothing(lines: Lines) -> None:
    with pytest.raises(AccessDenied, match="not open to a kernel token"):
        lines.kernel("custodian").post("/v1/tasks", {"text": TEXT})


def test_a_dataset_that_nobody_knows_is_told_as_unknown(lines: Lines) -> None:
    with pytest.raises(NotFound):
        publish(lines, TEXT.replace("own-test", "no-test"))


@pytest.mark.parametrize("body", [{}, {"text": 5}, {"text": ""}, {"text": "x" * 70_000}])
def test_a_body_without_a_task_is_refused(lines: Lines, body: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        lines.person("custodian").post("/v1/tasks", body)


def test_the_tasks_of_the_package_are_listed_before_their_data_are_there(lines: Lines) -> None:
    tasks = {task["task"]: task for task in lines.person("researcher").get("/v1/tasks")["tasks"]}
    found = tasks["nodule-malignancy"]
    assert (found["version"], found["items"], found["entries"], found["shipped"]) == ("", 0, 0, True)
    assert (found["synthetic"], found["label_verified"], found["kind"]) == (True, True, "binary")


def test_a_page_of_a_task_has_its_card(lines: Lines) -> None:
    found = lines.person("researcher").get("/v1/tasks/nodule-malignancy")
    assert found["card"]["ceilings"][0]["value"] == pytest.approx(0.798, abs=0.001)
    assert found["card"]["trap"]["honest"] == "Score every nodule."
    assert found["content"]["quota"] == {"scored_per_week": 20, "scored_in_all": 200}


def test_a_retired_task_leaves_the_list_and_keeps_its_page(lines: Lines) -> None:
    publish(lines, TEXT.replace("id: own-task", "id: short-lived"))
    with pytest.raises(AccessDenied):
        lines.person("researcher").post("/v1/tasks/short-lived/retire", {"reason": "mine now"})
    done = lines.person("custodian").post("/v1/tasks/short-lived/retire", {"reason": "labels were wrong"})
    assert done["reason"] == "labels were wrong"
    line = lines.person("researcher")
    assert "short-lived" not in {task["task"] for task in line.get("/v1/tasks")["tasks"]}
    assert line.get("/v1/tasks/short-lived")["history"]["retired"] is not None
    with pytest.raises(Conflict, match="was retired"):
        line.request("POST", "/v1/tasks/short-lived/submissions?intent=validation", body=b"id,probability\n")


def test_a_task_of_the_package_is_always_there(lines: Lines) -> None:
    with pytest.raises(Conflict, match="always there"):
        lines.person("custodian").post("/v1/tasks/nodule-malignancy/retire", {"reason": "old"})


def test_splits_that_carry_nothing_are_refused_with_what_is_to_be_expected(lines: Lines) -> None:
    fill_hidden(lines.operator(), "few-test", 4)
    with pytest.raises(InvalidInput, match="splits.public_test: 4 units to draw again; an interval needs 8 at least"):
        publish(lines, TEXT.replace("id: own-task", "id: too-few").replace("own-test", "few-test"))
