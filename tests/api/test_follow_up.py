"""Tasks and bank transfers through REST: for staff in their session."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from refunds.models import CustomerReport, PaymentFile, RefundRequest
from refunds.states import Route
from tests.api.conftest import api_for, session_for
from tests.customer.conftest import in_state
from tests.factories import make_staff
from tests.refunds import hand

pytestmark = pytest.mark.django_db


def test_task_when_noted_is_listed_handed_over_and_closed() -> None:
    request = in_state("refunded")
    session, colleague = session_for(make_staff(request.merchant, "manager")), make_staff(request.merchant, "reviewer")
    path = f"refund-requests/{request.pk}/tasks"
    assert api_for(request.merchant).post(path, {"kind": "complaint", "words": "?"}).status_code == 403
    assert session.post(path, {"kind": "arrived", "words": "?"}).status_code == 400
    assert not CustomerReport.objects.exists()
    assert session.post(path, {"kind": "complaint", "words": "态度不好"}).status_code == 200
    (task,) = session.get("tasks").json()["results"]
    assert (task["kind"], task["refund_request"]) == ("complaint", str(request.pk))
    assert session.post(f"tasks/{task['id']}/hand-over", {"staff": 999_999}).status_code == 422
    handed = session.post(f"tasks/{task['id']}/hand-over", {"staff": colleague.pk}).json()
    assert handed["owner"] == colleague.name
    assert session.post(f"tasks/{task['id']}/take", {}).json()["owner"] == session.staff.name
    assert session.post(f"tasks/{task['id']}/close", {"outcome": "已道歉"}).json()["closed_at"]
    assert session.post(f"tasks/{task['id']}/close", {"outcome": "?"}).status_code == 409
    assert session.get("tasks").json()["results"] == []


def test_transfers_when_taken_to_the_bank_are_settled_by_its_result_and_paid_again_after_a_return() -> None:
    request = hand.waiting(Route.BANK_TRANSFER)
    session, colleague = (session_for(make_staff(request.merchant, "finance")) for _ in range(2))
    assert api_for(request.merchant).post("payment-files", {}).status_code == 403
    (line,) = session.post("payment-files", {}).json()["transfers"]
    assert (line["account_no"], line["amount_fen"]) == (hand.ACCOUNT_NO, 1_200)
    assert session.post("payment-files", {}).status_code == 409
    assert len(session.get("payment-files").json()["results"]) == PaymentFile.objects.count() == 1

    def read(**fields: str) -> list[str]:
        text = f"业务参考号,处理结果,银行流水号\n{line['reference']},成功,B-1\n"
        session.client.cookies["csrftoken"] = "t" * 32
        answer = session.client.post(
            "/api/v1/payment-results",
            {"file": SimpleUploadedFile("r.csv", text.encode()), **fields},
            headers={"X-CSRFToken": "t" * 32},
        )
        assert answer.status_code == 200, answer.content
        return [one["result"] for one in answer.json()["results"]]

    assert read(dry_run="true") == ["paid"]
    assert RefundRequest.objects.get(pk=request.pk).state == "manual_pending"
    assert (read(), read()) == (["paid"], ["known"])
    path = f"refund-requests/{request.pk}"
    assert session.post(f"{path}/returned-transfer", {"trouble": "payee_wrong"}).status_code == 200
    assert session.post(f"{path}/repaid-transfer", {"reference_no": "B-2"}).status_code == 403
    assert colleague.post(f"{path}/repaid-transfer", {"reference_no": "B-2"}).status_code == 200
    assert request.returned_transfers.get().reference_no == "B-2"
