"""What a customer agreed to: kept with who, how and when, and held to by who approves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.errors import DomainError
from merchants.principals import of_staff
from refunds.models import Agreement, RefundRequest
from refunds.review import deciding
from refunds.review.agreeing import Consent
from tests.api.conftest import api_for, session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting() -> RefundRequest:
    return make_request(make_sale(make_merchant(), 50_000), 30_000, by=None)


def said(**fields: Any) -> dict[str, Any]:
    now = timezone.now().isoformat()
    usual = {"amount_fen": 20_000, "agreed_by": "王女士", "means": "phone", "agreed_at": now, "words": "退一半即可"}
    return {**usual, **fields}


def test_agree_when_an_amount_is_agreed_only_that_is_approved_and_everybody_reads_it(waiting: RefundRequest) -> None:
    manager = session_for(make_staff(waiting.merchant, "manager"))
    answer = manager.post(f"refund-requests/{waiting.pk}/agreements", said())
    assert answer.status_code == 200, answer.content
    (told,) = answer.json()["agreements"]
    assert (told["amount_fen"], told["agreed_by"], told["means"], told["words"]) == (
        20_000,
        "王女士",
        "phone",
        "退一半即可",
    )
    by = of_staff(make_staff(waiting.merchant, "manager"))
    with pytest.raises(DomainError, match="agreed to another amount"):
        deciding.approve(request_id=waiting.pk, by=by, at=timezone.now(), version=waiting.version)
    waiting = RefundRequest.objects.get(pk=waiting.pk)
    assert waiting.state == "in_review"
    approved = deciding.approve(
        request_id=waiting.pk, by=by, at=timezone.now(), version=waiting.version, amount_fen=20_000
    )
    assert (approved.state, approved.approved_fen) == ("approved", 20_000)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"amount_fen": 30_001}, "amount_above_requested"),
        ({"agreed_at": (timezone.now() + timedelta(days=2)).isoformat()}, "agreed_by_missing"),
        ({"means": "smoke"}, "invalid_input"),
        ({"version": 99}, "version_conflict"),
    ],
)
def test_agree_when_it_is_more_than_asked_or_not_said_yet_keeps_nothing(
    waiting: RefundRequest, fields: dict[str, Any], code: str
) -> None:
    manager = session_for(make_staff(waiting.merchant, "manager"))
    answer = manager.post(f"refund-requests/{waiting.pk}/agreements", said(**fields))
    assert answer.json()["code"] == code
    assert not Agreement.objects.exists()


def test_agree_when_another_cashiers_or_not_in_review_is_refused(waiting: RefundRequest) -> None:
    stranger = session_for(make_staff(waiting.merchant, "cashier"))
    assert stranger.post(f"refund-requests/{waiting.pk}/agreements", said()).status_code == 403
    other = api_for(make_merchant())
    assert other.post(f"refund-requests/{waiting.pk}/agreements", said()).status_code == 404
    manager = make_staff(waiting.merchant, "manager")
    why: dict[str, Any] = {"reason": "no_proof", "message": "无凭证"}
    deciding.reject(request_id=waiting.pk, by=of_staff(manager), at=timezone.now(), version=waiting.version, **why)
    assert session_for(manager).post(f"refund-requests/{waiting.pk}/agreements", said()).status_code == 409
    assert not Agreement.objects.exists()


def test_extend_when_it_is_said_who_agreed_keeps_that(waiting: RefundRequest) -> None:
    now = timezone.now()
    until = waiting.due_at + timedelta(hours=5)
    deciding.extend(
        request_id=waiting.pk,
        by=of_staff(make_staff(waiting.merchant, "manager")),
        at=now,
        version=waiting.version,
        until=until,
        reason="等银行",
        consent=Consent(agreed_by="王女士", means="message", agreed_at=now),
    )
    kept = Agreement.objects.get()
    assert (kept.until, kept.amount_fen, kept.means) == (until, None, "message")
