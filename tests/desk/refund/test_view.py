"""The page of a refund."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import RefundRequest
from refunds.review import deciding
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale

SignIn = Callable[[Staff], Client]

HTMX = {"hx-request": "true"}


def test_detail_of_every_state_opens(reviewer: Client, shop: Shop) -> None:
    now = timezone.now()
    by_rule = make_request(make_sale(shop.merchant), 1_200, phone="13800006021", email="w@example.com")
    approved, rejected, asked = shop.waiting(), shop.waiting(), shop.waiting()
    deciding.approve(request_id=approved.pk, by=of_staff(shop.reviewer), at=now, version=approved.version)
    deciding.reject(
        request_id=rejected.pk,
        by=of_staff(shop.reviewer),
        at=now,
        version=rejected.version,
        reason="no_proof",
        message="<b>no</b>",
    )
    deciding.request_info(
        request_id=asked.pk, by=of_staff(shop.reviewer), at=now, version=asked.version, message="photo"
    )
    for request in (by_rule, approved, rejected, asked, shop.waiting()):
        answer = reviewer.get(f"/desk/refunds/{request.number}?do=approve")
        assert answer.status_code == 200
        assert len(answer.context["refund"].steps) == 5
    assert "&lt;b&gt;no&lt;/b&gt;" in reviewer.get(f"/desk/refunds/{rejected.number}").content.decode()


@pytest.mark.breaks_invariants
def test_progress_is_asked_for_while_the_channel_works_and_reloads_on_change(reviewer: Client, shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant), 1_200)
    page = reviewer.get(f"/desk/refunds/{request.number}").content.decode()
    address = f"/desk/refunds/{request.number}/progress?stamp={request.version}-0"
    assert address in page
    fragment = reviewer.get(address, headers={"hx-request": "true"})
    assert (fragment.status_code, "<html" in fragment.content.decode()) == (200, False)
    RefundRequest.objects.filter(pk=request.pk).update(version=request.version + 1)
    assert reviewer.get(address)["HX-Refresh"] == "true"


def test_a_claim_by_a_colleague_is_news_on_an_open_page(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    address = reviewer.get(f"/desk/refunds/{request.number}").context["refund"].status_url
    fragment = reviewer.get(address, headers=HTMX)
    assert fragment.status_code == 200
    assert 'id="viewers"' in fragment.content.decode()
    deciding.claim(request_id=request.pk, by=of_staff(shop.colleague), at=timezone.now())
    assert reviewer.get(address, headers=HTMX)["HX-Refresh"] == "true"
