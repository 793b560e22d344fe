"""The lock of the environment that a notebook ran in, and what differs between two of them.

Runs in: anywhere
"""

from __future__ import annotations

import importlib.metadata
import platform
import re


def environment_lock() -> list[str]:
    """List interpreter, platform and every installed package as ``name==version``, sorted."""
    found = {}
    for package in importlib.metadata.distributions():
        name = package.metadata["Name"]
        if name:
            found[re.sub(r"[-_.]+", "-", name).lower()] = package.version
    head = [f"python=={platform.python_version()}", f"platform=={platform.system().lower()}-{platform.machine()}"]
    return head + [f"{name}=={version}" for name, version in sorted(found.items())]


def drift(first: list[str], second: list[str]) -> list[str]:
    """Say in words what of the first lock is missing or another version in the second; packages on top do not count."""
    now = dict(line.split("==", 1) for line in second if "==" in line)
    changes = []
    for line in first:
        name, _, version = line.partition("==")
        if now.get(name) != version:
            changes.append(f"{name} {version} → {now.get(name, 'missing')}")
    return changes
