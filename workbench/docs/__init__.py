"""The manual, shipped with the package.

Runs in: anywhere
"""
