"""What is gathered about a sale to judge a refund of it: one statement that only reads, no models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from core.errors import Invalid, NotFound
from core.quantities import Quantity
from core.sql import PreparedStatement
from merchants import channels
from payment_channels.profile import Profile


@dataclass(frozen=True, slots=True)
class SaleLine:
    """``returned`` pieces and ``given_fen`` of its worth are what other refunds have of it."""

    id: int
    sku: str
    name: str
    kind: str
    quantity: Quantity
    returned: Quantity
    unit_price_fen: int
    amount_fen: int
    given_fen: int

    @classmethod
    def read(cls, row: Sequence[Any]) -> SaleLine:
        """From the database's JSON, where quantities are texts: a number there would be a float here."""
        line_id, sku, name, kind, quantity, returned, *amounts = row
        return cls(line_id, sku, name, kind, Decimal(quantity), Decimal(returned), *amounts)

    @property
    def returnable(self) -> Quantity:
        return self.quantity - self.returned


@dataclass(frozen=True, slots=True)
class Sale:
    """Everything about a payment that policy and payout look at.

    ``refunds`` counts the refunds of this sale that were not released: channels limit how many there may be.
    ``order_reserved_fen`` is what is reserved of all payments of its order: same number, store and day.
    """

    id: UUID
    merchant_id: int
    store_id: int
    store_code: str
    terminal_id: int | None
    terminal_code: str
    refunds_enabled: bool
    channel: str
    channel_account_id: int | None
    profile: Profile
    order_no: str
    status: str
    funding: str
    amount_fen: int
    refundable_fen: int
    paid_at: datetime
    cashier: str
    held: bool
    refunds: int
    order_reserved_fen: int
    payer_phone_hash: bytes | None
    card_last4: str
    policy_version_id: int
    policy_number: int
    lines: tuple[SaleLine, ...]


_NAMES = [column.name for column in fields(Sale)]
_CHANNEL, _PROFILE = _NAMES.index("channel"), _NAMES.index("profile")

_SELECT = """
SELECT t.id, t.merchant_id, t.store_id, s.code, t.terminal_id, coalesce(k.code, ''), coalesce(k.refunds_enabled, true),
       t.channel, t.channel_account_id, coalesce(a.profile_overrides, '{}')::json, t.order_no, t.status, t.funding, t.amount_fen,
       t.amount_fen - t.reserved_fen, t.paid_at, t.cashier, t.held_at IS NOT NULL,
       t.live_refunds,
       (SELECT sum(o.reserved_fen)::bigint
          FROM (SELECT * FROM terminals_transaction x
                 WHERE x.order_no = t.order_no AND x.merchant_id = t.merchant_id OFFSET 0) o
         WHERE o.store_id = t.store_id
           AND (o.paid_at AT TIME ZONE 'Asia/Shanghai')::date = (t.paid_at AT TIME ZONE 'Asia/Shanghai')::date),
       t.payer_phone_hash, t.card_last4, p.id, p.number,
       (SELECT json_agg(json_build_array(l.id, l.sku, l.name, l.kind, l.quantity::text, l.reserved_quantity::text,
                                         l.unit_price_fen, l.amount_fen, l.reserved_fen) ORDER BY l.position)
          FROM terminals_transactionline l WHERE l.transaction_id = t.id)
  FROM ({found}) t
  JOIN merchants_store s ON s.id = t.store_id
  LEFT JOIN terminals_terminal k ON k.id = t.terminal_id
  LEFT JOIN merchants_channelaccount a ON a.id = t.channel_account_id
  JOIN LATERAL (SELECT v.id, v.number FROM merchants_policyversion v
                 WHERE v.merchant_id = t.merchant_id AND v.effective_from <= $4
                 ORDER BY v.effective_from DESC, v.number DESC LIMIT 1) p ON true
 WHERE t.merchant_id = $2 AND ($3 IS NULL OR t.store_id = ANY($3))
 LIMIT 2
"""
#: OFFSET 0 keeps the conditions outside from suggesting another index than that of the id or the order number: a plan that is
#: kept must be right whatever the table's statistics said when it was made.
_BY_ID = PreparedStatement(
    "sale_by_id",
    ("uuid", "bigint", "bigint[]", "timestamptz"),
    _SELECT.replace("{found}", "SELECT * FROM terminals_transaction WHERE id = $1 OFFSET 0"),
)
_BY_ORDER_NO = PreparedStatement(
    "sale_by_order_no",
    ("text", "bigint", "bigint[]", "timestamptz"),
    _SELECT.replace("{found}", "SELECT * FROM terminals_transaction WHERE order_no = $1 AND merchant_id = $2 OFFSET 0"),
)


def find_sale(
    *,
    merchant_id: int,
    at: datetime,
    transaction_id: UUID | None = None,
    order_no: str = "",
    store_ids: frozenset[int] | None = None,
) -> Sale:
    """The sale by its id or its order number. Raises ``NotFound``, or ``Invalid`` when an order number names several."""
    stores = None if store_ids is None else sorted(store_ids)
    with connection.cursor() as cursor:
        if transaction_id:
            _BY_ID.execute(cursor, [transaction_id, merchant_id, stores, at])
        else:
            _BY_ORDER_NO.execute(cursor, [order_no, merchant_id, stores, at])
        rows = cursor.fetchall()
    if not rows:
        raise NotFound("there is no such transaction", code="transaction_not_found")
    if len(rows) > 1:
        raise Invalid("several transactions have this order number: name one by its id", code="ambiguous_order_no")
    *columns, lines = rows[0]
    columns[_PROFILE] = channels.usable_profile(columns[_CHANNEL], columns[_PROFILE])
    columns.append(tuple(map(SaleLine.read, lines or ())))
    return Sale(*columns)
