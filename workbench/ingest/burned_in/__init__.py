"""Text in pixels, found and covered.

Runs in: ingest host
"""
