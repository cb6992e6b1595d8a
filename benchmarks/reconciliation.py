"""A day of many refunds on three channels against their statements, with injected differences: found are exactly those."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils import timezone
from uuid_utils.compat import uuid7

from benchmarks.records import add_account
from benchmarks.rig import StandIn
from core.calendar import SHANGHAI
from integrations.stand_ins import accounts_in
from invariants import inspection
from merchants.models import ChannelAccount, Merchant, PolicyVersion
from reconciliation.models import Difference, ReconciliationDay
from refunds.models import Execution, RefundRequest
from refunds.payouts import ledger
from terminals.models import Transaction
from tests.factories import make_merchant

CHANNELS = ("wechat", "alipay", "unionpay")
REFUNDS_EACH = 10_000
_CHUNK = 2_000
_INJECTED = {"row_missing": 7, "amount_off": 11, "row_extra": 5}
_KINDS = {"row_missing": "ours_only", "amount_off": "amount_differs", "row_extra": "channel_only"}


def measure() -> tuple[float, float, int]:
    """Seconds and megabytes of one process that fetches and compares the three statements, and the refunds compared.

    Raises ``AssertionError`` when what was found is not just what was injected.
    """
    day = timezone.now().astimezone(SHANGHAI).date() - timedelta(days=2)
    env = dict(os.environ)
    with ExitStack() as stack:
        stand_ins = [StandIn(env, name) for name in CHANNELS]
        for stand_in in stand_ins:
            stack.callback(stand_in.process.stop)
        merchant = make_merchant()
        injected: set[tuple[str, str, str]] = set()
        known = accounts_in(Path(env["VAR_DIR"]))
        for stand_in in stand_ins:
            add_account(merchant, known[stand_in.name])
            account = ChannelAccount.objects.get(merchant=merchant, channel=stand_in.name)
            _fill(merchant, account, stand_in, day)
            for fault, count in _INJECTED.items():
                stand_in.control("POST", "/faults", {"operation": "bill", "fault": fault, "count": count, "times": 1})
        ledger.post_missing()
        seconds, megabytes = _fetch_and_compare(merchant, day, env)
        for stand_in in stand_ins:
            spoiled = stand_in.control("GET", "/faults")["spoiled"]
            injected |= {(stand_in.name, _KINDS[row["fault"]], row["refund_no"]) for row in spoiled}
    _agree(merchant, day, injected)
    return seconds, megabytes, REFUNDS_EACH * len(CHANNELS)


def _fetch_and_compare(merchant: Merchant, day: date, env: dict[str, str]) -> tuple[float, float]:
    """One process after another would start Django three times; a worker does all in one."""
    codes = list(ChannelAccount.objects.filter(merchant=merchant, is_active=True).values_list("code", flat=True))
    program = (
        "import sys, django; django.setup()\n"
        "from datetime import date\n"
        "from django.core.management import call_command\n"
        "for code in sys.argv[2:]: call_command('download_bills', account=code, date=date.fromisoformat(sys.argv[1]))\n"
    )
    argv = [sys.executable, "-c", program, day.isoformat(), *codes]
    started = time.perf_counter()
    child = subprocess.Popen(argv, env={**env, "DJANGO_SETTINGS_MODULE": "config.settings"}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise AssertionError(f"the statements could not be fetched: {child.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def _agree(merchant: Merchant, day: date, injected: set[tuple[str, str, str]]) -> None:
    found = set(Difference.objects.filter(merchant=merchant).values_list("channel_account__channel", "kind", "number"))
    if found != injected:
        raise AssertionError(f"missed {sorted(injected - found)[:5]}, made up {sorted(found - injected)[:5]}")
    untouched = REFUNDS_EACH - _INJECTED["row_missing"] - _INJECTED["amount_off"]
    for row in ReconciliationDay.objects.filter(merchant=merchant, date=day):
        if (row.matched, row.pending) != (untouched, 0):
            raise AssertionError(f"{row}: {row.matched} matched, {row.pending} pending")
    broken = [breach for breach in inspection.breaches() if breach.code in ("I1", "I2", "I5", "I6", "I7")]
    if broken:
        raise AssertionError(f"invariants are broken: {broken[:5]}")


def _fill(merchant: Merchant, account: ChannelAccount, stand_in: StandIn, day: date) -> None:
    """Refunds of the day, spread over its hours, in our books and in the stand-in's. Written in bulk, without their events."""
    sales = [_sale(merchant, account, number, day) for number in range(REFUNDS_EACH)]
    Transaction.objects.bulk_create(sales, batch_size=_CHUNK)
    version = PolicyVersion.objects.get(merchant=merchant)
    requests = [_request(sale, version) for sale in sales]
    RefundRequest.objects.bulk_create(requests, batch_size=_CHUNK)
    payouts = [_payout(request, account) for request in requests]
    Execution.objects.bulk_create(payouts, batch_size=_CHUNK)
    for some in _chunks(sales):
        payments = [
            {
                "order_no": sale.order_no,
                "transaction_no": sale.channel_transaction_no,
                "amount_fen": sale.amount_fen,
                "paid_at": sale.paid_at.isoformat(),
            }
            for sale in some
        ]
        stand_in.control("POST", "/payments", {"payments": payments})
    for rows in _chunks(payouts):
        past = [
            {
                "order_no": row.transaction.order_no,
                "refund_no": row.refund_no,
                "channel_refund_no": row.channel_refund_no,
                "amount_fen": row.amount_fen,
                "moved_at": row.succeeded_at.isoformat(),
            }
            for row in rows
        ]
        stand_in.control("POST", "/past", {"refunds": past})


