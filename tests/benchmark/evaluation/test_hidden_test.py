"""A submission is scored behind the gateway on scans that nobody reads, and only aggregates come back."""

from __future__ import annotations

import json

import pytest

from workbench.benchmark.client import read_entry, read_leaderboard, send, wait_for
from workbench.benchmark.results import Entry
from workbench.connection import Connection, sign_in
from workbench.errors import AccessDenied, NotFound, SubmissionRefused
from workbench.settings import Settings

pytest.importorskip("onnx")
from small_models import HONEST, folder_of, mean_model, threshold_model, written

TASK = "lung-nodule-detection"


def send_and_wait(line: Connection, content: bytes, kind: str = "onnx", intent: str = "scored") -> Entry:
    return wait_for(line, send(line, TASK, content, kind=kind, intent=intent, note="brightness"))


@pytest.fixture(scope="module")
def entry(filled: Settings) -> Entry:
    opened = sign_in(filled, "researcher")
    found = send_and_wait(opened, mean_model())
    opened.close()
    return found


def exact(filled: Settings, submission: str) -> dict[str, object]:
    """Give the scores as they lie in the store, which nobody but the operator reads."""
    import sqlite3

    with sqlite3.connect(f"file:{filled.store}?mode=ro", uri=True) as store:
        row = store.execute("SELECT scores, draws, cost FROM submissions WHERE id = ?", (submission,)).fetchone()
    store.close()
    return {"draws": row[1], "cost": json.loads(row[2]), **json.loads(row[0])}


def test_a_model_is_scored_with_an_interval(line: Connection, filled: Settings, entry: Entry) -> None:
    assert (entry.state, entry.code) == ("scored", None)
    scores = exact(filled, entry.submission)
    low, high = scores["interval"]  # type: ignore[misc]
    assert 0 <= low <= scores["value"] <= high <= 1


def test_only_aggregates_leave_the_evaluator(line: Connection, filled: Settings, entry: Entry) -> None:
    scores = exact(filled, entry.submission)

    assert {"metric", "value", "interval", "units", "items", "answered", "coverage", "secondary", "subgroups"} <= set(
        scores
    )
    assert (scores["units"], scores["items"], scores["answered"], scores["coverage"]) == (3, 3, 3, 1.0)
    assert len(scores["draws"]) == 8 * 1000  # type: ignore[arg-type]
    assert scores["cost"]["cpu_seconds"] > 0  # type: ignore[index]
    assert "S00" not in json.dumps({name: value for name, value in scores.items() if name != "draws"})


def test_a_folder_is_scored_like_a_model(line: Connection, filled: Settings) -> None:
    found = send_and_wait(line, folder_of(HONEST), "folder")

    assert (found.state, found.code) == ("scored", None)
    assert exact(filled, found.submission)["coverage"] == 1.0


def test_a_predictions_file_covers_both_hidden_splits_and_is_scored_on_one(line: Connection, filled: Settings) -> None:
    items = line.get(f"/v1/tasks/{TASK}/items")["items"]
    rows = "".join(f"{item},1,2,3,0.5\n" for item in items)
    found = send_and_wait(line, f"scan,x_mm,y_mm,z_mm,probability\n{rows}".encode(), "predictions")

    assert len(items) == 4
    assert (found.state, exact(filled, found.submission)["items"]) == ("scored", 3)


def test_a_scan_without_an_answer_is_a_scan_without_marks(line: Connection, filled: Settings) -> None:
    found = send_and_wait(line, folder_of(written('{"predictions": []}')), "folder")
    scores = exact(filled, found.submission)

    assert (scores["value"], scores["answered"], scores["coverage"]) == (0.0, 0, 0.0)


def test_masks_are_measured_on_the_hidden_labels_and_again_from_what_is_stored(
    line: Connection, filled: Settings
) -> None:
    sent = send(line, "lung-segmentation", threshold_model(), kind="onnx")
    first = exact(filled, wait_for(line, sent).submission)
    stored = (filled.home / "submissions" / f"{sent.submission}.predictions").read_bytes()
    second = exact(filled, wait_for(line, send(line, "lung-segmentation", stored, kind="predictions")).submission)

    # All air is marked, that around the body too, so the lungs are a part of it.
    assert 0.0 < first["value"] < 0.9  # type: ignore[operator]
    assert {**first, "cost": 0} == {**second, "cost": 0}
    board = {row["kind"]: row["value"] for row in read_leaderboard(line, "lung-segmentation").entries}
    assert board["baseline"] > board["submission"]


