"""The folder of packages of one account, as kernels see it at `/packages/current`, and its lock.

Each installation is a folder of its own, named by its lock; `current` points to the newest. So a kernel that runs
sees a new package at once, and none ever sees half of one.

Runs in: Jupyter server | gateway | terminal
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.errors import InvalidInput
from workbench.governance.canonical import canonical_json
from workbench.settings import Settings

INSIDE = "/packages"
CURRENT, EMPTY, LOCK = "current", "empty", "workbench-lock.json"


@dataclass(frozen=True)
class Package:
    """One wheel that was installed.

    Parameters
    ----------
    name, version : str
        As its own metadata have them, the name normalised.
    sha256 : str
        Of the wheel.
    licence : str
        As its metadata name it; empty when they do not.
    asked : bool
        Whether somebody asked for it, and not another package.
    """

    name: str
    version: str
    sha256: str
    licence: str = ""
    asked: bool = False


def environment_folder(settings: Settings, account: str) -> Path:
    """Give the folder that the kernels of an account see as `/packages`, made when it is not there yet.

    Raises
    ------
    InvalidInput
        When the name could lead elsewhere.
    """
    if account in ("", ".", "..") or "/" in account or "\0" in account:
        raise InvalidInput(f"“{account}” is not the name of an account; use the name shown by `workbench people`.")
    folder = settings.home / "environments" / account
    (folder / EMPTY).mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / CURRENT).is_symlink():
        point_to(folder, EMPTY)
    return folder


def package_lock(settings: Settings, account: str) -> list[dict[str, object]]:
    """Give what is installed for an account, for a report: name, version, sha256, licence, asked; sorted by name."""
    file = settings.home / "environments" / account / CURRENT / LOCK
    if not file.is_file():
        return []
    found: list[dict[str, object]] = json.loads(file.read_text())
    return found


def lock_digest(packages: Sequence[Package]) -> str:
    """Give the name of an environment: a digest of everything in it."""
    return hashlib.sha256(canonical_json({"packages": _rows(packages)})).hexdigest()[:16]


def write_lock(folder: Path, packages: Sequence[Package]) -> None:
    """Put the lock beside the packages it names."""
    (folder / LOCK).write_text(json.dumps(_rows(packages), indent=1, ensure_ascii=False))


def point_to(folder: Path, name: str) -> str:
    """Make an installation the current one, in one step, and forget those before the last; give its name."""
    before = os.readlink(folder / CURRENT) if (folder / CURRENT).is_symlink() else EMPTY
    new = folder / ".next"
    new.unlink(missing_ok=True)
    new.symlink_to(name)
    new.replace(folder / CURRENT)
    for other in folder.iterdir():
        # The last one stays: a kernel may be in the middle of importing from it.
        if other.is_dir() and not other.is_symlink() and other.name not in (name, before, EMPTY):
            shutil.rmtree(other, ignore_errors=True)
    return name


def kernel_variables(path: str) -> Mapping[str, str]:
    """Give what makes a kernel find its packages, and pip inside it say at once that there is no index."""
    current = f"{INSIDE}/{CURRENT}"
    return {"PYTHONPATH": current, "PATH": f"{path}:{current}/bin", "PIP_NO_INDEX": "1"}


def _rows(packages: Sequence[Package]) -> list[dict[str, object]]:
    return [asdict(package) for package in sorted(packages, key=lambda package: package.name)]
