"""De-identification by rules that are data.

Runs in: ingest host
"""
