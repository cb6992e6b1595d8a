"""Void or refund: chosen by the product, with a reason that the reviewer can read.

A void undoes the payment before it is cleared: the same clearing day, the whole amount, never refunded before, and only where
the channel account's contract has voids. Everything else is a refund.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.calendar import SHANGHAI
from payment_channels.profile import Profile


@dataclass(frozen=True, slots=True)
class MethodChoice:
    """``method`` is ``refund`` or ``void``; ``reason`` is a code of ``REASONS``."""

    method: str
    reason: str


REASONS: dict[str, Promise] = {
    "void_same_day": _(
        "Void: the sale is not cleared yet, the whole amount goes back and nothing was refunded before."
    ),
    "no_voids": _("Refund: this channel has no voids."),
    "partial": _("Refund: only a part of the sale goes back."),
    "refunded_before": _("Refund: a part of the sale was refunded before."),
    "other_day": _("Refund: the sale's clearing day has ended."),
    "by_hand": _("A person pays this back, outside of the channel that was paid through."),
    "void_refused": _("Refund: the channel refused the void, so nothing had been undone."),
}

REFUND = MethodChoice("refund", "no_voids")
BY_HAND = MethodChoice("refund", "by_hand")


def choose_method(
    *,
    profile: Profile,
    amount_fen: int,
    paid_fen: int,
    other_refunds: int,
    paid_at: datetime,
    at: datetime,
) -> MethodChoice:
    """How a payout started at ``at`` is made; ``other_refunds`` counts the sale's other refunds that were not released."""
    if not profile.voids:
        return REFUND
    if amount_fen != paid_fen:
        return MethodChoice("refund", "partial")
    if other_refunds:
        return MethodChoice("refund", "refunded_before")
    if clearing_day(paid_at, profile.void_cutoff) != clearing_day(at, profile.void_cutoff):
        return MethodChoice("refund", "other_day")
    return MethodChoice("void", "void_same_day")


def clearing_day(at: datetime, cutoff: time) -> date:
    """The acquirer's business day of an instant: from one cut-off to the next."""
    local = at.astimezone(SHANGHAI)
    return local.date() + timedelta(days=1) if local.time() >= cutoff else local.date()
