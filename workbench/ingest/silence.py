"""Keep pydicom from writing the values it doubts to terminal and log: a doubted value may be a name.

Runs in: ingest host
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.config import disable_value_validation

LOGGER = logging.getLogger("pydicom")


@contextmanager
def silent_pydicom() -> Iterator[None]:
    """Read without pydicom's checks, warnings and log; the profile and the gate judge every value themselves."""
    before = LOGGER.level
    LOGGER.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    finally:
        LOGGER.setLevel(before)
