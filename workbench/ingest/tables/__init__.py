"""Tables in, keyed to the same subjects.

Runs in: ingest host
"""
