"""How a kernel ended is told by its exit status, its sandbox's words, and what the system counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.governance.first_process import TOO_MUCH_MEMORY
from workbench.jupyter.kernel_ends import host_kills, unusual_end


@pytest.fixture
def vmstat(tmp_path: Path) -> Path:
    file = tmp_path / "vmstat"
    file.write_text("nr_free_pages 12\noom_kill 5\n")
    return file


def log(folder: Path, text: str = "") -> Path:
    (folder / "log").write_text(text)
    return folder / "log"


@pytest.mark.parametrize("status", [0, None])
def test_a_usual_end_is_not_told(tmp_path: Path, vmstat: Path, status: int | None) -> None:
    assert unusual_end(log(tmp_path, "a warning\n"), status, 5, vmstat) == {}


@pytest.mark.parametrize(("status", "name"), [(137, "SIGKILL"), (-9, "SIGKILL"), (139, "SIGSEGV"), (3, None)])
def test_a_death_names_its_signal(tmp_path: Path, vmstat: Path, status: int, name: str | None) -> None:
    assert unusual_end(log(tmp_path), status, 5, vmstat) == {"status": status, "signal": name, "out_of_memory": False}


@pytest.mark.parametrize("status", [137, 0, None])
def test_the_words_of_the_sandbox_say_that_memory_ran_out(tmp_path: Path, vmstat: Path, status: int | None) -> None:
    end = unusual_end(log(tmp_path, f"{TOO_MUCH_MEMORY}; process 7, the largest, was ended.\n"), status, 5, vmstat)
    assert end["out_of_memory"] is True


@pytest.mark.parametrize(("status", "is_memory"), [(137, True), (139, False)])
def test_a_kill_by_the_system_for_lack_of_memory_counts(
    tmp_path: Path, vmstat: Path, status: int, is_memory: bool
) -> None:
    assert unusual_end(log(tmp_path), status, 4, vmstat)["out_of_memory"] is is_memory


def test_a_system_that_does_not_count_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("three words here\n")
    assert (host_kills(tmp_path / "none"), host_kills(tmp_path / "odd")) == (0, 0)
    assert unusual_end(tmp_path / "none", 137, 0, tmp_path / "none")["out_of_memory"] is False
