"""The tables of governance; other rooms add theirs when the store is opened.

Runs in: gateway
"""

from __future__ import annotations

from workbench.governance.evidence import tables as evidence_tables
from workbench.governance.packages import tables as package_tables
from workbench.governance.policy import tables as policy_tables

VERSION = 4

# What a store of an older release lacks, by the version it has; what was readable before the gate stays so.
MIGRATIONS = {
    1: """
ALTER TABLE versions ADD COLUMN status TEXT NOT NULL DEFAULT 'published';
ALTER TABLE versions ADD COLUMN uploader TEXT NOT NULL DEFAULT '';
ALTER TABLE versions ADD COLUMN card TEXT NOT NULL DEFAULT '{}';
ALTER TABLE versions ADD COLUMN findings INTEGER;
ALTER TABLE versions ADD COLUMN report TEXT;
ALTER TABLE people ADD COLUMN secret TEXT NOT NULL DEFAULT '';
""",
    # Columns that governance and the airlock gained; new tables need no line here.
    2: """
ALTER TABLE people ADD COLUMN institution TEXT NOT NULL DEFAULT '';
ALTER TABLE people ADD COLUMN country TEXT NOT NULL DEFAULT '';
ALTER TABLE purposes ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE requests ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE requests ADD COLUMN matched TEXT;
ALTER TABLE requests ADD COLUMN reviewed TEXT NOT NULL DEFAULT '[]';
ALTER TABLE offers ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE offers ADD COLUMN datasets TEXT NOT NULL DEFAULT '[]';
ALTER TABLE offers ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE offer_votes ADD COLUMN salt TEXT NOT NULL DEFAULT '';
UPDATE purposes SET facts = '{"disease":"lung nodule","is_ancestry":false,"is_genetic":false}'
  WHERE id = 'lung-nodule-detection';
UPDATE purposes SET facts = '{"disease":"lung cancer","is_ancestry":false,"is_genetic":false}'
  WHERE id = 'nodule-malignancy';
UPDATE purposes SET facts = '{"research_kind":"education"}' WHERE id = 'teaching';
UPDATE purposes SET facts = '{"research_kind":"quality"}' WHERE id = 'quality-improvement';
ALTER TABLE kernels ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
""",
    # Submissions gained kinds, leases and draws, and checks cannot be altered in place: the table is made anew.
    3: """
CREATE TABLE IF NOT EXISTS submissions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, task_version TEXT NOT NULL, person TEXT,
  kind TEXT NOT NULL, intent TEXT NOT NULL, note TEXT NOT NULL, sha256 TEXT NOT NULL, state TEXT NOT NULL, code TEXT,
  message TEXT NOT NULL, scores TEXT, created TEXT NOT NULL, deadline TEXT NOT NULL, ended TEXT) STRICT;
ALTER TABLE submissions RENAME TO submissions_of_3;
DROP INDEX IF EXISTS submissions_of_task;
CREATE TABLE submissions (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, task TEXT NOT NULL, task_version TEXT NOT NULL,
  hidden TEXT NOT NULL, person TEXT NOT NULL REFERENCES people,
  kind TEXT NOT NULL CHECK (kind IN ('onnx', 'predictions', 'folder')),
  intent TEXT NOT NULL CHECK (intent IN ('validation', 'scored', 'rescore', 'final')),
  origin TEXT, split TEXT NOT NULL, note TEXT NOT NULL, sha256 TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'scored', 'valid', 'failed', 'withdrawn')), code TEXT,
  message TEXT NOT NULL, scores TEXT, draws BLOB, cost TEXT, predictions TEXT,
  created TEXT NOT NULL, deadline TEXT NOT NULL, started TEXT, ended TEXT,
  attempts INTEGER NOT NULL DEFAULT 0, lease TEXT, changed INTEGER NOT NULL,
  CHECK ((state = 'running') = (lease IS NOT NULL)),
  CHECK ((state = 'scored') = (scores IS NOT NULL)),
  CHECK ((state IN ('queued', 'running')) = (ended IS NULL)),
  CHECK ((state = 'failed') = (code IS NOT NULL)),
  CHECK ((intent IN ('rescore', 'final')) = (origin IS NOT NULL))) STRICT;
INSERT INTO submissions
  SELECT number, id, task, task_version, '', person, 'onnx', intent, NULL,
    CASE intent WHEN 'scored' THEN 'public_test' ELSE '' END, note, sha256,
    CASE WHEN state IN ('queued', 'running') THEN 'failed' ELSE state END,
    CASE WHEN state IN ('queued', 'running', 'failed') THEN COALESCE(code, 'INTERNAL_ERROR') END,
    CASE WHEN state IN ('queued', 'running')
      THEN 'A new release took over while it was under way; it does not count, submit it again.' ELSE message END,
    CASE state WHEN 'scored' THEN scores END, NULL, NULL, NULL, created, deadline, NULL,
    COALESCE(ended, deadline), 0, NULL, number
  FROM submissions_of_3 WHERE kind <> 'baseline';
CREATE TABLE baselines (
  task_version TEXT NOT NULL, split TEXT NOT NULL, name TEXT NOT NULL, scores TEXT NOT NULL, draws BLOB,
  created TEXT NOT NULL, PRIMARY KEY (task_version, split, name)) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO baselines SELECT task_version, 'public_test', note, scores, NULL, created
  FROM submissions_of_3 WHERE kind = 'baseline';
DROP TABLE submissions_of_3;
""",
}

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, created TEXT NOT NULL, secret TEXT NOT NULL DEFAULT '',
  institution TEXT NOT NULL DEFAULT '', country TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE IF NOT EXISTS roles (
  person TEXT NOT NULL REFERENCES people, role TEXT NOT NULL, PRIMARY KEY (person, role)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS purposes (
  id TEXT PRIMARY KEY, label TEXT NOT NULL UNIQUE, duo TEXT, facts TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE TABLE IF NOT EXISTS datasets (
  name TEXT PRIMARY KEY, title TEXT NOT NULL,
  tier TEXT NOT NULL CHECK (tier IN ('open', 'registered', 'controlled', 'undisclosed')),
  custodian TEXT NOT NULL REFERENCES people, description TEXT NOT NULL, card TEXT NOT NULL,
  discoverable INTEGER NOT NULL DEFAULT 1, created TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS versions (
  number INTEGER PRIMARY KEY, dataset TEXT NOT NULL REFERENCES datasets, version TEXT NOT NULL, created TEXT NOT NULL,
  scans INTEGER NOT NULL, subjects INTEGER NOT NULL, bytes INTEGER NOT NULL, manifest TEXT NOT NULL,
  note TEXT NOT NULL DEFAULT '', status TEXT NOT NULL CHECK (status IN ('waiting', 'published')),
  uploader TEXT NOT NULL, card TEXT NOT NULL DEFAULT '{}', findings INTEGER, report TEXT,
  UNIQUE (dataset, version)) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_waiting_version ON versions (dataset) WHERE status = 'waiting';
CREATE VIEW IF NOT EXISTS published AS SELECT * FROM versions WHERE status = 'published';
CREATE TABLE IF NOT EXISTS signings (
  number INTEGER PRIMARY KEY, dataset TEXT NOT NULL, version TEXT NOT NULL,
  decision TEXT NOT NULL CHECK (decision IN ('publish', 'reject')), uploader TEXT NOT NULL, person TEXT NOT NULL,
  decided TEXT NOT NULL, comment TEXT NOT NULL,
  CHECK (decision = 'reject' OR person <> uploader)) STRICT;
CREATE TABLE IF NOT EXISTS withdrawals (
  dataset TEXT NOT NULL REFERENCES datasets, subject TEXT NOT NULL, pseudonym TEXT NOT NULL, scans TEXT NOT NULL,
  keys TEXT NOT NULL, person TEXT NOT NULL REFERENCES people, reason TEXT NOT NULL, decided TEXT NOT NULL,
  PRIMARY KEY (dataset, subject)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, dataset TEXT NOT NULL REFERENCES datasets,
  person TEXT NOT NULL REFERENCES people, purpose TEXT NOT NULL REFERENCES purposes, days INTEGER NOT NULL,
  note TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('submitted', 'granted', 'refused')),
  created TEXT NOT NULL, decided TEXT, decided_by TEXT REFERENCES people, reason TEXT NOT NULL DEFAULT '',
  facts TEXT NOT NULL DEFAULT '{}', matched TEXT, reviewed TEXT NOT NULL DEFAULT '[]') STRICT;
CREATE INDEX IF NOT EXISTS requests_of_person ON requests (person, dataset);
CREATE UNIQUE INDEX IF NOT EXISTS one_open_request ON requests (person, dataset) WHERE status = 'submitted';
CREATE TABLE IF NOT EXISTS grants (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, request TEXT NOT NULL REFERENCES requests (id),
  dataset TEXT NOT NULL REFERENCES datasets, person TEXT NOT NULL REFERENCES people,
  purpose TEXT NOT NULL REFERENCES purposes, starts TEXT NOT NULL, ends TEXT NOT NULL,
  approved_by TEXT NOT NULL REFERENCES people, revoked TEXT, revoked_by TEXT REFERENCES people,
  revoke_reason TEXT NOT NULL DEFAULT '', CHECK (approved_by <> person)) STRICT;
CREATE INDEX IF NOT EXISTS grants_of_person ON grants (person, dataset);
CREATE TABLE IF NOT EXISTS kernels (
  id TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES people,
  isolation TEXT NOT NULL CHECK (isolation IN ('bubblewrap', 'none')), started TEXT NOT NULL, ended TEXT,
  purpose TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE IF NOT EXISTS views (
  id TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES people, kernel TEXT REFERENCES kernels,
  dataset TEXT NOT NULL REFERENCES datasets, version TEXT NOT NULL, scan TEXT NOT NULL, created TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS views_of_person ON views (person, dataset);
CREATE TABLE IF NOT EXISTS audit (
  seq INTEGER PRIMARY KEY, time TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, resource TEXT NOT NULL,
  outcome TEXT NOT NULL, reason TEXT NOT NULL, details TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL,
  seal TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_is_never_edited BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_is_never_shortened BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
"""
SCHEMA += evidence_tables.SCHEMA + policy_tables.SCHEMA + package_tables.SCHEMA
