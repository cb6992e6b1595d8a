"""Writing the double-entry ledger: set by set, inside the transaction of what it tells of.

A paid refund takes what was owed to the customer off the books and the money out of what the channel still holds for us:

    refunds payable   +amount        channel clearing   -amount

A compensation was never paid to us: it is our own cost, booked on ``compensation`` instead of what is payable.

and, where the account's profile names a fee rate, what becomes of the fee on the refunded part:

    returned: channel clearing +fee, channel fees -fee        kept: fees lost +fee, channel fees -fee

What a person paid by hand left the sale's channel untouched: whatever that would have done, it keeps its fee.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from merchants import channels
from refunds.states import BY_HAND

_POST = """
INSERT INTO refunds_ledgerentry (merchant_id, channel_account_id, execution_id, kind, account, amount_fen, booked_at)
SELECT e.merchant_id, e.channel_account_id, e.id, side.kind, side.account, side.amount_fen, {booked_at}
  FROM refunds_execution e
  JOIN merchants_channelaccount a ON a.id = e.channel_account_id
  LEFT JOIN LATERAL (SELECT {sold_fee_rate} AS fee_rate_bp FROM terminals_transaction t
                       JOIN merchants_channelaccount p ON p.id = t.channel_account_id
                      WHERE t.id = e.transaction_id AND a.channel IN ({by_hand})) sold ON true
 CROSS JOIN LATERAL (SELECT div(e.amount_fen * coalesce(sold.fee_rate_bp, {fee_rate}) + 5000, 10000)::bigint AS fen,
                            sold.fee_rate_bp IS NULL AND {fee_returned} AS returned) fee
 -- By hand only the payer's part leaves; a channel takes the whole from us and gives the rest to the coupon's owner.
 CROSS JOIN LATERAL (SELECT CASE WHEN a.channel IN ({by_hand}) THEN coalesce(e.payer_fen, e.amount_fen)
                                 ELSE e.amount_fen END AS fen) paid
 CROSS JOIN LATERAL (VALUES
   ('payout', CASE WHEN EXISTS (SELECT FROM refunds_compensation c WHERE c.payout_id = e.request_id)
                   THEN 'compensation' ELSE 'refunds_payable' END, paid.fen),
   ('payout', 'channel_clearing', -paid.fen),
   ('fee', CASE WHEN fee.returned THEN 'channel_clearing' ELSE 'fees_lost' END, fee.fen),
   ('fee', 'channel_fees', -fee.fen)) side (kind, account, amount_fen)
 WHERE e.state = 'succeeded' AND side.amount_fen <> 0 AND {which}
"""


def _post(*, booked_at: str, which: str) -> str:
    return _POST.format(
        by_hand=", ".join(f"'{route}'" for route in sorted(BY_HAND)),
        sold_fee_rate=channels.profile_sql("fee_rate_bp", account="p"),
        fee_rate=channels.profile_sql("fee_rate_bp"),
        fee_returned=channels.profile_sql("fee_returned"),
        booked_at=booked_at,
        which=which,
    )


def post_payouts(execution_ids: Sequence[UUID], *, at: datetime) -> None:
    """Book payouts that have just been proven, in one statement. The caller's transaction made them succeed."""
    if not execution_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_post(booked_at="%s", which="e.id = ANY(%s::uuid[])"), [at, list(execution_ids)])


def post_missing() -> int:
    """Book every proven payout that is not in the books, at the time it ended: for history that was loaded in bulk.

    Returns how many entries were written.
    """
    which = "NOT EXISTS (SELECT 1 FROM refunds_ledgerentry b WHERE b.execution_id = e.id AND b.kind = 'payout')"
    with connection.cursor() as cursor:
        cursor.execute(_post(booked_at="e.ended_at", which=which))
        return int(cursor.rowcount)
