"""Heartbeats: how long an evaluator has been silent, and the bell that wakes the workers."""

from __future__ import annotations

import threading

import pytest

from workbench.gateway import heartbeats
from workbench.gateway.heartbeats import Heartbeats


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give the moment, in seconds, for a test to change."""
    moment = [100.0]
    monkeypatch.setattr(heartbeats.time, "monotonic", lambda: moment[0])
    return moment


def test_silence_is_counted_from_the_first_question(now: list[float]) -> None:
    beats = Heartbeats()
    assert beats.silence_s("a") == 0.0
    now[0] += 7.0
    assert beats.silence_s("a") == 7.0


def test_a_beat_ends_the_silence_of_its_lease_alone(now: list[float]) -> None:
    beats = Heartbeats()
    beats.silence_s("a"), beats.silence_s("b")
    now[0] += 7.0
    beats.beat("a")
    assert (beats.silence_s("a"), beats.silence_s("b")) == (0.0, 7.0)


def test_a_lease_that_is_over_is_forgotten(now: list[float]) -> None:
    beats = Heartbeats()
    beats.beat("a")
    now[0] += 7.0
    beats.forget("a")
    beats.forget("never there")
    assert beats.silence_s("a") == 0.0


def test_the_bell_wakes_whoever_waits() -> None:
    beats, woken = Heartbeats(), threading.Event()

    def wait() -> None:
        beats.wait(60.0)
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not woken.wait(0.01):
        beats.ring()
    thread.join()
    assert woken.is_set()
