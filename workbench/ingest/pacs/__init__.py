"""Images from and to a picture archive.

Runs in: ingest host
"""
