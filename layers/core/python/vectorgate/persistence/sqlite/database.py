"""One SQLite connection behind one lock, its schema, and the translation of sqlite3's errors to store errors."""

from __future__ import annotations

import sqlite3
import weakref
from contextlib import closing, contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, Self

from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    Values = Sequence[Any] | Mapping[str, Any]

# How long to wait for a writer of another process (a report, a backup).
BUSY_TIMEOUT_S = 5.0
_STATEMENTS_CACHED = 64

_LOG_PAGES = 4_000  # 16 MB: a write that makes the log longer copies it to the file itself, if nothing else does
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}",
)

# One script a version, applied in order from PRAGMA user_version on. A script that was released never changes.
# CHECK(typeof) is needed: SQLite silently turns a sum beyond 64 bits into a float.
MIGRATIONS = (
    """
    CREATE TABLE operations (
        id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, started_ms INTEGER NOT NULL,
        key_id TEXT, end_user TEXT, record TEXT NOT NULL
    );
    CREATE INDEX operations_by_time ON operations (started_ms, id);
    CREATE INDEX operations_open ON operations (state, started_ms, id)
        WHERE state IN ('started', 'answered', 'uncertain');
    CREATE TABLE ownership (
        provider TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, tenant TEXT NOT NULL, key_id TEXT NOT NULL,
        created_at INTEGER NOT NULL, end_user TEXT, parent TEXT, snapshot TEXT, retired_at INTEGER,
        PRIMARY KEY (provider, kind, id)
    ) WITHOUT ROWID;
    CREATE INDEX ownership_by_tenant ON ownership (tenant, provider, kind, created_at, id) WHERE retired_at IS NULL;
    CREATE TABLE keys (id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE rollups (
        scope TEXT NOT NULL, scope_id TEXT NOT NULL, day TEXT NOT NULL, provider TEXT NOT NULL,
        operation TEXT NOT NULL,
        calls INTEGER NOT NULL CHECK (typeof(calls) = 'integer'),
        failures INTEGER NOT NULL CHECK (typeof(failures) = 'integer'),
        spend INTEGER NOT NULL CHECK (typeof(spend) = 'integer'),
        PRIMARY KEY (scope, scope_id, day, provider, operation)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE virtual_indexes (
        name TEXT NOT NULL PRIMARY KEY, real_name TEXT NOT NULL, vector_store_name TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE claims (
        tenant TEXT NOT NULL, name TEXT NOT NULL, slot TEXT NOT NULL, fingerprint TEXT NOT NULL,
        operation_id TEXT NOT NULL, claimed_ms INTEGER NOT NULL, expires_at INTEGER NOT NULL,
        attempt INTEGER NOT NULL, status INTEGER, body TEXT,
        PRIMARY KEY (tenant, name, slot)
    );
    CREATE INDEX claims_by_expiry ON claims (expires_at);
    CREATE TABLE accounts (
        scope TEXT NOT NULL, id TEXT NOT NULL, period TEXT NOT NULL,
        reserved INTEGER NOT NULL CHECK (typeof(reserved) = 'integer'),
        spent INTEGER NOT NULL CHECK (typeof(spent) = 'integer'),
        PRIMARY KEY (scope, id, period)
    ) WITHOUT ROWID;
    CREATE TABLE limits (
        scope TEXT NOT NULL, id TEXT NOT NULL, since INTEGER NOT NULL, max_budget INTEGER, soft_budget INTEGER,
        duration TEXT, PRIMARY KEY (scope, id)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE meters (
        provider TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (provider, id)
    ) WITHOUT ROWID;
    CREATE TABLE meter_schedules (
        provider TEXT NOT NULL PRIMARY KEY, due INTEGER NOT NULL, pause INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE limits ADD COLUMN alias TEXT;
    ALTER TABLE limits ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE limits ADD COLUMN metadata TEXT;
    ALTER TABLE limits ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
    """,
    """
    CREATE TABLE ingest_objects (
        bucket TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID;
    CREATE TABLE ingest_names (
        team TEXT NOT NULL, name TEXT NOT NULL, store_id TEXT NOT NULL, PRIMARY KEY (team, name)
    ) WITHOUT ROWID;
    CREATE TABLE ingest_pace (
        store_id TEXT NOT NULL, minute INTEGER NOT NULL, admitted INTEGER NOT NULL, PRIMARY KEY (store_id, minute)
    ) WITHOUT ROWID;
    """,
    # SQLite uses a partial index only where the query repeats the index's condition literally.
    """
    DROP INDEX operations_open;
    CREATE INDEX operations_answered ON operations (started_ms, id) WHERE state = 'answered';
    CREATE INDEX operations_started ON operations (started_ms, id) WHERE state = 'started';
    CREATE INDEX operations_uncertain ON operations (started_ms, id) WHERE state = 'uncertain'
    """,
    """
    ALTER TABLE ingest_pace RENAME COLUMN minute TO began
    """,
    """
    CREATE TABLE ingest_refusals (
        bucket TEXT NOT NULL, key TEXT NOT NULL, circumstances TEXT NOT NULL, PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID
    """,
    """
    ALTER TABLE ownership ADD COLUMN holders TEXT
    """,
    """
    CREATE TABLE audit (
        at_ms INTEGER NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (at_ms, id)
    ) WITHOUT ROWID
    """,
    """
    ALTER TABLE limits ADD COLUMN deleted_at INTEGER
    """,
    # A row for each team that a store is shared with, for its lists; `ownership.shares` says what it may do.
    """
    ALTER TABLE ownership ADD COLUMN shares TEXT;
    CREATE TABLE shared (
        tenant TEXT NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL, created_at INTEGER NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (tenant, provider, kind, created_at, id)
    ) WITHOUT ROWID;
    CREATE INDEX shared_by_object ON shared (provider, kind, id)
    """,
    """
    CREATE TABLE rates (
        scope TEXT NOT NULL, id TEXT NOT NULL, unit TEXT NOT NULL,
        tat INTEGER NOT NULL CHECK (typeof(tat) = 'integer'),
        PRIMARY KEY (scope, id, unit)
    ) WITHOUT ROWID;
    CREATE TABLE leases (
        scope TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, until_s INTEGER NOT NULL,
        PRIMARY KEY (scope, id, name)
    ) WITHOUT ROWID;
    ALTER TABLE limits ADD COLUMN rpm_limit INTEGER;
    ALTER TABLE limits ADD COLUMN tpm_limit INTEGER;
    ALTER TABLE limits ADD COLUMN max_parallel_requests INTEGER
    """,
    """
    ALTER TABLE limits ADD COLUMN email TEXT
    """,
    """
    ALTER TABLE limits ADD COLUMN store_rules TEXT
    """,
    # AUTOINCREMENT: places go on where all rows are deleted, so that no destination is ahead of the log.
    """
    CREATE TABLE export_log (
        place INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, at_ms INTEGER NOT NULL
    );
    CREATE TABLE export_places (destination TEXT NOT NULL PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE export_dead_letters (
        destination TEXT NOT NULL, place INTEGER NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL,
        reason TEXT NOT NULL, PRIMARY KEY (destination, place)
    ) WITHOUT ROWID;
    CREATE TABLE export_alerts (
        scope TEXT NOT NULL, id TEXT NOT NULL, period TEXT NOT NULL, kind TEXT NOT NULL,
        PRIMARY KEY (scope, id, period, kind)
    ) WITHOUT ROWID
    """,
    # Rollups with facts and more measures, by day first, and their sums by month and without keys.
    """
    CREATE TABLE summed (
        scope TEXT NOT NULL, scope_id TEXT NOT NULL, day TEXT NOT NULL, provider TEXT NOT NULL, operation TEXT NOT NULL,
        key_id TEXT NOT NULL DEFAULT '', tenant TEXT NOT NULL DEFAULT '', user_id TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        calls INTEGER NOT NULL DEFAULT 0 CHECK (typeof(calls) = 'integer'),
        failures INTEGER NOT NULL DEFAULT 0 CHECK (typeof(failures) = 'integer'),
        spend INTEGER NOT NULL DEFAULT 0 CHECK (typeof(spend) = 'integer'),
        tool_calls INTEGER NOT NULL DEFAULT 0 CHECK (typeof(tool_calls) = 'integer'),
        tools_spend INTEGER NOT NULL DEFAULT 0 CHECK (typeof(tools_spend) = 'integer'),
        input_tokens INTEGER NOT NULL DEFAULT 0 CHECK (typeof(input_tokens) = 'integer'),
        output_tokens INTEGER NOT NULL DEFAULT 0 CHECK (typeof(output_tokens) = 'integer'),
        cached_tokens INTEGER NOT NULL DEFAULT 0 CHECK (typeof(cached_tokens) = 'integer'),
        cache_write_tokens INTEGER NOT NULL DEFAULT 0 CHECK (typeof(cache_write_tokens) = 'integer'),
        searches INTEGER NOT NULL DEFAULT 0 CHECK (typeof(searches) = 'integer'),
        byte_seconds INTEGER NOT NULL DEFAULT 0 CHECK (typeof(byte_seconds) = 'integer'),
        refusals INTEGER NOT NULL DEFAULT 0 CHECK (typeof(refusals) = 'integer'),
        upstream_errors INTEGER NOT NULL DEFAULT 0 CHECK (typeof(upstream_errors) = 'integer'),
        PRIMARY KEY (scope, day, scope_id, provider, operation, key_id, tenant, user_id, model)
    ) WITHOUT ROWID;
    INSERT INTO summed (scope, scope_id, day, provider, operation, calls, failures, spend)
        SELECT scope, scope_id, day, provider, operation, calls, failures, spend FROM rollups;
    INSERT INTO summed (scope, scope_id, day, provider, operation, calls, failures, spend)
        SELECT 'all', '', day, provider, operation, sum(calls), sum(failures), sum(spend) FROM rollups
        WHERE scope = 'provider' GROUP BY day, provider, operation;
    INSERT INTO summed (scope, scope_id, day, provider, operation, calls, failures, spend)
        SELECT 'month:all', '', substr(day, 1, 7), provider, operation, sum(calls), sum(failures), sum(spend)
        FROM rollups WHERE scope = 'provider' GROUP BY 3, provider, operation;
    INSERT INTO summed (scope, scope_id, day, provider, operation, calls, failures, spend)
        SELECT 'month:key', '', day, provider, operation, calls, failures, spend FROM summed WHERE scope = 'month:all';
    INSERT INTO summed (scope, scope_id, day, provider, operation, calls, failures, spend)
        SELECT 'month:' || scope, scope_id, substr(day, 1, 7), provider, operation, sum(calls), sum(failures),
        sum(spend) FROM rollups GROUP BY scope, scope_id, 3, provider, operation;
    DROP TABLE rollups;
    ALTER TABLE summed RENAME TO rollups;
    CREATE INDEX rollups_of_id ON rollups (scope, scope_id, day);
    CREATE TABLE latencies (
        day TEXT NOT NULL, tenant TEXT NOT NULL, bucket TEXT NOT NULL, calls INTEGER NOT NULL,
        PRIMARY KEY (day, tenant, bucket)
    ) WITHOUT ROWID
    """,
    # Sums by kind instead of operation, of what was added before they were kept.
    """
    INSERT INTO rollups SELECT 'kind/key', scope_id, day, '',
        CASE WHEN operation IN ('storage', 'correction') THEN operation ELSE '' END, key_id, tenant, user_id, model,
        sum(calls), sum(failures), sum(spend), sum(tool_calls), sum(tools_spend), sum(input_tokens),
        sum(output_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(searches), sum(byte_seconds),
        sum(refusals), sum(upstream_errors)
        FROM rollups WHERE (scope = 'key' AND key_id <> '') OR scope = 'provider'
        GROUP BY scope_id, day, 5, key_id, tenant, user_id, model;
    INSERT INTO rollups SELECT 'kind/' || scope, scope_id, day, '',
        CASE WHEN operation IN ('storage', 'correction') THEN operation ELSE '' END, '', '', '', '',
        sum(calls), sum(failures), sum(spend), sum(tool_calls), sum(tools_spend), sum(input_tokens),
        sum(output_tokens), sum(cached_tokens), sum(cache_write_tokens), sum(searches), sum(byte_seconds),
        sum(refusals), sum(upstream_errors)
        FROM rollups WHERE scope IN ('end_user', 'store', 'tag') AND key_id <> ''
        GROUP BY scope, scope_id, day, 5
    """,
    """
    CREATE INDEX operations_by_key ON operations (key_id, started_ms, id)
    """,
    """
    ALTER TABLE ownership ADD COLUMN operation_id TEXT
    """,
)


