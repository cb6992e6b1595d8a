"""Many writers, two that take, connections killed, transactions held open: what a consumer of the feed sees all the same.

Events are appended to the audit trail without refunds. The dice are the seed's; how threads fall in between is the machine's.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from django.db import Error, connection, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core.audit.models import AuditEvent
from integrations import feed
from integrations.models import FeedEvent
from merchants.principals import Principal
from tests.integrations.rig import append, unsaved

#: How often what runs in a worker looks (integrations.tasks).
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    event: FeedEvent
    at: float


@dataclass
class Writers:
    """Each writes transactions of a few events about its own things and about some that all share, under a lock."""

    merchant_id: int
    seed: int
    writers: int
    events: int
    hold_s: float
    kills: int = 0
    #: Between two transactions of one writer: who writes without a pause leaves the others of this process no time.
    pace_s: float = 0.0
    committed_at: dict[int, float] = field(default_factory=dict)
    held: tuple[float, float] = (0.0, 0.0)
    _left: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)
    _all: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        self._left = self.events
        dice = [random.Random(f"{self.seed}/{number}") for number in range(self.writers + 1)]
        work: list[Callable[[], None]] = [self._hold, partial(self._kill, dice.pop())]
        work += [partial(self._write, one) for one in dice]
        self._threads = [threading.Thread(target=self._then_close, args=[one]) for one in work]
        takers = [threading.Thread(target=self._then_close, args=[self._take]) for _ in range(2)]
        self._all = [*self._threads, *takers]
        for thread in self._all:
            thread.start()

    def is_over(self) -> bool:
        """All is written, and all that was written is taken."""
        if any(thread.is_alive() for thread in self._threads):
            return False
        taken = FeedEvent.objects.filter(merchant_id=self.merchant_id, object_type="refund_request").count()
        return taken >= self._committed().count()

    def _committed(self) -> QuerySet[AuditEvent]:
        return AuditEvent.objects.filter(merchant_id=self.merchant_id, object_type="refund_request")

    def _then_close(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            connections.close_all()

    def _write(self, dice: random.Random) -> None:
        own = 0
        while True:
            with self._lock:
                count = min(self._left, dice.randint(1, 8))
                self._left -= count
            if not count:
                return
            # In order, so that no two wait for one another.
            shared = sorted({dice.randrange(100) for _ in range(count) if dice.random() < 0.2})
            mine = [f"{threading.get_ident() % 10**9}{own + number:07}" for number in range(count - len(shared))]
            own += count
            try:
                with transaction.atomic():
                    # Its own first: the transaction has its number before it waits for another.
                    rows = AuditEvent.objects.bulk_create(
                        [unsaved(self.merchant_id, object_id=_id(int(number))) for number in mine]
                    )
                    if shared:
                        rows += AuditEvent.objects.bulk_create(self._next(shared))
                    time.sleep(dice.random() * 0.002)
                    if dice.random() < 0.02:
                        transaction.set_rollback(True)
                        rows = []
                self.committed_at.update((row.pk, time.monotonic()) for row in rows)
            except Error:
                connection.close()  # killed on its way
            time.sleep(2 * self.pace_s * dice.random())

    def _next(self, numbers: list[int]) -> list[AuditEvent]:
        """The next event of each of the things that all share, under locks as refunds' rows would be, taken in this order."""
        ids = [_id(number) for number in numbers]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, number) FROM unnest(%s) AS number", [self.merchant_id, numbers]
            )
            # A statement of its own: it sees what those who had the locks before us have committed.
            cursor.execute(
                "SELECT object_id, max(version) FROM core_auditevent WHERE object_id = ANY(%s) GROUP BY 1", [ids]
            )
            versions = dict(cursor.fetchall())
        return [unsaved(self.merchant_id, object_id=one, version=versions.get(one, 0) + 1) for one in ids]

    def _hold(self) -> None:
        time.sleep(0.2)
        began = time.monotonic()
        try:
            with transaction.atomic():
                append(self.merchant_id)
                time.sleep(self.hold_s)
        except Error:
            connection.close()
        self.held = (began, time.monotonic())

    def _kill(self, dice: random.Random) -> None:
        for _ in range(self.kills):
            time.sleep(dice.random())
            if self._left <= 0:
                return
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND pid <> pg_backend_pid() AND usename = current_user ORDER BY random() LIMIT 2"
                )

    def _take(self) -> None:
        while not self._over.wait(_LOOK_EVERY_S):
            try:
                feed.take_events(at=timezone.now())
            except Error:
                connection.close()

    def check(self, seen: list[Seen]) -> dict[str, float]:
        """Each once, in order, none missing. Returns seconds of lag where no transaction was held open, and until what one had
        held back was seen.
        """
        self._over.set()
        for thread in self._all:
            thread.join()
        events = [one.event for one in seen if one.event.object_type == "refund_request"]
        sequences = [one.event.sequence for one in seen]
        assert sequences == list(range(sequences[0], sequences[0] + len(sequences))), "not in order, or not each once"
        assert sorted(one.source for one in events) == sorted(self._committed().values_list("pk", flat=True))
        by_object: dict[str, list[int | None]] = defaultdict(list)
        for one in events:
            by_object[one.object_id].append(one.version)
        wrong = [
            object_id for object_id, versions in by_object.items() if versions != list(range(1, len(versions) + 1))
        ]
        assert not wrong, wrong
        began, ended = self.held
        times = [(one.at, at) for one in seen if (at := self.committed_at.get(one.event.source)) is not None]
        # What comes while the rest is caught up waits behind it.
        caught_up = max((seen_at for seen_at, at in times if began <= at <= ended), default=ended)
        lags = sorted(seen_at - at for seen_at, at in times if not began <= at <= caught_up)
        parts = {f"p{part}": lags[len(lags) * part // 100] for part in (50, 99) if lags}
        return {"n": len(lags), "caught_up_s": caught_up - ended, **parts}


def _id(number: int) -> str:
    return f"00000000-0000-0000-{number // 10**12 % 10**4:04}-{number % 10**12:012}"


def consume(*, by: Principal, until: Callable[[], bool]) -> list[Seen]:
    """What a program sees that keeps its cursor and starts again from it whenever its connection is cut."""
    seen: list[Seen] = []
    cursor: int | None = None
    while True:
        try:
            over = until()
            page = feed.wait_for(by=by, after=cursor, types=(), limit=200, wait_s=0.5)
        except Error:
            connection.close()
            continue
        at = time.monotonic()
        seen += [Seen(one, at) for one in page.events]
        cursor = page.next
        if over and not page.events and not page.has_more:
            return seen
