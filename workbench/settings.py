"""One frozen `Settings`, read once from the environment and `settings.toml` in the home folder.

Runs in: anywhere
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import InvalidInput

SOCKET_NAME = "gateway.sock"
# Beside it: the socket by which volumes leave in shared memory.
ARENA_NAME = "arena.sock"
# A unix socket's path holds 107 bytes on Linux (man 7 unix); longer homes get a short folder of their own. The longest
# is that of a kernel's socket, which Jupyter counts up while other kernels use its numbers.
MAX_SOCKET_PATH = 107
LONGEST_SOCKET = "kernels/01234567/sockets/ipc-99999"


@dataclass(frozen=True)
class Settings:
    """Where everything lies and how long things may take.

    Parameters
    ----------
    home : Path
        The one folder that holds all state (`WORKBENCH_HOME`; default: the user's data folder).
    kernel_hours : float
        Longest life of a kernel's token, hours (`kernel_hours` in settings.toml).
    evaluation_workers : float
        Workers that one hidden-test evaluation spreads its scans over (`evaluation_workers`); 0: as many as the cores
        that the evaluations at once leave to each.
    demo_accounts : bool
        Whether the owner of this home may act as the demo accounts (`--as`, the sign-in choice in the lab). A
        site with real people sets it to false, and then the only account of the home is its owner.
    kernel_memory_gib : float
        What a governed kernel and all it starts may use, GiB; 0: four fifths of the machine (`kernel_memory_gib`).
    kernel_processes, kernel_open_files : float
        Its processes and threads, and the open files of each process.
    kernel_file_gib : float
        The largest file it may write, GiB.
    package_review : bool
        Whether a package that is not on the list may be asked for and then waits for a person; else it is refused.
    cluster_workers, cluster_gpus : float
        CPU workers and GPUs that a person's clusters have at the same time, unless a custodian set another quota.
    cluster_hours : float
        Worker hours of a person's clusters within seven days, likewise.
    checkpoint_folder : str
        Where the signed checkpoints of the audit log are kept; empty: below the user's state folder.
    """

    home: Path
    kernel_hours: float = 12.0
    evaluation_workers: float = 0
    demo_accounts: bool = True
    kernel_memory_gib: float = 0.0
    kernel_processes: float = 4096
    kernel_open_files: float = 8192
    kernel_file_gib: float = 100.0
    package_review: bool = True
    cluster_workers: float = 64
    cluster_gpus: float = 64
    cluster_hours: float = 5000
    checkpoint_folder: str = ""

    @property
    def store(self) -> Path:
        """The governance store (SQLite)."""
        return self.home / "store.sqlite"

    @property
    def keys(self) -> Path:
        """The folder of keys, mode 0700, never bound into a sandbox."""
        return self.home / "keys"

    @property
    def vault(self) -> Path:
        """The folder of encrypted objects."""
        return self.home / "vault"

    @property
    def workspaces(self) -> Path:
        """The folder that holds one workspace folder per account."""
        return self.home / "workspaces"

    @property
    def run(self) -> Path:
        """The 0700 folder of sockets and locks; short enough for a unix socket's path."""
        folder = self.home / "run"
        if len(os.fsencode(folder / LONGEST_SOCKET)) <= MAX_SOCKET_PATH:
            return folder
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]
        # Not the folder that TMPDIR names: whoever uses this home must find the same one, and that may be long, too.
        return Path(f"/tmp/workbench-{os.getuid()}-{digest}")  # noqa: S108 - its owner's alone, mode 0700

    @property
    def gateway_folder(self) -> Path:
        """The folder that holds nothing but the gateway's two sockets; this is what a sandbox sees."""
        return self.run / "gateway"

    @property
    def socket(self) -> Path:
        """The gateway's unix socket."""
        return self.gateway_folder / SOCKET_NAME

    @property
    def arena_socket(self) -> Path:
        """The gateway's second unix socket, for volumes in shared memory."""
        return self.gateway_folder / ARENA_NAME

    @property
    def checkpoints(self) -> Path:
        """The second place of the audit log; other homes may keep theirs beside it."""
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        return Path(self.checkpoint_folder or f"{state}/ai4h-workbench/checkpoints").expanduser()

    def workspace(self, account: str) -> Path:
        """Give the workspace folder of an account, the one place its kernels can write and keep."""
        return self.workspaces / account


def default_home() -> Path:
    """Give `WORKBENCH_HOME`, or `ai4h-workbench` in the user's data folder."""
    named = os.environ.get("WORKBENCH_HOME")
    if named:
        return Path(named).expanduser().absolute()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return (Path(data).expanduser() / "ai4h-workbench").absolute()


def load_settings(home: Path | None = None) -> Settings:
    """Read the settings of a home folder; the folder need not exist yet.

    Raises
    ------
    InvalidInput
        When settings.toml does not parse or names an unknown setting.
    """
    home = (home or default_home()).absolute()
    file = home / "settings.toml"
    if not file.is_file():
        return Settings(home)
    try:
        values = tomllib.loads(file.read_text())
        return Settings(home, **{name: _checked(value) for name, value in values.items()})  # type: ignore[arg-type]
    except (tomllib.TOMLDecodeError, TypeError, ValueError) as problem:
        raise InvalidInput(f"{file.name} in the home folder is not usable ({problem}); mend or remove it.") from None


def _checked(value: object) -> bool | float | str:
    if isinstance(value, bool) or (isinstance(value, str) and Path(value).expanduser().is_absolute()):
        return value
    if isinstance(value, int | float) and value > 0:
        return float(value)
    raise ValueError(f"{value!r} is neither true, false, a positive number nor an absolute path")
