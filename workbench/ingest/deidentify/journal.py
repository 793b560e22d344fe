"""What a de-identification job has finished, so that a killed one goes on where it stopped.

A line is on the disk before its file gets its name. So a file with its name in place is never done again, and a line
without its file is simply done. Source files appear as keyed digests only.

Runs in: ingest host
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from workbench.errors import Conflict
from workbench.settings import Settings

FOLDER = "deidentify-jobs"
Actions = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Finished:
    """One output.

    Parameters
    ----------
    out : str
        Its path below the output folder.
    size_bytes, mtime_ns : int
        Of the output when it was written; a file that differs was not written by this job.
    actions : tuple
        (rule, number) pairs of what was done.
    """

    out: str
    size_bytes: int
    mtime_ns: int
    actions: Actions

    def is_in(self, folder: Path) -> bool:
        """Whether the output still lies there as it was written."""
        try:
            found = os.lstat(folder / self.out)
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.size_bytes, self.mtime_ns)


class Journal:
    """The journal of one output folder; only one job at a time may hold it.

    Parameters
    ----------
    settings : Settings
        The home that keeps it.
    source, out : Path
        The folders of the job, absolute.
    key : bytes
        The project's key; entries of another key are unreadable, as they should be.
    rules : str
        Everything else that decides what is written, such as the profile's digest.

    Raises
    ------
    Conflict
        When another job is writing to this folder now.
    """

    def __init__(self, settings: Settings, source: Path, out: Path, *, key: bytes, rules: str) -> None:
        self._key = key
        folder = settings.home / FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(os.fsencode(out)).hexdigest()[:32]
        descriptor = os.open(folder / f"{name}.journal", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._file: BinaryIO = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            # A record lock belongs to this process alone: its workers cannot keep it alive after a kill.
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise Conflict("Another de-identification is writing to this folder; wait until it is done.") from None
        head, self.entries = self._load()
        self._salt = bytes.fromhex(head.get("salt", "")) or secrets.token_bytes(16)
        self._head = {
            "salt": self._salt.hex(),
            "source": hashlib.sha256(self._salt + os.fsencode(source)).hexdigest(),
            "rules": hmac.digest(key, f"rules\0{rules}".encode(), "sha256").hex(),
        }
        self.is_new = not head
        self.has_other_source = bool(head) and head["source"] != self._head["source"]
        self.has_other_rules = bool(head) and head["rules"] != self._head["rules"]

    def name(self, file: str, stat: os.stat_result) -> str:
        """Give the keyed digest that stands for one state of a source file."""
        told = f"file\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode() + os.fsencode(file)
        return hmac.digest(self._key, told, "sha256").hex()[:32]

    def start_afresh(self) -> None:
        """Forget everything; the next entries are written under today's rules."""
        self.entries.clear()
        self._file.truncate(0)
        self._write([dict(self._head)])

    def append(self, done: Iterable[tuple[str, Finished]]) -> None:
        """Note finished outputs; they are on the disk when this returns."""
        noted = list(done)
        self.entries.update(noted)
        self._write(
            {"f": name, "o": one.out, "s": one.size_bytes, "m": one.mtime_ns, "a": dict(one.actions)}
            for name, one in noted
        )

    def forget(self, names: Iterable[str]) -> None:
        """Note that these outputs are gone; remove the files first, so that none is ever without its line."""
        gone = list(names)
        for name in gone:
            del self.entries[name]
        self._write({"f": name, "gone": True} for name in gone)

    def close(self) -> None:
        """Let the next job have the folder."""
        self._file.close()

    def _write(self, values: Iterable[dict[str, object]]) -> None:
        self._file.seek(0, os.SEEK_END)
        content = b"".join(json.dumps(value, separators=(",", ":")).encode() + b"\n" for value in values)
        while content:
            content = content[self._file.write(content) :]
        os.fsync(self._file.fileno())

    def _load(self) -> tuple[dict[str, str], dict[str, Finished]]:
        """Read what is there; a line that a kill cut short is forgotten, and with it what follows."""
        head: dict[str, str] = {}
        entries: dict[str, Finished] = {}
        same: dict[Actions, Actions] = {}
        at = 0
        for line in self._file.read().splitlines(keepends=True):
            try:
                value = json.loads(line) if line.endswith(b"\n") else None
                if not isinstance(value, dict):
                    break
                if head and value.get("gone"):
                    entries.pop(value["f"], None)
                elif head:
                    actions = tuple(value["a"].items())
                    actions = same.setdefault(actions, actions)
                    entries[value["f"]] = Finished(value["o"], value["s"], value["m"], actions)
                else:
                    head = {name: str(value[name]) for name in ("salt", "source", "rules")}
            except (ValueError, KeyError):
                break
            at += len(line)
        self._file.truncate(at)
        return head, entries
