"""The sandbox by itself: what a wrapped command sees, and what happens where there is none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.errors import SandboxMissing
from workbench.governance.sandbox import (
    bwrap_command,
    isolation_level,
    require_bubblewrap,
    sandbox_environment,
)


def run(code: str, **options: object) -> str:
    """Run Python in a sandbox and give what it printed."""
    done = subprocess.run(
        bwrap_command([sys.executable, "-c", code], **options),  # type: ignore[arg-type]
        env=sandbox_environment({"GIVEN": "yes"}), cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).strip()


@pytest.mark.usefixtures("bubblewrap")
class TestInside:
    def test_only_what_is_named_is_seen(self, tmp_path):
        (tmp_path / "shown").mkdir()
        (tmp_path / "hidden").mkdir()

        look = f"import os; print(os.listdir('/data'), os.path.exists({str(tmp_path)!r}))"
        said = run(look, read_only={"/data": tmp_path / "shown"})

        assert said == "[] False"

    def test_a_bind_is_written_through_and_a_read_only_one_is_not(self, tmp_path):
        (tmp_path / "mine").mkdir()
        write = (
            "for f in ('/mine/a', '/theirs/a'):\n    try: open(f, 'w').write('x')\n"
            "    except OSError as problem: print(problem.strerror)"
        )

        said = run(write, binds={"/mine": tmp_path / "mine"}, read_only={"/theirs": tmp_path})

        assert said == "Read-only file system" and (tmp_path / "mine" / "a").read_text() == "x"

    def test_the_environment_is_what_was_given_and_no_more(self, monkeypatch):
        monkeypatch.setenv("SERVER_SECRET", "x")

        said = run("import os; print(os.environ['GIVEN'], 'SERVER_SECRET' in os.environ, 'x' in os.environ.values())")

        assert said == "yes False False"

    def test_a_hidden_folder_stays_empty_even_below_something_shown(self, tmp_path, monkeypatch):
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "key").write_text("secret")
        monkeypatch.setattr(sys, "prefix", str(tmp_path))

        said = run(f"import os; print(os.listdir({str(tmp_path / 'home')!r}))", hidden=(tmp_path / "home",))

        assert said.endswith("[]")

    def test_processes_may_make_semaphores_and_temporary_files(self):
        said = run("import multiprocessing, tempfile; multiprocessing.Lock(); tempfile.TemporaryFile(); print('ok')")

        assert said == "ok"

    def test_the_controls_of_the_machine_are_read_only(self):
        said = run("import os; print(os.statvfs('/proc/sys/kernel/core_pattern').f_flag & os.ST_RDONLY != 0)")

        assert said == "True"

    @pytest.mark.parametrize(("end", "status"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 128 + 9)])
    def test_the_exit_status_is_the_command_s(self, end, status):
        done = subprocess.run(
            bwrap_command([sys.executable, "-c", f"import os, sys; {end}"]),
            env=sandbox_environment(),
            cwd="/",
            check=False,
        )

        assert done.returncode == status

    def test_a_polite_end_reaches_the_command(self, tmp_path):
        code = (
            "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7))\n"
            "print('up', flush=True); time.sleep(60)"
        )
        command = bwrap_command([sys.executable, "-c", code])
        with subprocess.Popen(command, env=sandbox_environment(), cwd="/", stdout=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stdout.readline() == b"up\n"
            inner = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
            os.kill(inner, signal.SIGTERM)
            assert process.wait(timeout=20) == 7

    def test_the_wrapping_is_quick(self):
        began = time.perf_counter()
        for _ in range(3):
            subprocess.run([sys.executable, "-c", "pass"], check=True)
        plain = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(3):
            run("pass")

        assert time.perf_counter() - began < 3 * plain + 1.5


def test_without_bubblewrap_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(SandboxMissing, match="apt install bubblewrap"):
        require_bubblewrap()
    assert isolation_level() == "none"


def test_a_bubblewrap_that_cannot_isolate_counts_as_none(monkeypatch, tmp_path):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(SandboxMissing, match="cannot isolate"):
        require_bubblewrap()
    assert isolation_level() == "none"


def test_secrets_of_the_environment_are_not_on_the_command_line(bubblewrap):
    assert "--setenv" not in bwrap_command(["/bin/true"]) and "--share-net" not in bwrap_command(["/bin/true"])
