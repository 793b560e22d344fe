"""The archive of these tests, started once."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from archives import given_study, orthanc

__all__ = ["given_study", "orthanc"]
