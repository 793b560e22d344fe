"""SEG and RTSTRUCT as label volumes on the CT grid.

Runs in: ingest host
"""
