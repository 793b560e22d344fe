"""A kernel's view of a real gateway, as the tests of reading have it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_FILE = Path(__file__).parents[2] / "data" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("conftest_of_data", _FILE)
if _SPEC is None or _SPEC.loader is None:
    raise ImportError(_FILE.name)
_MODULE = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _MODULE
_SPEC.loader.exec_module(_MODULE)
readable, in_kernel = _MODULE.readable, _MODULE.in_kernel
