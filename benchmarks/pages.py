"""What every list, filter and search costs beside a bare primary-key call of the same run, on the database as it is.

Addresses are asked in this process, each in turn with the primary-key call, and the fastest of each is taken: what others do on
the machine only ever adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from merchants.models import Role, Staff
from refunds.models import Execution, RefundRequest
from samples.demo import scale
from terminals.models import Transaction

_TIMES = 5
_PHONE = "13000015838"  # the third of samples.demo.scale


def cost_of_each(*, key: str) -> dict[str, float]:
    """Address, as ``face what`` -> how many primary-key calls it costs. ``key`` is the loaded merchant's."""
    staff = Staff.objects.get(username=scale.PEOPLE[Role.MANAGER])
    desk = Client(SERVER_NAME="127.0.0.1")
    desk.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    rest = Client(SERVER_NAME="127.0.0.1", headers={"Authorization": f"Bearer {key}"})
    one = RefundRequest.objects.filter(merchant=staff.merchant, state="closed").order_by("-created_at")[0]
    bare = f"/api/v1/refund-requests/{one.pk}"
    found: dict[str, float] = {}
    for what, address in _addresses(one):
        client = rest if address.startswith("/api/") else desk
        fastest, least = float("inf"), float("inf")
        for number in range(_TIMES + 1):
            seconds = _timed(lambda client=client, address=address: client.get(address))  # type: ignore[misc]  # a lambda
            beside = _timed(lambda: rest.get(bare))
            if number:  # the first warms plans and pages
                fastest, least = min(fastest, seconds), min(least, beside)
        found[what] = fastest / least
    return found


def _timed(ask: Callable[[], HttpResponseBase]) -> float:
    started = time.perf_counter()
    answer = ask()
    seconds = time.perf_counter() - started
    if answer.status_code not in (200, 302):
        raise AssertionError(f"{answer.status_code} for {answer.request['PATH_INFO']}?{answer.request['QUERY_STRING']}")  # type: ignore[attr-defined]  # a test client's answer
    return seconds


