"""Both figures where a coupon paid a part: in messages, on the customer's page, the voucher and the desk, in both languages."""

from __future__ import annotations

import pytest
from django.test import Client

from refunds.models import RefundRequest
from refunds.telling import tracking
from refunds.telling.wording import words
from tests.factories import make_merchant, make_request, make_sale, make_staff
from tests.refunds.settled import paid

pytestmark = pytest.mark.django_db

_TOLD = {
    "en": "¥100.00 of the sale is refunded, ¥80.00 to you, ¥20.00 as coupon.",
    "zh-Hans": "本次退订单金额 ¥100.00：退给您 ¥80.00，优惠券部分 ¥20.00。",
}
_STAFF = {
    "en": "¥100.00 of the sale is refunded: ¥80.00 to the payer, ¥20.00 as coupon.",
    "zh-Hans": "本次退订单金额 ¥100.00：退给付款人 ¥80.00，优惠券部分 ¥20.00。",
}


def _refund(payer_paid_fen: int | None = 16_000) -> RefundRequest:
    sale = make_sale(make_merchant(), 20_000, payer_paid_fen=payer_paid_fen)
    return paid(make_request(sale, 10_000, phone="13800006021"))


@pytest.mark.parametrize("locale", _TOLD)
@pytest.mark.parametrize("medium", ["sms", "email"])
@pytest.mark.parametrize("event", ["in_review", "approved", "refunded"])
def test_words_when_a_coupon_paid_a_part_both_figures_are_told(event: str, medium: str, locale: str) -> None:
    assert _TOLD[locale] in words(event=event, medium=medium, locale=locale, request=_refund()).body
    assert "¥80.00" not in words(event=event, medium=medium, locale=locale, request=_refund(None)).body


@pytest.mark.parametrize("locale", _TOLD)
def test_pages_when_a_coupon_paid_a_part_both_figures_stand_there(locale: str) -> None:
    request = _refund()
    client = Client(headers={"accept-language": locale})
    page = client.get(f"/r/{tracking.token_for(request.pk)}", {"lang": locale}, follow=True)
    assert _TOLD[locale] in page.content.decode()
    client.force_login(make_staff(request.merchant, "finance"), backend="django.contrib.auth.backends.ModelBackend")
    for path, told in (("", _STAFF), ("/voucher", _TOLD), ("/pane", _STAFF)):
        assert told[locale] in client.get(f"/desk/refunds/{request.number}{path}").content.decode(), path
    sale = request.transaction
    assert "160.00" in client.get(f"/desk/transactions/{sale.pk}").content.decode()
    quoted = {"sale": str(sale.pk), "amount": "100.00", "reason": "quality"}
    assert _STAFF[locale] in client.post("/desk/new/quote", quoted).content.decode()
