"""A merchant with a history and a draft that decides some of it otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from merchants.models import Merchant, PolicyDraft, Staff
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.principals import Principal, of_staff
from refunds.models import RefundRequest
from tests.factories import RULES, make_merchant, make_request, make_sale


@dataclass
class Past:
    """``approved``: 120.00 by rule; ``waiting`` and ``later``: 240.00 and 250.00 of one cashier, above it. The draft's limit
    is higher, but a cashier has one a day.
    """

    merchant: Merchant
    by: Principal
    draft: PolicyDraft
    approved: RefundRequest
    waiting: RefundRequest
    later: RefundRequest
    goodwill: RefundRequest

    @property
    def period(self) -> dict[str, datetime]:
        now = timezone.now()
        return {"since": now - timedelta(days=1), "until": now}


def saved_draft(merchant: Merchant, by: Principal, **change: Any) -> PolicyDraft:
    draft = drafting.start(by=by, at=timezone.now())
    written = Written(name="another", rules={**RULES, **change}, guides={})
    return drafting.write(draft_id=draft.pk, revision=draft.revision, written=written, by=by, at=timezone.now())


@pytest.fixture
def past() -> Past:
    merchant = make_merchant(rules=RULES)
    by = of_staff(Staff.objects.get(merchant=merchant))
    return Past(
        merchant=merchant,
        by=by,
        approved=make_request(make_sale(merchant, 50_000), 12_000),
        waiting=make_request(make_sale(merchant, 50_000, cashier="C2"), 24_000),
        later=make_request(make_sale(merchant, 50_000, cashier="C2"), 25_000),
        goodwill=make_request(make_sale(merchant, cashier="C3"), 1_000, reason="goodwill"),
        draft=saved_draft(merchant, by, auto_approve_limit_fen=30_000, auto_cashier_day_count=1),
    )
