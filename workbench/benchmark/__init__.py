"""Tasks, metrics, submissions, evaluation, leaderboard, reports, reproduce.

Runs in: anywhere
"""

from __future__ import annotations

from workbench.benchmark.reports.recording import record

__all__ = ["record"]
