"""The rows a benchmark works on: a merchant with a key, and as many paid sales as it wants."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from benchmarks.rig import StandIn
from core.database import logins
from integrations.stand_ins import Account
from merchants import api_keys
from merchants.models import ApiKey, ChannelAccount, KeyScope, Merchant, Staff
from merchants.principals import of_staff
from terminals.models import Transaction
from tests.factories import make_account, make_merchant

_TABLES = (
    "refunds_refundrequest, terminals_transaction, merchants_merchant, refunds_outboxmessage, refunds_idempotencyrecord, "
    "core_auditevent, core_auditlink, core_auditsealpoint"
)


def empty() -> None:
    """Rows of one measure must not slow the next. As the owner, past the triggers that let nobody empty what only grows."""
    with logins.as_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal AND (tgtype & 32) <> 0"
        )
        guarded = [table for (table,) in cursor.fetchall()]
        for table in guarded:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"TRUNCATE {_TABLES} CASCADE")
        for table in guarded:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    # What stands outside the database of the chains that are gone.
    shutil.rmtree(settings.AUDIT_HEADS_DIR, ignore_errors=True)


def merchant_with_key(wechat: StandIn) -> tuple[Merchant, str]:
    """A merchant with the simulator's account, and an API key of all scopes."""
    merchant = make_merchant()
    make_account(merchant, wechat.account, first_query_s=600)
    owner = Staff.objects.get(merchant=merchant, role="owner")
    _row, key, _secret = api_keys.issue(
        merchant=merchant,
        name="bench",
        scopes=list(KeyScope.values),
        by=of_staff(owner),
        at=timezone.now(),
        rate_limit=10_000_000,
        all_stores=True,
    )
    assert ApiKey.objects.filter(merchant=merchant).exists()
    return merchant, key


def add_account(merchant: Merchant, stand_in: Account) -> None:
    """A further channel account of the merchant, at a running simulator."""
    account = ChannelAccount(
        merchant=merchant,
        channel=stand_in.channel,
        code=f"{stand_in.channel}-{merchant.pk}",
        base_url=stand_in.base_url,
        profile_overrides={**stand_in.profile, **stand_in.addresses, "first_query_s": 600, "timeout_s": 8},
    )
    account.set_credentials(dict(stand_in.credentials))
    account.save()


def paid_sales(
    merchant: Merchant, count: int, *, amount_fen: int = 10_000, channel: StandIn | None = None
) -> list[str]:
    """So many paid sales, known to the channel where one is given; their ids."""
    account = ChannelAccount.objects.get(merchant=merchant, channel=channel.name if channel else "wechat")
    store = merchant.stores.get()
    terminal = store.terminals.get()
    now = timezone.now()
    rows = []
    for _ in range(count):
        identity = uuid7()
        rows.append(
            Transaction(
                id=identity,
                merchant=merchant,
                store=store,
                terminal=terminal,
                channel_account=account,
                channel=account.channel,
                order_no=f"B{identity.hex}",
                channel_transaction_no=f"4200{identity.int % 10**24:024d}",
                amount_fen=amount_fen,
                paid_at=now - timedelta(hours=1),
                # What is approved by rule is limited by cashier and day.
                cashier=f"B{identity.int % 10**12:012d}",
                funding="balance",
                created_at=now,
            )
        )
    Transaction.objects.bulk_create(rows, batch_size=2000)
    if channel is not None:
        payments: list[dict[str, Any]] = [
            {
                "order_no": row.order_no,
                "transaction_no": row.channel_transaction_no,
                "amount_fen": amount_fen,
                "paid_at": row.paid_at.isoformat(),
            }
            for row in rows
        ]
        for start in range(0, len(payments), 2000):
            channel.control("POST", "/payments", {"payments": payments[start : start + 2000]})
    return [str(row.id) for row in rows]
