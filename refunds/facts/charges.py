"""Charged twice: equal payments close together, of one order or of one payer.

Of such a group all but one may go back. A payer is the phone, or else the card's end on the same channel; strangers who paid the
same at the same moment are no group. Nor are payments for other articles, or those that share the articles of an order: friends
who paid half each were charged once. Of an order that was paid in parts a part was charged twice where more was paid than its
articles come to, and no more of them go back than that.

What the channel says of a payment counts: one that was never made is no charge, and one that it gave back has gone back.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from refunds.facts.sums import day_of, key_of
from refunds.models import RunningSum
from refunds.rules.standing import EqualCharges
from terminals.orders import ARTICLE, ORDER_DATE

#: What a payment's lines say that was bought, and what they come to; empty where it has none.
_BOUGHT = f"""
LEFT JOIN LATERAL (SELECT sum(l.amount_fen) AS fen, string_agg(concat_ws(' ', {ARTICLE.format("l")}, l.quantity,
                          l.amount_fen), ' ' ORDER BY l.sku, l.name, l.quantity, l.amount_fen) AS articles
                     FROM terminals_transactionline l WHERE l.transaction_id = {{of}}.id) {{of}}_bought ON true
"""  # noqa: S608 - our own text
#: What a channel says of a payment that was never made, or not as it was reported; and of one that has gone back.
_NEVER_MADE = "('unpaid', 'closed', 'not_known', 'amount_differs')"
_GIVEN_BACK = "('refunded', 'partly_refunded', 'reversed')"
_EQUAL = f"""
SELECT o.id, o.order_no, o.channel_transaction_no, o.paid_at, o.reserved_fen > 0 OR o.payment_word IN {_GIVEN_BACK},
       t.id, t.paid_at, t.merchant_id, t.amount_fen,
       CASE WHEN greatest(t_bought.fen, o_bought.fen, 0) > t.amount_fen THEN beyond.payments END
  FROM terminals_transaction t JOIN terminals_transaction o
    ON o.merchant_id = t.merchant_id AND o.amount_fen = t.amount_fen AND o.id <> t.id AND o.status = 'success'
   AND o.payment_word NOT IN {_NEVER_MADE}
   AND o.paid_at BETWEEN t.paid_at - %(near)s::interval AND t.paid_at + %(near)s::interval
   AND ((o.order_no = t.order_no AND o.store_id = t.store_id) OR o.payer_phone_hash = t.payer_phone_hash
        OR (o.card_last4 <> '' AND o.card_last4 = t.card_last4 AND o.channel = t.channel))
  {_BOUGHT.format(of="t")} {_BOUGHT.format(of="o")}
  LEFT JOIN LATERAL (SELECT (sum(p.amount_fen) - greatest(t_bought.fen, o_bought.fen)) / t.amount_fen AS payments
                       FROM terminals_transaction p
                      WHERE p.merchant_id = t.merchant_id AND p.order_no = t.order_no AND p.store_id = t.store_id
                        AND {ORDER_DATE.format("p")} = {ORDER_DATE.format("t")}
                        AND p.status = 'success' AND p.payment_word NOT IN {_NEVER_MADE}) beyond ON true
 WHERE t.id = %(sale)s
   AND (greatest(t_bought.fen, o_bought.fen, 0) <= t.amount_fen
        OR (o.order_no = t.order_no AND o.store_id = t.store_id AND beyond.payments >= 1))
   AND coalesce(t_bought.articles = o_bought.articles, true)
 ORDER BY o.paid_at, o.id
"""  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Charge:
    """An equal payment close by; ``goes_back``: refunds of it were asked for or paid."""

    id: UUID
    order_no: str
    channel_transaction_no: str
    paid_at: datetime
    goes_back: bool


def equal_to(*, transaction_id: UUID, minutes: int) -> list[Charge]:
    """The payments that look like the same one charged again, the earliest first."""
    return [Charge(*row[:5]) for row in _rows(transaction_id, minutes)]


def charged(*, transaction_id: UUID, minutes: int) -> EqualCharges:
    """What the policy has to know of them; ``key`` counts what of the group was approved by rule."""
    rows = _rows(transaction_id, minutes)
    if not rows:
        return EqualCharges()
    *_, own_id, own_paid_at, merchant_id, each_fen, _ = rows[0]
    first_at, first_id = min([(own_paid_at, own_id), *((row[3], row[0]) for row in rows)])
    day = day_of(first_at)
    key = key_of(merchant_id, "charge", day, str(first_id))
    approved = RunningSum.objects.filter(pk=key).values_list("count", flat=True).first() or 0
    return EqualCharges(
        others=min([len(rows), *(int(beyond) for *_, beyond in rows if beyond is not None)]),
        returned=max(sum(row[4] for row in rows), approved),
        number=rows[0][1] or rows[0][2],
        each_fen=each_fen,
        key=key,
        day=day,
    )


_Row = tuple[UUID, str, str, datetime, bool, UUID, datetime, int, int, int | None]


def _rows(transaction_id: UUID, minutes: int) -> list[_Row]:
    with connection.cursor() as cursor:
        cursor.execute(_EQUAL, {"sale": transaction_id, "near": f"{minutes} minutes"})
        rows: list[_Row] = cursor.fetchall()
        return rows
