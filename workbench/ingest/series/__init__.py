"""Series of slices to volumes that hold.

Runs in: ingest host
"""
