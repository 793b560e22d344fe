"""The verb `workbench keys`: which keys wrap the vault's, how old they are, and a new one around them.

Runs in: terminal
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from workbench.connection import Connection, operator_secret, running_gateway
from workbench.errors import InvalidInput
from workbench.settings import load_settings


def keys_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `workbench keys`."""
    parser.add_argument("deed", choices=("list", "rotate"), help="show the keys, or put a new one around them")
    parser.add_argument("dataset", nargs="?", help="rotate this dataset's key (default: the vault's master key)")


def keys(args: argparse.Namespace) -> None:
    """List the wrapping keys or rotate one, as the owner of the home."""
    if args.deed == "list" and args.dataset:
        raise InvalidInput("`workbench keys list` takes no dataset; it shows all of them.")
    settings = load_settings()
    with running_gateway(settings):
        line = Connection(settings.socket, operator_secret(settings))
        try:
            if args.deed == "list":
                answer: Any = line.get("/v1/keys")["keys"]
            else:
                answer = line.post("/v1/keys/rotate", {"dataset": args.dataset} if args.dataset else {})
        finally:
            line.close()
    sys.stdout.write((json.dumps(answer) if args.json else _told(answer)) + "\n")


def _told(answer: Any) -> str:
    if isinstance(answer, list):
        rows = [f"{one['key']:<32} made {one['made'][:10]}  wraps {one['wraps']} keys" for one in answer]
        return "\n".join(rows)
    what = "every dataset" if answer["rotated"] == "vault" else f"the subjects of “{answer['rotated']}”"
    return (
        f"A new key wraps the keys of {what}: {answer['wrapped']} wrapped anew, the old key is gone. Back up the "
        "home's folder of keys now; a backup with the old key no longer fits."
    )
