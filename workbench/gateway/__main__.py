"""`python -m workbench.gateway [--until-unused]`: the gateway of `WORKBENCH_HOME`, as its own process.

Runs in: gateway
"""

from __future__ import annotations

import argparse
import logging
import sys

from workbench.gateway.lifecycle import only_gateway, serve
from workbench.settings import load_settings


def main() -> int:
    """Serve; a second gateway of the same home leaves quietly."""
    parser = argparse.ArgumentParser(prog="python -m workbench.gateway", description="Serve one home's governed data.")
    parser.add_argument("--until-unused", action="store_true", help="end when no client of this home is left")
    args = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = load_settings()
    with only_gateway(settings) as mine:
        if mine:
            serve(settings, until_unused=args.until_unused)
    return 0


if __name__ == "__main__":
    sys.exit(main())
