"""More time after a disaster: for chosen stores and days, on both clocks, ended early."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import DomainError
from merchants.models import Grace, Merchant, Store
from merchants.principals import Principal, of_staff
from refunds.intake import judging
from refunds.intake.claims import Draft
from refunds.models import Judgement, RefundRequest
from refunds.review import grace
from refunds.rules.policy import Verdict
from tests.factories import make_merchant, make_request, make_sale, make_staff, till, works_in

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def _manager(merchant: Merchant) -> Principal:
    return of_staff(make_staff(merchant, "manager"))


def _declare(merchant: Merchant, **more: Any) -> Grace:
    now = timezone.now()
    said = {
        "store_ids": None,
        "starts_at": now - DAY,
        "ends_at": now + 2 * DAY,
        "hours": 72,
        "reason": "台风",
        "by": more.pop("by", None) or _manager(merchant),
        "at": now,
    }
    return grace.declare(**{**said, **more})


def _waiting(merchant: Merchant, **sale: Any) -> RefundRequest:
    return make_request(make_sale(merchant, 50_000, **sale), 30_000, reason="goodwill")


def _verdict(merchant: Merchant, *, days: int, reason: str = "service_failure") -> Verdict:
    sale = make_sale(merchant, 10_000, paid_at=timezone.now() - days * DAY - timedelta(hours=1))
    draft = Draft(amount_fen=1_000, reason=reason, transaction_id=sale.pk, customer_consent=True)
    return judging.quote(draft=draft, by=till(merchant), at=timezone.now())[1]


def _window(verdict: Verdict) -> tuple[bool, str]:
    (line,) = (rule for rule in verdict.rules if rule.code == "filing_window")
    return line.passed, line.limit


def test_declare_gives_what_lies_on_the_desk_its_hours_at_once(merchant: Merchant) -> None:
    waiting, elsewhere = _waiting(merchant), _waiting(make_merchant())
    given = _declare(merchant)
    kept = RefundRequest.objects.get(pk=waiting.pk)
    assert kept.due_at == waiting.due_at + timedelta(hours=72)
    assert RefundRequest.objects.get(pk=elsewhere.pk).due_at == elsewhere.due_at
    assert AuditEvent.objects.get(action="refund.grace").object_id == str(waiting.pk)
    assert AuditEvent.objects.get(action="grace.declare").data["refunds"] == 1
    assert given.declared_by_id is not None


def test_grace_counts_on_both_clocks_of_what_is_asked_for_in_it(merchant: Merchant) -> None:
    assert _window(_verdict(merchant, days=9)) == (False, "7")
    usual = _verdict(merchant, days=1)
    # It began while the seven days ran.
    _declare(merchant, starts_at=timezone.now() - 5 * DAY)
    in_grace = _verdict(merchant, days=1)
    assert usual.file_by is not None
    assert in_grace.file_by is not None
    assert timedelta(hours=71) < in_grace.due_at - usual.due_at < timedelta(hours=73)
    assert timedelta(hours=71) < in_grace.file_by - usual.file_by < timedelta(hours=73)
    assert _window(_verdict(merchant, days=9)) == (True, "10")
    assert _window(_verdict(merchant, days=13)) == (False, "7")


def test_grace_when_it_is_of_another_store_counts_for_nobody_here(merchant: Merchant) -> None:
    other = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    waiting = _waiting(merchant)
    _declare(merchant, store_ids=[other.pk])
    assert RefundRequest.objects.get(pk=waiting.pk).due_at == waiting.due_at
    assert _waiting(merchant).due_at - timezone.now() < timedelta(hours=25)


def test_grace_is_kept_with_the_facts(merchant: Merchant) -> None:
    _declare(merchant)
    kept = Judgement.objects.get(request_id=_waiting(merchant).pk)
    assert '"grace_hours":72' in kept.facts


def test_end_when_early_gives_no_more_and_takes_nothing_back(merchant: Merchant) -> None:
    given = _declare(merchant)
    first = _waiting(merchant)
    grace.end(grace_id=given.pk, by=_manager(merchant), at=timezone.now())
    assert RefundRequest.objects.get(pk=first.pk).due_at - timezone.now() > timedelta(hours=90)
    assert _waiting(merchant).due_at - timezone.now() < timedelta(hours=25)
    assert AuditEvent.objects.filter(action="grace.end").count() == 1
    with pytest.raises(DomainError) as refused:
        grace.end(grace_id=given.pk, by=_manager(merchant), at=timezone.now())
    assert refused.value.code == "grace_over"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"hours": 0}, "grace_invalid"),
        ({"hours": 361}, "grace_invalid"),
        ({"ends_at": -DAY / 2}, "grace_invalid"),
        ({"reason": ""}, "message_required"),
        ({"store_ids": []}, "unknown_store"),
        ({"store_ids": [0]}, "unknown_store"),
    ],
)
def test_declare_when_something_is_wrong_changes_nothing(merchant: Merchant, more: dict[str, Any], code: str) -> None:
    waiting = _waiting(merchant)
    if "ends_at" in more:
        more = {"ends_at": timezone.now() + more["ends_at"]}
    with pytest.raises(DomainError) as refused:
        _declare(merchant, **more)
    assert refused.value.code == code
    assert not Grace.objects.exists()
    assert RefundRequest.objects.get(pk=waiting.pk).due_at == waiting.due_at


def test_declare_when_another_holds_then_is_refused(merchant: Merchant) -> None:
    store = merchant.stores.get()
    _declare(merchant, store_ids=[store.pk])
    with pytest.raises(DomainError) as refused:
        _declare(merchant)
    assert refused.value.code == "grace_overlaps"
    assert Grace.objects.count() == 1


def test_declare_when_the_stores_are_not_theirs_is_refused(merchant: Merchant) -> None:
    other = Store.objects.create(merchant=merchant, code="S002", name="二号店")
    staff = make_staff(merchant, "manager")
    works_in(staff, other)
    for stores in (None, [merchant.stores.order_by("pk")[0].pk]):
        with pytest.raises(DomainError) as refused:
            _declare(merchant, by=of_staff(staff), store_ids=stores)
        assert refused.value.code in ("all_stores_required", "not_found")
    assert not Grace.objects.exists()
    assert _declare(merchant, by=of_staff(staff), store_ids=[other.pk]).store_ids == [other.pk]
