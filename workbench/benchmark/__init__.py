"""Tasks, metrics, submissions, evaluation, leaderboard, reports, reproduce.

Runs in: anywhere
"""

from __future__ import annotations

from workbench.benchmark.recording import record

__all__ = ["record"]
