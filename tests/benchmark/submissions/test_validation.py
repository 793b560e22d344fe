"""Predictions are checked before anything else happens to them: kind, ids, coverage; no label is read."""

from __future__ import annotations

import pytest

from workbench.benchmark.submissions.validation import check_predictions, kind_of
from workbench.benchmark.tasks.definition import task_definition

ITEMS = ["S0001-1", "S0001-2", "S0002-1"]
WHOLE = b"id,probability\nS0001-1,0.5\nS0001-2,1\nS0002-1,0\n"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", "onnx"), (b"  \n", "onnx"), (b"id,prediction\nA,1\n", "predictions"),
     ("é,b\n".encode() * 99, "predictions"),
     (b'{"predictions": []}', "predictions"), ("\ufeffid,x".encode(), "predictions"), (b"\x08\x12\x07torch", "onnx"),
     (b"\xff\xfe", "onnx"), (b"PK\x03\x04 broken", "folder"), (b"PK\x05\x06" + bytes(18), "predictions")],
)  # fmt: skip
def test_a_kind_follows_from_the_first_bytes(content: bytes, kind: str) -> None:
    assert kind_of(content) == kind


def test_whole_predictions_can_be_scored() -> None:
    assert check_predictions(task_definition("nodule-malignancy"), WHOLE, ITEMS) is None


def test_unknown_ids_have_their_code_and_line() -> None:
    refusal = check_predictions(task_definition("nodule-malignancy"), WHOLE + b"S0009-1,0.5\n", ITEMS)
    assert refusal is not None
    assert refusal.code == "UNKNOWN_ITEM_IDS" and "line 5" in refusal.message.lower()


def test_what_is_missing_is_refused_where_the_task_rejects_it() -> None:
    task = task_definition("nodule-malignancy")
    part = b"id,probability\nS0001-1,0.5\n"
    refusal = check_predictions(task, part, ITEMS)
    assert refusal is not None
    assert refusal.code == "MALFORMED_OUTPUT" and "2 of 3 items" in refusal.message
    assert check_predictions(task.model_copy(update={"missing": "worst"}), part, ITEMS) is None
