"""`workbench serve`: the gateway of this home in the foreground.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress

from workbench.errors import Conflict
from workbench.gateway.lifecycle import only_gateway
from workbench.gateway.lifecycle import serve as serve_home
from workbench.settings import load_settings


def serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments: the home is `WORKBENCH_HOME`."""
    parser.epilog = "The home is WORKBENCH_HOME. Press Ctrl-C to stop."


def serve(args: argparse.Namespace) -> int:
    """Serve this home until Ctrl-C."""
    settings = load_settings()
    with only_gateway(settings) as mine:
        if not mine:
            raise Conflict(
                f"A gateway of this home already runs, at {settings.socket}. Use that one, or stop it first."
            )
        place = {"home": str(settings.home), "socket": str(settings.socket)}
        text = f"The gateway of {settings.home} listens on {settings.socket}. Press Ctrl-C to stop."
        sys.stdout.write(f"{json.dumps(place) if args.json else text}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            serve_home(settings)
        sys.stdout.write("" if args.json else "The gateway has stopped.\n")
    return 0
