"""Packages that people ask for: the list, the requests, the installation outside the sandbox, the lock.

Runs in: anywhere
"""
