"""Open cases of customers at the desk."""

from __future__ import annotations

import pytest
from django.test import Client

from merchants.models import Staff
from refunds.models import CustomerReport
from tests.customer.conftest import in_state
from tests.factories import make_merchant, make_staff
from tests.refunds.follow_up.test_reports import asked

pytestmark = pytest.mark.django_db


def _client(staff: Staff) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(staff)
    return client


def test_a_case_is_listed_taken_and_closed_with_an_answer() -> None:
    request = in_state("refunded")
    report = asked(request, "<b>发票</b>？")
    client = _client(make_staff(request.merchant, "manager"))
    page = client.get("/desk/tasks").content.decode()
    assert request.number in page
    assert "&lt;b&gt;发票" in page

    assert client.post(f"/desk/tasks/{report.pk}/take").status_code == 302
    refused = client.post(f"/desk/tasks/{report.pk}/close", {"outcome": " "})
    assert refused.status_code == 422
    report.refresh_from_db()
    assert report.is_open
    assert client.post(f"/desk/tasks/{report.pk}/close", {"outcome": "已处理"}).status_code == 302

    assert "No customer waits for an answer." in client.get("/desk/tasks").content.decode()
    on_refund = client.get(f"/desk/refunds/{request.number}").content.decode()
    assert "What the customer said" in on_refund
    assert "已处理" in on_refund


def test_a_case_of_another_merchant_is_not_found() -> None:
    report = asked(in_state("refunded"))
    client = _client(make_staff(make_merchant(), "owner"))
    assert client.post(f"/desk/tasks/{report.pk}/take").status_code == 404
    assert client.post(f"/desk/tasks/{report.pk}/close", {"outcome": "x"}).status_code == 404
    assert str(report.request.number) not in client.get("/desk/tasks").content.decode()
    assert CustomerReport.objects.get().is_open


def test_call_back_is_noted_with_a_time_and_handed_to_a_colleague() -> None:
    request = in_state("refunded")
    manager, colleague = make_staff(request.merchant, "manager"), make_staff(request.merchant, "reviewer")
    cashier, client = make_staff(request.merchant, "cashier"), _client(manager)
    said = {"number": request.number, "kind": "call_back", "words": "问是否到账", "due_at": "2039-01-01T10:00"}
    refused = client.post("/desk/tasks/new", {**said, "words": " "})
    assert refused.status_code == 422
    assert f'value="{request.number}"' in refused.content.decode()
    assert client.post("/desk/tasks/new", {**said, "due_at": "2001-01-01T10:00"}).status_code == 422
    unknown = client.post("/desk/tasks/new", {**said, "number": "0853"})
    assert "No refund has this number" in unknown.content.decode()
    assert not CustomerReport.objects.exists()
    assert client.post("/desk/tasks/new", {**said, "number": request.number.lower()}).status_code == 302
    report = CustomerReport.objects.get()
    client.post(f"/desk/tasks/{report.pk}/hand-over", {"staff": str(cashier.pk)})
    assert CustomerReport.objects.get().owner != cashier
    client.post(f"/desk/tasks/{report.pk}/hand-over", {"staff": str(colleague.pk)})
    assert CustomerReport.objects.get().owner == colleague
    assert "问是否到账" in client.get("/desk/tasks").content.decode()
    assert _client(cashier).get("/desk/tasks").status_code == 403
