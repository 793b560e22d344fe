"""The stages of a run: taken from an earlier run where nothing they follow from has changed, kept where they ran.

What a stage made stays in the person's own workspace, which no other person's kernel sees. What is known about it (its
key, its digest, its outputs, the data it was made from) stays in the home, where no kernel can reach it.

Runs in: Jupyter server | terminal
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.benchmark.reports.stage_keys import Stage, stages_of
from workbench.settings import Settings

OFF, RESUME, RENEW = "off", "resume", "renew"
FOLDER = "stages"
MAX_KEPT, MAX_DAYS, MAX_TOTAL_BYTES = 40, 30, 16 * 2**30
# Asks the kernel; gives None when it does not answer.
Ask = Callable[[dict[str, Any]], dict[str, Any] | None]
Reads = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True)
class KeptStage:
    """A stage that an earlier run left behind: its outputs, when it ran and how long."""

    outputs: list[dict[str, Any]]
    made: str
    seconds: float


@dataclass
class Stages:
    """The stages of one run.

    Parameters
    ----------
    settings : Settings
        The home.
    account : str
        Whose run it is.
    environment : sequence of str
        The lock of the environment.
    parameters : mapping
        The values of the run.
    reads : callable
        Gives the dataset versions that a kernel has read so far, from the audit log.
    mode : str
        ``resume`` takes from earlier runs, ``renew`` runs every stage and keeps it.
    """

    settings: Settings
    account: str
    environment: Sequence[str]
    parameters: Mapping[str, Any]
    reads: Reads
    mode: str = RESUME
    told: dict[int, dict[str, Any]] = field(default_factory=dict)
    _stages: dict[int, Stage] = field(default_factory=dict)
    _keys: dict[int, str] = field(default_factory=dict)
    _kernel: str = ""

    @property
    def folder(self) -> Path:
        """Where what is known of this person's stages lies, below the home."""
        return self.settings.home / FOLDER / self.account

    def begin(self, cells: Sequence[Mapping[str, Any]], kernel: str) -> None:
        """Learn which cells are about to run, in which kernel; one that the gateway does not know keeps nothing."""
        self._stages = stages_of(cells, tuple(self.parameters)) if kernel else {}
        self._kernel = kernel

    def restored(self, index: int, ask: Ask) -> KeptStage | None:
        """Bring a stage back from an earlier run; None when it has to run, and then the kernel watches what changes."""
        stage = self._stages.get(index)
        if stage is None:
            return None
        self.told[index] = {"name": stage.name, "cached": False}
        # The key is that of before the stage, which may itself write what it read.
        self._keys[index] = self._key(stage, ask)
        kept = self._taken(index, ask) if self.mode == RESUME else None
        if kept is None:
            ask({"do": "watch"})
        return kept

    def _taken(self, index: int, ask: Ask) -> KeptStage | None:
        record = self._record(self._keys[index])
        if record is None:
            return None
        wanted = {name: record[name] for name in ("key", "sha256", "data", "files", "gone")}
        reply = ask({"do": "restore", **wanted}) or {"restored": False, "why": "the kernel did not answer"}
        if reply.get("restored") is True:
            recorded = self.reads(self._kernel)
            if all(recorded.get(name) == before["version"] for name, before in record["data"].items()):
                self.told[index] |= {"cached": True, "made": record["made"], "seconds": record["seconds"]}
                return KeptStage(record["outputs"], record["made"], record["seconds"])
            reply = {"why": "the gateway did not record that its data were read"}
        if reply.get("drop") is True:
            self._file(record["key"]).unlink(missing_ok=True)
        self.told[index]["why"] = str(reply.get("why", ""))[:200]
        return None

    def keep(self, index: int, cell: Mapping[str, Any], seconds: float, ask: Ask) -> None:
        """Keep what a stage made, once it has run without an error."""
        stage = self._stages.get(index)
        if stage is None:
            return
        self.told[index]["seconds"] = round(seconds, 3)
        if any(output["output_type"] == "error" for output in cell["outputs"]):
            return
        began = time.monotonic()
        key = self._keys[index]
        asked = {"do": "keep", "key": key, "names": stage.makes, "files": stage.outputs, "data": self._data()}
        reply = ask(asked) or {"kept": False, "why": "the kernel did not answer"}
        if not _is_whole(reply, asked):
            self.told[index] |= {"kept": False, "why": str(reply.get("why", ""))[:200]}
            return
        self._write(
            key, stage=stage.name, made=datetime.now(UTC).isoformat(), seconds=round(seconds, 3),
            outputs=cell["outputs"], **{name: reply[name] for name in ("sha256", "bytes", "data", "files", "gone")},
        )  # fmt: skip
        self.told[index] |= {"kept": True, "bytes": reply["bytes"], "keeping": round(time.monotonic() - began, 3)}
        ask({"do": "tidy", "keys": self._prune()})

    def _data(self) -> dict[str, str]:
        return dict(self.reads(self._kernel))

    def _key(self, stage: Stage, ask: Ask) -> str:
        digest = hashlib.sha256("\n".join(self.environment).encode()).hexdigest()
        files: Mapping[str, str] = {}
        if stage.inputs:
            files = (ask({"do": "digests", "files": stage.inputs}) or {}).get("files", {})
        return stage.key(self.account, digest, self.parameters, files)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"

    def _record(self, key: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads(self._file(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def _write(self, key: str, **record: Any) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._file(f".{key}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({"key": key, **record}, file)
        draft.replace(self._file(key))

    def _prune(self) -> list[str]:
        """Forget stages that are old, or beyond the room there is; give the keys of those that stay."""
        files = sorted(self.folder.glob("[0-9a-f]*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
        kept: list[str] = []
        room = MAX_TOTAL_BYTES
        for file in files:
            size = int((self._record(file.stem) or {}).get("bytes", MAX_TOTAL_BYTES + 1))
            is_old = time.time() - file.stat().st_mtime > MAX_DAYS * 86400
            if is_old or size > room or len(kept) == MAX_KEPT:
                file.unlink(missing_ok=True)
                continue
            room -= size
            kept.append(file.stem)
        return kept


def _is_whole(reply: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether the kernel, in which the person's own code runs, said everything, of all data that were read."""
    try:
        return (
            reply["kept"] is True
            and isinstance(reply["sha256"], str)
            and isinstance(reply["bytes"], int)
            and {name: seen["version"] for name, seen in reply["data"].items()} == asked["data"]
            and set(reply["files"]) == set(asked["files"])
            and set(reply["gone"]) <= set(asked["names"])
        )
    except (KeyError, TypeError, AttributeError):
        return False
