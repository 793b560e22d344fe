"""One automatic check per kind of file.

Runs in: anywhere
"""
