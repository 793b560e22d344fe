"""Predictions of every kind are read from what people send, refused by line, and written in one form."""

from __future__ import annotations

import json

import pytest

from workbench.benchmark.evaluation.predictions import Predictions, parse
from workbench.errors import InvalidInput, SubmissionRefused

ITEMS = ("S1", "S2", "S3")
HEAD = "scan,x_mm,y_mm,z_mm,probability\n"


def refused(kind: str, text: str | bytes, code: str = "MALFORMED_OUTPUT", classes: tuple[str, ...] = ()) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(SubmissionRefused) as stop:
        parse(kind, content, ITEMS, classes=classes)
    assert stop.value.code == code
    return stop.value.message


def test_marks_are_read_with_our_names_and_with_those_of_luna16() -> None:
    ours = parse("detection3d", (HEAD + "S2,1,2.5,-3,0.5\nS2,1,2,-3,1\n").encode(), ITEMS)
    theirs = parse("detection3d", b"seriesuid,coordX,coordY,coordZ,probability\nS2,1,2,-3,1\nS2,1,2.5,-3,0.5\n", ITEMS)

    assert ours == theirs
    assert ours.rows == {"S2": ((1.0, 2.0, -3.0, 1.0), (1.0, 2.5, -3.0, 0.5))}
    assert ours.coverage == pytest.approx(1 / 3)


@pytest.mark.parametrize("kind", ["binary", "regression", "survival", "ordinal"])
def test_one_number_for_each_item_is_read_from_csv_and_both_forms_of_json(kind: str) -> None:
    entries = [{"id": "S1", "prediction": 1}, {"id": "S3", "prediction": 0.0}]
    texts = ("id,prediction\nS3,0\nS1,1\n", json.dumps(entries), json.dumps({"predictions": entries}))
    first, second, third = (parse(kind, text.encode(), ITEMS) for text in texts)

    assert first == second == third
    assert (first.value("S1"), first.answered) == (1.0, ("S1", "S3"))


def test_a_probability_may_stand_under_either_name() -> None:
    found = [parse("binary", f"id,{name}\nS1,0.25\n".encode(), ITEMS) for name in ("probability", "prediction")]

    assert found[0] == found[1]


def test_a_number_for_each_class_is_read_in_the_order_of_the_task() -> None:
    found = parse("multiclass", b"id,class:b,class:a\nS1,0.75,0.25\n", ITEMS, classes=("a", "b"))

    assert (found.columns, found.rows["S1"]) == (("class:a", "class:b"), ((0.25, 0.75),))


def test_a_scan_without_marks_can_be_an_answer() -> None:
    text = b'{"predictions": [{"id": "S1", "marks": []}, {"id": "S2", "marks": []}, {"id": "S3", "marks": []}]}'

    assert parse("detection3d", text, ITEMS).coverage == 1.0


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("detection3d", HEAD + "S2,1e-7,2,-0.0,0.1\nS1,1,2,3,0.30000000000000004\n"),
        ("survival", "id,prediction\nS2,-1e300\nS1,0.1\n"),
        ("ranking", "id,class:ä,class:b\nS1,1,2\n"),
    ],
)
def test_the_stored_form_depends_on_the_predictions_alone_and_reads_back(kind: str, text: str) -> None:
    head, *rows = text.splitlines()
    stored = parse(kind, text.encode(), ITEMS).canonical()
    turned = "\r\n".join([head, *reversed(rows)]).encode("utf-8-sig")

    assert parse(kind, turned, reversed(ITEMS)).canonical() == stored
    assert parse(kind, stored, ITEMS).canonical() == stored
    assert b"-0.0" not in stored


def test_the_items_of_one_split_can_be_looked_at_alone() -> None:
    found = parse("binary", b"id,probability\nS1,0.5\nS2,0.5\n", ITEMS).restrict(["S2", "S3"])

    assert (found.items, found.answered, found.coverage) == (("S2", "S3"), ("S2",), 0.5)


