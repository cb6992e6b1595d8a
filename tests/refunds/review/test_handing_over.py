"""Handing a request to a colleague."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Invalid
from merchants.models import Store
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding, handing_over
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_colleague_who_could_decide_it_has_it_from_now_on(in_review: RefundRequest) -> None:
    mine, theirs = make_staff(in_review.merchant, "reviewer"), make_staff(in_review.merchant, "reviewer")
    now = timezone.now()
    deciding.claim(request_id=in_review.pk, by=of_staff(mine), at=now)
    assert handing_over.hand_over(request_id=in_review.pk, to=theirs.pk, by=of_staff(mine), at=now) == theirs
    assert RefundRequest.objects.get(pk=in_review.pk).claimed_by == theirs
    assert AuditEvent.objects.get(action="refund.reassign").data == {"to": theirs.name}


def test_colleague_who_could_not_decide_it_does_not_get_it(in_review: RefundRequest) -> None:
    manager, now = make_staff(in_review.merchant, "manager"), timezone.now()
    other = Store.objects.create(merchant=in_review.merchant, code="S002", name="二号店")
    elsewhere = make_staff(in_review.merchant, "manager", stores=[other])
    for person in (make_staff(in_review.merchant, "cashier"), make_staff(in_review.merchant, "finance"), elsewhere):
        assert person not in handing_over.colleagues(request=in_review, at=now)
        with pytest.raises(Invalid):
            handing_over.hand_over(request_id=in_review.pk, to=person.pk, by=of_staff(manager), at=now)
    assert RefundRequest.objects.get(pk=in_review.pk).claimed_by is None
