"""A real vault in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.vault.vault import Vault


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault", tmp_path / "keys")
