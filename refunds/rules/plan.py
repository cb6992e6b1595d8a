"""By which payments of an order a refund goes back: a pure function from amount, payments and the merchant's rule to legs.

The legs sum to the amount, and none is above what its payment can still take. Same input, same plan; in which order the payments
are named says nothing. What was paid in cash goes back last and at once: a drawer is opened one time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class PlanRule(StrEnum):
    """Which payment gives first: each its share, the last one paid, the largest, or stored value and then each its share."""

    PRO_RATA = "pro_rata"
    REVERSE = "reverse"
    HIGHEST_FIRST = "highest_first"
    STORED_VALUE_FIRST = "stored_value_first"


#: Why a leg is what it is, as the reviewer reads it.
WHY: Mapping[str, Promise] = {
    "only_payment": _("The only payment that this goes back through."),
    PlanRule.PRO_RATA: _("Each payment gives its share of what is left on it."),
    PlanRule.REVERSE: _("The last payment goes back first."),
    PlanRule.HIGHEST_FIRST: _("The largest payment goes back first."),
    PlanRule.STORED_VALUE_FIRST: _("Stored value goes back first."),
    "cash_last": _("Cash goes back last, and once."),
    "moved": _("Moved to another route after the first one failed."),
}


class NotCovered(ValueError):
    """The payments together can take less than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """A payment of the order. ``balance_fen`` is what may still go back through it, now; ``refunds_left``: in how many refunds.

    ``route`` is how: ``original`` through its channel, ``cash`` from a drawer.
    """

    transaction_id: UUID
    paid_at: datetime
    balance_fen: int
    refunds_left: int
    route: str = "original"
    is_stored_value: bool = False

    @property
    def capacity_fen(self) -> int:
        return max(0, self.balance_fen) if self.refunds_left > 0 else 0


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """``why`` is a code of ``WHY``."""

    sequence: int
    transaction_id: UUID
    route: str
    amount_fen: int
    why: str


def choose(
    *, amount_fen: int, payments: Iterable[Payable], rule: PlanRule, tranche_fen: int | None = None
) -> tuple[PlannedLeg, ...]:
    """The legs of a refund, by sequence. With ``tranche_fen`` a payment gives more than that in several legs, one after another,
    as far as its channel takes so many refunds.

    Raises:
        NotCovered: the payments can take less than ``amount_fen``.
    """
    usable = sorted((one for one in payments if one.capacity_fen), key=lambda one: (one.paid_at, one.transaction_id))
    channels = [one for one in usable if one.route != "cash"]
    from_channels = min(amount_fen, sum(one.capacity_fen for one in channels))
    parts = [part for part in _shares(from_channels, channels, rule) if part[1]]
    if in_cash := amount_fen - from_channels:
        drawers = sorted((one for one in usable if one.route == "cash"), key=lambda one: -one.capacity_fen)
        if not drawers or drawers[0].capacity_fen < in_cash:
            raise NotCovered(f"{amount_fen} fen are more than the payments can take")
        parts.append((drawers[0], in_cash))
    legs: list[PlannedLeg] = []
    for payment, share in parts:
        why = "only_payment" if len(parts) == 1 else "cash_last" if payment.route == "cash" else rule.value
        for part in _tranches(share, payment, tranche_fen):
            legs.append(PlannedLeg(len(legs) + 1, payment.transaction_id, payment.route, part, why))
    return tuple(legs)


def _shares(amount_fen: int, payments: Sequence[Payable], rule: PlanRule) -> list[tuple[Payable, int]]:
    """What each of the payments gives, those that give first in front."""
    match rule:
        case PlanRule.PRO_RATA:
            return _pro_rata(amount_fen, payments)
        case PlanRule.REVERSE:
            return _filled(amount_fen, list(reversed(payments)))
        case PlanRule.HIGHEST_FIRST:
            return _filled(amount_fen, sorted(payments, key=lambda one: -one.capacity_fen))
        case PlanRule.STORED_VALUE_FIRST:
            first = _filled(amount_fen, [one for one in payments if one.is_stored_value])
            left = amount_fen - sum(share for _, share in first)
            return first + _pro_rata(left, [one for one in payments if not one.is_stored_value])


def _filled(amount_fen: int, payments: Sequence[Payable]) -> list[tuple[Payable, int]]:
    """One after another, each as much as it can take."""
    found, left = [], amount_fen
    for payment in payments:
        share = min(left, payment.capacity_fen)
        found.append((payment, share))
        left -= share
    return found


def _pro_rata(amount_fen: int, payments: Sequence[Payable]) -> list[tuple[Payable, int]]:
    """By what is left on each, with the largest remainder: no fen over, none above its payment."""
    total = sum(payment.capacity_fen for payment in payments)
    if not total:
        return []
    shares = [divmod(amount_fen * payment.capacity_fen, total) for payment in payments]
    missing = amount_fen - sum(whole for whole, _ in shares)
    # Where two remainders are alike the earlier payment gives the fen; a share without a remainder never does.
    dearest = sorted(range(len(payments)), key=lambda place: -shares[place][1])[:missing]
    return [(payment, shares[place][0] + (place in dearest)) for place, payment in enumerate(payments)]


def _tranches(share_fen: int, payment: Payable, tranche_fen: int | None) -> Iterable[int]:
    if tranche_fen is None or share_fen <= tranche_fen or payment.route == "cash":
        return [share_fen]
    most = max(tranche_fen, -(-share_fen // payment.refunds_left))
    whole, rest = divmod(share_fen, most)
    return [most] * whole + [rest] * bool(rest)


def plan_hash(legs: Iterable[tuple[int, UUID, str, int]]) -> str:
    """One short word for a plan: of (sequence, payment, route, amount) of each leg. How a channel is asked (void or refund) is no
    part of what was agreed.
    """
    said = ";".join(f"{sequence} {payment} {route} {amount_fen}" for sequence, payment, route, amount_fen in legs)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
