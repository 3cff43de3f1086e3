"""The tables of `catalogue.db`: files, stores, attachments, batches, uploads, responses, and what is to be released.

* An attachment `in_progress` is a job: a worker picks it up, and after a crash picks it up again.
* A deleted row leaves a row in `garbage`. Triggers do it, so that no statement can forget it: what the row held on disk
  is released by the worker, after the commit.

Every statement is one that an earlier release may have run: a home that it left is opened as it is.
"""

from __future__ import annotations

from typing import Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS files (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  filename TEXT NOT NULL,
  purpose TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS files_by_time ON files (created_at, seq);
CREATE INDEX IF NOT EXISTS files_by_expiry ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS stores (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  description TEXT,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_active_at INTEGER NOT NULL,
  expires_days INTEGER,
  expired INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS stores_by_time ON stores (created_at, seq);

CREATE TABLE IF NOT EXISTS attachments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  store_id TEXT NOT NULL REFERENCES stores (id) ON DELETE CASCADE,
  file_id TEXT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('in_progress', 'completed', 'failed', 'cancelled')),
  usage_bytes INTEGER NOT NULL DEFAULT 0,
  attributes TEXT,
  max_tokens INTEGER NOT NULL,
  overlap_tokens INTEGER NOT NULL,
  error_code TEXT,
  error_message TEXT,
  tries INTEGER NOT NULL DEFAULT 0,
  UNIQUE (store_id, file_id)
) STRICT;
CREATE INDEX IF NOT EXISTS attachments_by_time ON attachments (store_id, created_at, seq);
CREATE INDEX IF NOT EXISTS attachments_by_status ON attachments (store_id, status, usage_bytes);
CREATE INDEX IF NOT EXISTS attachments_by_file ON attachments (file_id);
CREATE INDEX IF NOT EXISTS queue ON attachments (seq) WHERE status = 'in_progress';

CREATE TABLE IF NOT EXISTS batches (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  store_id TEXT NOT NULL REFERENCES stores (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  cancelled INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS batches_by_store ON batches (store_id);

CREATE TABLE IF NOT EXISTS batch_files (
  batch_id TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
  file_id TEXT NOT NULL,
  PRIMARY KEY (batch_id, file_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS uploads (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  filename TEXT NOT NULL,
  purpose TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  file_seconds INTEGER,
  status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'completed', 'cancelled', 'expired')),
  file_id TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS uploads_by_expiry ON uploads (expires_at) WHERE status = 'pending';

CREATE TABLE IF NOT EXISTS upload_parts (
  id TEXT PRIMARY KEY,
  upload_id TEXT NOT NULL REFERENCES uploads (id),
  bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS parts_by_upload ON upload_parts (upload_id);

CREATE TABLE IF NOT EXISTS responses (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled')),
  body TEXT NOT NULL,
  items TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS responses_by_expiry ON responses (expires_at);
CREATE INDEX IF NOT EXISTS responses_by_status ON responses (status, seq);

CREATE TABLE IF NOT EXISTS response_items (
  id TEXT NOT NULL,
  response_id TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
  PRIMARY KEY (id, response_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_by_response ON response_items (response_id);

CREATE TABLE IF NOT EXISTS garbage (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('blob', 'chunks', 'index')),
  object_id TEXT NOT NULL,
  attachment INTEGER
) STRICT;

CREATE TRIGGER IF NOT EXISTS file_deleted AFTER DELETE ON files BEGIN
  INSERT INTO garbage (kind, object_id) VALUES ('blob', OLD.id);
END;
CREATE TRIGGER IF NOT EXISTS part_deleted AFTER DELETE ON upload_parts BEGIN
  INSERT INTO garbage (kind, object_id) VALUES ('blob', OLD.id);
END;
CREATE TRIGGER IF NOT EXISTS attachment_deleted AFTER DELETE ON attachments BEGIN
  INSERT INTO garbage (kind, object_id, attachment) VALUES ('chunks', OLD.store_id, OLD.seq);
END;
CREATE TRIGGER IF NOT EXISTS store_deleted AFTER DELETE ON stores BEGIN
  INSERT INTO garbage (kind, object_id) VALUES ('index', OLD.id);
END;
CREATE TRIGGER IF NOT EXISTS store_expired AFTER UPDATE OF expired ON stores WHEN NEW.expired AND NOT OLD.expired BEGIN
  DELETE FROM attachments WHERE store_id = NEW.id;
  INSERT INTO garbage (kind, object_id) VALUES ('index', NEW.id);
END;
"""
