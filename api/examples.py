"""Bodies to copy, by operation. A test sends them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from api.shapes import instant

_SALE: dict[str, Any] = {
    "order_no": "A20261120-3391",
    "channel": "wechat",
    "channel_transaction_no": "4200001234202611200000000001",
    "kind": "sale",
    "amount_fen": 33_980,
    "paid_at": instant(timezone.now().replace(microsecond=0) - timedelta(hours=1)),
    "store": "S001",
    "terminal": "POS-01",
    "cashier": "C001",
    "payer": {"phone": "13800006021", "card_last4": None, "funding": "balance"},
    "lines": [
        {"sku": "AF-4L", "name": "空气炸锅 4L", "quantity": 1, "unit_price_fen": 26_800, "amount_fen": 26_800},
        {"sku": "KT-01", "name": "电热水壶", "quantity": 2, "unit_price_fen": 3_590, "amount_fen": 7_180},
    ],
}
_WISH: dict[str, Any] = {
    "order_no": "A20261120-3391",
    "amount_fen": 26_800,
    "reason": "quality",
    "description": "面板开裂",
    "route": "original",
    "lines": [{"sku": "AF-4L", "quantity": 1}],
    "customer": {"name": "王敏", "phone": "13800006021", "locale": "zh-Hans"},
    "customer_consent": True,
}

#: operation -> title -> body
BODIES: dict[str, dict[str, Any]] = {
    "report_transaction": {"A sale with its articles": _SALE},
    "quote_refund": {
        "An article": _WISH,
        "An amount": {"order_no": "A20261120-3391", "amount_fen": 100, "reason": "goodwill"},
    },
    "submit_refund_request": {"An article": _WISH},
    "cancel_refund_request": {"Withdrawn": {"version": 3, "note": "顾客改变主意"}},
    "resubmit_refund_request": {"A lower amount": {"version": 4, "amount_fen": 20_000, "description": "照片已补"}},
    "claim_refund_request": {"As it was seen": {"version": 3}},
    "approve_refund_request": {
        "In full": {"version": 3, "note": "照片清楚"},
        "In part": {"version": 3, "amount_fen": 20_000},
    },
    "reject_refund_request": {
        "With a reason": {"version": 3, "reason_code": "not_covered", "message": "超出约定的退款范围"}
    },
    "request_info_refund_request": {"A picture": {"version": 3, "message": "请补一张面板的照片"}},
}
