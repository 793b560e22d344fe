"""The tables of packages: requests, what was decided about names, and each environment with its lock.

Runs in: gateway
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS package_requests (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES people, names TEXT NOT NULL,
  removed TEXT NOT NULL DEFAULT '[]', reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('review', 'installing', 'installed', 'failed', 'refused')),
  created TEXT NOT NULL, decided TEXT, decided_by TEXT REFERENCES people, comment TEXT NOT NULL DEFAULT '',
  error TEXT NOT NULL DEFAULT '', code TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
  CHECK (decided_by <> person)) STRICT;
CREATE INDEX IF NOT EXISTS package_requests_of_person ON package_requests (person);
CREATE TABLE IF NOT EXISTS package_rules (
  name TEXT PRIMARY KEY, is_allowed INTEGER NOT NULL, person TEXT NOT NULL REFERENCES people, decided TEXT NOT NULL,
  comment TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS environments (
  number INTEGER PRIMARY KEY, person TEXT NOT NULL REFERENCES people, digest TEXT NOT NULL, asked TEXT NOT NULL,
  lock TEXT NOT NULL, request TEXT NOT NULL REFERENCES package_requests (id), created TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS environments_of_person ON environments (person);
"""
