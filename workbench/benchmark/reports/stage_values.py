"""Keeps what a stage made in the workspace, and brings it back in a later kernel of the same person.

Whoever brings values back must be allowed to read the data they were made from, now: the gateway is asked, at the
version and under the grant of then, and it records the question as a read of this kernel. Anything else than before,
a scan that was withdrawn or a column that is hidden now, and the stage runs again.

Runs in: kernel
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from workbench.benchmark.reports.stage_changes import UNSTORABLE, Hashed, changed_values, read, store, watch
from workbench.errors import WorkbenchError

FOLDER = Path(".workbench/stages")
MAX_BYTES = 4 * 2**30
BLOCK = 2**20
OLD_DRAFT_S = 3600


def answer(question: str, names: MutableMapping[str, Any]) -> str:
    """Answer a question of the process that runs the notebook: both are JSON.

    Parameters
    ----------
    question : str
        ``{"do": "digests" | "watch" | "keep" | "restore" | "tidy", …}``.
    names : mapping
        The notebook's variables.
    """
    asked = json.loads(question)
    known: dict[str, Callable[[dict[str, Any], MutableMapping[str, Any]], dict[str, Any]]] = {
        "digests": _digests, "watch": _watch, "keep": _keep, "restore": _restore, "tidy": _tidy,
    }  # fmt: skip
    return json.dumps(known[asked["do"]](asked, names))


def _root() -> Path:
    """Give the workspace, where the kernel started; a cell may have gone elsewhere."""
    workspace = Path("/workspace")
    return workspace if workspace.is_dir() else Path.cwd()


def _digests(asked: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    return {"files": {name: _digest(_root() / name) for name in asked["files"]}}


def _digest(file: Path) -> str:
    """Give the SHA-256 of a file, or that there is none."""
    digest = hashlib.sha256()
    try:
        if not file.is_file():
            return "missing"
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    except OSError:
        return "missing"
    return digest.hexdigest()


class _TooLargeToKeep(Exception):
    """The values of a stage take too much room."""


def _watch(_: dict[str, Any], names: MutableMapping[str, Any]) -> dict[str, Any]:
    watch(names)
    return {}


def _limited(file: Any) -> Hashed:
    """Give a file that knows its digest and takes only so much."""

    def write(block: Any) -> None:
        if hashed.size > MAX_BYTES:
            raise _TooLargeToKeep
        file.write(block)

    hashed = Hashed(write)
    return hashed


def _keep(asked: dict[str, Any], names: MutableMapping[str, Any]) -> dict[str, Any]:
    """Write the values that a stage made; say which data they were made from, as this person sees them."""
    values = {name: names[name] for name in asked["names"] if name in names} | changed_values(names)
    gone = [name for name in asked["names"] if name not in names]
    folder = _root() / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as file:
            hashed = _limited(file)
            # A subclass of a raw file that pickle writes to in blocks of its own.
            store({"values": values, "random": _random_states()}, cast("Any", hashed), names, values)
        data = {name: _seen(name, version) for name, version in asked["data"].items()}
        Path(draft).replace(folder / f"{asked['key']}.pkl")
    except _TooLargeToKeep:
        return {"kept": False, "why": f"what it made is larger than {MAX_BYTES // 2**30} GiB"}
    except UNSTORABLE as problem:
        return {"kept": False, "why": f"{_culprit(values, names)} cannot be stored ({type(problem).__name__})"}
    finally:
        Path(draft).unlink(missing_ok=True)
    return {
        "kept": True, "sha256": hashed.digest.hexdigest(), "bytes": hashed.size, "data": data, "gone": gone,
        "files": {name: _digest(_root() / name) for name in asked["files"]},
    }  # fmt: skip


def _culprit(values: Mapping[str, Any], names: Mapping[str, Any]) -> str:
    """Name the first value that cannot be stored."""
    for name, value in values.items():
        try:
            store(value, cast("Any", Hashed()), names, values)
        except UNSTORABLE:
            return f"“{name}”"
    return "what it made"


def _restore(asked: dict[str, Any], names: MutableMapping[str, Any]) -> dict[str, Any]:
    """Bring the values back, when the data may be read as before and nothing was changed."""
    for name, before in asked["data"].items():
        try:
            now = _seen(name, before["version"])
        except WorkbenchError:
            return {"restored": False, "drop": True, "why": f"“{name}” may not be read any more"}
        if now != before:
            return {"restored": False, "drop": True, "why": f"“{name}” or the grant to it has changed"}
    changed = [name for name, digest in asked["files"].items() if _digest(_root() / name) != digest]
    if changed:
        return {"restored": False, "drop": False, "why": f"the file {changed[0]} is not what it made"}
    try:
        content = (_root() / FOLDER / f"{asked['key']}.pkl").read_bytes()
    except OSError:
        return {"restored": False, "drop": True, "why": "what it made is gone"}
    if hashlib.sha256(content).hexdigest() != asked["sha256"]:
        return {"restored": False, "drop": True, "why": "what it made was changed"}
    try:
        held = read(content, names)
    except UNSTORABLE as problem:
        return {"restored": False, "drop": True, "why": f"what it made cannot be read ({type(problem).__name__})"}
    names.update(held["values"])
    for name in asked["gone"]:
        names.pop(name, None)
    _set_random_states(held["random"])
    return {"restored": True}


def _seen(dataset: str, version: str) -> dict[str, str]:
    """Give what this person sees of a version that was read, under which grant, and which version a run reads now.

    The list of scans is asked for, so that the gateway decides now and puts it on record.
    """
    from workbench.data.catalogue import dataset as find  # noqa: PLC0415 - pandas, on first use
    from workbench.data.line import line  # noqa: PLC0415 - the same

    place = f"/v1/datasets/{quote(dataset, safe='')}"
    scans = line().get(f"{place}/scans?version={quote(version, safe='')}")
    row = line().get(place)
    told = {name: row.get(name) for name in ("status", "request", "purpose", "obligations")}
    seen = hashlib.sha256(json.dumps([told, scans], sort_keys=True).encode()).hexdigest()
    return {"version": version, "newest": str(find(dataset).version), "seen": seen}


def _tidy(asked: dict[str, Any], _: Mapping[str, Any]) -> dict[str, Any]:
    """Throw away what no run will ask for any more."""
    wanted: Sequence[str] = asked["keys"]
    folder = _root() / FOLDER
    for file in folder.glob("*.pkl") if folder.is_dir() else ():
        if file.stem not in wanted:
            file.unlink(missing_ok=True)
    # A kernel that died while it wrote left a draft behind.
    for draft in folder.glob(".draft-*") if folder.is_dir() else ():
        if time.time() - draft.stat().st_mtime > OLD_DRAFT_S:
            draft.unlink(missing_ok=True)
    return {}


def _random_states() -> dict[str, Any]:
    """Give the states of the generators that notebooks share, of those that are loaded."""
    import random  # noqa: PLC0415 - the generator of the notebook

    states: dict[str, Any] = {"random": random.getstate()}
    if "numpy" in sys.modules:
        states["numpy"] = sys.modules["numpy"].random.get_state()
    if "torch" in sys.modules:
        states["torch"] = sys.modules["torch"].get_rng_state()
    return states


def _set_random_states(states: Mapping[str, Any]) -> None:
    setters = {"random": ("random", "setstate"), "numpy": ("numpy.random", "set_state")}
    for name, state in states.items():
        module, setter = setters.get(name, ("torch", "set_rng_state"))
        getattr(importlib.import_module(module), setter)(state)
