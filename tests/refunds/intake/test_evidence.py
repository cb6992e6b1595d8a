"""What a policy wants to see: asked for before a request is taken in, judged with it, and known again on another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from core.audit.models import AuditEvent
from refunds.evidence import files
from refunds.models import Evidence, RefundRequest
from tests import papers, pictures
from tests.api.conftest import Api, api_for
from tests.factories import RULES, make_merchant, make_sale
from tests.refunds.evidence.conftest import files_below
from tests.refunds.limited import body, failing, sales, shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "evidence"


@pytest.fixture
def wants() -> Api:
    """A shop that wants a photo and the receipt for bad quality."""
    rule = {**RULES["reasons"]["quality"], "evidence_required": ["photo", "receipt"]}
    return api_for(shop(reasons={**RULES["reasons"], "quality": rule}))


def send(api: Api, key: str, upload: Any = None, kind: str = "photo") -> Any:
    headers = {"Authorization": f"Bearer {api.key}", "Idempotency-Key": key}
    fields = {"file": pictures.upload() if upload is None else upload, "kind": kind}
    return Client().post("/api/v1/evidence", fields, headers=headers)


def test_submit_when_evidence_is_missing_takes_nothing_in_and_names_the_kinds(wants: Api) -> None:
    sale = make_sale(wants.merchant)
    answer = wants.post("refund-requests", body(sale, 1_000))
    found = answer.json()
    assert (answer.status_code, found["code"]) == (422, "evidence_missing")
    assert [error["message"] for error in found["errors"]] == ["缺少凭证：照片。", "缺少凭证：小票。"]
    english = wants.post("refund-requests", body(sale, 1_000), **{"Accept-Language": "en"}).json()
    said = [error["message"] for error in english["errors"]]
    assert said == ["Evidence is missing: photo.", "Evidence is missing: receipt."]
    sale.refresh_from_db()
    assert (RefundRequest.objects.count(), sale.reserved_fen) == (0, 0)


def test_submit_when_evidence_was_sent_ahead_is_approved_by_rule_and_has_it(wants: Api) -> None:
    sale = make_sale(wants.merchant)
    photo_id = send(wants, "a").json()["id"]
    paper = send(wants, "b", papers.upload(papers.encoded(armed=True)), "receipt").json()
    assert paper["content_type"] == "application/pdf"
    asked = body(sale, 1_000, evidence=[photo_id, paper["id"]])
    quoted = wants.post("refund-quotes", asked).json()["verdict"]
    assert (quoted["decision"], quoted["evidence"]) == ("approve", ["photo", "receipt"])
    answer = wants.post("refund-requests", asked)
    assert (answer.status_code, answer.json()["state"]) == (201, "approved")
    request = RefundRequest.objects.get()
    assert sorted(request.evidence.values_list("kind", flat=True)) == ["photo", "receipt"]
    told = AuditEvent.objects.filter(object_id=str(request.pk), action="refund.evidence")
    assert {event.data["evidence"] for event in told} == {photo_id, paper["id"]}


def test_submit_when_it_is_said_why_evidence_is_missing_a_person_decides(wants: Api) -> None:
    answer = wants.post("refund-requests", body(make_sale(wants.merchant), 1_000, without_evidence="已丢弃")).json()
    assert answer["state"] == "in_review"
    assert failing(answer)["evidence_given"] == ("none", "photo, receipt")
    assert AuditEvent.objects.get(action="refund.submit").data["without_evidence"] == "已丢弃"


def test_submit_when_a_file_belongs_to_another_refund_or_merchant_is_refused(wants: Api) -> None:
    first, second = sales(wants.merchant, 2)
    mine = send(wants, "a").json()["id"]
    theirs = send(api_for(make_merchant()), "a").json()["id"]
    wants.post("refund-requests", body(first, 1_000, evidence=[mine], without_evidence="x"))
    for evidence in (mine, theirs):
        answer = wants.post("refund-requests", body(second, 1_000, evidence=[evidence], without_evidence="x"))
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_evidence")
    assert RefundRequest.objects.count() == 1


def test_forget_unclaimed_when_a_day_has_passed_takes_the_file_away(wants: Api, folder: Path) -> None:
    send(wants, "a")
    now = timezone.now()
    assert files.forget_unclaimed(at=now) == 0
    assert files.forget_unclaimed(at=now + 2 * files.WAITS_FOR_REQUEST) == 1
    assert (Evidence.objects.count(), files_below(folder)) == (0, [])


def test_send_ahead_when_a_photo_is_a_pdf_is_refused(wants: Api, folder: Path) -> None:
    answer = send(wants, "a", papers.upload())
    assert (answer.status_code, answer.json()["code"]) == (422, "not_a_picture")
    assert (Evidence.objects.count(), files_below(folder)) == (0, [])
