"""The lock of the environment that a notebook ran in, and what differs between two of them.

Runs in: anywhere
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import workbench

CODE = "ai4h-workbench-code"
REQUESTED = "requested:"
CODE_SUFFIXES = (".py", ".yaml")


def environment_lock(requested: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """List interpreter, platform, the workbench's own code and every package as ``name==version``, sorted.

    Parameters
    ----------
    requested : sequence of mapping, default ()
        What was installed on request for the person, as `package_lock` gives it; kernels see it before the rest.
    """
    found = {}
    for package in importlib.metadata.distributions():
        name = package.metadata["Name"]
        if name:
            found[re.sub(r"[-_.]+", "-", name).lower()] = package.version
    head = [
        f"python=={platform.python_version()}",
        f"platform=={platform.system().lower()}-{platform.machine()}",
        f"{CODE}=={code_digest(Path(workbench.__file__).resolve().parent)}",
    ]
    own = [f"{REQUESTED}{one['name']}=={one['version']} sha256:{one['sha256']}" for one in requested]
    return head + own + [f"{name}=={version}" for name, version in sorted(found.items())]


def code_digest(package: Path) -> str:
    """Give a short hash of a package's code, the same wherever it is installed.

    A version number does not tell: in a checkout the code changes under it, and a training run with it.
    """
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*"), key=lambda path: path.relative_to(package).as_posix()):
        if file.suffix in CODE_SUFFIXES and file.is_file():
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{file.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


def drift(first: list[str], second: list[str]) -> list[str]:
    """Say in words what of the first lock is missing or another version in the second.

    Packages on top do not count, unless the person had them installed on request: a kernel sees these before the rest.
    """
    now = dict(line.split("==", 1) for line in second if "==" in line)
    changes = []
    for line in first:
        name, _, version = line.partition("==")
        if now.get(name) != version:
            changes.append(f"{name} {version} → {now.get(name, 'missing')}")
    before = {line.partition("==")[0] for line in first}
    on_top = [name for name in now if name.startswith(REQUESTED) and name not in before]
    return changes + [f"{name} not there → {now[name]}" for name in on_top]
