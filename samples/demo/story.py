"""A refund as the sample data tells it, before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from terminals.reporting import SaleLine


class Ending(StrEnum):
    """How far a story has come by now."""

    PAID = "paid"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"  # the channel refused, finance has to look
    WAITING = "waiting"  # in the queue
    CLAIMED = "claimed"  # on a colleague's desk
    NEEDS_INFO = "needs_info"
    APPROVED = "approved"  # a worker of the running demo carries it to the stand-in
    BY_HAND = "by_hand"  # approved, and waiting for a person to pay it
    PAID_BY_HAND = "paid_by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSale:
    """A sale of the plan. ``store`` and ``terminal`` are codes; amounts in fen."""

    id: UUID
    store: str
    terminal: str
    cashier: str
    channel: str
    order_no: str
    channel_transaction_no: str
    amount_fen: int
    paid_at: datetime
    funding: str
    phone: str
    card_last4: str
    lines: Sequence[SaleLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One refund request and what became of it. Durations count from the step before.

    ``desk`` draws who decides, ``faults`` are ordered at the stand-in for its sale before the request is approved. ``of_order``:
    it is asked of the order, by whichever of its payments.
    """

    sale: PlannedSale
    at: datetime
    reason: str
    amount_fen: int
    description: str
    name: str
    phone: str
    ending: Ending
    email: str = ""
    lines: Sequence[tuple[str, int]] = ()
    of_order: bool = False
    by_cashier: bool = False
    decided_after: timedelta = timedelta(minutes=6)
    paid_after: timedelta = timedelta(seconds=3)
    desk: int = 0
    code: str = ""
    message: str = ""
    score: int = 0
    comment: str = ""
    pictures: Sequence[str] = ()
    route: str = "original"
    faults: Sequence[dict[str, object]] = field(default=())


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one merchant's sample data consists of, in order of time."""

    sales: Sequence[PlannedSale]
    stories: Sequence[Story]
