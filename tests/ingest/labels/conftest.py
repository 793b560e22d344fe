"""A scan to label, and a folder to write label files to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from label_drawing import Files, Scan


@pytest.fixture
def scan() -> Scan:
    """Give a small upright scan."""
    return Scan()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Give a folder to write label files to."""
    return Files(tmp_path)
