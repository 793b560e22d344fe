"""Tasks, metrics, submissions, evaluation, leaderboard, reports, reproduce.

Runs in: anywhere
"""
