"""Encrypted, versioned, content-addressed bytes, and their keys.

Runs in: anywhere
"""
