"""Notebooks that run into reports and crates, and their verdicts when run again.

Runs in: anywhere
"""
