"""The sandbox around code that nobody has reviewed: bubblewrap with its own network, processes, files and /tmp.

Inside, `first_process` sets the limits and a filter of system calls before anything else runs.

`bwrap_command` wraps a command; `sandbox_environment` gives the only environment to start it with. Secrets
go through that environment, never through the command line, which other processes of the host can read.

Source: bwrap(1), user_namespaces(7).

Runs in: Jupyter server | gateway | evaluator | terminal
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from glob import glob
from pathlib import Path

import workbench
from workbench.errors import SandboxMissing
from workbench.governance.syscalls import seccomp_filter

PACKAGE = Path(workbench.__file__).resolve().parent
FIRST_PROCESS = PACKAGE / "governance" / "first_process.py"
# What a dynamic loader and the time functions need; nothing that names the people or the network of this host.
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "alternatives", "fonts")
MERGED = ("bin", "sbin", "lib", "lib32", "lib64")
KEPT_VARIABLES = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
# A sandbox of the root user still counts as root for files below /proc: they tell about, and a few of them steer,
# the whole machine (bubblewrap 0.8 leaves /proc/sys/kernel writable then, so /proc is made read-only besides).
MASKED = (
    "acpi", "asound", "iomem", "kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount",
    "kpageflags", "latency_stats", "pagetypeinfo", "sched_debug", "scsi", "slabinfo", "sysrq-trigger", "timer_list",
    "vmallocinfo",
)  # fmt: skip
INSTALL = "Install bubblewrap (Debian, Ubuntu: `apt install bubblewrap`; Fedora: `dnf install bubblewrap`)"


@dataclass(frozen=True)
class Limits:
    """What everything in one sandbox may use.

    Parameters
    ----------
    memory_bytes : int
        Of each process, and of all of them together with /tmp and /dev/shm.
    processes : int
        Processes and threads.
    file_bytes : int
        The size of any one file.
    open_files : int
        Open files of one process.
    """

    memory_bytes: int
    processes: int
    file_bytes: int
    open_files: int


def require_bubblewrap() -> str:
    """Give the path of a `bwrap` that works on this machine.

    Raises
    ------
    SandboxMissing
        When it is not installed, or the kernel does not let this user make namespaces.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise SandboxMissing(
            f"This machine has no bubblewrap, so code cannot be kept apart. {INSTALL}, then try again."
        )
    problem = _probe(program)
    if problem:
        raise SandboxMissing(
            f"bubblewrap is installed but cannot isolate ({problem}). Allow user namespaces "
            "(`sysctl kernel.unprivileged_userns_clone=1`, `user.max_user_namespaces` above 0), then try again."
        )
    return program


def isolation_level() -> str:
    """Name how code is isolated on this machine: `bubblewrap` or `none`."""
    try:
        require_bubblewrap()
    except SandboxMissing:
        return "none"
    return "bubblewrap"


