"""The clock of a timed read as the browser tells it, and what is refused."""

from __future__ import annotations

import pytest

from workbench.errors import InvalidInput
from workbench.viewer.reading import NO_READING, read_reading


def test_what_is_left_out_is_as_before_anybody_read() -> None:
    assert read_reading({"state": "idle"}) == {"state": "idle", "seconds": 0.0, "paused_seconds": 0.0}
    assert read_reading({}) == NO_READING


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"state": "asleep"}, "no state 'asleep'"),
        (None, "no state None"),
        ({"state": "running", "seconds": -1}, "seconds of a read is -1"),
        ({"state": "running", "seconds": float("nan")}, "seconds of a read"),
        ({"state": "running", "seconds": "long"}, "seconds of a read"),
        ({"state": "paused", "paused_seconds": 1e9}, "paused_seconds of a read"),
    ],
)
def test_impossible_clocks_are_refused(value: object, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_reading(value)
