"""What a till's code opens on a phone."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.utils import timezone

from merchants.models import Role, Staff
from refunds.models import RefundRequest, TillAuthorisation
from refunds.review import at_the_till
from tests.desk.conftest import Shop
from tests.factories import make_request, make_sale, make_staff, till

AsStaff = Callable[[Staff], Client]


def _token(request: RefundRequest) -> str:
    return at_the_till.show(
        request_id=request.pk,
        terminal="POS-01",
        by=till(request.merchant),
        asked_by="key:1",
        at=timezone.now(),
        version=request.version,
        amount_fen=request.amount_fen,
    ).token


def test_code_when_used_leads_to_what_it_decided_and_decides_nothing_more(as_staff: AsStaff, shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant, 50_000), 30_000)
    path = f"/desk/at-till/{_token(request)}"
    phone = as_staff(shop.manager)
    assert request.number in phone.get(path).content.decode()
    assert phone.post(path, {"decision": "approve"})["Location"] == f"/desk/refunds/{request.number}"
    for again in (phone.get(path), phone.post(path, {"decision": "approve"})):
        assert (again.status_code, again["Location"]) == (302, f"/desk/refunds/{request.number}")
    assert as_staff(make_staff(shop.merchant, Role.MANAGER)).get(path).status_code == 409
    assert TillAuthorisation.objects.get().decision == "approve"


def test_reject_without_a_reason_is_refused_and_the_code_stays_good(as_staff: AsStaff, shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant, 50_000), 30_000)
    path = f"/desk/at-till/{_token(request)}"
    phone = as_staff(shop.manager)
    phone.get(path)
    assert phone.post(path, {"decision": "reject"}).status_code == 422
    assert RefundRequest.objects.get(pk=request.pk).state == "in_review"
    assert phone.post(path, {"decision": "reject", "reason_code": "goods_used", "message": "x"}).status_code == 302


def test_code_for_a_cashier_is_a_403_and_of_nobody_a_404(as_staff: AsStaff, shop: Shop) -> None:
    request = make_request(make_sale(shop.merchant, 50_000), 30_000)
    assert as_staff(shop.cashier).get(f"/desk/at-till/{_token(request)}").status_code == 403
    assert as_staff(shop.manager).get("/desk/at-till/nonsense").status_code == 404
    assert TillAuthorisation.objects.get().opened_by_id is None
