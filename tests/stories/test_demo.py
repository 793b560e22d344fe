"""The demo refuses what it cannot use, and does nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from workbench.settings import Settings


def demo(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench.cli", "demo", *words], capture_output=True, text=True,
        env={**os.environ, "WORKBENCH_HOME": str(home)},
    )  # fmt: skip


def test_a_home_with_real_people_plays_no_demo(home: Settings) -> None:
    home.home.mkdir(parents=True)
    (home.home / "settings.toml").write_text("demo_accounts = false\n")
    done = demo(home.home)
    assert done.returncode == 2
    assert "real people" in done.stderr
    assert not home.store.exists()


def test_a_folder_that_is_not_there_is_named(home: Settings, tmp_path: Path) -> None:
    done = demo(home.home, "--real", str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "nothing" in done.stderr
    assert not home.store.exists()


def test_filling_a_filled_catalogue_makes_nothing_again(demo_home: Settings) -> None:
    done = demo(demo_home.home, "--data-only", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == []
