"""A payment that stands in for one that is not there: the sale that nobody found, and a compensation, which was never paid to us.

What goes back of it is reserved, decided, paid and booked like any other refund, and never more than it says; it counts in no
figure of sales, and is found by nobody who looks for one.
"""

from datetime import datetime

from core.plain_text import one_line
from merchants.principals import Principal
from terminals.models import Funding, Terminal, Transaction, TransactionKind


def stand_in(
    *,
    kind: TransactionKind,
    number: str,
    store_id: int,
    terminal: Terminal | None,
    channel: str,
    amount_fen: int,
    paid_at: datetime,
    by: Principal,
    at: datetime,
) -> Transaction:
    """Store one for ``number``, which there is once. It has no account of a channel: nothing goes back the way it came."""
    return Transaction.objects.create(
        merchant_id=by.acting_for,
        store_id=store_id,
        terminal=terminal,
        channel=channel,
        order_no=number,
        channel_transaction_no=number,
        kind=kind,
        amount_fen=amount_fen,
        paid_at=paid_at,
        funding=Funding.CASH if channel == "cash" else Funding.UNKNOWN,
        source="stand_in",
        reported_by=one_line(by.name, limit=80),
        created_at=at,
    )
