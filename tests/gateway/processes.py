"""Gateways as processes of their own, to be killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from workbench.connection import gateway_answers
from workbench.settings import Settings


def started(settings: Settings) -> subprocess.Popen[bytes]:
    """Start a gateway that stays until it is told to go."""
    settings.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.run / "gateway-test.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "workbench.gateway"], stdout=log, stderr=log,
            env={**os.environ, "WORKBENCH_HOME": str(settings.home)},
        )  # fmt: skip
    while not gateway_answers(settings):
        assert process.poll() is None
        time.sleep(0.02)
    return process