def test_missing_items_are_refused_only_where_the_task_says_so() -> None:
    found = parse("binary", b"id,probability\nS1,0.5\n", ITEMS)

    with pytest.raises(SubmissionRefused, match="2 of 3 items have no prediction") as stop:
        found.require_complete()
    assert stop.value.code == "MALFORMED_OUTPUT"
    assert parse("binary", b"id,probability\nS1,1\nS2,0\nS3,0\n", ITEMS).require_complete() is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "it is empty"),
        (" \n\n", "it is empty"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        ("S1,1,2,3,0.5\n", "Line 1: the header is missing"),
        (HEAD, "it holds no prediction"),
        (HEAD + "S1,1,2,3\n", "Line 2: it has 4 fields where the header has 5"),
        (HEAD + "S1,1,2,3,0.5\n" + HEAD, "Line 3: a line of column names"),
        ("scan,x_mm,y_mm,probability\nS1,1,2,0.5\n", "“z_mm” is missing"),
        ("scan,x_mm,x_mm,y_mm,z_mm,probability\nS1,1,1,2,3,0.5\n", "names a column twice"),
        (HEAD + "S1,1,2,3,nan\n", "Line 2: probability is not a finite number"),
        (HEAD + "S1,1,2,inf,0.5\n", "Line 2: z_mm is not a finite number"),
        (HEAD + "S1,1,2,3,1.0001\n", "Line 2: probability is outside 0 to 1"),
        (HEAD + "S1,1,2,3,-1e-9\n", "Line 2: probability is outside 0 to 1"),
        (HEAD + "S1,1e9,2,3,0.5\n", "must be in millimetres"),
        (HEAD + "S1,1,2,3,0.5\nS1,1.0,2,3,0.5\n", "Line 3: the same mark stands in line 2"),
        (HEAD + ",1,2,3,0.5\n", "Line 2: it has no id"),
        (HEAD + 'S1,"1,2,3,0.5\n', "not CSV"),
    ],
)
def test_marks_that_cannot_be_scored_are_refused_by_line(text: str | bytes, sentence: str) -> None:
    assert sentence in refused("detection3d", text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "Line 1: it is not JSON"),
        ("{}", "must be a list"),
        ("[1]", "Entry 1: it must be an object"),
        pytest.param("[" * 100_000, "nested too deeply", id="deep"),
        ('[{"id": "S1", "probability": NaN}]', "NaN"),
        ('[{"id": "S1", "probability": -Infinity}]', "Infinity"),
        ('[{"id": "S1", "probability": 1e999}]', "not a finite number"),
        ('[{"id": "S1", "probability": true}]', "must be a number"),
        ('[{"id": "S1", "probability": null}]', "must be a number"),
        ('[{"id": "S1", "probability": "' + "1" * 50 + '"}]', "not a finite number"),
        pytest.param('[{"id": "S1", "probability": 1' + "0" * 5000 + "}]", "too many digits", id="digits"),
        ('[{"id": 7, "probability": 0.5}]', "it has no id"),
        ('[{"id": "S1", "id": "S2", "probability": 0.5}]', "one of its members twice"),
        ('[{"id": "S1", "probability": 0.5}, {"id": "S1", "probability": 0.6}]', "the same item stands in entry 1"),
    ],
)
def test_json_that_cannot_be_scored_is_refused(text: str, sentence: str) -> None:
    assert sentence in refused("binary", text)


@pytest.mark.parametrize("kind", ["detection3d", "binary", "multiclass"])
def test_an_unknown_item_has_its_own_code_and_is_not_repeated(kind: str) -> None:
    message = refused(kind, HEAD + "S1,1,2,3,0.5\nSECRET,1,2,3,0.5\n" if kind == "detection3d" else
                      "id,probability,class:a,class:b\nSECRET,0.5,1,2\n", "UNKNOWN_ITEM_IDS")  # fmt: skip

    assert "one of the 3 items" in message and "SECRET" not in message


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        ("regression", "id,prediction\nS1,-1e200\n", "Line 2: prediction is beyond ±1e+100"),
        ("regression", "id,prediction\nS1,1_000\n", "Line 2: prediction is not a finite number"),
        ("regression", "id,prediction\nS1,\u0661\n", "Line 2: prediction is not a finite number"),
        ("ordinal", "id,prediction\nS1,2.5\n", "one of the task's grades"),
        ("ordinal", "id,prediction\nS1,7\n", "grades (0, 1, 2)"),
        ("multiclass", "id,class:0,class:1\nS1,1,2\n", "“class:2” is missing"),
        ("multiclass", "id,class:0,class:1,class:2,class:3\nS1,1,2,3,4\n", "1 columns “class:NAME”"),
    ],
)
def test_classes_that_the_task_does_not_have_are_refused(kind: str, text: str, sentence: str) -> None:
    assert sentence in refused(kind, text, classes=("0", "1", "2"))


def test_marks_in_json_are_refused_by_entry_and_mark() -> None:
    mark = {"x_mm": 1, "y_mm": 2, "z_mm": 3, "probability": 0.5}
    twice = json.dumps([{"id": "S1", "marks": [mark, mark]}])
    again = json.dumps([{"id": "S1", "marks": []}, {"id": "S1", "marks": []}])

    assert "Entry 1, mark 2: the same mark stands in entry 1, mark 1" in refused("detection3d", twice)
    assert "the same item stands in entry 1" in refused("detection3d", again)
    assert "must be a list" in refused("detection3d", '[{"id": "S1", "marks": 3}]')


def test_a_kind_that_does_not_exist_is_an_error_of_the_caller() -> None:
    with pytest.raises(InvalidInput, match="kind “cats”"):
        parse("cats", b"id\n", ITEMS)


def test_a_whole_challenge_is_read_well_within_a_second() -> None:
    lines = [f"S{mark % 3 + 1},{mark},2,3,0.5" for mark in range(55_677)]
    found: Predictions = parse("detection3d", (HEAD + "\n".join(lines)).encode(), ITEMS)

    assert sum(len(marks) for marks in found.rows.values()) == 55_677
