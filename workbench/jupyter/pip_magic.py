"""`%pip install NAME` in a governed kernel: asks the gateway, waits, and makes the new packages importable.

Runs in: kernel
"""

from __future__ import annotations

import importlib
import shlex
import sys
import time
from typing import Any

from workbench.errors import WorkbenchError

PATIENCE_S = 1200.0
POLL_S = 0.4
OWN = ("list", "freeze", "show", "check", "inspect", "--version", "-V", "help", "--help", "-h")
HELP = (
    "In a governed notebook: `%pip install NAME…` asks for packages, `%pip uninstall NAME…` gives them back, "
    "`%pip list` and `%pip show NAME` tell what is there. Packages come from the home's own index as wheels.\n"
)


def load_ipython_extension(shell: Any) -> None:
    """Put this `%pip` in the place of IPython's own, which would find no network here."""

    def pip(line: str) -> None:
        """Ask for packages: `%pip install NAME…`, `%pip uninstall NAME…`, `%pip list`."""
        run(line, shell)

    shell.register_magic_function(pip, "line", "pip")


def run(line: str, shell: Any) -> None:
    """Do what a line after `%pip` says."""
    words = shlex.split(line)
    deed, rest = (words[0], words[1:]) if words else ("help", [])
    names = [word for word in rest if word not in ("-q", "--quiet", "-y", "--yes")]
    try:
        if deed == "install":
            _ask("/v1/packages", names)
        elif deed == "uninstall":
            _ask("/v1/packages/remove", names)
        elif deed in OWN and deed not in ("help", "--help", "-h"):
            shell.system(shlex.join([sys.executable, "-m", "pip", *words]))
        else:
            sys.stdout.write(HELP)
    except WorkbenchError as refused:
        sys.stderr.write(f"{refused.message}\n")


def _ask(url: str, names: list[str]) -> None:
    from workbench.connection import connect_from_environment  # noqa: PLC0415 - not at the start of every kernel

    line = connect_from_environment()
    try:
        before = {item["name"]: item["version"] for item in line.get("/v1/packages")["packages"]}
        request = line.post(url, {"names": names})
        if request["state"] == "installing":
            sys.stdout.write(f"Request {request['id']}: installing outside the sandbox …\n")
            sys.stdout.flush()
        deadline = time.monotonic() + PATIENCE_S
        while request["state"] == "installing" and time.monotonic() < deadline:
            time.sleep(POLL_S)
            request = line.get(f"/v1/packages/requests/{request['id']}")
    finally:
        line.close()
    _tell(request, before)


def _tell(request: dict[str, Any], before: dict[str, str]) -> None:
    state = request["state"]
    if state == "review":
        sys.stdout.write(
            f"Not everything here is on this home's list, so request {request['id']} waits for an administrator. "
            "Once it is approved the packages are here by themselves; `workbench packages requests` tells how far it "
            "is.\n"
        )
        return
    if state != "installed":
        sys.stderr.write(f"{request['message'] or 'The installation still runs; look again later.'}\n")
        return
    # A folder that was not there before, or was another, is looked at afresh.
    importlib.invalidate_caches()
    new = [item for item in request["packages"] if before.get(item["name"]) != item["version"]]
    for item in new:
        licence = item["licence"] or "licence not named"
        sys.stdout.write(f"  {item['name']} {item['version']}  {licence}  sha256 {item['sha256'][:12]}…\n")
    gone = sorted(before.keys() - {item["name"] for item in request["packages"]})
    if gone:
        sys.stdout.write(f"  removed: {', '.join(gone)}\n")
    if not new and not gone:
        sys.stdout.write("Everything you asked for is there already.\n")
    elif any(item["name"].replace("-", "_") in sys.modules for item in new):
        sys.stdout.write("Restart the kernel: an older version of one of them is in use.\n")
