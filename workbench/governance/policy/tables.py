"""The table of the policy texts that custodians give their datasets.

Runs in: gateway
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS policies (
  number INTEGER PRIMARY KEY, dataset TEXT NOT NULL REFERENCES datasets, text TEXT NOT NULL, sha256 TEXT NOT NULL,
  author TEXT NOT NULL REFERENCES people, created TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS policies_of_dataset ON policies (dataset);
"""