def sandbox_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the whole environment of a sandboxed process: a few harmless names of this process, and `extra`.

    It must also be the environment of `bwrap` itself: what `bwrap` starts with can be read in /proc/1/environ.
    """
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {
        "LANG": "C.UTF-8",
        **kept,
        "PATH": f"{sys.prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp/home",  # noqa: S108 - the sandbox's own /tmp
        "TMPDIR": "/tmp",  # noqa: S108 - the same
        "MPLCONFIGDIR": "/tmp/home/.config/matplotlib",  # noqa: S108 - the same
        "PYTHONNOUSERSITE": "1",
        **(extra or {}),
    }


def bwrap_command(
    argv: Sequence[str],
    *,
    binds: Mapping[str, Path] | None = None,
    read_only: Mapping[str, Path] | None = None,
    scratch: Mapping[str, int] | None = None,
    hidden: Iterable[Path] = (),
    directory: str = "/tmp",  # noqa: S108 - the sandbox's own /tmp
    devices: bool = True,
    limits: Limits | None = None,
    has_own_first: bool = False,
) -> list[str]:
    """Wrap a command so that it sees the system and this Python read-only, and of everything else only what is named.

    Parameters
    ----------
    argv : sequence of str
        What to run; the first word is an absolute path, such as `sys.executable`.
    binds, read_only : mapping of str to Path, optional
        Path inside the sandbox -> file or folder of the host, writable (`binds`) or not.
    scratch : mapping of str to int, optional
        Path inside the sandbox -> bytes of an empty folder in memory that ends with it and takes no more than that.
    hidden : iterable of Path, optional
        Folders of the host that stay empty inside even when they lie below something that is shown; name the home.
    directory : str, default "/tmp"
        The working directory inside.
    devices : bool, default True
        Whether NVIDIA devices are shown, when there are any.
    limits : Limits, optional
        What the processes inside may use; without it they may use what the machine has.
    has_own_first : bool, default False
        Whether the command keeps the limits and closes the last doors itself, as `first_process` does.

    Returns
    -------
    list of str
        A command line; start it with `env=sandbox_environment(…)` and `cwd="/"`.

    Raises
    ------
    SandboxMissing
        When this machine cannot isolate.

    Examples
    --------
    >>> bwrap_command(["/bin/true"])[-1]  # doctest: +SKIP
    '/bin/true'
    """
    size = ["--size", str(limits.memory_bytes)] if limits else []
    words = [require_bubblewrap(), *_NAMESPACES, *_system()]
    # Named semaphores (multiprocessing, torch) live in /dev/shm; it stays writable and is the sandbox's own.
    words += [*size, "--tmpfs", "/dev/shm"]  # noqa: S108 - the same
    # A mount over /tmp hides what was mounted below it, so it comes before this Python, which may well lie there.
    words += [*size, "--tmpfs", "/tmp", "--dir", "/tmp/home"]  # noqa: S108 - the sandbox's own /tmp
    words += [*_python(), *_hide(hidden)]
    words += _gpu_devices() if devices else []
    words += _mounts(read_only or {}, binds or {}, scratch or {})
    # Last, so that the mount points above could still be made: the root and /dev take no new files either.
    words += ["--remount-ro", "/dev", "--remount-ro", "/proc", "--remount-ro", "/", "--chdir", directory, "--"]
    return [*words, *([] if has_own_first else _first_process(limits)), *argv]


def _mounts(read_only: Mapping[str, Path], binds: Mapping[str, Path], scratch: Mapping[str, int]) -> list[str]:
    words = [word for inside, outside in read_only.items() for word in ("--ro-bind", str(outside), inside)]
    words += [word for inside, outside in binds.items() for word in ("--bind", str(outside), inside)]
    return words + [word for inside, room in scratch.items() for word in ("--size", str(room), "--tmpfs", inside)]


_NAMESPACES = (
    "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--as-pid-1",
    "--cap-drop", "ALL", "--hostname", "workbench",
)  # fmt: skip


def _first_process(limits: Limits | None) -> list[str]:
    """Start `first_process` with what it sets up."""
    setup = {"filter": seccomp_filter().hex(), "limits": asdict(limits) if limits else {}}
    return [sys.executable, "-I", "-S", str(FIRST_PROCESS), json.dumps(setup, separators=(",", ":"))]


def _system() -> list[str]:
    words = ["--ro-bind", "/usr", "/usr"]
    for name in MERGED:
        folder = Path("/", name)
        if folder.is_symlink():
            words += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            words += ["--ro-bind", str(folder), str(folder)]
    for name in ETC:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    words += ["--proc", "/proc"]
    for name in MASKED:
        file = Path("/proc", name)
        if file.exists():
            words += ["--tmpfs", str(file)] if file.is_dir() else ["--ro-bind", "/dev/null", str(file)]
    return [*words, "--dev", "/dev"]


def _python() -> list[str]:
    """Show the environment this Python runs from, the Python it stands on, and this package, wherever they lie."""
    # `sys.executable` may be a chain of links; the folder of every link must be there for it to resolve.
    folders = {Path(sys.prefix), Path(sys.exec_prefix), Path(sys.base_prefix), Path(sys.base_exec_prefix), PACKAGE}
    folders.add(Path(sys.executable).resolve().parent.parent)
    shown: list[Path] = [Path("/usr")]
    words: list[str] = []
    for folder in sorted(folders, key=lambda path: len(path.parts)):
        if not any(folder.is_relative_to(parent) for parent in shown):
            shown.append(folder)
            words += ["--ro-bind", str(folder), str(folder)]
    return words


def _hide(folders: Iterable[Path]) -> list[str]:
    shown = [Path("/usr"), Path(sys.prefix), Path(sys.base_prefix), PACKAGE]
    words: list[str] = []
    for folder in folders:
        if folder.is_dir() and any(folder.resolve().is_relative_to(parent.resolve()) for parent in shown):
            words += ["--tmpfs", str(folder.resolve()), "--remount-ro", str(folder.resolve())]
    return words


def _gpu_devices() -> list[str]:
    found = sorted(
        glob("/dev/nvidia[0-9]*") + glob("/dev/nvidiactl") + glob("/dev/nvidia-uvm*") + glob("/dev/nvidia-caps")
    )
    return [word for device in found for word in ("--dev-bind", device, device)]


@cache
def _probe(program: str) -> str:
    """Try the namespaces and the filter once per process; give what `bwrap` complained about, or nothing."""
    if not seccomp_filter():
        return f"the system calls of a {platform.machine()} processor are not known here"
    done = subprocess.run(  # noqa: S603 - a fixed command line, no shell
        [program, *_NAMESPACES, "--ro-bind", "/", "/", "--proc", "/proc", "--", *_first_process(None), "/bin/true"],
        env={}, cwd="/", capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stderr.strip().removeprefix("bwrap: ")[:200] or "no reason given"
