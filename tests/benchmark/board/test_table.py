"""The board as people read it: in the terminal, as a table, and in a notebook, where nobody's note is markup."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.benchmark.board.table import Leaderboard, final_words, in_text

WORST = {"name": "size", "group": "below 6", "units": 9, "value": 0.31, "interval": [0.2, 0.4]}
FINAL = {"value": 0.58, "interval": [0.5, 0.66], "rank": 1, "rank_interval": [1, 1], "tie_group": 1, "ties": []}
ENTRY = {
    "submission": "B1", "person": "researcher", "note": "<b>x</b>", "kind": "submission", "payload": "onnx",
    "isolation": "sealed", "created": "2026-05-03T00:00:00Z", "cost": None, "final_failed": None, "value": 0.612,
    "interval": [0.5, 0.7], "units": 40, "items": 40, "answered": 38, "coverage": 0.95, "worst_subgroup": WORST,
    "final": None, "rank": 1, "rank_interval": [1, 2], "tie_group": 1, "ties": [],
}  # fmt: skip
BASELINE = {
    **ENTRY, "submission": None, "person": "blob filter alone", "note": "", "kind": "baseline", "isolation": "house",
    "value": 0.25, "interval": None, "coverage": None, "worst_subgroup": None, "rank": 2, "rank_interval": [2, 2],
    "tie_group": 2,
}  # fmt: skip


def board(*entries: dict[str, Any], **changed: Any) -> Leaderboard:
    body = {
        "task": "lung-nodule-detection", "title": "Lung nodule detection", "version": "ab" * 32,
        "metric": "froc_cpm:v1", "metric_name": "CPM", "synthetic": True, "band": "Synthetic data: phantoms.",
        "entries": list(entries), "final": {"state": "none"}, **changed,
    }  # fmt: skip
    return Leaderboard.from_reply(body)


def test_the_text_aligns_every_column() -> None:
    assert repr(board(ENTRY, BASELINE)).splitlines() == [
        "Lung nodule detection · CPM, public test · task abababababab",
        "SYNTHETIC. Synthetic data: phantoms.",
        "rank  95 %  group  CPM (95 %)       final  who                worst subgroup      answered  run     note",
        "1     1–2   1      0.612 (0.5–0.7)  –      researcher         size: below 6 0.31  95%       sealed  <b>x</b>",
        "2     2     2      0.25             –      blob filter alone  –                   –         house",
        "The final test has not been opened.",
    ]


def test_an_empty_board_says_so_in_every_form() -> None:
    empty = board()
    assert "nobody yet" in repr(empty)
    assert "nobody yet" in empty._repr_html_()
    assert list(empty.table().columns)[:4] == ["rank", "rank_low", "rank_high", "tie_group"]


def test_the_table_holds_the_numbers() -> None:
    row = board({**ENTRY, "final": FINAL}).table().iloc[0]
    assert (row["rank_low"], row["rank_high"], row["low"], row["worst_value"], row["final"], row["final_rank"]) == (
        1, 2, 0.5, 0.31, 0.58, 1,
    )  # fmt: skip


def test_a_note_is_never_markup() -> None:
    page = board(ENTRY, BASELINE)._repr_html_()
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page


def test_a_synthetic_board_is_banded_and_a_real_one_is_not() -> None:
    assert ">SYNTHETIC. Synthetic data: phantoms.</div>" in board(ENTRY)._repr_html_()
    real = board(ENTRY, synthetic=False, band=None)
    assert "synthetic" not in real._repr_html_().lower() + repr(real).lower()


def test_bars_are_drawn_only_for_shares() -> None:
    assert "<svg" in board(ENTRY)._repr_html_()
    assert "<svg" not in board({**ENTRY, "value": 12.5, "interval": [11.0, 14.0]})._repr_html_()


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"state": "none"}, "has not been opened"),
        ({"state": "proposed", "proposed_by": "custodian"}, "custodian proposed"),
        ({"state": "running", "ended": 1, "runs": 2}, "1 of 2 runs"),
        ({"state": "stopped"}, "tried again"),
        (
            {"state": "done", "opened": "2026-05-03T10:00:00Z", "opened_by": "a", "proposed_by": "b"},
            "on 2026-05-03 by a",
        ),
    ],
)
def test_each_state_of_the_final_test_has_its_sentence(state: dict[str, Any], said: str) -> None:
    assert said in final_words(state)


def test_the_final_column_says_rank_and_value_or_how_it_failed() -> None:
    text = repr(board({**ENTRY, "final": FINAL}, {**ENTRY, "final_failed": "NO_OUTPUT"}))
    assert "1: 0.58 (0.5–0.66)" in text
    assert "NO_OUTPUT" in text


def test_numbers_have_at_most_four_digits() -> None:
    assert (in_text(12.34567, (11.111111, 13.0)), in_text(None, None)) == ("12.35 (11.11–13)", "–")
