"""An independent look at what is about to be published.

Runs in: ingest host
"""
