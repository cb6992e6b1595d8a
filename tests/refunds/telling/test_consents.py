"""A customer's consent to messages in WeChat: by the shop that asked for the refund, and taken back at any time."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from core.audit.models import AuditEvent
from core.errors import Forbidden, Invalid
from merchants import principals
from merchants.models import KeyScope
from merchants.principals import Principal
from refunds.models import RefundRequest, WeChatConsent
from refunds.telling import consents
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked() -> tuple[RefundRequest, Principal]:
    merchant = make_merchant()
    scopes = frozenset({KeyScope.REFUNDS_WRITE})
    key = principals.of_key(key_id=7, name="shop", merchant_id=merchant.pk, stores=None, scopes=scopes, made_by=None)
    return make_request(make_sale(merchant), by=key), key


def test_consent_when_given_again_takes_the_place_of_the_first_and_is_sealed(
    asked: tuple[RefundRequest, Principal],
) -> None:
    request, key = asked
    for openid, events in (("o-1", ["approved"]), ("o-2", ["refunded", "rejected"])):
        consents.give(request_id=request.pk, openid=openid, events=events, by=key, at=timezone.now())
    kept = WeChatConsent.objects.get()
    assert (kept.openid, kept.events) == ("o-2", ["refunded", "rejected"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT openid FROM refunds_wechatconsent")
        assert b"o-2" not in bytes(cursor.fetchone()[0])
    consents.withdraw(request_id=request.pk, by=key, at=timezone.now())
    kept.refresh_from_db()
    assert (kept.openid, kept.events) == ("", [])
    said = AuditEvent.objects.filter(action__startswith="refund.consent").order_by("pk")
    assert [event.action for event in said] == ["refund.consent", "refund.consent", "refund.consent_withdrawn"]
    assert "o-2" not in str([event.data for event in said])


@pytest.mark.parametrize(("openid", "events"), [(" ", ["refunded"]), ("o-1", []), ("o-1", ["submitted"])])
def test_consent_when_incomplete_is_refused(
    asked: tuple[RefundRequest, Principal], openid: str, events: list[str]
) -> None:
    with pytest.raises(Invalid):
        consents.give(request_id=asked[0].pk, openid=openid, events=events, by=asked[1], at=timezone.now())
    assert not WeChatConsent.objects.exists()


def test_consent_when_staff_say_so_is_refused(asked: tuple[RefundRequest, Principal]) -> None:
    by = principals.of_staff(make_staff(asked[0].merchant, "owner"))
    with pytest.raises(Forbidden):
        consents.give(request_id=asked[0].pk, openid="o-1", events=["refunded"], by=by, at=timezone.now())
    assert not WeChatConsent.objects.exists()
