"""Cohorts and exercises.

Runs in: anywhere
"""