def test_the_board_shows_the_entry_and_the_baseline(line: Connection, entry: Entry) -> None:
    board = read_leaderboard(line, TASK)
    assert {"submission", "baseline"} <= {row["kind"] for row in board.entries}
    assert "blob filter alone" in json.dumps(board.entries) and "blob filter alone" in board._repr_html_()


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
    for end in ("", "/payload", "/predictions"):
        with pytest.raises(AccessDenied):
            line.get(f"/v1/evaluations/{entry.submission}{end}")
    with pytest.raises(AccessDenied):
        line.post(f"/v1/evaluations/{entry.submission}/result", {"state": "scored", "scores": {"value": 1.0}})


def test_somebody_without_the_role_submits_nothing(filled: Settings) -> None:
    custodian = sign_in(filled, "custodian")
    with pytest.raises(AccessDenied, match="role researcher"):
        send(custodian, TASK, mean_model())
    custodian.close()


@pytest.mark.parametrize(
    ("kind", "content"), [("onnx", mean_model()), ("folder", folder_of(HONEST))], ids=["onnx", "folder"]
)
def test_a_validation_touches_no_labels(line: Connection, filled: Settings, kind: str, content: bytes) -> None:
    found = send_and_wait(line, content, kind, "validation")

    assert (found.state, found.scores) == ("valid", None)
    names = (f'"{found.submission}"', f'"{found.submission}-')
    reads = [event for event in _events(filled) if any(name in json.dumps(event) for name in names)]
    assert not [event for event in reads if event["action"] == "dataset.read"]


@pytest.mark.parametrize(
    ("kind", "content", "code", "sentence"),
    [
        ("onnx", b"\x08junk" * 20, "MODEL_REFUSED", "not an ONNX file"),
        ("onnx", mean_model(9.0), "MALFORMED_OUTPUT", "probability is outside 0 to 1"),
        ("folder", folder_of(written('[{"id": "X", "marks": []}]')), "UNKNOWN_ITEM_IDS", "Entry 1: its id"),
        ("folder", folder_of("import socket; socket.create_connection(('192.0.2.1', 9))"), "NETWORK_ATTEMPT_DETECTED",
         "tried to use a network"),
    ],
    ids=["no model", "no probability", "unknown scan", "network"],
)  # fmt: skip
def test_a_failed_validation_says_where_the_mistake_is(
    line: Connection, kind: str, content: bytes, code: str, sentence: str
) -> None:
    found = send_and_wait(line, content, kind, "validation")
    assert (found.state, found.code) == ("failed", code)
    assert sentence in found.message


def test_a_failure_on_hidden_scans_repeats_nothing_that_they_decided(line: Connection) -> None:
    leak = "import json\nfirst = json.load(open('/input/index.json'))['scans'][0]\nprint(first)\n"
    leak += "rows = [{'id': str(first['origin_mm']), 'marks': []}]\n"
    leak += "open('/output/predictions.json', 'w').write(json.dumps([{'id': 'S0001', 'marks': []}] * 2 + rows))"
    found = send_and_wait(line, folder_of(leak), "folder")

    assert (found.state, found.code) == ("failed", "MALFORMED_OUTPUT")
    assert "entry" not in found.message.lower() and "S0001" not in found.message


def test_an_empty_model_is_refused_at_the_door(line: Connection) -> None:
    with pytest.raises(SubmissionRefused, match="0 bytes"):
        send(line, TASK, b"")


def test_the_audit_names_the_evaluators_reads(filled: Settings, entry: Entry) -> None:
    about = [event for event in _events(filled) if event["resource"] == "chest-ct-test"]
    reads = [event for event in about if event["action"] == "dataset.read" and event["outcome"] == "allowed"]
    assert reads and all("B" in json.dumps(event) for event in reads)


def _events(filled: Settings) -> list[dict[str, object]]:
    custodian = sign_in(filled, "custodian")
    events: list[dict[str, object]] = custodian.get("/v1/audit?limit=1000")["events"]
    custodian.close()
    return events
