"""SQLite under one event loop: writes join an open transaction that is committed a moment later for all of them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

#: How long a commit waits for company. Answers leave after it, so that what was said survives a kill.
GROUP_COMMIT_S = 0.002

_SETTINGS_TABLE = "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


class Store:
    """One connection, used from the event loop's thread only. Survives ``kill -9`` (WAL), not a power cut."""

    def __init__(self, *, path: Path, schema: Iterable[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        # A small page cache and no memory map: the file system's cache is enough, and the process stays small.
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-4000", "busy_timeout=5000"):
            self._connection.execute(f"PRAGMA {pragma}")
        for statement in (_SETTINGS_TABLE, *schema):
            self._connection.execute(statement)
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Read, own uncommitted writes included."""
        return self._connection.execute(sql, tuple(parameters)).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Row | None:
        """Read the first row, or None."""
        found: sqlite3.Row | None = self._connection.execute(sql, tuple(parameters)).fetchone()
        return found

    def each(self, sql: str, parameters: Sequence[object] = ()) -> Iterable[sqlite3.Row]:
        """Read row by row, for answers too long to hold."""
        return self._connection.execute(sql, tuple(parameters))

    def write(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Write within the open group; answers the number of rows touched."""
        self._begin()
        return self._connection.execute(sql, tuple(parameters)).rowcount

    def write_many(self, sql: str, parameters: Iterable[Sequence[object]]) -> None:
        """Write many rows within the open group. All or none: an error undoes exactly these rows."""
        self._begin()
        self._connection.execute("SAVEPOINT many")
        try:
            self._connection.executemany(sql, parameters)
        except sqlite3.Error:
            self._connection.execute("ROLLBACK TO many")
            raise
        finally:
            self._connection.execute("RELEASE many")

    async def durable(self) -> None:
        """Return once everything written so far is committed."""
        if not self._connection.in_transaction:
            return
        if self._timer is None:  # begun before the loop ran
            self._commit()
            return
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._waiting)

    def setting(self, name: str, default: object = None) -> object:
        """A remembered JSON value."""
        found = self.row("SELECT value FROM settings WHERE name = ?", (name,))
        return default if found is None else json.loads(found["value"])

    def remember(self, name: str, value: object) -> None:
        """Keep a JSON value across restarts."""
        self.write(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value, ensure_ascii=False)),
        )

    def close(self) -> None:
        """Commit and close."""
        self._commit()
        self._connection.close()

    def _begin(self) -> None:
        if self._connection.in_transaction:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # before the loop runs: committed by durable() or close()
            return
        self._timer = loop.call_later(GROUP_COMMIT_S, self._commit)

    def _commit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
