"""Seeing a customer's full contact."""

from __future__ import annotations

import pytest
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review.revealing import Contact, reveal
from tests.factories import make_staff

pytestmark = pytest.mark.django_db


def test_contact_is_seen_and_the_look_is_in_the_trail_without_it(in_review: RefundRequest) -> None:
    by = of_staff(make_staff(in_review.merchant, "reviewer"))
    seen = reveal(request=in_review, by=by, at=timezone.now())
    assert seen == Contact("王小敏", "13800006021", "w@example.com")
    event = AuditEvent.objects.get(action="refund.reveal")
    assert (event.object_id, event.actor_id, event.data) == (str(in_review.pk), str(by.staff_id), {})


def test_contact_is_not_shown_to_a_cashier_and_nothing_is_written(in_review: RefundRequest) -> None:
    with pytest.raises(Forbidden):
        reveal(request=in_review, by=of_staff(make_staff(in_review.merchant, "cashier")), at=timezone.now())
    assert not AuditEvent.objects.filter(action="refund.reveal").exists()
