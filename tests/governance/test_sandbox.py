"""What every sandbox sets up before a stranger's code begins: limits and a filter of system calls."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workbench.governance.sandbox import Limits, bwrap_command, sandbox_environment
from workbench.governance.syscalls import DENIED, seccomp_filter, watching_filter

MIB = 1024**2
SMALL = Limits(memory_bytes=300 * MIB, processes=40, file_bytes=2 * MIB, open_files=64)


def run(code: str, limits: Limits | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python in a sandbox."""
    return subprocess.run(
        bwrap_command([sys.executable, "-c", code], limits=limits), env=sandbox_environment(), cwd="/",
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_denied_system_call_is_refused(bubblewrap: None) -> None:
    code = (
        "import ctypes, os, platform\nfrom workbench.governance.syscalls import DENIED, ARCHITECTURES\n"
        "libc, column = ctypes.CDLL(None, use_errno=True), list(ARCHITECTURES).index(platform.machine())\n"
        "numbers = {name: found[column] for name, found in DENIED.items() if found[column] is not None}\n"
        "for name, number in numbers.items():\n"
        "    if libc.syscall(number, -1, -1, -1, -1, -1) != -1 or ctypes.get_errno() != 1: print(name)\n"
        "print(len(numbers))"
    )
    assert int(run(code).stdout) >= len(DENIED) - 3


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_a_filter_is_whole_steps_and_ends_by_allowing(machine: str) -> None:
    for program in (seccomp_filter(machine), watching_filter(machine)):
        assert len(program) % 8 == 0 and len(program) // 8 < 4096
        assert program[-8:].hex() == "060000000000ff7f"


def test_a_processor_without_a_table_has_no_filter() -> None:
    assert seccomp_filter("riscv64") == watching_filter("riscv64") == b""


def test_too_large_an_array_is_a_memory_error_and_nothing_worse(bubblewrap: None) -> None:
    done = run("try: bytearray(400 * 2**20)\nexcept MemoryError: print('refused')", SMALL)

    assert (done.stdout, done.returncode) == ("refused\n", 0)


def test_a_file_ends_at_its_limit(bubblewrap: None) -> None:
    done = run("try: open('/tmp/x', 'wb').write(bytes(3 * 2**20))\nexcept OSError as e: print(e.strerror)", SMALL)

    assert done.stdout == "File too large\n"


def test_files_in_memory_count_as_memory(bubblewrap: None) -> None:
    code = "import os; print([os.statvfs(p).f_blocks * os.statvfs(p).f_frsize >> 20 for p in ('/tmp', '/dev/shm')])"

    assert run(code, SMALL).stdout == "[300, 300]\n"


def test_a_scratch_folder_takes_what_it_has_room_for_and_no_more(bubblewrap: None) -> None:
    code = (
        "with open('/output/x', 'wb') as file: file.write(bytes(1 << 20))\n"
        "try: open('/output/y', 'wb').write(bytes(1 << 16))\nexcept OSError as e: print(e.strerror)"
    )
    command = bwrap_command([sys.executable, "-c", code], scratch={"/output": MIB})
    done = subprocess.run(
        command, env=sandbox_environment(), cwd="/", capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "No space left on device\n"


def test_open_files_end_at_their_limit(bubblewrap: None) -> None:
    done = run("try: files = [open('/dev/null') for _ in range(99)]\nexcept OSError as e: print(e.strerror)", SMALL)

    assert done.stdout == "Too many open files\n"


def test_processes_that_use_too_much_together_lose_the_largest(bubblewrap: None) -> None:
    code = (
        "import subprocess, sys, time\n"
        "grow = 'import time; kept = bytearray(%d << 20); kept[::512] = bytes(len(kept) // 512); time.sleep(60)'\n"
        "workers = [subprocess.Popen([sys.executable, '-c', grow % size]) for size in (110, 120, 130)]\n"
        "while not (ended := [worker.poll() for worker in workers if worker.poll() is not None]): time.sleep(0.1)\n"
        "time.sleep(2)\nprint(ended, sum(worker.poll() is None for worker in workers))\n"
        "for worker in workers: worker.kill()"
    )
    done = run(code, SMALL)

    assert done.stdout == "[-9] 2\n" and "the largest, was ended" in done.stderr


def test_a_fork_bomb_ends_its_sandbox(bubblewrap: None) -> None:
    code = "import subprocess\nfor _ in range(200): subprocess.Popen(['/bin/sleep', '30'])"

    done = run(code + "\nimport time; time.sleep(30)", SMALL)

    assert done.returncode != 0 and ("Too many processes" in done.stderr or "unavailable" in done.stderr)


def test_a_sandbox_that_cannot_be_set_up_starts_nothing() -> None:
    words = [sys.executable, "-I", "-S", "workbench/governance/first_process.py"]
    done = subprocess.run(
        [*words, '{"filter": "0600", "limits": {}}', "/bin/echo", "began"], capture_output=True, text=True, check=False
    )

    assert done.returncode != 0 and "began" not in done.stdout
