"""A text leaves with what it says, and not with rows, bytes or letters that nobody sees."""

from __future__ import annotations

import json

import pytest

from tests.airlock.scanners.leaks import COHORT, CSV, PIXELS, RECORDS
from workbench.airlock.scan import scan_file
from workbench.airlock.scanners.prose import MAX_TEXT
from workbench.errors import InvalidInput


def stops(name: str, text: str) -> set[str]:
    return {finding.rule for finding in scan_file(name, text.encode()) if finding.is_stop}


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("a.txt", CSV, "row-level-table"),
        ("a.txt", CSV.replace(",", "\t"), "row-level-table"),
        ("a.txt", COHORT.to_html(), "row-level-table"),
        ("a.txt", f"the mask: {PIXELS[:400]}", "encoded-bytes"),
        ("a.txt", "fine" + "\u200b\u200c" * 20, "hidden-text"),
        ("a.txt", "x " * MAX_TEXT, "too-long"),
        ("a.json", json.dumps({"rows": RECORDS}), "row-level-table"),
        ("a.json", json.dumps({"values": list(range(400))}), "plot-data"),
        ("a.md", "<script>fetch(1)</script>", "active-content"),
    ],
    ids=["csv", "tabs", "html", "base64", "zero width", "long", "records", "numbers", "script"],
)
def test_what_a_text_hides_is_found(name: str, text: str, rule: str) -> None:
    assert rule in stops(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "The network finds 72 % of 41 nodules (95 % 60 to 80)."),
        ("a.txt", "if age < 60 and sex > 0: <not a tag"),
        ("a.md", "# Results\n\n| group | n | mean |\n|---|---|---|\n| f | 212 | 61.2 |\n| m | 198 | 59.8 |\n"),
        ("a.json", '{"task": "lung-nodule-detection", "CPM": 0.72, "interval": [0.6, 0.8], "scans": 24}'),
    ],
    ids=["sentence", "comparison", "groups", "result"],
)
def test_a_plain_text_passes(name: str, text: str) -> None:
    assert stops(name, text) == set()


@pytest.mark.parametrize(("name", "content"), [("a.txt", b"\xff\xfe\x00"), ("a.json", b"{"), ("a.json", b"[" * 90_000)])
def test_what_is_no_text_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a readable text"):
        scan_file(name, content)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("letter", ["[", "<", "<table>", "A", "1.", "\n \n", "^a", "-", "ab ", "1,"])
def test_hostile_text_is_judged_in_time(letter: str) -> None:
    # The run-time limit of the test is the promise: no pattern may take time that grows with the square.
    assert isinstance(stops("a.txt", letter * (400_000 // len(letter))), set)
