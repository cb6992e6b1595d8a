"""Checking the invariants: after every test on the database, at the end of benchmarks and chaos, by hand, every hour.

A breach in production is logged as an error, which is what pages people.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.expressions import Func, RawSQL
from django.db.models.fields.json import KT

from core import periodic
from core.audit import chain, heads, verifying
from core.audit.models import AuditEvent
from core.calendar import SHANGHAI
from core.database import rights
from core.errors import Conflict
from invariants.breach import Breach
from invariants.catalogue import INVARIANTS, TOUCHED_REQUESTS
from merchants import signing
from merchants.models import Signature
from merchants.policies import versions
from refunds.facts import judgements, vouching
from refunds.models import Approval, RefundRequest

#: Any number that nobody else takes.
_LOCK = 5_117_204_633


class AlreadyRunning(Conflict, code="invariants_running"):
    """Another run of the invariants is at work on this database."""


@contextmanager
def alone() -> Iterator[None]:
    """Raises ``AlreadyRunning`` instead of waiting: two runs would read everything twice at the same time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise AlreadyRunning("the invariants are being checked right now")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


logger = logging.getLogger(__name__)


#: The next nightly check finds again what is still so.
_BROKEN_KEPT_S = 25 * 3600
#: Requests whose approvals are looked at together.
_AT_ONCE = 500
#: A run that gives way rests this many times as long as it has just worked, and never longer than ...
_REST_SHARE, _REST_MOST_S = 2.0, 6.0


def breaches(*, whole: bool = True, remember: bool = False, gives_way: bool = False) -> Iterator[Breach]:
    """Every breach of every invariant, at most 20 rows of each.

    ``whole`` looks at every row; otherwise at all sales' counters, numbers and due times, and of the rest at what has new events
    since a check that was to ``remember`` found nothing: sums of orders and of days from their beginning. ``gives_way`` rests
    between two queries, so that payouts get their share of the machine.
    """
    since = None if whole else _since()
    for invariant in INVARIANTS:
        began = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            # Whole tables are sorted and hashed here: in the four megabytes of a page they would go by way of the disk.
            cursor.execute("SET LOCAL work_mem = '64MB'")
            if since is None or not invariant.recent_sql:
                cursor.execute(f"SELECT * FROM ({invariant.sql}) AS breach LIMIT 20")
            else:
                cursor.execute(f"SELECT * FROM ({invariant.recent_sql}) AS breach LIMIT 20", since)
            found = cursor.fetchall()
        for (what,) in found:
            yield Breach(invariant.code, f"{invariant.meaning}: {what}")
        if gives_way:
            time.sleep(min(_REST_MOST_S, (time.monotonic() - began) * _REST_SHARE))
    trail = verifying.verify(whole=whole)
    for broken in trail.breaches:
        yield Breach("I9", f"audit chain of merchant {broken.merchant_id} at {broken.seq}: {broken.what}")
    if remember and not trail.breaches:
        chain.remember_verified(trail.reached, to=trail.to)
    yield from _other_verdicts(since, gives_way=gives_way)
    yield from unvouched(since, gives_way=gives_way)
    yield from _append_only()


def _other_verdicts(since: dict[str, int | datetime] | None, *, gives_way: bool) -> Iterator[Breach]:
    """I31: the kept facts and the policy of that version give another verdict than the one that is stored."""
    some = judgements.kept()
    if since is not None:
        touched = RawSQL(TOUCHED_REQUESTS, [since["txid"], since["event"]])  # noqa: S611 -- a text of ours
        some = some.filter(request_id__in=touched)
    began, found = time.monotonic(), 0
    for number, other in enumerate(judgements.rejudged(some), start=1):
        if other:
            found += 1
            yield Breach("I31", f"judged once more, the verdict is another one: {other}")
        if found == 20:
            return
        if gives_way and number % judgements.AT_ONCE == 0:
            time.sleep(min(_REST_MOST_S, (time.monotonic() - began) * _REST_SHARE))
            began = time.monotonic()


