"""A submission is scored behind the gateway on scans that nobody reads, and only aggregates come back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from workbench.benchmark.client import read_entry, read_leaderboard, send, wait_for
from workbench.benchmark.results import Entry
from workbench.connection import Connection, operator_secret, running_gateway, sign_in
from workbench.errors import AccessDenied, NotFound, SubmissionRefused
from workbench.ingest.phantoms import ingest_phantoms
from workbench.settings import Settings, load_settings

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

TASK = "lung-nodule-detection"
PLAN = (("train", 11), ("validation", 12), ("public_test", 13), ("public_test", 14))


def model(scale: float = 1.0) -> bytes:
    """Give a model that says how bright the middle of a patch is."""
    takes = helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", 1, 32, 32, 32])
    gives = helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["n"])
    nodes = [
        helper.make_node("ReduceMean", ["patches"], ["mean"], axes=[1, 2, 3, 4], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["probability"]),
    ]
    graph = helper.make_graph(nodes, "m", [takes], [gives], [numpy_helper.from_array(np.float32([scale]), "scale")])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Have a home with four small phantoms, two of them hidden, and its gateway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("hidden") / "home"))
        settings = load_settings()
        with running_gateway(settings):
            owner = Connection(settings.socket, operator_secret(settings))
            ingest_phantoms(owner, plan=PLAN, size=192)
            owner.close()
            yield settings


@pytest.fixture
def line(filled: Settings, bubblewrap: None) -> Iterator[Connection]:
    opened = sign_in(filled, "researcher")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def entry(filled: Settings) -> Entry:
    opened = sign_in(filled, "researcher")
    found = wait_for(opened, send(opened, TASK, model(), note="brightness"))
    opened.close()
    return found


def test_a_submission_is_scored_with_an_interval(line: Connection, entry: Entry) -> None:
    assert (entry.state, entry.code) == ("scored", None)
    low, high = entry.interval or (1, 0)
    assert 0 <= low <= entry.value <= high <= 1


def test_only_aggregates_come_back(line: Connection, entry: Entry) -> None:
    assert set(entry.scores or {}) == {
        "metric", "value", "interval", "sensitivity", "sensitivity_interval", "false_positives_per_scan", "scans",
        "nodules",
    }  # fmt: skip
    assert (entry.scores or {})["scans"] == 2


def test_the_board_shows_the_entry_and_the_baseline(line: Connection, entry: Entry) -> None:
    board = read_leaderboard(line, TASK)
    assert {(row["kind"], row["person"]) for row in board.entries} == {
        ("submission", "researcher"), ("baseline", "blob filter alone"),
    }  # fmt: skip
    assert "brightness" in board._repr_html_()
    assert board.table()["rank"].min() == 1


def test_nobody_else_reads_the_entry(filled: Settings, entry: Entry) -> None:
    teacher = sign_in(filled, "teacher")
    with pytest.raises(NotFound):
        read_entry(teacher, entry.submission)
    teacher.close()


def test_nobody_reads_the_hidden_scans(line: Connection) -> None:
    for url in ("scans", "tables/nodules", "scans/S0001/zarr/zarr.json"):
        with pytest.raises(AccessDenied, match="only the evaluator"):
            line.get(f"/v1/datasets/chest-ct-test/{url}")


def test_a_person_has_no_evaluators_door(line: Connection, entry: Entry) -> None:
    for end in ("", "/model"):
        with pytest.raises(AccessDenied):
            line.get(f"/v1/evaluations/{entry.submission}{end}")
    with pytest.raises(AccessDenied):
        line.post(f"/v1/evaluations/{entry.submission}/result", {"state": "scored", "scores": {"value": 1.0}})


def test_somebody_without_the_role_submits_nothing(filled: Settings) -> None:
    custodian = sign_in(filled, "custodian")
    with pytest.raises(AccessDenied, match="role researcher"):
        send(custodian, TASK, model())
    custodian.close()


def test_a_rehearsal_touches_no_labels_and_is_quick(line: Connection) -> None:
    began = time.monotonic()
    found = wait_for(line, send(line, TASK, model(), intent="validation"))
    assert (found.state, found.scores) == ("valid", None)
    assert time.monotonic() - began < 30  # about 2 s where nothing else runs


@pytest.mark.parametrize(("content", "code"), [(b"junk" * 20, "MODEL_REFUSED"), (model(9.0), "MALFORMED_OUTPUT")])
def test_a_failure_has_a_code_and_a_sentence(line: Connection, content: bytes, code: str) -> None:
    found = wait_for(line, send(line, TASK, content, intent="validation"))
    assert (found.state, found.code) == ("failed", code)
    assert found.message.endswith(".")


def test_an_empty_model_is_refused_at_the_door(line: Connection) -> None:
    with pytest.raises(SubmissionRefused, match="0 bytes"):
        send(line, TASK, b"")


def test_no_identifier_of_a_scan_is_in_the_run_folder(filled: Settings, entry: Entry) -> None:
    log = filled.run / "evaluator.log"
    assert "S0001" not in (log.read_text() if log.exists() else "")


def test_the_audit_names_the_evaluators_reads(filled: Settings, entry: Entry) -> None:
    custodian = sign_in(filled, "custodian")
    events = custodian.get("/v1/audit?limit=1000")["events"]
    about = [event for event in events if event["resource"] == "chest-ct-test" and event["outcome"] == "allowed"]
    reads = [event for event in about if event["action"] == "dataset.read"]
    assert reads and all(entry.submission in json.dumps(event) for event in reads)
    custodian.close()


def test_a_file_that_is_no_model_is_refused_by_the_command(filled: Settings, tmp_path: Path) -> None:
    from workbench.cli import main

    assert main(["submit", TASK, str(tmp_path / "none.onnx")]) == 2
