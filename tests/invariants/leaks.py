"""I18: numbers that were planted and must lie nowhere in the clear: tables, the broker with its tasks, log files."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import connection
from psycopg2 import sql

from core.redis_client import client
from invariants.breach import Breach

#: How to read a key of each type. Not DUMP: that compresses.
_READERS: Mapping[bytes, Callable[[Any, bytes], object]] = {
    b"string": lambda redis, key: redis.get(key),
    b"list": lambda redis, key: redis.lrange(key, 0, -1),
    b"hash": lambda redis, key: redis.hgetall(key),
    b"set": lambda redis, key: redis.smembers(key),
    b"zset": lambda redis, key: redis.zrange(key, 0, -1),
    b"none": lambda redis, key: b"",  # gone meanwhile
}


def in_database(planted: Sequence[str]) -> Iterator[Breach]:
    """Every column of every table, as a thief of a dump would have it."""
    patterns = [f"%{form}%" for text in planted for form in _forms(text)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        for (table,) in cursor.fetchall():
            # A row's text holds all of its columns; bytes are in hexadecimal there.
            query = sql.SQL("SELECT count(*) FROM {} AS r WHERE r::text LIKE ANY(%s)")
            cursor.execute(query.format(sql.Identifier(table)).as_string(cursor.cursor), [patterns])
            if count := cursor.fetchone()[0]:
                yield Breach("I18", f"{count} rows of {table}")


def in_broker(planted: Sequence[str]) -> Iterator[Breach]:
    """Keys and values of every kind; waiting tasks with their arguments are among them."""
    redis: Any = client()
    for key in redis.scan_iter("*"):
        read = _READERS.get(redis.type(key))
        # A type of which nothing can be read would make this check blind.
        held = read(redis, key) if read else planted
        if _stands_in(repr((key, held)).encode(), planted):
            yield Breach("I18", f"the broker's key {key!r}")


def in_files(planted: Sequence[str], *, folder: Path, pattern: str = "*.log") -> Iterator[Breach]:
    """Log files below a folder."""
    for path in sorted(folder.rglob(pattern)):
        if _stands_in(path.read_bytes(), planted):
            yield Breach("I18", str(path))


def _stands_in(content: bytes, planted: Sequence[str]) -> bool:
    return any(form.encode() in content for text in planted for form in _forms(text))


def _forms(text: str) -> set[str]:
    """The text itself, in hexadecimal, as JSON escapes it, and in base64 wherever it may begin there."""
    raw = text.encode()
    forms = {text, raw.hex(), ascii(text).strip("'")}
    for offset in range(3):
        # Whole groups of three bytes only: the others share their characters with what stands beside them.
        whole = raw[-offset % 3 :]
        forms.add(base64.b64encode(whole[: len(whole) // 3 * 3]).decode())
    return forms
