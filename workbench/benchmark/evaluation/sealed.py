"""Runs a submitted program in a sandbox without network and labels, and gives what it left, or the code of its end.

What it may read goes in through a pipe and what it wrote comes back through one; in between it lies in memory, in
folders of a limited size that end with the sandbox. So neither a hidden scan nor anything that a submission writes is
ever a file of this machine.

Runs in: evaluator
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workbench.benchmark.evaluation.failures import failed
from workbench.benchmark.evaluation.sealed_inside import OUTPUT
from workbench.benchmark.tasks.definition import Limits
from workbench.errors import WorkbenchError
from workbench.governance import sandbox
from workbench.governance.syscalls import seccomp_filter, watching_filter

MIB = 2**20
INPUT, SUBMISSION = "/input", "/submission"
GIVEN = (INPUT, SUBMISSION)
Bytes = bytes | memoryview
# Imported rather than run by its name, so that Python finds it compiled.
START = "import sys; sys.path.insert(0, sys.argv[1]); import sealed_inside; sys.exit(sealed_inside.main(sys.argv[2:]))"
# The watch inside ends a run in time; this is for a machine that does not let it.
GRACE_S = 10.0
OPEN_FILES = 1024
# Numbers do not depend on how many cores a machine has when every library uses the same number of threads.
THREADS = {name: "2" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True)
class Ended:
    """How a sealed run ended.

    Parameters
    ----------
    code : str
        One of the failure codes, or empty for a good end.
    files : mapping of str to bytes
        The plain files at the top of its output, by name; none after a failure.
    cpu_seconds, wall_seconds : float
        What it took.
    peak_mib : float
        The most memory seen at once; a run shorter than a twentieth of a second shows none.
    signal : int
        The signal that ended the program, 0 when none did.
    printed : str
        The end of what it printed: for the operator alone, it may repeat what is hidden.
    """

    code: str
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_mib: float = 0.0
    signal: int = 0
    printed: str = field(default="", repr=False)

    def require(self) -> Mapping[str, bytes]:
        """Give the files, or refuse with the sentence of the code."""
        if self.code:
            raise failed(self.code)
        return self.files


def run_sealed(command: Sequence[str], given: Mapping[str, Bytes], limits: Limits) -> Ended:
    """Run a command in the sandbox, to its end or to the end of a limit.

    Parameters
    ----------
    command : sequence of str
        The first word is an absolute path, such as `sys.executable`.
    given : mapping of str to bytes
        What it may read: path below `INPUT` or `SUBMISSION` -> content.
    limits : Limits
        The task's.

    Raises
    ------
    SandboxMissing
        When this machine cannot isolate; nothing is run then.
    WorkbenchError
        When the sandbox itself could not be set up.
    """
    setup = [f"{name}={value}" for name, value in _setup(limits).items()]
    words = sandbox.bwrap_command(
        [sys.executable, "-I", "-S", "-c", START, str(Path(__file__).parent), *setup, "--", *command],
        scratch={OUTPUT: (limits.output_mib + 1) * MIB, **{folder: _room(folder, given) for folder in GIVEN}},
        devices=False, limits=_kept(limits), has_own_first=True, directory=SUBMISSION,
    )  # fmt: skip
    began = time.monotonic()
    deadline = began + limits.seconds + GRACE_S
    process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
        env=sandbox.sandbox_environment(THREADS),
    )  # fmt: skip
    try:
        _hand_in(process, given)
        said, complaints = _read_both(process, deadline, (limits.output_mib + 2) * MIB)
        is_late = time.monotonic() >= deadline
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None and not stream.closed:
                stream.close()
    return _ended(said, complaints, is_late=is_late, wall_seconds=time.monotonic() - began)


def _room(folder: str, given: Mapping[str, Bytes]) -> int:
    """Give the size of a folder in memory that takes what is given, in whole pages, and little more."""
    sizes = [len(content) for path, content in given.items() if path.startswith(f"{folder}/")]
    return sum(sizes) + MIB + 16_384 * len(sizes)


def _hand_in(process: subprocess.Popen[bytes], given: Mapping[str, Bytes]) -> None:
    """Send the files; the watch inside reads them all before it starts the program."""
    if process.stdin is None:
        return
    try:
        lines = [str(len(given)), *(f"{len(content)} {path}" for path, content in given.items()), ""]
        process.stdin.write("\n".join(lines).encode())
        for content in given.values():
            process.stdin.write(content)
        process.stdin.close()
    except BrokenPipeError:
        return  # it ended before it had read all; what it said tells why


def _setup(limits: Limits) -> dict[str, int | str]:
    """Give what the watch is told: what it watches, what the system keeps by itself, and the filters."""
    return {
        "seconds": limits.seconds, "cpu_seconds": limits.cpu_seconds, "memory_bytes": limits.memory_mib * MIB,
        "processes": limits.processes, "output_bytes": limits.output_mib * MIB, "output_files": limits.output_files,
        **{f"kept_{name}": size for name, size in asdict(_kept(limits)).items()},
        "first": str(sandbox.FIRST_PROCESS.parent), "filter": "x" + seccomp_filter().hex(),
        "watch": "x" + watching_filter().hex(),
    }  # fmt: skip


def _kept(limits: Limits) -> sandbox.Limits:
    """Give what the system keeps by itself: wider than what is watched, so that the watch can say what was too much."""
    return sandbox.Limits(
        memory_bytes=limits.memory_mib * MIB + 256 * MIB, processes=4 * limits.processes + 64,
        file_bytes=max(limits.memory_mib, limits.output_mib + 1) * MIB, open_files=OPEN_FILES,
    )  # fmt: skip


def _read_both(process: subprocess.Popen[bytes], deadline: float, most: int) -> tuple[bytes, bytes]:
    """Read both streams until they close, the deadline comes or there is more than `most`."""
    found: dict[int, bytearray] = {}
    with selectors.DefaultSelector() as selector:
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                found[stream.fileno()] = bytearray()
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                part = os.read(key.fd, 65_536)
                found[key.fd] += part
                if not part:
                    selector.unregister(key.fileobj)
            if any(len(text) > most for text in found.values()):
                break
    said, complaints = (bytes(text) for text in found.values())
    return said, complaints


def _ended(said: bytes, complaints: bytes, *, is_late: bool, wall_seconds: float) -> Ended:
    began, _, rest = said.partition(b"\n")
    head, is_whole, content = rest.partition(b"\n\n")
    if is_late and not is_whole:
        return Ended("TIMEOUT", wall_seconds=wall_seconds)
    if began != b"began" or not is_whole:
        told = complaints[-300:].decode(errors="replace").strip()
        raise WorkbenchError(f"The sandbox could not be set up, or its watch did not live to tell: {told}")
    lines = [line.split(" ") for line in head.decode("ascii").split("\n")]
    facts = {line[0]: line[1] for line in lines if line[0] != "file"}
    files, place = {}, 0
    for _, size, name in (line for line in lines if line[0] == "file"):
        files[bytes.fromhex(name).decode("utf-8", "replace")] = content[place : place + int(size)]
        place += int(size)
    printed = bytes.fromhex(facts["printed"]).decode("utf-8", "replace")
    return Ended(
        facts["code"], files, float(facts["cpu"]), wall_seconds, int(facts["peak"]) / MIB, int(facts["signal"]), printed
    )
