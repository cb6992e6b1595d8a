"""Refunds to be done while processes die, and what must be true of them afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.utils import timezone
from uuid_utils.compat import uuid7

from integrations.stand_ins import accounts_in
from merchants.models import ChannelAccount, Merchant
from refunds.models import Execution, RefundRequest
from terminals.models import Transaction
from tests.factories import make_request, make_sale
from tests.faults.house import CHANNEL_TIMEOUT_S, Channel, wait_until


def open_accounts(merchant: Merchant, folder: Path, **profile: object) -> dict[str, ChannelAccount]:
    """The merchant's accounts at the stand-ins that run in this folder, by channel."""
    rows = {}
    for name, account in accounts_in(folder).items():
        row = ChannelAccount(
            merchant=merchant,
            channel=name,
            code=f"{name}-{merchant.code}",
            base_url=account.base_url,
            profile_overrides={
                **account.profile,
                **account.addresses,
                "query_after_s": 0,
                "timeout_s": CHANNEL_TIMEOUT_S,
                "partial_spacing_s": 0,
                **profile,
            },
        )
        row.set_credentials(dict(account.credentials))
        row.save()
        rows[name] = row
    return rows


def paid_sales(merchant: Merchant, channel: Channel, count: int, *, amount_fen: int = 10_000) -> list[Transaction]:
    """So many sales that the channel knows, each large enough for several refunds."""
    account = ChannelAccount.objects.get(merchant=merchant, channel=channel.name, is_active=True)
    # What is approved by rule is limited by cashier and day.
    first = make_sale(merchant, amount_fen, channel_account=account, cashier=f"F{uuid7().int % 10**12:012d}")
    now = timezone.now()
    rows = [first]
    for _ in range(count - 1):
        identity = uuid7()
        rows.append(
            Transaction(
                id=identity,
                merchant=merchant,
                store_id=first.store_id,
                terminal_id=first.terminal_id,
                channel_account=account,
                channel=account.channel,
                order_no=f"B{identity.hex}",
                channel_transaction_no=f"{identity.int % 10**21:021d}",
                amount_fen=amount_fen,
                paid_at=now - timedelta(hours=1),
                # What is approved by rule is limited by cashier and day.
                cashier=f"F{identity.int % 10**12:012d}",
                funding="balance",
                created_at=now,
            )
        )
    Transaction.objects.bulk_create(rows[1:], batch_size=2000)
    tell_channel(channel, rows)
    return rows


def tell_channel(channel: Channel, sales: list[Transaction]) -> None:
    """Let the channel know the payments."""
    payments: list[dict[str, Any]] = [
        {
            "order_no": sale.order_no,
            "transaction_no": sale.channel_transaction_no,
            "amount_fen": sale.amount_fen,
            "paid_at": sale.paid_at.isoformat(),
            # Where Alipay tells of refunds; WeChat Pay and UnionPay go by the refund itself.
            "notify_url": f"{settings.BASE_URL}/channels/{channel.name}/{_code(sale)}/notices",
        }
        for sale in sales
    ]
    channel.control("POST", "/payments", {"payments": payments})


def _code(sale: Transaction) -> str:
    assert sale.channel_account is not None
    return sale.channel_account.code


def refunds(merchant: Merchant, channel: Channel, count: int = 5) -> list[RefundRequest]:
    """So many approved requests, one of each sale."""
    return [make_request(sale, 1_200) for sale in paid_sales(merchant, channel, count)]


def sweep() -> None:
    """What beat does every three seconds."""
    current_app.send_task("refunds.sweep")


def all_in(*states: str) -> bool:
    return not RefundRequest.objects.exclude(state__in=states).exists()


def all_refunded(*, seconds: float, sweeping: bool = True) -> None:
    """Wait until every request is refunded. Raises ``NotInTime``."""

    def look() -> bool:
        if sweeping:
            # The minutes until the channel is asked again about what it is working on.
            Execution.objects.filter(state="processing").update(due_at=timezone.now())
            sweep()
        return all_in("refunded")

    try:
        wait_until(look, seconds=seconds, what="all are refunded", every_s=0.25)
    except AssertionError as error:
        stuck = list(
            Execution.objects.exclude(state="succeeded").values("refund_no", "state", "due_at", "sends", "queries")[:5]
        )
        raise AssertionError(
            f"{error}; {Counter(RefundRequest.objects.values_list('state', flat=True))}, {stuck}"
        ) from error


def paid_once(channel: Channel, count: int) -> None:
    """The channel paid as many refunds as there were, each once."""
    rows = channel.ledger()
    assert len(rows) == len({row["refund_no"] for row in rows}) == count
    assert len({row["order_no"] for row in rows}) == count
