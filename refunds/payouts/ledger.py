"""Writing the double-entry ledger: set by set, inside the transaction of what it tells of.

A paid refund takes what was owed to the customer off the books and the money out of what the channel still holds for us:

    refunds payable   +amount        channel clearing   -amount

and, where the account's profile names a fee rate, what becomes of the fee on the refunded part:

    returned: channel clearing +fee, channel fees -fee        kept: fees lost +fee, channel fees -fee

What a person paid by hand left the sale's channel untouched: whatever that would have done, it keeps its fee.

Profile: ``fee_rate_bp`` (hundredths of a per cent, absent: no fee is booked) and ``fee_returned`` (absent: it is).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from refunds.states import BY_HAND

_POST = """
INSERT INTO refunds_ledgerentry (merchant_id, channel_account_id, execution_id, kind, account, amount_fen, booked_at)
SELECT e.merchant_id, e.channel_account_id, e.id, side.kind, side.account, side.amount_fen, {booked_at}
  FROM refunds_execution e
  JOIN merchants_channelaccount a ON a.id = e.channel_account_id
  LEFT JOIN LATERAL (SELECT p.profile FROM terminals_transaction t
                       JOIN merchants_channelaccount p ON p.id = t.channel_account_id
                      WHERE t.id = e.transaction_id AND a.channel IN ({by_hand})) sold ON true
 CROSS JOIN LATERAL (SELECT (e.amount_fen * coalesce((coalesce(sold.profile, a.profile)->>'fee_rate_bp')::bigint, 0)
                             + 5000) / 10000 AS fen,
                            sold.profile IS NULL AND coalesce((a.profile->>'fee_returned')::boolean, true) AS returned) fee
 CROSS JOIN LATERAL (VALUES
   ('payout', 'refunds_payable', e.amount_fen),
   ('payout', 'channel_clearing', -e.amount_fen),
   ('fee', CASE WHEN fee.returned THEN 'channel_clearing' ELSE 'fees_lost' END, fee.fen),
   ('fee', 'channel_fees', -fee.fen)) side (kind, account, amount_fen)
 WHERE e.state = 'succeeded' AND side.amount_fen <> 0 AND {which}
"""


_BY_HAND = ", ".join(f"'{route}'" for route in sorted(BY_HAND))


def post_payouts(execution_ids: Sequence[UUID], *, at: datetime) -> None:
    """Book payouts that have just been proven, in one statement. The caller's transaction made them succeed."""
    if not execution_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _POST.format(by_hand=_BY_HAND, booked_at="%s", which="e.id = ANY(%s::uuid[])"), [at, list(execution_ids)]
        )


def post_missing() -> int:
    """Book every proven payout that is not in the books, at the time it ended: for history that was loaded in bulk.

    Returns how many entries were written.
    """
    which = "NOT EXISTS (SELECT 1 FROM refunds_ledgerentry b WHERE b.execution_id = e.id AND b.kind = 'payout')"
    with connection.cursor() as cursor:
        cursor.execute(_POST.format(by_hand=_BY_HAND, booked_at="e.ended_at", which=which))
        return int(cursor.rowcount)
