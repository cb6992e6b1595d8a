"""What the payer gets of each leg, where a coupon paid a part of its sale. Nothing is read for a sale without one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from refunds.facts import plans
from refunds.models import Execution, Leg, RefundRequest
from refunds.rules.coupon import payer_share_fen
from refunds.rules.plan import PlannedLeg
from refunds.states import ExecutionState

_NOT_YET = datetime.max.replace(tzinfo=UTC)


class Paid(Protocol):
    """A sale, however it was read; ``payer_paid_fen`` None: the payer paid all of it."""

    @property
    def amount_fen(self) -> int: ...
    @property
    def payer_paid_fen(self) -> int | None: ...


def of_request(request: RefundRequest) -> dict[int, int]:
    """By sequence, what the payer gets of each leg of a stored request, which comes with its sale and its legs."""
    pairs = [(leg, leg.transaction if request.leg_count else request.transaction) for leg in plans.legs_of(request)]
    return payer_shares(pairs, request_id=request.pk)


def payer_shares(pairs: Iterable[tuple[PlannedLeg | Leg, Paid]], *, request_id: UUID | None = None) -> dict[int, int]:
    """By sequence, what the payer gets of each leg of a refund; each comes with its payment.

    What the channel said of a payout counts; the rest is reckoned in the order in which refunds of the payment were paid, then
    asked for. By hand, too, nobody gets in money what a coupon had paid.
    """
    found: dict[int, int] = {}
    with_coupon: dict[UUID, tuple[Paid, dict[tuple[UUID | None, int], int]]] = {}
    for leg, sale in pairs:
        found[leg.sequence] = leg.amount_fen
        if sale.payer_paid_fen is not None:
            with_coupon.setdefault(leg.transaction_id, (sale, {}))[1][request_id, leg.sequence] = leg.amount_fen
    for sale_id, (sale, own) in with_coupon.items():
        said = _said(sale_id)
        before_fen = payer_before_fen = 0
        # What holds nothing of the sale yet, or no more, comes last.
        for key, amount_fen in (dict(_in_order(sale_id, said)) | own).items():
            payer_fen = said.get(key, (None, None))[1]
            if payer_fen is None:
                payer_fen = payer_share_fen(
                    amount_fen=amount_fen,
                    sale_fen=sale.amount_fen,
                    payer_paid_fen=sale.payer_paid_fen,
                    before_fen=before_fen,
                    payer_before_fen=payer_before_fen,
                )
            before_fen, payer_before_fen = before_fen + amount_fen, payer_before_fen + payer_fen
            if key in own:
                found[key[1]] = payer_fen
    return found


_Key = tuple[UUID | None, int]


def _said(sale_id: UUID) -> dict[_Key, tuple[datetime | None, int | None]]:
    """When payouts of the sale were paid, and what the channel, or whoever paid by hand, said of the payer's part."""
    rows = Execution.objects.filter(transaction_id=sale_id, state=ExecutionState.SUCCEEDED).values_list(
        "request_id", "request__leg_count", "sequence", "succeeded_at", "payer_fen"
    )
    return {(request, sequence if legs else 1): (at, fen) for request, legs, sequence, at, fen in rows}


def _in_order(sale_id: UUID, said: dict[_Key, tuple[datetime | None, int | None]]) -> list[tuple[_Key, int]]:
    """What refunds hold of the sale: paid ones by when, then the others as they were asked for."""
    held: dict[_Key, int] = {}
    alone = RefundRequest.objects.filter(transaction_id=sale_id, leg_count=0, reserved_fen__gt=0)
    for request, fen in alone.values_list("pk", "reserved_fen"):
        held[request, 1] = fen
    legs = Leg.objects.filter(transaction_id=sale_id, reserved_fen__gt=0)
    for request, sequence, fen in legs.values_list("request_id", "sequence", "amount_fen"):
        held[request, sequence] = fen
    return sorted(held.items(), key=lambda row: (said.get(row[0], (None, None))[0] or _NOT_YET, row[0]))
