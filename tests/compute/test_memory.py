"""Training keeps the memory of a step for the next, and gives the worker its own settings back."""

from __future__ import annotations

import ctypes
import sys
import types

import pytest

from workbench.compute.memory import kept_memory


@pytest.fixture
def tuned(monkeypatch):
    """Have what would be set, in order, in place of this process's own settings."""
    seen: list[tuple[int, int]] = []
    library = types.SimpleNamespace(mallopt=lambda what, value: seen.append((what, value)) or 1)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    return seen


def test_what_dask_told_its_worker_holds_again_afterwards(tuned, monkeypatch) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")
    with kept_memory():
        inside = dict(tuned)
    assert inside == {-3: 32 * 2**20, -1: 64 * 2**20}
    assert dict(tuned[2:]) == {-3: 128 * 2**10, -1: 65536}


@pytest.mark.parametrize("told", ["", "much"])
def test_without_a_readable_setting_the_usual_one_comes_back(tuned, monkeypatch, told: str) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", told)
    with pytest.raises(ZeroDivisionError), kept_memory():
        raise ZeroDivisionError
    assert dict(tuned[2:]) == {-3: 128 * 2**10, -1: 128 * 2**10}


def test_a_system_without_such_settings_is_left_alone(monkeypatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: types.SimpleNamespace())
    with kept_memory():
        assert sys.getsizeof(bytearray(2**20)) > 2**20
