"""A consent belongs to one refund."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from refunds.models import WeChatConsent
from tests.factories import make_merchant, make_request, make_sale


@pytest.mark.django_db
def test_consent_is_kept_once_for_a_refund() -> None:
    request = make_request(make_sale(make_merchant()))
    given = {"merchant_id": request.merchant_id, "request": request, "openid": "o-1", "given_at": timezone.now()}
    WeChatConsent.objects.create(**given)
    with pytest.raises(IntegrityError), transaction.atomic():
        WeChatConsent.objects.create(**given)
    assert WeChatConsent.objects.get().openid == "o-1"
