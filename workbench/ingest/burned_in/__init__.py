"""Text in pixels, found and covered.

Runs in: ingest host
"""

from workbench.ingest.burned_in.boxes import Box
from workbench.ingest.burned_in.clearing import Cleared, clear_text
from workbench.ingest.burned_in.finder import find_text
from workbench.ingest.burned_in.suspects import may_carry_text

__all__ = ["Box", "Cleared", "clear_text", "find_text", "may_carry_text"]
