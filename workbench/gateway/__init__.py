"""The HTTP door; the only process that opens the vault.

Runs in: anywhere
"""
