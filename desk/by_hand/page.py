"""What waits to be paid by a person, the longest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext

from desk.access import Scope
from desk.by_hand.waiting import count, waiting
from desk.keyset import Capped
from merchants.rights import Act
from refunds.facts import payees
from refunds.facts.payees import MaskedPayee
from refunds.models import PaymentFileRow, RefundRequest
from refunds.payouts import by_hand
from refunds.states import Route

_SHOWN = 200
#: After fifteen days a refund counts as held back on purpose (侵害消费者权益行为处罚办法); three days leave time to act.
_SLOW_AFTER_DAYS, _LATE_AFTER_DAYS = 3, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class HandRow:
    """``age_label`` says how long it waits, once that is worth a word; ``file`` in which file it was taken to the bank;
    ``held``: it may be paid already.
    """

    refund: RefundRequest
    route_label: str
    amount_fen: int
    payee: MaskedPayee | None
    age_label: str
    age_tone: str
    file: str
    held: bool


@dataclass(frozen=True, slots=True)
class ByHandPage:
    """The first ``shown`` of ``total``. ``transfers_url`` is where transfers go by the file, for who may."""

    rows: Sequence[HandRow]
    total: Capped
    transfers_url: str
    shown: int = _SHOWN


def by_hand_page(*, scope: Scope, at: datetime) -> ByHandPage:
    found = waiting(scope).select_related("store", "transaction", "payee").order_by("decided_at", "pk")[:_SHOWN]
    taken = PaymentFileRow.objects.filter(execution__request__in=[refund.pk for refund in found])
    open_ones = taken.filter(execution__ended_at=None).select_related("file", "execution")
    files = {row.execution.request_id: str(row.file) for row in open_ones}
    transfers = reverse("desk:transfers") if scope.may(Act.TAKE_TRANSFERS) else ""
    return ByHandPage([_row(refund, at, files) for refund in found], count(scope), transfers)


def _row(refund: RefundRequest, at: datetime, files: Mapping[UUID, str]) -> HandRow:
    route, amount_fen = by_hand.waiting_part(refund)
    payee, days = payees.of(refund, route=route), (at - (refund.decided_at or at)).days
    return HandRow(
        refund=refund,
        route_label=str(Route(route).label),
        amount_fen=amount_fen,
        payee=payees.masked(payee) if payee else None,
        age_label="" if days < _SLOW_AFTER_DAYS else gettext("waits for %(n)s days") % {"n": days},
        age_tone="bad" if days >= _LATE_AFTER_DAYS else "warn",
        file=files.get(refund.pk, ""),
        held=refund.transaction.held_at is not None,
    )
