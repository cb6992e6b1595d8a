"""Running them: after every test on the database, at the end of benchmarks and chaos, by hand, every hour."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from django.db import DatabaseError, connection, transaction

from core.audit import chain
from refunds.invariants.breach import Breach
from refunds.invariants.catalogue import INVARIANTS

logger = logging.getLogger(__name__)


def breaches() -> Iterator[Breach]:
    """Every breach of every invariant, at most 20 rows of each."""
    for invariant in INVARIANTS:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({invariant.sql}) AS breach LIMIT 20")
            for (what,) in cursor.fetchall():
                yield Breach(invariant.code, f"{invariant.meaning}: {what}")
    for broken in chain.breaches():
        yield Breach("I9", f"audit chain of merchant {broken.merchant_id} at {broken.seq}: {broken.what}")
    yield from _append_only()


def _append_only() -> Iterator[Breach]:
    """Try to do what must be impossible, and take it back."""
    for name, sql in _FORBIDDEN.items():
        if _succeeds(sql):
            yield Breach("I9", f"{name} of the audit trail succeeds")


_FORBIDDEN = {
    "UPDATE": "UPDATE core_auditevent SET action = action WHERE id = (SELECT max(id) FROM core_auditevent)",
    "DELETE": "DELETE FROM core_auditevent WHERE id = (SELECT max(id) FROM core_auditevent)",
    "TRUNCATE": "TRUNCATE core_auditevent CASCADE",
}


def _succeeds(sql: str) -> bool:
    changed = False
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '500ms'")
            cursor.execute(sql)
            changed = bool(cursor.rowcount)
            transaction.set_rollback(True)
    except DatabaseError:
        return False
    return changed


def report(found: Iterable[Breach]) -> None:
    """Log breaches as errors."""
    for breach in found:
        logger.error("invariant %s is broken: %s", breach.code, breach.what)


#: What a test or a benchmark calls at its end.
def check(*, also: Iterable[Callable[[], Iterable[Breach]]] = ()) -> list[Breach]:
    """All breaches at this moment, with the audit chain sealed up to now, and those of further checks."""
    chain.seal_events()
    found = list(breaches())
    for more in also:
        found.extend(more())
    return found