def _addresses(one: RefundRequest) -> Iterator[tuple[str, str]]:
    """Every list by itself, by each of its filters, by every kind of number, and far from its beginning."""
    sale: Transaction = one.transaction
    payout = Execution.objects.filter(request=one)[0]
    store, till = one.store.code, one.terminal.code if one.terminal else ""
    old = timezone.now() - timedelta(days=300)
    day, next_day = f"{old:%Y-%m-%d}", f"{old + timedelta(days=1):%Y-%m-%d}"
    start, end = f"{day}T00:00:00+08:00", f"{next_day}T00:00:00+08:00"
    days = {"from": day, "to": day}
    card = Transaction.objects.filter(merchant=one.merchant_id).exclude(card_last4="").order_by("-paid_at")[0]
    middle = RefundRequest.objects.filter(merchant=one.merchant_id, created_at__gte=old).order_by("created_at")[0]
    middle_us = int(middle.created_at.timestamp() * 1_000_000)
    lists: dict[str, tuple[str, dict[str, dict[str, str]]]] = {
        "queue": (
            "/desk",
            {
                "": {},
                **{f"view {name}": {"view": name} for name in ("mine", "unclaimed", "soon", "info", "trouble")},
                "longest first": {"sort": "-due"},
                "store": {"store": store},
                "channel": {"channel": "unionpay"},
                "reason": {"reason": "quality"},
                "no such reason": {"reason": "goodwill"},
                "amount": {"amount": "1000-"},
                "number": {"q": one.number},
                "receipt": {"q": sale.order_no},
            },
        ),
        "refunds": (
            "/desk/refunds",
            {
                "": {},
                **{
                    f"state {name}": {"state": name}
                    for name in ("closed", "rejected", "in_review", "failed", "unknown")
                },
                "channel": {"channel": "unionpay"},
                "store": {"store": store},
                "reason": {"reason": "quality"},
                "no such reason": {"reason": "goodwill"},
                "small": {"amount": "-50"},
                "large": {"amount": "1000-"},
                "store and state": {"store": store, "state": "rejected"},
                "days long ago": days,
                "days long ago, store": {**days, "store": store},
                "since": {"from": day},
                "number": {"q": one.number},
                "beginning of a number": {"q": one.number[:9]},
                "receipt": {"q": sale.order_no},
                "channel's number": {"q": sale.channel_transaction_no},
                "payout's number": {"q": payout.refund_no},
                "channel's refund number": {"q": payout.channel_refund_no},
                "phone": {"q": _PHONE},
                "end of a phone": {"q": _PHONE[-4:]},
                "nothing": {"q": "NOSUCHNUMBER"},
                "far": {"c": f"n.{middle_us}.{middle.pk}.500001"},
                "cashier": {"cashier": one.cashier},
                "till": {"terminal": till, "store": store},
                "paid on a day": {"succeeded_after": day, "succeeded_before": day},
            },
        ),
        "sales": (
            "/desk/transactions",
            {
                "": {},
                "channel": {"channel": "unionpay"},
                "store": {"store": store},
                "large": {"amount": "1000-"},
                "days long ago": days,
                "days long ago, store": {**days, "store": store},
                "receipt": {"q": sale.order_no},
                "channel's number": {"q": sale.channel_transaction_no},
                "phone": {"q": _PHONE},
                "four digits": {"q": card.card_last4},
                "nothing": {"q": "NOSUCHNUMBER"},
            },
        ),
        "messages": (
            "/desk/notifications",
            {
                "": {},
                "given up": {"state": "dead"},
                "waiting": {"state": "pending"},
                "medium": {"medium": "sms"},
                "days long ago": days,
                "number": {"q": one.number},
            },
        ),
        "search": (
            "/desk/search",
            {
                "number": {"q": one.number},
                "receipt": {"q": sale.order_no},
                "phone": {"q": _PHONE},
                "four digits": {"q": "5838"},
            },
        ),
        "REST refunds": (
            "/api/v1/refund-requests",
            {
                "": {},
                "state": {"state": "rejected"},
                "rare state": {"state": "failed"},
                "store": {"store": store},
                "till": {"store": store, "terminal": till},
                "reason": {"reason": "quality"},
                "no such reason": {"reason": "goodwill"},
                "window": {"created_after": start, "created_before": end},
                "since": {"created_after": start},
                "number": {"number": one.number},
                "receipt": {"order_no": sale.order_no},
            },
        ),
        "REST sales": (
            "/api/v1/transactions",
            {
                "": {},
                "receipt": {"order_no": sale.order_no},
                "channel's number": {"channel_transaction_no": sale.channel_transaction_no},
                "store": {"store": store},
                "till": {"store": store, "terminal": till},
                "cashier": {"cashier": sale.cashier},
                "window": {"paid_after": start, "paid_before": end},
                "window and amount": {"paid_after": start, "paid_before": end, "amount_fen": str(sale.amount_fen)},
                "window and card": {"paid_after": start, "paid_before": end, "card_last4": card.card_last4},
                "window and phone": {"paid_after": start, "paid_before": end, "phone_last4": _PHONE[-4:]},
                "window and article": {"paid_after": start, "paid_before": end, "sku": "SKU-0007"},
                "amount and card": {"amount_fen": str(card.amount_fen), "card_last4": card.card_last4},
                "phone and article": {"phone_last4": _PHONE[-4:], "sku": "SKU-0007"},
            },
        ),
    }
    for name, (path, filters) in lists.items():
        for what, query in filters.items():
            yield f"{name} {what}".strip(), f"{path}?{urlencode(query)}" if query else path
    yield "refund page", f"/desk/refunds/{one.number}"
    yield "sale page", f"/desk/transactions/{sale.pk}"
    yield "REST events", f"/api/v1/refund-requests/{one.pk}/events"
    yield "REST sale", f"/api/v1/transactions/{sale.pk}"
