"""What the page of a stuck payout shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StuckPayout:
    amount_fen: int
    refund_no: str
    channel_refund_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckPage:
    """``payout`` is None without one; ``stuck`` says whether it can be sent elsewhere. Card and name are never shown again."""

    number: str
    payout: StuckPayout | None
    stuck: bool
    form_error: str
    to_merchant: bool
    bank_type: str
