"""The same wish again: another refund that asks the same of the same order, whatever key, tab, face or day it came by.

The same is: of one order (same number, store and day), the same amount, as asked for or as approved, and the same articles
where both name any. Reason and words are no difference: they change from one telling to the next. What was rejected, withdrawn
or refused by the channel for good has let go of its amount and stands against nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

from refunds.facts.sums import ORDER
from refunds.models import RefundRequest

_LIVE = f"""
SELECT r.id, r.number,
       (SELECT json_agg(json_build_array(l.sku, n.quantity)) FROM refunds_refundline n
          JOIN terminals_transactionline l ON l.id = n.line_id WHERE n.request_id = r.id)
  {ORDER}
  JOIN refunds_refundrequest r ON r.transaction_id = o.id
 WHERE t.id = %s AND r.reserved_fen > 0 AND %s IN (r.amount_fen, r.approved_fen) AND r.id IS DISTINCT FROM %s
 ORDER BY r.id
"""  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Same:
    """A refund that asks the same."""

    id: UUID
    number: str


def same_as(
    *,
    transaction_id: UUID,
    amount_fen: int,
    pieces: Iterable[tuple[str, int | Decimal]] = (),
    but: UUID | None = None,
) -> list[Same]:
    """Refunds that ask the same and were not released, the first one first. ``pieces`` are (sku, quantity); ``but`` is the
    request itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, [transaction_id, amount_fen, but])
        rows = cursor.fetchall()
    wanted = _counted(pieces)
    return [
        Same(pk, number)
        for pk, number, theirs in rows
        if not wanted or not theirs or _counted((sku, quantity) for sku, quantity in theirs) == wanted
    ]


def same_as_request(request: RefundRequest) -> list[Same]:
    """The same of a stored request, by what it asks or was approved for."""
    return same_as(
        transaction_id=request.transaction_id,
        amount_fen=request.approved_fen or request.amount_fen,
        pieces=request.lines.values_list("line__sku", "quantity"),
        but=request.pk,
    )


def _counted(pieces: Iterable[tuple[str, int | Decimal]]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for sku, quantity in pieces:
        found[sku] = found.get(sku, Decimal(0)) + Decimal(str(quantity))
    return found
