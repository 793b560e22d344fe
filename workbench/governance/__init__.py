"""Who may use what, for which purpose, and the record of it.

Runs in: anywhere
"""