def _chunks(rows: Sequence[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


def _sale(merchant: Merchant, account: ChannelAccount, number: int, day: date) -> Transaction:
    store = _STORES.setdefault(merchant.pk, merchant.stores.get())
    paid_at = datetime.combine(day, clock_time(1), SHANGHAI) + timedelta(seconds=number * 7)
    return Transaction(
        id=uuid7(),
        merchant=merchant,
        store=store,
        channel_account=account,
        channel=account.channel,
        order_no=f"B{account.pk:04d}{number:08d}",
        channel_transaction_no=f"42{account.pk:05d}{number:014d}",
        amount_fen=10_000,
        reserved_fen=1_000 + number % 977,
        refunded_fen=1_000 + number % 977,
        live_refunds=1,
        paid_at=paid_at,
        created_at=paid_at,
    )


_STORES: dict[int, Any] = {}


def _request(sale: Transaction, version: PolicyVersion) -> RefundRequest:
    at = sale.paid_at + timedelta(minutes=20)
    return RefundRequest(
        number=f"RF-{sale.order_no}",
        merchant_id=sale.merchant_id,
        store_id=sale.store_id,
        transaction=sale,
        channel=sale.channel,
        state="refunded",
        kind="goods_return",
        reason="quality",
        amount_fen=sale.refunded_fen,
        approved_fen=sale.refunded_fen,
        reserved_fen=sale.refunded_fen,
        refunded_fen=sale.refunded_fen,
        policy_version=version,
        verdict={"decision": "approve", "rules": []},
        tier="",
        by_rule=True,
        due_at=at,
        created_at=at,
        updated_at=at,
        decided_at=at,
        succeeded_at=at,
    )


def _payout(request: RefundRequest, account: ChannelAccount) -> Execution:
    at = request.created_at
    return Execution(
        merchant_id=request.merchant_id,
        request=request,
        transaction=request.transaction,
        channel_account=account,
        refund_no=f"{request.number.replace('-', '')}N1",
        amount_fen=request.refunded_fen,
        state="succeeded",
        sends=1,
        first_sent_at=at,
        last_asked_at=at,
        channel_refund_no=f"503{request.transaction.channel_transaction_no[2:]}",
        succeeded_at=at,
        ended_at=at,
        proof="{}",
        proof_source="query",
        created_at=at,
    )
