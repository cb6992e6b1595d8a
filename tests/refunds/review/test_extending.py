"""More time with the customer's consent, and what pausing leaves of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.calendar import SHANGHAI
from core.errors import DomainError
from merchants.models import Store
from merchants.principals import of_staff
from refunds.intake import resubmitting
from refunds.intake.resubmitting import Correction
from refunds.models import Notification, RefundRequest
from refunds.review import deciding
from refunds.telling import outbox, wording
from tests.api.conftest import session_for
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.said import said

pytestmark = pytest.mark.django_db

NINE_TO_SIX = {"week": ["09:00-18:00"] * 7}


def _extend(request: RefundRequest, **more: Any) -> RefundRequest:
    now = timezone.now()
    said: dict[str, Any] = {
        "until": now + timedelta(days=3),
        "reason": "厂家来检测",
        "consent": True,
        "version": request.version,
    }
    reviewer = make_staff(request.merchant, "reviewer")
    return deciding.extend(request_id=request.pk, by=of_staff(reviewer), at=now, **{**said, **more})


def test_extend_when_the_customer_agreed_moves_the_due_time_and_says_so(in_review: RefundRequest) -> None:
    until = timezone.now() + timedelta(days=3)
    extended = _extend(in_review, until=until)
    kept = RefundRequest.objects.get(pk=in_review.pk)
    assert (kept.state, kept.due_at, kept.extended_until, kept.version) == ("in_review", until, until, 4)
    event = AuditEvent.objects.get(action="refund.extend")
    assert (said(event)["reason"], event.data["consent"]) == ("厂家来检测", True)
    outbox.write_notifications(at=timezone.now())
    told = Notification.objects.filter(request=in_review, version=extended.version, event="in_review")
    assert set(told.values_list("medium", flat=True)) == {"sms", "email"}
    text = wording.words(event="in_review", medium="sms", locale="en", request=kept).body
    assert "As agreed" in text
    assert f"{until.astimezone(SHANGHAI):%H:%M}" in text


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"consent": False}, "consent_required"),
        ({"reason": " "}, "reason_required"),
        ({"until": timedelta(minutes=1)}, "extension_too_short"),
        ({"until": timedelta(days=15)}, "extension_too_long"),
        ({"version": 2}, "version_conflict"),
    ],
)
def test_extend_when_something_is_missing_changes_nothing(
    in_review: RefundRequest, more: dict[str, Any], code: str
) -> None:
    if "until" in more:
        more = {"until": timezone.now() + more["until"]}
    with pytest.raises(DomainError) as refused:
        _extend(in_review, **more)
    assert refused.value.code == code
    kept = RefundRequest.objects.get(pk=in_review.pk)
    assert (kept.due_at, kept.extended_until, kept.version) == (in_review.due_at, None, in_review.version)


def test_extend_when_nothing_waits_for_a_decision_is_refused(in_review: RefundRequest) -> None:
    reviewer = of_staff(make_staff(in_review.merchant, "reviewer"))
    asked = deciding.request_info(
        request_id=in_review.pk, by=reviewer, at=timezone.now(), version=in_review.version, message="photo?"
    )
    with pytest.raises(DomainError) as refused:
        _extend(asked)
    assert refused.value.code == "state_conflict"


def test_extend_through_rest_answers_with_the_clock(in_review: RefundRequest) -> None:
    session = session_for(make_staff(in_review.merchant, "reviewer"))
    until = (timezone.now() + timedelta(days=3)).replace(microsecond=0)
    body = {"version": 3, "until": until.isoformat(), "reason": "厂家来检测", "consent": True}
    answer = session.post(f"refund-requests/{in_review.pk}/extend", body)
    assert answer.status_code == 200, answer.content
    said = answer.json()
    assert datetime.fromisoformat(said["due_at"]) == datetime.fromisoformat(said["extended_until"]) == until
    assert (said["paused"], said["escalated_at"]) == (False, None)
    refused = session.post(f"refund-requests/{in_review.pk}/extend", {**body, "version": 4, "consent": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "consent_required")


def _asked_at(text: str, *, hours: dict[str, Any] | None = None, paused: str = "") -> RefundRequest:
    """Asked for at this time in Shanghai, and paused then."""
    at = _at(text)
    # In force by then, however long ago that is by now.
    merchant = make_merchant(since=at - timedelta(days=1))
    Store.objects.filter(merchant=merchant).update(hours=hours or {})
    request = make_request(
        make_sale(merchant, 50_000, paid_at=at - timedelta(hours=1)), 30_000, reason="goodwill", at=at
    )
    if paused:
        reviewer = of_staff(make_staff(merchant, "reviewer"))
        deciding.request_info(
            request_id=request.pk, by=reviewer, at=_at(paused), version=request.version, message="photo?"
        )
        request = RefundRequest.objects.get(pk=request.pk)
    return request


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def _sent_in(request: RefundRequest, at: str) -> RefundRequest:
    by = of_staff(make_staff(request.merchant, "cashier"))
    RefundRequest.objects.filter(pk=request.pk).update(staff_id=by.staff_id)
    return resubmitting.resubmit(request_id=request.pk, correction=Correction(), by=by, at=_at(at))


def test_due_time_when_the_store_has_hours_is_counted_in_them() -> None:
    # 24 hours of nine a day: six today, nine on each of two days; the policy's promise is of opening hours.
    assert _asked_at("2026-11-27 12:00", hours=NINE_TO_SIX).due_at == _at("2026-11-29 18:00")
    assert _asked_at("2026-11-27 12:00").due_at == _at("2026-11-28 12:00")


def test_due_time_when_its_holidays_are_shut_comes_after_them() -> None:
    shut = {**NINE_TO_SIX, "holiday": ""}
    assert _asked_at("2026-09-30 17:00", hours=shut).due_at == _at("2026-10-10 14:00")


def test_clock_when_paused_goes_on_with_what_was_left() -> None:
    request = _asked_at("2026-11-27 12:00", hours=NINE_TO_SIX, paused="2026-11-28 10:00")
    # Seven hours were used: six and one. Seventeen are left: from Tuesday noon six, nine, two.
    assert _sent_in(request, "2026-12-01 12:00").due_at == _at("2026-12-03 11:00")
    without = _asked_at("2026-11-27 12:00", paused="2026-11-27 18:00")
    assert _sent_in(without, "2026-12-01 12:00").due_at == _at("2026-12-02 06:00")


def test_clock_when_paused_after_an_extension_keeps_what_was_agreed() -> None:
    request = _asked_at("2026-11-27 12:00")
    reviewer = of_staff(make_staff(request.merchant, "reviewer"))
    said: dict[str, Any] = {"request_id": request.pk, "by": reviewer, "at": _at("2026-11-27 13:00")}
    deciding.extend(**said, version=3, until=_at("2026-11-30 12:00"), reason="x", consent=True)
    deciding.request_info(**said, version=4, message="photo?")
    sent_in = _sent_in(request, "2026-12-01 13:00")
    assert sent_in.due_at == sent_in.extended_until == _at("2026-12-04 12:00")


def test_clock_when_it_ran_out_before_the_pause_is_due_at_once() -> None:
    request = _asked_at("2026-11-27 12:00", paused="2026-11-29 12:00")
    assert _sent_in(request, "2026-12-01 12:00").due_at == _at("2026-12-01 12:00")


def test_clock_when_rejected_and_sent_in_again_begins_anew() -> None:
    request = _asked_at("2026-11-27 12:00")
    reviewer = of_staff(make_staff(request.merchant, "reviewer"))
    deciding.reject(
        request_id=request.pk, by=reviewer, at=_at("2026-11-27 13:00"), version=3, reason="no_proof", message="?"
    )
    assert _sent_in(request, "2026-12-01 12:00").due_at == _at("2026-12-02 12:00")
