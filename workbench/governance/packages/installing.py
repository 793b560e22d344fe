"""Carries a request out: resolve, fetch, unpack, switch; on record whether it worked or not.

Runs in: gateway
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import threading
from pathlib import Path

from workbench.errors import RunFailed, WorkbenchError
from workbench.governance.packages import pip, requests
from workbench.governance.packages.asking import Wanted
from workbench.governance.packages.environments import (
    EMPTY,
    Package,
    environment_folder,
    lock_digest,
    point_to,
    write_lock,
)
from workbench.governance.store import Store
from workbench.settings import Settings

STOPPED = RunFailed("The gateway stopped before the installation was done; ask again.", code="install-interrupted")
FAILED = RunFailed("The installation failed unexpectedly; the gateway's log says why. Tell who runs it.")
# One at a time: two for one person would each leave out what the other adds.
_ONE = threading.Lock()
_RUNNING: set[str] = set()

log = logging.getLogger("workbench.gateway")


def start(store: Store, settings: Settings, request: str) -> None:
    """Carry a request out in a thread of its own."""
    _RUNNING.add(request)
    threading.Thread(target=_carry_out, args=(store, settings, request), name=f"install-{request}", daemon=True).start()


def settle(store: Store, request: str) -> None:
    """Say of a request that a stopped gateway left behind that nothing came of it."""
    if request not in _RUNNING and requests.get(store, request)["state"] == "installing":
        requests.fail(store, request, STOPPED)


def install(store: Store, settings: Settings, request: str) -> None:
    """Carry a request out now.

    Raises
    ------
    WorkbenchError
        With one sentence for the person; nothing has changed then.
    """
    person, wants = requests.goal(store, request)
    folder = environment_folder(settings, person)
    with tempfile.TemporaryDirectory(prefix="packages-") as job:
        packages = _resolved(store, person, wants, Path(job))
        digest = lock_digest(packages) if packages else EMPTY
        if packages and not (folder / digest).is_dir():
            _fill(folder, digest, packages, Path(job), settings)
    # One step for whoever reads: a request never counts as installed before its packages are there.
    requests.finish(store, request, wants, packages, switch=lambda: point_to(folder, digest))


def _resolved(store: Store, person: str, wants: list[Wanted], job: Path) -> list[Package]:
    if not wants:
        return []
    kept = [Package(**package) for package in requests.environment(store, person)["packages"]]
    packages = pip.resolve(wants, kept, job)
    requests.check_found(store, packages)
    return packages


def _fill(folder: Path, digest: str, packages: list[Package], job: Path, settings: Settings) -> None:
    new = Path(tempfile.mkdtemp(prefix=".new-", dir=folder))
    try:
        pip.fetch(packages, job)
        pip.unpack(job, new, settings.home)
        write_lock(new, packages)
        new.rename(folder / digest)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _carry_out(store: Store, settings: Settings, request: str) -> None:
    problem: WorkbenchError | None = FAILED
    try:
        with _ONE:
            install(store, settings, request)
        problem = None
    except WorkbenchError as refused:
        problem = refused
    finally:
        # On record before it counts as over, or a reader in between would take it for interrupted.
        if problem is not None:
            requests.fail(store, request, problem)
        _RUNNING.discard(request)
