"""Asking a channel what became of a payment: outside of any transaction, for one sale at a time."""

from __future__ import annotations

from uuid import UUID

from payment_channels.contract import CredentialsInvalid, ProfileInvalid, Trade, TradeQueries, TradeReference, Unknown
from refunds.payouts.adapters import adapter_for
from terminals.models import Transaction


def ask_trade(*, transaction_id: UUID, payment_no: str = "") -> Trade | Unknown:
    """What the sale's channel says of its payment, through the account that took it.

    ``payment_no`` is the number the shop sent this payment under, where that is not the order's. ``Unknown``: ``not_found`` where
    the channel knows no such payment, ``no_trade_queries`` or ``account_unusable`` where it cannot be asked, else why there is
    no answer. Nothing is stored. Raises ``Transaction.DoesNotExist``.
    """
    sale = Transaction.objects.select_related("channel_account").get(pk=transaction_id)
    account = sale.channel_account
    # Cash has no channel that could be asked.
    try:
        adapter: object = None if account is None else adapter_for(account.pk, account.revision)
    except (CredentialsInvalid, ProfileInvalid) as error:
        return Unknown(code="account_unusable", message=str(error))
    if isinstance(adapter, TradeQueries):
        return adapter.query_trade(
            TradeReference(
                channel_transaction_no=sale.channel_transaction_no,
                order_no=sale.order_no,
                payment_no=payment_no,
                paid_at=sale.paid_at,
            )
        )
    return Unknown(code="no_trade_queries", message="this channel cannot be asked about a payment")
