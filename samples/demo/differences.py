"""What reconciliation finds in the sample data: days that do not agree, one of each kind.

Nothing of it is wrong with our own books. Two statements of the stand-ins misreport a refund for as long as the demo lives, and
somebody refunded a sale in the channel's own portal: finance resolves the first two and adopts the third.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from core.calendar import SHANGHAI
from integrations.stand_ins import Account, Control
from refunds.models import Execution
from samples.demo import record
from samples.demo.merchants import RETAIL
from terminals.models import Transaction

#: How many days back: statements of these days are there, and are fetched by themselves.
_FROM, _TO = 5, 2
#: What the portal calls its refunds.
PORTAL_PREFIX = "MCHPORTAL"
_PORTAL_MOST_FEN = 20_000


def leave(accounts: Mapping[str, Account], *, now: datetime) -> None:
    """Order the two faults and make the portal's refund known. A merchant without refunds on those days gets none."""
    for channel, fault in (("wechat", "row_missing"), ("alipay", "amount_off")):
        execution = _paid(channel, now).order_by("-ended_at", "pk").first() if channel in accounts else None
        if execution is not None:
            order = {"operation": "bill", "fault": fault, "times": -1, "order_no": execution.refund_no}
            Control(accounts[channel].control_url).order_faults([order])
    if (sale := _unrefunded(now)) is not None:
        Control(accounts["wechat"].control_url).seed_past([_by_portal(sale)])


def _paid(channel: str, now: datetime) -> QuerySet[Execution]:
    first, last = _span(now)
    return Execution.objects.filter(
        merchant__code=RETAIL.code,
        channel_account__channel=channel,
        proof_source=record.SOURCE,
        method="refund",
        first_sent_at__gte=first,
        ended_at__lt=last,
    )


def _unrefunded(now: datetime) -> Transaction | None:
    first, last = _span(now)
    found = Transaction.objects.filter(
        merchant__code=RETAIL.code,
        channel="wechat",
        source=record.SOURCE,
        status="success",
        kind="sale",
        reserved_fen=0,
        amount_fen__lte=_PORTAL_MOST_FEN,
        paid_at__gte=first,
        paid_at__lt=last - timedelta(hours=1),
        refund_requests__isnull=True,
    )
    return found.order_by("-paid_at", "pk").first()


def _by_portal(sale: Transaction) -> dict[str, Any]:
    return {
        "order_no": sale.order_no,
        "refund_no": f"{PORTAL_PREFIX}{sale.order_no.replace('-', '')}",
        "channel_refund_no": f"5039{sale.channel_transaction_no[-24:]}",
        "amount_fen": sale.amount_fen,
        "kind": "refund",
        "moved_at": (sale.paid_at + timedelta(minutes=20)).isoformat(timespec="milliseconds"),
    }


def _span(now: datetime) -> tuple[datetime, datetime]:
    midnight = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    # An hour off the day's ends: nothing of it falls on another bill.
    return midnight - timedelta(days=_FROM) + timedelta(hours=1), midnight - timedelta(days=_TO - 1) - timedelta(
        hours=1
    )
