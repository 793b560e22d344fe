"""Who sent what to which task, and what became of it.

Runs in: anywhere
"""
