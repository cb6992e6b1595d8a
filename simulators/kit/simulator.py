"""The part of a channel that is the same for all of them: rules of the book, settlement, balance, magic amounts."""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from simulators.kit import notices
from simulators.kit.bills import Spoiled
from simulators.kit.book import SCHEMA, SUCCESS, Accepted, Book, Row
from simulators.kit.clock import Clock
from simulators.kit.faults import Catalogue, FaultKind, FaultQueue
from simulators.kit.notices import Due, NoticeOffice, Outgoing
from simulators.kit.store import Store

#: The last two digits of a refund's amount -> what happens to it.
MAGIC = {1: "processing", 2: "abnormal", 3: "short", 4: "timeout"}

#: A refund due within this many seconds keeps its real distance when the clock is moved; a later one follows the clock.
SHORT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a simulator runs. Port 0 takes a free one; ``settle_ms`` is the time from acceptance to money moved."""

    state_dir: Path
    port: int = 0
    control_port: int = 0
    notify_scale: float = 1.0
    settle_ms: float = 300.0
    hold_s: float = 20.0
    magic_delay_s: float = 6.0
    magic: bool = True


class Simulator(ABC):
    """One channel: subclasses speak its protocol, this class keeps the book."""

    name: ClassVar[str]
    title: ClassVar[str]
    prefix: ClassVar[str]
    digits: ClassVar[int] = 16
    catalogue: ClassVar[Catalogue]
    schedule: ClassVar[Sequence[float]]
    magic_meaning: ClassVar[Mapping[int, FaultKind]]
    default_limits: ClassVar[Mapping[str, float]] = {}

    def __init__(self, options: Options) -> None:
        self.options = options
        self.store = Store(path=options.state_dir / "state.sqlite", schema=(*SCHEMA, *notices.SCHEMA))
        offset, skew = self.store.setting("clock_offset_s"), self.store.setting("clock_skew_s")
        self.clock = Clock(
            offset_s=float(offset) if isinstance(offset, int | float) else 0.0,
            skew_s=float(skew) if isinstance(skew, int | float) else 0.0,
        )
        self.book = Book(store=self.store, clock=self.clock, prefix=self.prefix, digits=self.digits)
        self.faults = FaultQueue(store=self.store, catalogue=self.catalogue)
        self.office = NoticeOffice(
            store=self.store,
            clock=self.clock,
            faults=self.faults,
            schedule=self.schedule,
            scale=options.notify_scale,
            compose=self.compose,
            acknowledged=self.acknowledged,
        )
        self.spoiled = Spoiled()
        self.stopping = asyncio.Event()
        self.base_url = ""
        self.control_url = ""
        magic = self.store.setting("magic")
        self.magic = magic if isinstance(magic, bool) else options.magic
        available = self.store.setting("available_fen")
        self.available_fen: int | None = available if isinstance(available, int) else None
        self.latency = _numbers_by_operation(self.store.setting("latency", {}))
        limits = self.store.setting("limits", {})
        self.limits: dict[str, float] = {**self.default_limits, **(limits if isinstance(limits, dict) else {})}
        top_ups, short = self.store.setting("top_ups", 0), self.store.setting("short", {})
        self._top_ups = top_ups if isinstance(top_ups, int) else 0
        self._short: dict[str, int] = dict(short) if isinstance(short, dict) else {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # What a channel adds

    @abstractmethod
    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The gateway's routes."""

    @abstractmethod
    def account(self) -> dict[str, object]:
        """What account.json holds: addresses, numbers, paths of keys."""

    @abstractmethod
    def compose(self, due: Due, fault: str) -> Outgoing:
        """A notice as it goes out, spoiled as the fault says."""

    @abstractmethod
    def acknowledged(self, status: int, body: bytes) -> bool:
        """Whether this answer stops the repeats."""

    def control_routes(self) -> Sequence[web.AbstractRouteDef]:
        """Control routes that only this channel has."""
        return ()

    def portal_key(self, *, order_no: str, refund_no: str) -> str:
        """The unique key of a refund made by hand in the channel's portal."""
        return refund_no

    # Life

    async def start(self, *, base_url: str, control_url: str) -> None:
        """Take up what was under way when the last process ended."""
        self.base_url, self.control_url = base_url, control_url
        self.office.start()
        await self.store.durable()
        for refund in self.book.unsettled():
            self._arm(refund)

    async def stop(self) -> None:
        """Stop timers and notices, commit, close."""
        self.stopping.set()
        for timer in self._timers.values():
            timer.cancel()
        await self.office.stop()
        self.store.close()

    # Refunds

    def accept(self, refund: Accepted) -> Row:
        """Take a refund on, freeze its money and let it settle when it is due."""
        row = self.book.accept(refund)
        if self.available_fen is not None:
            self._set_available(self.available_fen - refund.amount_fen)
        if refund.settle_at is not None:
            self._arm(row)
        return row

    def reopen(self, refund: Row, *, outcome: str, settle_at: float | None, extra: Mapping[str, object]) -> None:
        """Try a closed refund again under its number."""
        self.book.change_outcome(key=refund["key"], outcome=outcome, settle_at=settle_at, extra=extra)
        self.book.count_again(refund)
        if self.available_fen is not None:
            self._set_available(self.available_fen - refund["amount_fen"])
        self.rearm(refund["key"])

    def settle(self, key: str) -> None:
        """The refund reaches its outcome now; the notice follows."""
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        refund = self.book.settle(key)
        if refund is None:
            return
        if refund["status"] == "CLOSED" and self.available_fen is not None:
            self._set_available(self.available_fen + refund["amount_fen"])
        self.settled(refund)

    def settled(self, refund: Row) -> None:
        """A refund has reached its outcome: owe the notice."""
        self.office.owe(
            key=refund["key"],
            refund_no=refund["refund_no"],
            order_no=refund["order_no"],
            url=refund["notify_url"],
            event=refund["status"],
        )

    def due_in(self, seconds: float | None = None) -> float:
        """A settling time by the simulator's clock; by default after the usual time."""
        return self.clock.timestamp() + (self.options.settle_ms / 1000 if seconds is None else seconds)

    def rearm(self, key: str) -> None:
        """Set the timer of a refund whose settling time has changed."""
        refund = self.book.refund(key)
        if refund is not None and refund["settle_at"] is not None:
            self._arm(refund)

    def magic_of(self, amount_fen: int) -> str:
        """What the amount's last two digits ask for; empty for the ordinary course."""
        return MAGIC.get(amount_fen % 100, "") if self.magic else ""

    def is_short(self, *, key: str, amount_fen: int) -> bool:
        """Whether the balance does not suffice. A magic .03 stays short until the account is topped up."""
        if self.available_fen is not None and self.available_fen < amount_fen:
            return True
        if self.magic_of(amount_fen) != "short":
            return False
        if key not in self._short:
            self._short[key] = self._top_ups
            self.store.remember("short", self._short)
        return self._short[key] == self._top_ups

    def default_outcome(self, amount_fen: int) -> tuple[str, float | None]:
        """Outcome and settling time that the amount alone asks for."""
        magic = self.magic_of(amount_fen)
        if magic == "processing":
            return SUCCESS, self.due_in(self.options.magic_delay_s)
        if magic == "abnormal":
            return "ABNORMAL", self.due_in()
        return SUCCESS, self.due_in()

    async def delay(self, operation: str) -> None:
        """The latency ordered for this operation."""
        order = self.latency.get(operation) or self.latency.get("*")
        if not order:
            return
        pause_ms = order.get("fixed_ms", 0.0)
        if secrets.randbelow(1_000_000) < order.get("tail_rate", 0.0) * 1_000_000:
            pause_ms += order.get("tail_ms", 0.0)
        if pause_ms > 0:
            await asyncio.sleep(pause_ms / 1000)

    # Control

    def set_balance(self, available_fen: int | None) -> None:
        """Set the available balance (None: without limit). Counts as a top-up."""
        self._top_ups += 1
        self.store.remember("top_ups", self._top_ups)
        self._set_available(available_fen)

    def set_skew(self, skew_s: float) -> None:
        """Let the clock of signatures be wrong."""
        self.clock.skew_s = skew_s
        self.store.remember("clock_skew_s", skew_s)

    def set_clock(self, offset_s: float) -> None:
        """Move the clock. What is due within a minute stays so; what is due in days follows the clock."""
        moved = offset_s - self.clock.offset_s
        before = self.clock.timestamp()
        self.store.write(
            "UPDATE refunds SET settle_at = settle_at + ? WHERE status = 'PROCESSING' AND settle_at < ?",
            (moved, before + SHORT_S),
        )
        self.clock.offset_s = offset_s
        self.store.remember("clock_offset_s", offset_s)
        for refund in self.book.unsettled():
            self._arm(refund)

    def set_latency(self, *, operation: str, order: Mapping[str, float]) -> None:
        """Delay the answers of an operation (``*``: of all)."""
        self.latency[operation] = dict(order)
        self.store.remember("latency", self.latency)

    def set_limits(self, limits: Mapping[str, float]) -> None:
        """Change the channel's limits."""
        self.limits.update(limits)
        self.store.remember("limits", self.limits)

    def set_magic(self, *, enabled: bool) -> None:
        """Switch the magic amounts."""
        self.magic = enabled
        self.store.remember("magic", enabled)

    def reset(self) -> None:
        """Back to an empty channel; keys, account and channel numbers stay."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._short.clear()
        self.store.remember("short", {})
        self.office.reset()
        self.book.reset()
        self.faults.clear()
        self.faults.injected.clear()
        self.spoiled.rows.clear()
        self._set_available(None)
        self.set_clock(0.0)
        self.set_skew(0.0)
        self.latency.clear()
        self.store.remember("latency", {})
        self.limits = dict(self.default_limits)
        self.store.remember("limits", {})
        self.magic = self.options.magic
        self.store.remember("magic", None)

    def _set_available(self, available_fen: int | None) -> None:
        self.available_fen = available_fen
        self.store.remember("available_fen", available_fen)

    def _arm(self, refund: Row) -> None:
        key = refund["key"]
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        # Timers further away than a day are set anew at the next move of the clock or start.
        delay = min(max(0.0, refund["settle_at"] - self.clock.timestamp()), 86_400.0 * 40)
        self._timers[key] = asyncio.get_running_loop().call_later(delay, self.settle, key)


def _numbers_by_operation(value: object) -> dict[str, dict[str, float]]:
    if not isinstance(value, dict):
        return {}
    return {str(name): dict(order) for name, order in value.items() if isinstance(order, dict)}
