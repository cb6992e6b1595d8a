"""The sale that a refund is of: its articles, and what of it this refund takes. Amounts in fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext

from core.plain_text import listed
from core.quantities import Quantity, quantity_text
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.filters import Choice
from desk.rows import EqualSale, equal_sales
from merchants.rights import Act
from refunds.facts import duplicates
from refunds.models import RefundLine, RefundRequest
from refunds.rules import worth
from refunds.states import RELEASED, UNDECIDED
from terminals.models import Terminal, Transaction, TransactionLine


@dataclass(frozen=True, slots=True)
class Goods:
    """A line of the sale. ``returned`` pieces of it come back; ``refund_fen`` is its part of the refund, None where the refund is
    not about it, ``worth_fen`` what was paid for the pieces that it is about.
    """

    article: TransactionLine
    returned: Quantity
    worth_fen: int | None
    refund_fen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """Three parts of one bar: what else was refunded, this refund, what is left. ``same``: refunds that ask the same.

    ``corrected_at``: where the sale was corrected since the refund was judged; ``worth_fen``: what its articles are worth by now.
    """

    row: Transaction
    url: str
    till_label: str
    till_url: str
    equal: Sequence[EqualSale]
    same: Sequence[Choice]
    refunded_fen: int
    this_fen: int
    left_fen: int
    corrected_at: datetime | None
    worth_fen: int | None


def sale_of(
    request: RefundRequest, sale: Transaction, claimed: Sequence[RefundLine], *, scope: Scope, at: datetime
) -> Sale:
    """``sale`` comes with its terminal; ``request`` is of it, or of another payment of its order."""
    corrected_at = _corrected_at(request, sale)
    by_id = {line.pk: line for line in worth.with_worth(sale)} if corrected_at else {}
    own = [(by_id[one.line_id], one.quantity) for one in claimed if one.line_id in by_id]
    this = 0 if request.state in RELEASED else request.approved_fen or request.amount_fen
    before = sale.reserved_fen - request.reserved_fen
    return Sale(
        row=sale,
        url=reverse("desk:transaction", args=[sale.pk]),
        till_label=till_label(sale.terminal),
        till_url=till_url(sale.terminal, scope=scope),
        equal=equal_sales(sale, scope=scope, at=at),
        same=[Choice(refund_url(other.number), other.number) for other in duplicates.same_as_request(request)],
        refunded_fen=before,
        this_fen=this,
        left_fen=max(0, sale.amount_fen - before - this),
        corrected_at=corrected_at,
        worth_fen=sum(int(line.worth_fen * pieces // line.quantity) for line, pieces in own) if own else None,
    )


def _corrected_at(request: RefundRequest, sale: Transaction) -> datetime | None:
    """When the sale was corrected, where nobody has judged the refund since."""
    if sale.corrected_at is None or request.state not in UNDECIDED or sale.corrected_at <= request.created_at:
        return None
    judged_at = request.judgements.order_by("-sequence").values_list("at", flat=True).first()
    return None if judged_at and judged_at >= sale.corrected_at else sale.corrected_at


def goods_of_sale(
    request: RefundRequest, sold: Sequence[TransactionLine], claimed: Sequence[RefundLine]
) -> list[Goods]:
    """Every line of the sale; those that the refund is about, ``claimed``, come to its amount together."""
    amount_fen = request.approved_fen or request.amount_fen
    back = worth.held(reason=request.reason, asked_fen=request.amount_fen, reserved_fen=amount_fen, pieces=claimed)
    values = [line.value_fen for line in claimed]
    shares = worth.shared_out(amount_fen, values if any(values) else [1] * len(values), range(len(values)))
    of_line = {
        line.line_id: (line.held_quantity if request.reserved_fen else hold.quantity, line.value_fen, share)
        for line, hold, share in zip(claimed, back, shares, strict=True)
    }
    return [Goods(line, *of_line.get(line.pk, (0, None, None))) for line in sold]


def goods_summary(sold: Sequence[TransactionLine], returned: Mapping[int, Quantity]) -> str:
    """``空气炸锅 4L × 1``; of a request without pieces, what was bought."""
    pieces = [
        (line.name, returned.get(line.pk, 0) if returned else line.quantity)
        for line in sold
        if worth.can_come_back(line)
    ]
    shown = [f"{name} × {quantity_text(quantity)}" for name, quantity in pieces if quantity]
    more = len(shown) - 3
    text = listed(shown[:3])
    return gettext("%(goods)s and %(n)s more") % {"goods": text, "n": more} if more > 0 else text


def till_label(till: Terminal | None) -> str:
    """``POS-02 · version 4.2.1``: which software rang it up says a lot about a system fault."""
    if till is None or not till.software_version:
        return till.code if till else ""
    return gettext("%(till)s · version %(version)s") % {"till": till.code, "version": till.software_version}


def till_url(till: Terminal | None, *, scope: Scope) -> str:
    """Where its faults and software are looked at, for those who may."""
    return reverse("desk:terminal", args=[till.pk]) if till is not None and scope.may(Act.MANAGE_TILLS) else ""
