"""Files that were handed in before, for another sale: a photo that looks the same, a paper that is the same file."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from refunds.evidence import looks
from refunds.models import Evidence
from refunds.models.evidence import EvidenceKind
from terminals.orders import ORDER_DATE

# Of another order: one that is asked about twice is shown twice. Photos by their look alone: till slips all look alike.
_SAME = f"""
SELECT r.number, e.look, e.sha256
  FROM refunds_evidence e JOIN refunds_refundrequest r ON r.id = e.request_id
  JOIN terminals_transaction o ON o.id = r.transaction_id, terminals_transaction t
 WHERE e.merchant_id = %s AND t.id = %s AND (e.look && %s::int[] OR (e.sha256 = ANY(%s) AND e.kind <> %s))
   AND r.id IS DISTINCT FROM %s
   AND (o.store_id, o.order_no, {ORDER_DATE.format("o")})
    <> (t.store_id, t.order_no, {ORDER_DATE.format("t")})
 ORDER BY r.id
"""  # noqa: S608 - our own text


def on_another(
    handed: Sequence[Evidence], *, merchant_id: int, transaction_id: UUID, but: UUID | None = None
) -> list[str]:
    """Numbers of the refunds of other sales that one of these files came with, the first one first; ``but`` is their own."""
    bands = [band for row in handed for band in looks.asked_for(row.look)]
    papers = {row.sha256 for row in handed if row.kind != EvidenceKind.PHOTO}
    if not bands and not papers:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SAME, [merchant_id, transaction_id, bands, list(papers), EvidenceKind.PHOTO, but])
        found = cursor.fetchall()
    same = (
        number
        for number, look, sha256 in found
        if sha256 in papers or any(looks.are_alike(look, row.look) for row in handed)
    )
    return list(dict.fromkeys(same))
