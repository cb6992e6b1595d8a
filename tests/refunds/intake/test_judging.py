"""The policy asked: a quote is what a submission then does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from refunds.intake import judging
from refunds.intake.claims import Draft
from refunds.intake.judging import PolicyRefused
from refunds.models import RefundRequest
from tests.factories import at_the_till, make_merchant, make_sale, submit

pytestmark = pytest.mark.django_db


def test_quote_is_what_submission_then_does_and_makes_nothing() -> None:
    sale = make_sale(make_merchant(), 50_000)
    for amount, state in ((1_200, "approved"), (30_000, "in_review")):
        draft = Draft(amount_fen=amount, reason="quality", transaction_id=sale.pk)
        _sale, verdict, legs = judging.quote(draft=draft, by=at_the_till(sale), at=timezone.now())
        assert verdict.decision.value == {"approved": "approve", "in_review": "review"}[state]
        assert [leg.amount_fen for leg in legs] == [amount]
        sale.refresh_from_db()
        before = sale.reserved_fen
        assert submit(sale, amount).state == state
        sale.refresh_from_db()
        assert sale.reserved_fen == before + amount


@pytest.mark.parametrize(
    ("sale_fields", "code"),
    [
        ({"status": "paying"}, "payment_succeeded"),
        ({"paid_at": timezone.now() - timedelta(days=366)}, "channel_window"),
    ],
)
def test_hard_limit_refuses_with_its_code_and_verdict(sale_fields: dict[str, Any], code: str) -> None:
    sale = make_sale(make_merchant(), **sale_fields)
    with pytest.raises(PolicyRefused) as refused:
        submit(sale)
    assert refused.value.code == code
    assert refused.value.facts["verdict"].decision.value == "refuse"
    assert not RefundRequest.objects.exists()
