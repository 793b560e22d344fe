"""What cells show of numbers: whole, also at the ends of the scale."""

from __future__ import annotations

import re

import pytest

from workbench.benchmark.markup import interval_bar


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_the_dot_of_a_value_lies_wholly_in_the_drawing(value: float) -> None:
    drawing = interval_bar(value, None)
    middle, radius = (float(re.search(rf' {name}="([\d.]+)"', drawing)[1]) for name in ("cx", "r"))  # type: ignore[index]
    assert radius <= middle <= 160 - radius
