"""I18: numbers that must lie nowhere in the clear: tables, the broker with its tasks, log files.

Tests plant them; an installation takes those that its customers gave last (``check_invariants --leaks``).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import OperationalError, connection
from psycopg2 import sql

from core.database import timeouts
from core.redis_client import client
from invariants.breach import Breach
from refunds.models import Payee, RefundRequest

#: How to read a key of each type. Not DUMP: that compresses.
_READERS: Mapping[bytes, Callable[[Any, bytes], object]] = {
    b"string": lambda redis, key: redis.get(key),
    b"list": lambda redis, key: redis.lrange(key, 0, -1),
    b"hash": lambda redis, key: redis.hgetall(key),
    b"set": lambda redis, key: redis.smembers(key),
    b"zset": lambda redis, key: redis.zrange(key, 0, -1),
    b"none": lambda redis, key: b"",  # gone meanwhile
}


#: Keys of the broker that are looked at.
_MOST_KEYS = 100_000
#: What is shorter stands by chance in other numbers.
_SHORTEST = 8


def given_last(number: int) -> list[str]:
    """The phones of the last so many refunds, and the accounts of the last so many that name one."""
    phones = RefundRequest.objects.order_by("-pk").values_list("customer_phone", flat=True)[:number]
    accounts = Payee.objects.order_by("-pk").values_list("account_no", flat=True)[:number]
    return sorted(text for text in {*phones, *accounts} if len(text) >= _SHORTEST)


def in_database(planted: Sequence[str]) -> Iterator[Breach]:
    """Every column of every table, as a thief of a dump would have it. A table that takes too long to read is said."""
    patterns = [f"%{form}%" for text in planted for form in _forms(text)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        for (table,) in cursor.fetchall():
            # A row's text holds all of its columns; bytes are in hexadecimal there.
            query = sql.SQL("SELECT count(*) FROM {} AS r WHERE r::text LIKE ANY(%s)")
            try:
                cursor.execute(query.format(sql.Identifier(table)).as_string(cursor.cursor), [patterns])
            except OperationalError as error:
                if not timeouts.ran_out(error):
                    raise
                yield Breach("I18", f"{table} was not read to its end in time")
                continue
            if count := cursor.fetchone()[0]:
                yield Breach("I18", f"{count} rows of {table}")


def in_broker(planted: Sequence[str]) -> Iterator[Breach]:
    """Keys and values of every kind; waiting tasks with their arguments are among them."""
    redis: Any = client()
    for key in islice(redis.scan_iter("*"), _MOST_KEYS):
        read = _READERS.get(redis.type(key))
        # A type of which nothing can be read would make this check blind.
        held = read(redis, key) if read else planted
        if _stands_in(repr((key, held)).encode(), planted):
            yield Breach("I18", f"the broker's key {key!r}")


def in_files(planted: Sequence[str], *, folder: Path) -> Iterator[Breach]:
    """Log files below a folder, line by line."""
    for path in sorted(folder.rglob("*.log")):
        with path.open("rb") as lines:
            if any(_stands_in(line, planted) for line in lines):
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
