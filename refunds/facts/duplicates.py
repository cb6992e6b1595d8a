"""The same wish again: another refund that asks the same of the same order, whatever key, tab, face or day it came by.

The same is: of one order (same number, store and day), the same amount, as asked for or as approved, and the same articles
where both name any; or pieces that have come back already. Reason and words are no difference: they change from one telling to
the next. What was rejected, withdrawn or refused by the channel for good has let go of its amount and stands against nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import connection

from refunds.facts.sums import ORDER
from refunds.models import RefundRequest

_LIVE = f"""
SELECT r.id, r.number,
       (SELECT json_agg(json_build_array(l.sku, n.quantity)) FROM refunds_refundline n
          JOIN terminals_transactionline l ON l.id = n.line_id WHERE n.request_id = r.id), has.them
  {ORDER}
  JOIN refunds_refundrequest r ON r.transaction_id = o.id
  CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM refunds_refundline n WHERE n.request_id = r.id
                                        AND n.line_id = ANY(%(gone)s) AND n.held_quantity > 0) AS them) has
 WHERE t.id = %(sale)s AND r.reserved_fen > 0 AND r.id IS DISTINCT FROM %(but)s
   AND (%(fen)s IN (r.amount_fen, r.approved_fen) OR has.them)
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
    gone: Collection[int] = (),
    but: UUID | None = None,
) -> list[Same]:
    """Refunds that ask the same and were not released, the first one first. ``pieces`` are (sku, quantity); of the lines ``gone``
    more is asked for than is left, and whoever has it asked the same; ``but`` is the request itself.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, {"sale": transaction_id, "fen": amount_fen, "gone": list(gone), "but": but})
        rows = cursor.fetchall()
    wanted = _counted(pieces)
    return [
        Same(pk, number)
        for pk, number, theirs, has_them in rows
        if has_them or not wanted or not theirs or _counted((sku, quantity) for sku, quantity in theirs) == wanted
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
