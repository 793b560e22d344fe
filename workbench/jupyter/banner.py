"""Says once, above the first output, that this kernel is not isolated.

Runs in: kernel
"""

from __future__ import annotations

import sys
from typing import Any

SENTENCE = (
    "This kernel is NOT isolated: bubblewrap does not work on this machine. Only open data can be read here; "
    "to use governed data, install bubblewrap (`apt install bubblewrap`) and restart the kernel.\n"
)


def load_ipython_extension(shell: Any) -> None:
    """Print the sentence before the first cell runs."""

    def say(_info: object) -> None:
        shell.events.unregister("pre_run_cell", say)
        sys.stderr.write(SENTENCE)
        sys.stderr.flush()

    shell.events.register("pre_run_cell", say)
