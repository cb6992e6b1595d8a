"""Asking for a refund at the desk."""

from __future__ import annotations

import re
from typing import Any

from merchants.models import Role
from refunds.models import RefundRequest
from tests import pictures
from tests.walk.cases import case
from tests.walk.stage import Stage, text_of


def _new(stage: Stage, page: str) -> dict[str, Any]:
    (key,) = re.findall(r'name="idempotency_key" value="([^"]+)"', page)
    return {"idempotency_key": key, "amount": "12.00", "reason": "quality", "consent": "1", "note": "面板开裂"}


@case("GET", "/desk/new")
def new_form(stage: Stage) -> None:
    sale = stage.sale()
    assert sale.order_no in stage.get(Role.CASHIER, "/desk/new", q=sale.order_no)


@case("POST", "/desk/new")
def new(stage: Stage) -> None:
    sale = stage.sale()
    form = _new(stage, stage.get(Role.CASHIER, "/desk/new", sale=str(sale.pk)))
    stage.post(Role.CASHIER, "/desk/new", **form, sale=str(sale.pk), files=pictures.upload())
    request = RefundRequest.objects.get()
    assert (request.state, request.amount_fen, request.evidence.count()) == ("approved", 1_200, 1)


@case("POST", "/desk/new/quote")
def quote(stage: Stage) -> None:
    form = {"sale": str(stage.sale().pk), "amount": "268", "reason": "quality", "consent": "1"}
    answer = stage.post(Role.CASHIER, "/desk/new/quote", **form, expect=200)
    assert "A reviewer decides" in text_of(answer)


@case("POST", "/desk/new/scan")
def new_scan(stage: Stage) -> None:
    stage.post(Role.CASHIER, "/desk/new/scan", files=pictures.upload())