class _ConnectionLock:
    """Holds the lock for one use of the connection, and translates what sqlite3 raises meanwhile."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = RLock()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
        if isinstance(error, sqlite3.Error):
            raise StoreUnavailable(f"sqlite: {error}") from error
        if isinstance(error, OverflowError):
            raise ValueError("an integer of more than 64 bits") from error  # noqa: TRY004  # it is an int, too big


class Database:
    """The connection, which threads use one at a time."""

    def __init__(self, path: str = ":memory:") -> None:
        self._path = path
        self._exclusive = _ConnectionLock()
        with self._exclusive:
            self._connection = sqlite3.connect(
                path,
                timeout=BUSY_TIMEOUT_S,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=_STATEMENTS_CACHED,
            )
        # Python 3.13 warns about a connection that is not closed; a store may live as long as its process.
        self._finalizer = weakref.finalize(self, self._connection.close)
        with self._exclusive:
            self._prepare()

    def close(self) -> None:
        """Release the file. Later calls are StoreUnavailable."""
        with self._exclusive:
            self._finalizer()

    def change(self, statement: str, values: Values) -> int:
        """Run one statement as a transaction of its own; the number of rows that it changed."""
        with self._exclusive:
            return self._connection.execute(statement, values).rowcount

    def rows(self, statement: str, values: Values) -> list[tuple[Any, ...]]:
        """All rows of one query."""
        with self._exclusive:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run several statements atomically: any exception inside rolls all of them back."""
        with self._exclusive:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    def checkpoint(self) -> None:
        """Copy the write-ahead log to the file, on a connection of its own: no write waits. StoreUnavailable."""
        try:
            with closing(sqlite3.connect(self._path, timeout=0)) as own:
                own.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"sqlite: {error}") from error

    def _prepare(self) -> None:
        for pragma in _PRAGMAS:
            self._connection.execute(pragma)
        with self.transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > len(MIGRATIONS):
                raise StoreUnavailable(f"the file is of version {version}, this code knows {len(MIGRATIONS)}")
            for script in MIGRATIONS[version:]:
                for statement in script.split(";"):
                    connection.execute(statement)
            # A pragma takes no bound values; the number is a constant of this module.
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
