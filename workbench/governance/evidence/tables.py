"""The tables of evidence: agreements, training, projects, terms of use and visas, each with dates of its own.

Runs in: gateway
"""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS agreements (
  number INTEGER PRIMARY KEY, dataset TEXT NOT NULL REFERENCES datasets, version INTEGER NOT NULL,
  title TEXT NOT NULL, text TEXT NOT NULL, sha256 TEXT NOT NULL, author TEXT NOT NULL REFERENCES people,
  created TEXT NOT NULL, UNIQUE (dataset, version)) STRICT;
CREATE TABLE IF NOT EXISTS acceptances (
  person TEXT NOT NULL REFERENCES people, dataset TEXT NOT NULL, version INTEGER NOT NULL, accepted TEXT NOT NULL,
  PRIMARY KEY (person, dataset, version),
  FOREIGN KEY (dataset, version) REFERENCES agreements (dataset, version)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requirements (
  dataset TEXT NOT NULL REFERENCES datasets, kind TEXT NOT NULL, PRIMARY KEY (dataset, kind)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS training (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES people, kind TEXT NOT NULL,
  provider TEXT NOT NULL, issued TEXT NOT NULL, ends TEXT NOT NULL, recorded_by TEXT NOT NULL REFERENCES people,
  recorded TEXT NOT NULL, ended TEXT, ended_by TEXT REFERENCES people) STRICT;
CREATE INDEX IF NOT EXISTS training_of_person ON training (person, kind);
CREATE TABLE IF NOT EXISTS usage_terms (
  number INTEGER PRIMARY KEY, dataset TEXT NOT NULL REFERENCES datasets, terms TEXT NOT NULL,
  author TEXT NOT NULL REFERENCES people, created TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS usage_of_dataset ON usage_terms (dataset);
CREATE TABLE IF NOT EXISTS projects (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, author TEXT NOT NULL REFERENCES people, created TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS project_members (
  project TEXT NOT NULL REFERENCES projects, person TEXT NOT NULL REFERENCES people,
  PRIMARY KEY (project, person)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trusted_visas (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset TEXT REFERENCES datasets, issuer TEXT NOT NULL,
  source TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, keys TEXT NOT NULL, is_approval INTEGER NOT NULL,
  author TEXT NOT NULL REFERENCES people, created TEXT NOT NULL, ended TEXT) STRICT;
CREATE TABLE IF NOT EXISTS visa_identities (
  number INTEGER PRIMARY KEY, dataset TEXT REFERENCES datasets, issuer TEXT NOT NULL, subject TEXT NOT NULL,
  person TEXT NOT NULL REFERENCES people, author TEXT NOT NULL REFERENCES people, created TEXT NOT NULL,
  UNIQUE (dataset, issuer, subject)) STRICT;
CREATE TABLE IF NOT EXISTS visas (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL REFERENCES people, issuer TEXT NOT NULL,
  subject TEXT NOT NULL, source TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL, by_whom TEXT NOT NULL,
  conditions TEXT NOT NULL, issued TEXT NOT NULL, expires TEXT NOT NULL, digest TEXT NOT NULL, key TEXT NOT NULL,
  received TEXT NOT NULL, UNIQUE (person, digest)) STRICT;
"""
