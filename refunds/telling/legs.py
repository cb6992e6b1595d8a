"""A refund that goes back by several payments, in words: each destination with its amount."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from core.money import yuan_grouped
from core.quantities import quantity_text
from merchants import channels
from refunds.facts import payees, plans, shares
from refunds.facts.plans import LegStatus
from refunds.models import RefundLine, RefundRequest
from refunds.rules.arrival import Arrival, expected_arrival
from refunds.states import UNDECIDED, ExecutionState
from refunds.telling import payout_words
from refunds.telling.causes import failure
from refunds.telling.destinations import Went, destination_label
from refunds.telling.stand_words import TABLE
from refunds.telling.stands import stand
from terminals.models import Transaction


def goods_with_worth(lines: Iterable[RefundLine]) -> Sequence[str]:
    """``空气炸锅 × 1 (¥54.00)`` a line; ``lines`` come with their article."""
    return [
        gettext("%(name)s × %(quantity)s (¥%(amount)s)")
        % {"name": one.line.name, "quantity": quantity_text(one.quantity), "amount": yuan_grouped(one.value_fen)}
        for one in lines
    ]


_STATES: dict[str, Promise] = {
    plans.PLANNED: _("Comes after the others"),
    plans.GIVEN_UP: _("Given up"),
    ExecutionState.SUCCEEDED: _("Paid"),
    ExecutionState.FAILED: _("Could not be paid"),
}


@dataclass(frozen=True, slots=True)
class ShownLeg:
    """A leg as everybody may read it."""

    leg: LegStatus
    destination: str
    amount_fen: int
    state_label: str
    channel_refund_no: str
    #: What a coupon had paid of it.
    coupon_fen: int


def shown(request: RefundRequest) -> Sequence[ShownLeg]:
    """The legs of a refund with several; none of an everyday one, without asking the database."""
    if not request.leg_count:
        return ()
    found = []
    payer_fen = shares.of_request(request)
    for one in plans.standing_of(request):
        sale, paid = one.leg.transaction, one.attempts[-1] if one.is_paid else None
        payee = payees.of(request, route=one.leg.route)
        destination = destination_label(
            sale=sale,
            route=one.leg.route,
            account_last4=payee.account_last4 if payee else "",
            went=Went(paid.paid_to, paid.received_account) if paid else None,
        )
        waits = one.state == plans.PLANNED and request.state in UNDECIDED
        state = _("Once it is approved") if waits else _STATES.get(one.state) or _("On its way")
        number = paid.channel_refund_no if paid else ""
        coupon_fen = one.leg.amount_fen - payer_fen[one.leg.sequence]
        found.append(ShownLeg(one, destination, one.leg.amount_fen, str(state), number, coupon_fen))
    return found


def count(request: RefundRequest) -> int:
    """In how many parts the money goes back; 0 for an everyday refund, without asking the database."""
    return sum(one.leg.state != plans.GIVEN_UP for one in shown(request))


def channels_of(request: RefundRequest, payments: Sequence[Transaction] | None = None) -> Sequence[str]:
    """The channels that it goes back by, each once; ``payments`` are those of its legs, where they are known already."""
    paid = plans.payments_of([request]).get(request.pk, ()) if payments is None else payments
    return tuple(dict.fromkeys(one.channel for one in paid)) or (request.channel,)


def channels_label(request: RefundRequest, payments: Sequence[Transaction] | None = None) -> str:
    """``WeChat Pay + Alipay``, in the reader's language."""
    return " + ".join(channels.label(one) for one in channels_of(request, payments))


def split_label(request: RefundRequest) -> str:
    """``WeChat balance ¥200.00, bank card ending in 6021 ¥100.00``; empty where the money goes back as one."""
    parts = [
        gettext("%(destination)s ¥%(amount)s")
        % {"destination": one.destination, "amount": yuan_grouped(one.amount_fen)}
        for one in shown(request)
        if one.leg.state != plans.GIVEN_UP
    ]
    return pgettext("between two destinations", ", ").join(parts)


def what_is_left(request: RefundRequest, *, now: datetime) -> Sequence[str]:
    """What a customer reads while a part is paid: what has gone back and where to, then of each other part where it stands."""
    parts = [one for one in shown(request) if one.leg.state != plans.GIVEN_UP]
    paid_fen = sum(one.amount_fen for one in parts if one.leg.is_paid)
    whole_fen = sum(one.amount_fen for one in parts)
    where = pgettext("between two destinations", ", ").join(one.destination for one in parts if one.leg.is_paid)
    first = gettext("¥%(paid)s of ¥%(whole)s has gone back: %(destination)s.") % {
        "paid": yuan_grouped(paid_fen),
        "whole": yuan_grouped(whole_fen),
        "destination": where,
    }
    rest = [
        gettext("The other ¥%(amount)s (%(destination)s): %(sentence)s")
        % {
            "amount": yuan_grouped(one.amount_fen),
            "destination": one.destination,
            "sentence": _of_rest(one.leg, request, now),
        }
        for one in parts
        if not one.leg.is_paid
    ]
    return [first, *rest]


def _of_rest(one: LegStatus, request: RefundRequest, now: datetime) -> str:
    if not one.attempts:
        return gettext("It goes out after the others.")
    payout = one.attempts[-1]
    if one.has_failed:
        said = TABLE[stand(payout)].customer
        return str(said) or failure(remedy=payout.failure_remedy, channel=one.leg.transaction.channel).sentence
    return payout_words.to_customer(payout, since=request.decided_at or payout.created_at, now=now)


def slowest(request: RefundRequest, *, at: datetime) -> Arrival | None:
    """When the last of several destinations has its money; None where it goes back as one."""
    arrivals = [
        expected_arrival(
            funding=one.leg.leg.transaction.funding,
            profile=one.leg.leg.transaction.profile,
            at=at,
            route=one.leg.leg.route,
        )
        for one in shown(request)
        if one.leg.state != plans.GIVEN_UP
    ]
    return max(arrivals, key=lambda arrival: arrival.latest_at, default=None)
