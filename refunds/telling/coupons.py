"""What of a refund its payer gets and what a coupon had paid, in words; both figures are named."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext

from core.money import yuan_grouped
from refunds.facts import plans, shares
from refunds.models import RefundRequest


def both_figures(request: RefundRequest) -> str:
    """To the customer; empty where no coupon has a part in it."""
    amount_fen, payer_fen = _sums(request)
    said = gettext("¥%(amount)s of the sale is refunded, ¥%(payer)s to you, ¥%(coupon)s as coupon.")
    return "" if payer_fen == amount_fen else said % _named(amount_fen, payer_fen)


def both_figures_to_staff(request: RefundRequest) -> str:
    """The same to staff."""
    return to_staff(*_sums(request))


def to_staff(amount_fen: int, payer_fen: int) -> str:
    """Of a refund of ``amount_fen`` that gives its payer ``payer_fen``; empty where that is all."""
    said = gettext("¥%(amount)s of the sale is refunded: ¥%(payer)s to the payer, ¥%(coupon)s as coupon.")
    return "" if payer_fen == amount_fen else said % _named(amount_fen, payer_fen)


def _named(amount_fen: int, payer_fen: int) -> dict[str, str]:
    return {
        "amount": yuan_grouped(amount_fen),
        "payer": yuan_grouped(payer_fen),
        "coupon": yuan_grouped(amount_fen - payer_fen),
    }


def _sums(request: RefundRequest) -> tuple[int, int]:
    """What the refund comes to and what its payer gets of that, without legs that were given up."""
    if not request.leg_count and request.transaction.payer_paid_fen is None:
        return 0, 0
    legs: Sequence[plans.LegStatus] = [one for one in plans.standing_of(request) if one.state != plans.GIVEN_UP]
    payer_fen = shares.of_request(request)
    return sum(one.leg.amount_fen for one in legs), sum(payer_fen[one.leg.sequence] for one in legs)
