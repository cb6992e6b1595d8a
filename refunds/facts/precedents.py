"""How people decided refunds like this one, and what became of those."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from refunds.models import RefundRequest

#: So many are shown; of each way to find some, so many are compared.
_SHOWN = 5
_COMPARED = 40

#: Decided by a person. What the policy decides by itself is no precedent, and stands in no index.
_LIKE_IT = "merchant_id = %(merchant)s AND reason = %(reason)s AND decided_at IS NOT NULL AND NOT by_rule"
#: What counts most: the same customer, then that a second reviewer would have decided otherwise.
_LIKENESS = "4 * same_customer::int + 3 * is_disputed::int + 2 * same_article::int + same_cashier::int + nearness"
# Each way ends after a bounded number of index entries, however many refunds there are.
_SIMILAR = f"""
WITH found AS (
  (SELECT id FROM refunds_refundrequest WHERE {_LIKE_IT} AND amount_fen BETWEEN %(amount)s AND %(most)s
    ORDER BY amount_fen, decided_at DESC LIMIT {_COMPARED})
  UNION
  (SELECT id FROM refunds_refundrequest WHERE {_LIKE_IT} AND amount_fen >= %(least)s AND amount_fen < %(amount)s
    ORDER BY amount_fen DESC, decided_at LIMIT {_COMPARED})
  UNION
  (SELECT id FROM refunds_refundrequest WHERE customer_phone_hash = %(phone)s AND merchant_id = %(merchant)s LIMIT {_COMPARED})
  UNION
  (SELECT id FROM refunds_refundrequest WHERE merchant_id = %(merchant)s AND cashier = %(cashier)s AND cashier <> ''
    ORDER BY created_at DESC, id DESC LIMIT {_COMPARED})
  UNION
  (SELECT request_id FROM refunds_secondlook WHERE merchant_id = %(merchant)s AND disagrees
    ORDER BY answered_at DESC LIMIT {_COMPARED})
), scored AS (
  SELECT r.*, coalesce(r.customer_phone_hash = %(phone)s, false) AS same_customer,
         r.cashier <> '' AND r.cashier = %(cashier)s AS same_cashier,
         EXISTS (SELECT FROM terminals_transactionline l WHERE l.transaction_id = r.transaction_id AND l.sku = ANY(%(skus)s))
           AS same_article,
         EXISTS (SELECT FROM refunds_secondlook o WHERE o.request_id = r.id AND o.disagrees) AS is_disputed,
         least(r.amount_fen, %(amount)s)::float / greatest(r.amount_fen, %(amount)s) AS nearness
    FROM refunds_refundrequest r
   WHERE r.id IN (SELECT id FROM found) AND r.merchant_id = %(merchant)s AND r.reason = %(reason)s
     AND r.decided_at IS NOT NULL AND NOT r.by_rule
     AND r.amount_fen BETWEEN %(least)s AND %(most)s AND r.id <> %(id)s
     AND (%(stores)s::bigint[] IS NULL OR r.store_id = ANY(%(stores)s))
), nearest AS (
  SELECT * FROM scored
   ORDER BY {_LIKENESS} DESC, decided_at DESC, id
   LIMIT {_SHOWN}
)
SELECT n.number, n.state, n.amount_fen, n.approved_fen, n.reject_reason, n.decided_at, n.same_customer, n.same_article,
       n.same_cashier, n.is_disputed, coalesce(d.name, ''),
       (SELECT v.score FROM refunds_survey v WHERE v.request_id = n.id),
       ARRAY(SELECT c.kind FROM refunds_customerreport c WHERE c.request_id = n.id)
  FROM nearest n
  LEFT JOIN LATERAL (SELECT s.name FROM refunds_approval a JOIN merchants_staff s ON s.id = a.staff_id
                      WHERE a.request_id = n.id AND a.decision IN ('approve', 'reject')
                      ORDER BY a.version DESC, a.id DESC LIMIT 1) d ON true
 ORDER BY {_LIKENESS} DESC, decided_at DESC, n.id
"""  # noqa: S608 - a fixed text


@dataclass(frozen=True, slots=True)
class Precedent:
    """A refund that a person decided; ``is_disputed``: a second one would have decided otherwise.

    ``score`` and ``reports`` are what its customer said of it since.
    """

    number: str
    state: str
    amount_fen: int
    approved_fen: int | None
    reject_reason: str
    decided_at: datetime
    same_customer: bool
    same_article: bool
    same_cashier: bool
    is_disputed: bool
    decided_by: str
    score: int | None
    reports: Collection[str]


def similar(*, request: RefundRequest, stores: Collection[int] | None, skus: Collection[str]) -> list[Precedent]:
    """Up to five with the same reason and half to twice the amount, the most alike first: the same customer, article (one of
    ``skus``), cashier, the nearest amount. ``stores`` are those whose refunds may be shown, None for all. One statement.
    """
    values: dict[str, Any] = {
        "id": request.pk,
        "merchant": request.merchant_id,
        "reason": request.reason,
        "amount": request.amount_fen,
        "least": request.amount_fen // 2,
        "most": request.amount_fen * 2,
        "phone": request.customer_phone_hash,
        "cashier": request.cashier,
        "skus": [sku for sku in skus if sku],
        "stores": None if stores is None else sorted(stores),
    }
    with connection.cursor() as cursor:
        cursor.execute(_SIMILAR, values)
        return [Precedent(*row) for row in cursor.fetchall()]
