"""Bank transfers by the file, at the desk."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from merchants import policies
from merchants.models import Staff
from merchants.principals import of_staff
from refunds.models import Execution, PaymentFile, RefundRequest, ReturnedTransfer
from refunds.states import Route
from tests.desk.conftest import Shop
from tests.factories import make_staff
from tests.refunds import hand

_RESULT = "/desk/transfers/result"
SignIn = Callable[[Staff], Client]


@pytest.fixture
def waits(shop: Shop) -> RefundRequest:
    owner = of_staff(make_staff(shop.merchant, "owner"))
    policies.publish(merchant=shop.merchant, name="x", rules=hand.BY_HAND_RULES, by=owner, at=timezone.now())
    return hand.waiting(Route.BANK_TRANSFER, sale=hand.sale_for(shop.merchant, Route.BANK_TRANSFER))


def _result(number: str, word: str = "成功") -> dict[str, SimpleUploadedFile]:
    text = f"业务参考号,处理结果,银行流水号\n{number},{word},B-1\nX,成功,B-2\n"
    return {"file": SimpleUploadedFile("r.csv", text.encode())}


def test_transfer_goes_by_file_is_tried_recorded_returned_and_paid_again(
    shop: Shop, waits: RefundRequest, as_staff: SignIn
) -> None:
    client = as_staff(shop.finance)
    assert "/desk/transfers" in client.get("/desk/by-hand").content.decode()
    assert "1 transfer waits" in client.get("/desk/transfers").content.decode()
    client.post("/desk/transfers/export")
    made, number = PaymentFile.objects.get(), Execution.objects.get(request=waits).refund_no
    by_hand = client.get(f"/desk/by-hand/{waits.number}").content.decode()
    assert f"This transfer is in {made}" in by_hand
    assert waits.approvals.get().staff.name in by_hand
    answer = client.post(f"/desk/transfers/files/{made.pk}", {"as": "csv"})
    assert number in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert client.post(f"/desk/transfers/files/{made.pk}", {"as": "xlsx"}).content.startswith(b"PK")
    assert client.post("/desk/transfers/files/999999", {"as": "csv"}).status_code == 404
    page = client.post("/desk/transfers/result", _result(number)).content.decode()
    assert "Nothing of r.csv is recorded yet." in page
    assert "No transfer of a file has this reference" in page
    assert RefundRequest.objects.get(pk=waits.pk).state == "manual_pending"
    assert "1 of 2 rows would change something" in page
    (kept,) = re.findall(r'name="kept" value="([^"]+)"', page)
    client.post("/desk/transfers/result", {"kept": kept})
    assert RefundRequest.objects.get(pk=waits.pk).state == "refunded"
    said = {"number": waits.number, "trouble": "payee_wrong", "holder_name": "王", "account_no": "1"}
    assert client.post("/desk/transfers/returned", said).status_code == 422
    page = client.post("/desk/transfers/returned", {**said, "account_no": ""}).content.decode()
    assert "An account has a holder" in page
    client.post("/desk/transfers/returned", {"number": waits.number, "trouble": "payee_wrong"})
    page = client.get("/desk/transfers").content.decode()
    assert "A colleague without a hand in it pays it again." in page
    assert client.get(f"/desk/refunds/{waits.number}").status_code == 200
    client.post(f"/desk/transfers/returned/{waits.number}", {"reference_no": "B-7"})
    assert ReturnedTransfer.objects.get().repaid_at is None
    as_staff(shop.manager).post(f"/desk/transfers/returned/{waits.number}", {"reference_no": "B-7"})
    assert ReturnedTransfer.objects.get().repaid_by == shop.manager.name


def test_result_that_was_looked_at_is_recorded_by_whoever_looked_and_nobody_else(
    shop: Shop, waits: RefundRequest, as_staff: SignIn
) -> None:
    client = as_staff(shop.finance)
    client.post("/desk/transfers/export")
    number = Execution.objects.get(request=waits).refund_no
    (kept,) = re.findall(r'name="kept" value="([^"]+)"', client.post(_RESULT, _result(number)).content.decode())
    # Another of the same office has the ticket and still not the file; nor does a ticket that was made up open any.
    for other, ticket in ((make_staff(shop.merchant, "finance"), kept), (shop.finance, "x")):
        answer = as_staff(other).post(_RESULT, {"kept": ticket})
        assert answer.status_code == 409
        assert "Nothing was recorded. Choose the file once more" in answer.content.decode()
    assert RefundRequest.objects.get(pk=waits.pk).state == "manual_pending"
    as_staff(shop.finance).post(_RESULT, {"kept": kept})
    assert RefundRequest.objects.get(pk=waits.pk).state == "refunded"
    # The page loaded again says the same once more, and changes nothing.
    assert "known before" in as_staff(shop.finance).post(_RESULT, {"kept": kept}).content.decode()


def test_result_is_never_recorded_unseen_and_nothing_of_it_is_offered_where_nothing_would_change(
    shop: Shop, waits: RefundRequest, as_staff: SignIn
) -> None:
    client = as_staff(shop.finance)
    client.post("/desk/transfers/export")
    number = Execution.objects.get(request=waits).refund_no
    client.post(_RESULT, {**_result(number), "record": "1"})
    assert RefundRequest.objects.get(pk=waits.pk).state == "manual_pending"
    page = client.post(_RESULT, _result("Y")).content.decode()
    assert "0 of 2 rows would change something" in page
    assert "Record the result" not in page


def test_page_when_one_may_not_pay_transfers_is_closed(shop: Shop, as_staff: SignIn) -> None:
    assert as_staff(shop.cashier).get("/desk/transfers").status_code == 403
    assert as_staff(shop.cashier).post("/desk/transfers/export").status_code == 403


def test_result_without_a_file_is_refused(shop: Shop, as_staff: SignIn) -> None:
    assert as_staff(shop.finance).post("/desk/transfers/result").status_code == 422