def unvouched(since: dict[str, int | datetime] | None = None, *, gives_way: bool = False) -> Iterator[Breach]:
    """I42: an approval or rejection that nobody gave or signed like this, or a payout under way that is not the one that was
    approved.
    """
    found = 0
    for some in _in_parts(_decided(since)):
        began = time.monotonic()
        for why in vouching.faults(some).values():
            found += 1
            yield Breach("I42", f"decided by nobody, or something else than is paid: {why}")
        if found >= 20:
            return
        if gives_way:
            time.sleep(min(_REST_MOST_S, (time.monotonic() - began) * _REST_SHARE))
    signed = Signature.objects.all()
    if since is not None:
        signed = signed.filter(at__gte=since["day"])
    named = AuditEvent.objects.filter(merchant_id=OuterRef("merchant_id"), at=OuterRef("at"))
    named = named.alias(signed=KT("data__signed")).filter(
        signed=Func(OuterRef("digest"), Value("hex"), function="encode", output_field=TextField())
    )
    for some_rows in _in_parts(signed.exclude(Exists(named)).values_list("pk", flat=True)):
        yield from (Breach("I42", f"signature {pk} is of no act") for pk in some_rows[:20])
    yield from (Breach("I42", f"version {row.pk} of a policy is not what was signed") for row in versions.altered())
    for some_ids in _in_parts(signed.exclude(object_type="refund_request").values_list("pk", flat=True)):
        broken = signing.faults(Signature.objects.filter(pk__in=some_ids))
        yield from (Breach("I42", f"signature {pk}: {why}") for pk, why in sorted(broken.items())[:20])


def _decided(since: dict[str, int | datetime] | None) -> QuerySet[RefundRequest, Any]:
    """Requests that somebody approved or rejected, as rows say."""
    given = Approval.objects.filter(request=OuterRef("pk"), decision__in=("approve", "reject"))
    some = RefundRequest.objects.filter(Exists(given) | Q(state="rejected"))
    if since is not None:
        touched = RawSQL(TOUCHED_REQUESTS, [since["txid"], since["event"]])  # noqa: S611 -- a text of ours
        some = some.filter(pk__in=touched)
    return some.order_by("pk").values_list("pk", flat=True)


def _in_parts(rows: QuerySet[Any, Any]) -> Iterator[list[Any]]:
    found = rows.iterator(_AT_ONCE)
    while some := list(islice(found, _AT_ONCE)):
        yield some


def _since() -> dict[str, int | datetime] | None:
    """Up to which event, in (txid, id) order, a check found nothing, and where the day of that event began; None: the files
    outside the database do not say.
    """
    anchors = heads.read()
    if anchors.verified is None or anchors.faults:
        return None
    txid, event_id = anchors.verified_to
    last = AuditEvent.objects.filter(pk=event_id).values_list("at", flat=True).first()
    if last is None:
        return None
    day = last.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    # With an hour to spare: events of the first minutes may stand before others of the last ones.
    before = AuditEvent.objects.filter(txid__lte=txid, at__lt=day - timedelta(hours=1)).order_by("-txid", "-pk")
    day_txid, day_event = before.values_list("txid", "pk").first() or (0, 0)
    return {"txid": txid, "event": event_id, "day": day, "day_txid": day_txid, "day_event": day_event}


def _append_only() -> Iterator[Breach]:
    """Try to do what must be impossible, under our own login, and roll it back; and see that nobody else could."""
    for model in rights.append_only():
        table, key = model._meta.db_table, model._meta.pk_fields[0].column
        for name, sql in _FORBIDDEN.items():
            if _succeeds(sql.format(table=table, key=key)):
                yield Breach("I9", f"{name} of {table} succeeds")
    for table in rights.unguarded():
        yield Breach("I9", f"no trigger keeps what {table} has")


_FORBIDDEN = {
    "UPDATE": "UPDATE {table} SET {key} = {key} WHERE {key} = (SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1)",
    "DELETE": "DELETE FROM {table} WHERE {key} = (SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1)",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
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
    """Log breaches as errors, and keep their codes for those who tell staff of them."""
    codes = set()
    for breach in found:
        logger.error("invariant %s is broken: %s", breach.code, breach.what)
        codes.add(breach.code)
    if codes:
        cache.set(periodic.INVARIANTS_BROKEN, sorted(codes), timeout=_BROKEN_KEPT_S)


def check(
    *,
    also: Iterable[Callable[[], Iterable[Breach]]] = (),
    whole: bool = True,
    remember: bool = False,
    gives_way: bool = False,
) -> list[Breach]:
    """All breaches at this moment, with the audit chain sealed up to now, and those of further checks.

    Raises ``AlreadyRunning``.
    """
    found = []
    with alone():
        try:
            chain.seal_events()
        except chain.SealRefused as error:
            found.append(Breach("I9", str(error)))
        found += breaches(whole=whole, remember=remember, gives_way=gives_way)
    for more in also:
        found.extend(more())
    return found
