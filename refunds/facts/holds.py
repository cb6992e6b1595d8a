"""Sales that are held: a channel has contradicted itself about their money, and nothing more leaves until finance has looked.

All payments of the order are held together: what was refused on one and asked anew on another is the same money.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.errors import Conflict
from refunds.facts import sums
from refunds.facts.sums import ORDER
from terminals.models import Transaction

_HOLD = f"""
UPDATE terminals_transaction x SET held_at = %s
  FROM (SELECT o.id {ORDER} WHERE t.id = %s) o
 WHERE x.id = o.id AND (x.held_at IS NULL) <> (%s::timestamptz IS NULL)
"""  # noqa: S608 - our own text


class SaleHeld(Conflict, code="sale_held"):
    """Finance holds the sale: nothing more leaves for it."""


def check_not_held(*, transaction_id: UUID) -> None:
    """Raise ``SaleHeld``. The caller holds the sale."""
    if Transaction.objects.filter(pk=transaction_id, held_at__isnull=False).exists():
        raise SaleHeld("finance holds this sale: its channel has contradicted itself")


def held_among(*, transaction_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these sales are held."""
    held = Transaction.objects.filter(pk__in=list(transaction_ids), held_at__isnull=False)
    return frozenset(held.order_by().values_list("pk", flat=True))


def set_held(*, transaction_id: UUID, at: datetime | None) -> None:
    """Hold all payments of the sale's order from then on; None lets go of them. Takes their locks in order."""
    sums.held(transaction_id=transaction_id, lock=True)
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [at, transaction_id, at])
