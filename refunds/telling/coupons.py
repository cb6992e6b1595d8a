"""What of a refund its payer gets and what a coupon had paid, in words; both figures are named."""

from collections.abc import Iterable

from django.utils.translation import gettext

from core.money import yuan_grouped
from core.plain_text import sentences
from refunds.facts import plans, shares
from refunds.models import RefundRequest
from refunds.states import BY_HAND, Route


def both_figures(request: RefundRequest) -> str:
    """To the customer; empty where no coupon has a part in it."""
    by_channel = gettext("¥%(amount)s of the sale is refunded, ¥%(payer)s to you, ¥%(coupon)s as coupon.")
    by_hand = gettext(
        "¥%(amount)s of the sale is refunded, ¥%(payer)s to you: a coupon had paid the other ¥%(coupon)s."
    )
    return _said(_of_request(request), by_channel, by_hand)


def both_figures_to_staff(request: RefundRequest) -> str:
    """The same to staff."""
    return to_staff(_of_request(request))


#: Of a leg: its route, its amount and what the payer gets of that, in fen.
Part = tuple[str, int, int]


def to_staff(parts: Iterable[Part]) -> str:
    """Of a refund that is to be asked for or stored; empty where its payer gets all of it."""
    by_channel = gettext("¥%(amount)s of the sale is refunded: ¥%(payer)s to the payer, ¥%(coupon)s as coupon.")
    by_hand = gettext(
        "¥%(amount)s of the sale is refunded: ¥%(payer)s by hand; a coupon had paid the other ¥%(coupon)s."
    )
    return _said(parts, by_channel, by_hand)


def _said(parts: Iterable[Part], by_channel: str, by_hand: str) -> str:
    """What a person pays stands apart: the coupon's part does not come back there."""
    found = list(parts)
    sums = [
        (said, sum(row[1] for row in found if row[0] in routes), sum(row[2] for row in found if row[0] in routes))
        for said, routes in ((by_channel, {Route.ORIGINAL}), (by_hand, BY_HAND))
    ]
    return sentences(*(said % _named(amount, payer) for said, amount, payer in sums if amount != payer))


def _named(amount_fen: int, payer_fen: int) -> dict[str, str]:
    return {
        "amount": yuan_grouped(amount_fen),
        "payer": yuan_grouped(payer_fen),
        "coupon": yuan_grouped(amount_fen - payer_fen),
    }


def _of_request(request: RefundRequest) -> list[Part]:
    """Without legs that were given up."""
    if not request.leg_count and request.transaction.payer_paid_fen is None:
        return []
    payer_fen = shares.of_request(request)
    legs = [one.leg for one in plans.standing_of(request) if one.state != plans.GIVEN_UP]
    return [(leg.route, leg.amount_fen, payer_fen[leg.sequence]) for leg in legs]
