"""Orders paid by several payments, and channels that answer for their legs, without a channel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from merchants.models import ChannelAccount, Merchant
from payment_channels.contract import Done, Outcome, Refused, Retry, Unknown
from refunds import payouts
from refunds.intake import submitting
from refunds.intake.claims import Draft
from refunds.models import Execution, RefundRequest
from refunds.payouts import Answer
from terminals.models import Transaction
from tests.factories import RULES, make_account, make_merchant, make_sale, till

#: Orders of 300.00 are approved by rule.
WIDE: dict[str, Any] = {**RULES, "auto_approve_limit_fen": 50_000, "routes": ["original", "cash", "store_credit"]}


def alipay_of(merchant: Merchant) -> ChannelAccount:
    return ChannelAccount.objects.create(
        merchant=merchant,
        channel="alipay",
        code=f"ali-{merchant.code}",
        base_url="http://127.0.0.1:9",
        profile_overrides={"partial_spacing_s": 0},
    )


def order_of_two(
    *, rules: dict[str, Any] | None = None, wechat: dict[str, str] | None = None, **second: Any
) -> tuple[Transaction, Transaction]:
    """WeChat 200.00 and Alipay 100.00 for one order; the second payment repeats the lines, as tills do."""
    merchant = make_merchant(rules=rules or WIDE)
    return payments_of(merchant, make_account(merchant, wechat), **second)


def payments_of(merchant: Merchant, wechat: ChannelAccount, **second: Any) -> tuple[Transaction, Transaction]:
    """The same at this merchant."""
    first = make_sale(merchant, 20_000, channel_account=wechat, quantity=3)
    more = {
        "order_no": first.order_no,
        "channel_account": alipay_of(merchant),
        "quantity": 3,
        "paid_at": first.paid_at + timedelta(minutes=1),
        "funding": "debit_card",
        **second,
    }
    other = make_sale(merchant, 10_000, **more)
    for sale in (first, other):
        sale.lines.update(amount_fen=30_000, unit_price_fen=10_000)
    return first, other


def ask(sale: Transaction, amount_fen: int = 30_000, **more: Any) -> RefundRequest:
    """The order asked back by its number."""
    draft = Draft(amount_fen=amount_fen, **{"reason": "quality", "order_no": sale.order_no, **more})
    taken = submitting.submit(draft=draft, by=till(sale.merchant), at=timezone.now())
    return RefundRequest.objects.get(pk=taken.request.pk)


def answer(
    request: RefundRequest, sequence: int, outcome: str = "done", *, at: datetime | None = None
) -> RefundRequest:
    """What the channel says of a leg that was claimed: ``done``, ``refused``, ``barred`` (its account
    takes no calls) or ``unknown``."""
    now = at or timezone.now()
    payouts.claim(limit=100, at=now)
    row = Execution.objects.get(request=request, sequence=sequence, state__in=("sending", "unknown", "processing"))
    said: dict[str, Outcome] = {
        "done": Done(
            refund_no=row.refund_no,
            channel_refund_no=f"50{row.pk.int % 10**20}",
            amount_fen=row.amount_fen,
            succeeded_at=now,
            raw="{}",
        ),
        "refused": Refused(code="NO", message="no", retry=Retry.NEW_NUMBER),
        "barred": Refused(code="account_unusable", message="", retry=Retry.AFTER_MENDING, remedy="check_keys"),
        "unknown": Unknown(code="timeout", message=""),
    }
    payouts.settle([Answer(row.pk, request.pk, row.channel_account_id, said[outcome], "query")], at=now)
    return RefundRequest.objects.get(pk=request.pk)


def held(*sales: Transaction) -> list[tuple[int, int, int]]:
    """(reserved, refunded, refunds) of each payment."""
    rows = {sale.pk: sale for sale in Transaction.objects.filter(pk__in=[sale.pk for sale in sales])}
    return [(rows[sale.pk].reserved_fen, rows[sale.pk].refunded_fen, rows[sale.pk].live_refunds) for sale in sales]


def replaced(old: ChannelAccount, *, number: str = "1900000001") -> ChannelAccount:
    """Another account in the place of this one, whose merchant number is 1900000001."""
    names = ("mchid", "app_id", "mer_id")
    old.set_credentials(dict.fromkeys(names, "1900000001"))
    old.is_active = False
    old.save()
    new = ChannelAccount(merchant=old.merchant, channel=old.channel, code=f"{old.code}-new", base_url=old.base_url)
    new.set_credentials(dict.fromkeys(names, number))
    new.save()
    return new
