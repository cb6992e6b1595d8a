"""Notices to the merchant: sent at once, repeated on the vendor's schedule until acknowledged, kept across restarts."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from simulators.kit.clock import Clock, rfc3339
from simulators.kit.faults import Fault, FaultQueue
from simulators.kit.store import Store

logger = logging.getLogger(__name__)

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS notices (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL, refund_no TEXT NOT NULL, order_no TEXT NOT NULL,
        url TEXT NOT NULL, event TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, due_at REAL NOT NULL)""",
)
#: WeChat's figure; the others are not stricter.
TIMEOUT_S = 5.0
WIDTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One notice that is owed: what happened (``event``) to which refund, and where to say so."""

    number: int
    key: str
    refund_no: str
    order_no: str
    url: str
    event: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One HTTP call to the merchant, ready to be sent."""

    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Delivery:
    """What came of one call, for ``GET /notices``."""

    at: str
    refund_no: str
    event: str
    attempt: int
    url: str
    fault: str
    answer: str
    acknowledged: bool


Compose = Callable[[Due, str], Outgoing]
Acknowledged = Callable[[int, bytes], bool]


@dataclass(slots=True)
class NoticeOffice:
    """Sends what is owed. ``schedule`` are the seconds between attempts; ``scale`` multiplies them."""

    store: Store
    clock: Clock
    faults: FaultQueue
    schedule: Sequence[float]
    scale: float
    compose: Compose
    acknowledged: Acknowledged
    log: deque[Delivery] = field(default_factory=lambda: deque(maxlen=300))
    _session: aiohttp.ClientSession | None = None
    _ready: deque[int] = field(default_factory=deque)
    _senders: set[asyncio.Task[None]] = field(default_factory=set)
    _timers: dict[int, asyncio.TimerHandle] = field(default_factory=dict)
    _last: int = 0

    def start(self) -> None:
        """Take up what an earlier process still owed."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            connector=aiohttp.TCPConnector(limit=WIDTH, keepalive_timeout=20),
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        for row in self.store.rows("SELECT * FROM notices"):
            self._last = max(self._last, row["number"])
            self._arm(row["number"], max(0.0, row["due_at"] - self.clock.timestamp()) * min(1.0, self.scale))

    async def stop(self) -> None:
        """Drop what is under way; it stays owed."""
        for timer in self._timers.values():
            timer.cancel()
        for sender in list(self._senders):
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def owe(self, *, key: str, refund_no: str, order_no: str, url: str, event: str, delay_s: float = 0.0) -> None:
        """Record a notice and send it after ``delay_s`` (real seconds)."""
        if not url:
            return
        self._last += 1
        self.store.write(
            "INSERT INTO notices (number, key, refund_no, order_no, url, event, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._last, key, refund_no, order_no, url, event, self.clock.timestamp() + delay_s),
        )
        self._arm(self._last, delay_s)

    def reset(self) -> None:
        """Owe nothing any more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._ready.clear()
        self.log.clear()
        self.store.write("DELETE FROM notices")

    def pending(self) -> int:
        """How many notices are still owed."""
        found = self.store.row("SELECT count(*) AS owed FROM notices")
        return int(found["owed"]) if found is not None else 0

    async def _attempt(self, number: int) -> None:
        await self.store.durable()
        row = self.store.row("SELECT * FROM notices WHERE number = ?", (number,))
        if row is None:
            return
        due = Due(**{name: row[name] for name in Due.__slots__})
        fault = self.faults.take("notice", due.order_no, due.refund_no)
        if fault is not None and fault.fault == "lost":
            self._note(due, fault.fault, "never sent", acknowledged=False)
            self._forget(number)
        elif await self._deliver(due, fault) or due.attempt >= len(self.schedule):
            self._forget(number)
        else:
            pause = self.schedule[due.attempt] * self.scale
            self.store.write(
                "UPDATE notices SET attempt = attempt + 1, due_at = ? WHERE number = ?",
                (self.clock.timestamp() + pause, number),
            )
            self._arm(number, pause)

    async def _deliver(self, due: Due, fault: Fault | None) -> bool:
        name = fault.fault if fault is not None else ""
        if fault is not None and name == "late":
            await asyncio.sleep(fault.number("delay_s", 5.0))
        if fault is not None and name in {"repeated", "parallel"}:
            return await self._send_many(due, fault)
        if not name.startswith(("stale", "foreign")):
            return await self._send(due, name)
        acknowledged = await self._send(due, "")
        await self._send(due, name)
        return acknowledged

    async def _send_many(self, due: Due, fault: Fault) -> bool:
        """The same notice many times over: one after another (15) or all at once (100)."""
        if fault.fault == "parallel":
            count = int(fault.number("count", 100))
            return any(await asyncio.gather(*(self._send(due, fault.fault) for _ in range(count))))
        answers = [await self._send(due, fault.fault) for _ in range(int(fault.number("count", 15)))]
        return answers[-1]

    async def _send(self, due: Due, fault: str) -> bool:
        if self._session is None:
            return False
        call = self.compose(due, fault)
        try:
            async with self._session.post(
                due.url, data=call.body, headers=call.headers, allow_redirects=False
            ) as response:
                body = await response.content.read(4096)
                acknowledged = self.acknowledged(response.status, body)
                answer = f"HTTP {response.status} {body[:120].decode('utf-8', 'replace')}"
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            acknowledged, answer = False, f"{type(error).__name__}: {error}"
        self._note(due, fault, answer, acknowledged=acknowledged)
        return acknowledged

    def _note(self, due: Due, fault: str, answer: str, *, acknowledged: bool) -> None:
        self.log.append(
            Delivery(
                at=rfc3339(self.clock.timestamp()),
                refund_no=due.refund_no,
                event=due.event,
                attempt=due.attempt + 1,
                url=due.url,
                fault=fault,
                answer=answer,
                acknowledged=acknowledged,
            )
        )

    def _arm(self, number: int, delay_s: float) -> None:
        self._timers[number] = asyncio.get_running_loop().call_later(delay_s, self._begin, number)

    def _begin(self, number: int) -> None:
        """A notice is due. Numbers wait in a queue, not tasks: a backlog of thousands costs next to nothing."""
        self._timers.pop(number, None)
        self._ready.append(number)
        if len(self._senders) < WIDTH:
            sender = asyncio.ensure_future(self._work_off())
            self._senders.add(sender)
            sender.add_done_callback(self._senders.discard)

    async def _work_off(self) -> None:
        while self._ready:
            number = self._ready.popleft()
            try:
                await self._attempt(number)
            except Exception:
                logger.exception("notice %s failed", number)

    def _forget(self, number: int) -> None:
        self.store.write("DELETE FROM notices WHERE number = ?", (number,))
