"""Sending a request in again: judged without what it holds itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from core.audit.models import AuditEvent
from core.errors import Conflict, Forbidden
from merchants.principals import of_staff
from refunds.intake import resubmitting
from refunds.intake.judging import PolicyRefused
from refunds.intake.resubmitting import Correction
from refunds.models import RefundRequest
from refunds.review import deciding
from terminals.models import Transaction, TransactionLine
from tests.api.conftest import api_for, session_for
from tests.factories import make_merchant, make_sale, make_staff, submit
from tests.refunds import plans
from tests.refunds.intake.test_evidence import send
from tests.refunds.settled import failed
from tests.said import said as told_of

pytestmark = pytest.mark.django_db


def _ask_for_more(request: RefundRequest) -> None:
    reviewer = make_staff(request.merchant, "reviewer")
    deciding.request_info(
        request_id=request.pk, by=of_staff(reviewer), at=timezone.now(), version=request.version, message="请补照片"
    )


def _resubmit(request: RefundRequest, **changes: Any) -> RefundRequest:
    by = of_staff(request.staff or make_staff(request.merchant, "manager"))
    return resubmitting.resubmit(request_id=request.pk, correction=Correction(**changes), by=by, at=timezone.now())


def test_amount_above_the_articles_value_is_for_a_person_also_when_sent_in_again() -> None:
    """Otherwise asking for more would be a way around the rule."""
    sale = make_sale(make_merchant(), 50_000, quantity=50)
    request = submit(sale, 15_000, lines=[("SKU-1", 1)])
    assert request.state == "in_review"
    _ask_for_more(request)
    assert _resubmit(request, amount_fen=14_000).state == "in_review"
    _ask_for_more(RefundRequest.objects.get(pk=request.pk))
    assert _resubmit(request, amount_fen=1_000).state == "approved"


def test_resubmission_is_judged_anew_against_what_is_left_without_itself() -> None:
    sale = make_sale(make_merchant(), 50_000, quantity=2)
    request = submit(sale, 30_000, lines=[("SKU-1", 2)])
    _ask_for_more(request)
    with pytest.raises(PolicyRefused) as refused:
        _resubmit(request, amount_fen=50_001)
    assert refused.value.code == "exceeds_refundable"
    again = _resubmit(request, amount_fen=50_000, reason="goodwill", description="照片已补")
    stored = RefundRequest.objects.get(pk=request.pk)
    assert (again.state, stored.reason, stored.description, stored.amount_fen) == (
        "in_review",
        "goodwill",
        "照片已补",
        50_000,
    )
    assert stored.paused_at is None
    sale.refresh_from_db()
    assert sale.reserved_fen == 50_000
    # Goodwill is money: both pieces stay with the customer, and nothing more of their worth is left.
    line = TransactionLine.objects.get(transaction=sale)
    assert (line.reserved_quantity, line.reserved_fen) == (0, 50_000)


def test_failed_request_takes_its_pieces_again_or_is_refused() -> None:
    sale = make_sale(make_merchant(), 50_000, quantity=2)
    request = failed(submit(sale, 1_000, lines=[("SKU-1", 2)]))
    assert TransactionLine.objects.get(transaction=sale).reserved_quantity == 0
    submit(sale, 1_000, lines=[("SKU-1", 1)])
    with pytest.raises((PolicyRefused, Conflict)) as refused:
        _resubmit(request)
    assert refused.value.code == "exceeds_quantity"


def test_second_payout_of_a_request_has_a_number_of_its_own() -> None:
    request = failed(submit(make_sale(make_merchant())))
    assert _resubmit(request).state == "approved"
    numbers = list(request.executions.order_by("created_at").values_list("refund_no", flat=True))
    assert [number[-2:] for number in numbers] == ["N1", "N2"]


@pytest.mark.parametrize("state", ["approved", "in_review"])
def test_only_what_waits_for_the_customer_or_failed_can_be_sent_in_again(state: str) -> None:
    sale = make_sale(make_merchant(), 50_000)
    request = submit(sale, 1_000 if state == "approved" else 30_000)
    with pytest.raises(Conflict) as refused:
        _resubmit(request)
    assert (refused.value.code, refused.value.facts["state"]) == ("state_conflict", state)


def test_resubmit_when_all_legs_failed_another_plan_takes_their_place() -> None:
    first, second = plans.order_of_two()
    request = plans.ask(first)
    for sequence in (1, 2):
        request = plans.answer(request, sequence, "refused")
    request = _resubmit(request, amount_fen=15_000)
    assert [(leg.sequence, leg.amount_fen) for leg in request.legs.order_by("sequence")] == [(3, 10_000), (4, 5_000)]
    assert plans.held(first, second) == [(10_000, 0, 1), (5_000, 0, 1)]
    for sequence in (3, 4):
        request = plans.answer(request, sequence)
    assert (request.state, request.refunded_fen) == ("refunded", 15_000)


def test_resubmit_when_a_person_is_to_pay_an_order_one_payment_gives_it() -> None:
    first, second = plans.order_of_two()
    request = plans.ask(first, 15_000)
    for sequence in (1, 2):
        request = plans.answer(request, sequence, "refused")
    request = _resubmit(request, route="store_credit", customer_consent=True)
    assert (request.state, request.leg_count) == ("in_review", 1)
    assert plans.held(first, second) == [(15_000, 0, 1), (0, 0, 0)]


def test_resubmit_when_a_correction_made_the_sale_part_of_an_order_keeps_its_own_lines() -> None:
    merchant = make_merchant()
    first, second = make_sale(merchant, 9_000, order_no="X1"), make_sale(merchant, 9_000, order_no="X2")
    request = submit(second, 9_000, reason="goodwill", lines=[("SKU-1", 1)])
    _ask_for_more(request)
    Transaction.objects.filter(pk=second.pk).update(order_no=first.order_no)
    for sale in (first, second):
        sale.lines.update(amount_fen=18_000)
    assert _resubmit(request).state == "in_review"


def _rejected() -> RefundRequest:
    sale = make_sale(make_merchant(), 50_000)
    request = submit(sale, 30_000)
    manager = of_staff(make_staff(request.merchant, "manager"))
    said: dict[str, Any] = {"reason": "no_proof", "message": "无凭证"}
    return deciding.reject(request_id=request.pk, by=manager, at=timezone.now(), version=request.version, **said)


def test_reopen_when_there_is_new_evidence_goes_to_a_person_who_is_somebody_else(
    settings: Settings, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    request, now = _rejected(), timezone.now()
    manager = make_staff(request.merchant, "manager")
    api = api_for(request.merchant)
    photo = send(api, "k1").json()["id"]
    said = {"version": request.version, "evidence": [photo], "note": "顾客补了照片"}
    path = f"refund-requests/{request.pk}/reopen"
    assert api.post(path, said).status_code == 403
    assert session_for(make_staff(request.merchant, "reviewer")).post(path, said).status_code == 403
    answer = session_for(manager).post(path, said)
    assert answer.status_code == 200, answer.content
    found = RefundRequest.objects.get()
    assert (found.state, found.by_rule, found.reserved_fen, found.reject_reason) == ("in_review", False, 30_000, "")
    assert found.evidence.count() == 1
    assert told_of(AuditEvent.objects.get(action="refund.reopen"))["note"] == "顾客补了照片"
    with pytest.raises(Forbidden):
        deciding.approve(request_id=found.pk, by=of_staff(manager), at=now, version=found.version)


def test_reopen_when_nothing_is_new_or_it_is_not_rejected_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    request = _rejected()
    manager = session_for(make_staff(request.merchant, "manager"))
    api = api_for(request.merchant)
    path = f"refund-requests/{request.pk}/reopen"
    photo = send(api, "k1").json()["id"]
    said = {"version": request.version, "evidence": [photo], "note": "x"}
    assert manager.post(path, {**said, "version": 1}).json()["code"] == "version_conflict"
    assert manager.post(path, {**said, "evidence": [str(uuid4())]}).json()["code"] == "unknown_evidence"
    assert manager.post(path, {**said, "evidence": []}).status_code == 400
    request = RefundRequest.objects.get(pk=request.pk)
    assert (request.state, request.evidence.count()) == ("rejected", 0)
    opened = submit(make_sale(request.merchant, 50_000), 30_000)
    answer = manager.post(f"refund-requests/{opened.pk}/reopen", {**said, "version": opened.version})
    assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")


def test_reopen_when_the_file_was_there_before_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    request = _rejected()
    manager = session_for(make_staff(request.merchant, "manager"))
    api = api_for(request.merchant)
    path = f"refund-requests/{request.pk}/reopen"
    first = {"version": request.version, "evidence": [send(api, "k1").json()["id"]], "note": "x"}
    again = manager.post(path, first).json()
    by = of_staff(make_staff(request.merchant, "manager"))
    said: dict[str, Any] = {"reason": "no_proof", "message": "无凭证"}
    version = deciding.reject(request_id=request.pk, by=by, at=timezone.now(), version=again["version"], **said).version
    same = {"version": version, "evidence": [send(api, "k2").json()["id"]], "note": "x"}
    answer = manager.post(path, same)
    assert (answer.status_code, answer.json()["code"]) == (422, "new_evidence_missing")
    request = RefundRequest.objects.get(pk=request.pk)
    assert (request.state, request.evidence.count()) == ("rejected", 1)
