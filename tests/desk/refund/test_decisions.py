"""Decisions at the desk: one domain call each, refused in words, never in part."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.utils import timezone
from PIL import Image

from core.audit.models import AuditEvent
from merchants.models import Staff
from payment_channels.contract import Refused, Retry
from refunds import payouts
from refunds.models import Approval, RefundRequest
from refunds.payouts import Answer
from tests.desk.conftest import Shop
from tests.factories import make_merchant, make_request, make_sale, make_staff, works_in

SignIn = Callable[[Staff], Client]


def _post(client: Client, request: RefundRequest, action: str, **data: object) -> int:
    values = {"version": request.version, **data}
    return client.post(f"/desk/refunds/{request.number}/{action}", values).status_code


def _unchanged(request: RefundRequest) -> bool:
    fresh = RefundRequest.objects.get(pk=request.pk)
    return (fresh.state, fresh.version) == (request.state, request.version) and not Approval.objects.exists()


def test_approve_makes_the_payout_ready_and_goes_on_where_asked(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    answer = reviewer.post(
        f"/desk/refunds/{request.number}/approve",
        {"version": request.version, "amount": "268.00", "return_to": "/desk?view=waiting"},
    )
    assert (answer.status_code, answer["Location"]) == (302, "/desk?view=waiting")
    fresh = RefundRequest.objects.get(pk=request.pk)
    assert (fresh.state, fresh.approved_fen) == ("approved", 26_800)
    assert fresh.executions.get().state == "ready"


def test_approve_less_than_was_asked_for(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    assert _post(reviewer, request, "approve", amount="100.5") == 302
    assert RefundRequest.objects.get(pk=request.pk).approved_fen == 10_050


@pytest.mark.parametrize("amount", ["0", "-1", "268.01", "1e3000", "NaN", "2６8,5", "1,000.00", "0.001", "9" * 30])
def test_approve_of_an_impossible_amount_stores_nothing_and_says_so(reviewer: Client, shop: Shop, amount: str) -> None:
    request = shop.waiting()
    answer = reviewer.post(f"/desk/refunds/{request.number}/approve", {"version": request.version, "amount": amount})
    assert answer.status_code == 422
    assert "This moved no money." in answer.content.decode()
    assert _unchanged(request)


def test_decision_on_a_version_that_is_gone_is_a_conflict(reviewer: Client, shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting()
    assert _post(as_staff(shop.colleague), request, "info", message="Please send a photo") == 302
    answer = reviewer.post(f"/desk/refunds/{request.number}/approve", {"version": request.version, "amount": "268.00"})
    assert answer.status_code == 409
    assert "changed this refund meanwhile" in answer.content.decode()
    assert RefundRequest.objects.get(pk=request.pk).state == "needs_info"


@pytest.mark.parametrize("version", ["", "x", "1e9"])
def test_decision_without_a_version_is_refused(reviewer: Client, shop: Shop, version: str) -> None:
    request = shop.waiting()
    answer = reviewer.post(f"/desk/refunds/{request.number}/approve", {"version": version, "amount": "268.00"})
    assert answer.status_code == 422
    assert _unchanged(request)


def test_reject_needs_a_coded_reason_and_words(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    assert _post(reviewer, request, "reject", reason_code="because", message="no") == 422
    assert _post(reviewer, request, "reject", reason_code="no_proof", message=" ") == 422
    assert _unchanged(request)
    assert _post(reviewer, request, "reject", reason_code="no_proof", message="Sorry, no receipt.") == 302
    fresh = RefundRequest.objects.get(pk=request.pk)
    assert (fresh.state, fresh.reject_reason, fresh.message_to_customer) == (
        "rejected",
        "no_proof",
        "Sorry, no receipt.",
    )
    assert fresh.transaction.reserved_fen == 0


def test_request_info_asks_in_the_customers_language_and_pauses_the_clock(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting(locale="en")
    assert _post(reviewer, request, "info", items=["photo", "receipt", "nonsense"], message="Thank you") == 302
    fresh = RefundRequest.objects.get(pk=request.pk)
    assert fresh.state == "needs_info"
    assert fresh.paused_at is not None
    assert fresh.message_to_customer == (
        "Please send us: A photo of the goods, The receipt or the payment record.\nThank you"
    )


def test_cashier_may_decide_nothing(shop: Shop, as_staff: SignIn) -> None:
    request, client = shop.waiting(), as_staff(shop.cashier)
    for action, data in (
        ("approve", {"amount": "268.00"}),
        ("reject", {"reason_code": "no_proof", "message": "no"}),
        ("info", {"message": "more"}),
        ("claim", {}),
        ("release", {}),
        ("cancel", {}),
        ("retry", {}),
        ("resubmit", {"amount": "1.00"}),
        ("reveal", {}),
    ):
        assert _post(client, request, action, **data) == 403, action
    # The queue leads to what they do have.
    assert client.get("/desk")["Location"] == "/desk/start"
    assert client.post("/desk/bulk", {"keys": request.number, "action": "approve"}).status_code == 403
    assert _unchanged(request)


def test_nobody_decides_their_own_request(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting(by=shop.reviewer)
    client = as_staff(shop.reviewer)
    page = client.get(f"/desk/refunds/{request.number}").content.decode()
    assert "Someone else must decide it." in page
    assert f"/desk/refunds/{request.number}/approve" not in page
    assert _post(client, request, "approve", amount="268.00") == 403
    assert _unchanged(request)


def test_an_amount_above_the_tier_is_for_others(shop: Shop, as_staff: SignIn) -> None:
    request = make_request(make_sale(shop.merchant, 150_000), 150_000)
    assert _post(as_staff(shop.reviewer), request, "approve", amount="1500.00") == 403
    assert _unchanged(request)
    assert _post(as_staff(shop.manager), request, "approve", amount="1500.00") == 302


def test_another_merchants_refund_is_not_there(reviewer: Client) -> None:
    request = make_request(make_sale(make_merchant(), 33_980), 26_800)
    address = f"/desk/refunds/{request.number}"
    for path in ("", "/pane", "/progress", "/voucher"):
        assert reviewer.get(address + path).status_code == 404, path
    for action in ("approve", "reject", "info", "claim", "release", "cancel", "retry", "note", "reveal", "resubmit"):
        assert _post(reviewer, request, action, amount="1", message="m", reason_code="no_proof") == 404, action
    assert _unchanged(request)
    assert not AuditEvent.objects.filter(object_id=str(request.pk), actor_kind="staff").exists()


def test_another_stores_refund_is_not_there_for_staff_of_one_store(shop: Shop, as_staff: SignIn) -> None:
    elsewhere = shop.merchant.stores.create(code="S002", name="二号店")
    works_in(shop.reviewer, elsewhere)
    request = shop.waiting()
    client = as_staff(shop.reviewer)
    assert client.get(f"/desk/refunds/{request.number}").status_code == 404
    assert _post(client, request, "approve", amount="268.00") == 404
    assert request.number not in client.get("/desk").content.decode()
    assert request.number not in client.get("/desk/refunds").content.decode()
    assert client.post("/desk/claim-next").status_code == 302
    assert _unchanged(request)


def test_claimed_by_a_colleague_is_left_alone(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting()
    assert _post(as_staff(shop.colleague), request, "claim") == 302
    client = as_staff(shop.reviewer)
    assert _post(client, request, "approve", amount="268.00") == 409
    assert _post(client, request, "claim") == 409
    assert _unchanged(request)
    assert _post(as_staff(shop.manager), request, "release") == 302
    assert _post(client, request, "approve", amount="268.00") == 302


def test_claim_next_takes_the_shortest_time(reviewer: Client, shop: Shop) -> None:
    requests = [shop.waiting(), shop.waiting(reason="goodwill")]
    answer = reviewer.post("/desk/claim-next")
    assert requests[0].number in answer["Location"]
    assert RefundRequest.objects.get(pk=requests[0].pk).claimed_by == shop.reviewer


def test_submitter_may_cancel_before_anything_is_sent(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting(by=shop.cashier)
    assert _post(as_staff(shop.cashier), request, "cancel") == 302
    assert RefundRequest.objects.get(pk=request.pk).state == "cancelled"


def test_note_is_kept_and_inert(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    assert _post(reviewer, request, "note", text="<svg onload=alert(1)>{{7*7}}") == 302
    page = reviewer.get(f"/desk/refunds/{request.number}").content.decode()
    assert "&lt;svg onload=alert(1)&gt;{{7*7}}" in page
    assert "<svg onload" not in page


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "/login", "javascript:alert(1)"])
def test_return_to_leads_nowhere_else(reviewer: Client, shop: Shop, place: str) -> None:
    request = shop.waiting()
    answer = reviewer.post(f"/desk/refunds/{request.number}/claim", {"return_to": place})
    assert answer["Location"] == f"/desk/refunds/{request.number}"


def test_actions_take_no_get_and_no_foreign_form(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    assert reviewer.get(f"/desk/refunds/{request.number}/approve").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(shop.reviewer, backend="django.contrib.auth.backends.ModelBackend")
    assert _post(strict, request, "approve", amount="268.00") == 403
    assert _unchanged(request)


def test_reveal_leaves_a_trace_before_it_shows(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting(phone="13800006021", name="王小敏", email="wang@example.com")
    page = reviewer.get(f"/desk/refunds/{request.number}").content.decode()
    assert "138 **** 6021" in page
    assert "王*敏" in page
    assert "13800006021" not in page
    answer = reviewer.post(f"/desk/refunds/{request.number}/reveal", headers={"hx-request": "true"}).content.decode()
    assert "13800006021" in answer
    assert "<html" not in answer
    event = AuditEvent.objects.get(action="refund.reveal")
    assert (event.object_id, event.actor_id, event.data) == (str(request.pk), str(shop.reviewer.pk), {})


@pytest.fixture
def evidence_folder(tmp_path: Path) -> Iterator[Path]:
    with override_settings(VAR_DIR=tmp_path):
        yield tmp_path


def _picture(kind: str = "PNG") -> SimpleUploadedFile:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(content, kind)
    return SimpleUploadedFile("../x.svg", content.getvalue(), content_type="image/svg+xml")


def test_what_was_missing_is_sent_in_again_by_those_at_the_counter(shop: Shop, as_staff: SignIn) -> None:
    request = shop.waiting(by=shop.cashier)
    _post(as_staff(shop.reviewer), request, "info", message="a photo, please")
    asked = RefundRequest.objects.get(pk=request.pk)
    client = as_staff(shop.cashier)
    assert "dlg-resubmit" in client.get(f"/desk/refunds/{request.number}").content.decode()
    assert _post(client, asked, "resubmit", amount="250.00", text="photo is there") == 302
    fresh = RefundRequest.objects.get(pk=request.pk)
    assert (fresh.state, fresh.amount_fen, fresh.description) == ("in_review", 25_000, "photo is there")


def test_a_rejected_request_is_reopened_by_whoever_asked_for_it_and_those_who_review(
    shop: Shop, as_staff: SignIn
) -> None:
    request = shop.waiting()
    _post(as_staff(shop.reviewer), request, "reject", reason_code="no_proof", message="Sorry")
    rejected = RefundRequest.objects.get(pk=request.pk)
    for staff in (shop.cashier, shop.finance):
        assert _post(as_staff(staff), rejected, "resubmit", amount="268.00") == 403
    assert RefundRequest.objects.get(pk=request.pk).state == "rejected"
    assert _post(as_staff(shop.manager), rejected, "resubmit", amount="339.81") == 422
    assert RefundRequest.objects.get(pk=request.pk).state == "rejected"
    assert _post(as_staff(shop.manager), rejected, "resubmit", amount="268.00") == 302
    assert RefundRequest.objects.get(pk=request.pk).state == "in_review"


def test_evidence_brought_to_the_store_is_added_and_shown(reviewer: Client, shop: Shop, evidence_folder: Path) -> None:
    request = shop.waiting()
    assert _post(reviewer, request, "evidence", files=_picture(), text="<b>crack</b>") == 302
    page = reviewer.get(f"/desk/refunds/{request.number}").content.decode()
    (address,) = set(re.findall(r'href="(/desk/refunds/[^"]+/evidence/[^"]+)"', page))
    assert "&lt;b&gt;crack" in page
    picture = reviewer.get(address)
    assert (picture["Content-Type"], picture["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    foreign = Client()
    foreign.force_login(make_staff(make_merchant(), "owner"), backend="django.contrib.auth.backends.ModelBackend")
    assert foreign.get(address).status_code == 404


def test_evidence_that_is_no_picture_is_refused(reviewer: Client, shop: Shop) -> None:
    request = shop.waiting()
    drawing = SimpleUploadedFile("a.png", b"<svg onload='alert(1)'/>", content_type="image/png")
    assert _post(reviewer, request, "evidence", files=drawing) == 422
    assert _post(reviewer, request, "evidence") == 422
    assert not request.evidence.exists()


def test_failed_payout_is_shown_with_its_cause_and_sent_again_by_finance(shop: Shop, as_staff: SignIn) -> None:
    request = make_request(make_sale(shop.merchant), 1_200)
    _refuse(request)
    failed = RefundRequest.objects.get(pk=request.pk)
    assert failed.state == "failed"
    assert "USER_ACCOUNT_ABNORMAL" in as_staff(shop.finance).get("/desk?view=trouble").content.decode()
    assert _post(as_staff(shop.reviewer), failed, "retry") == 403
    assert RefundRequest.objects.get(pk=request.pk).state == "failed"
    # Not by one click: the dialog's second step comes along.
    assert _post(as_staff(shop.finance), failed, "retry") == 422
    assert RefundRequest.objects.get(pk=failed.pk).state == "failed"
    assert _post(as_staff(shop.finance), failed, "retry", confirmed="1") == 302
    assert RefundRequest.objects.get(pk=request.pk).state == "approved"


def _refuse(request: RefundRequest) -> None:
    """The channel says that it will not pay, and that a new number may be tried."""
    at = timezone.now()
    (claimed,) = payouts.claim(limit=10, at=at)
    refused = Refused(
        code="USER_ACCOUNT_ABNORMAL",
        message="the account is closed",
        retry=Retry.NEW_NUMBER,
        remedy="new_number",
        raw="{}",
    )
    payouts.settle(
        [payouts.Answer(claimed.execution_id, request.pk, claimed.account_id, refused, "answer", turn=claimed.turn)],
        at=at,
    )


def test_handing_over_to_a_colleague_who_may_decide(shop: Shop, as_staff: SignIn) -> None:
    request, client = shop.waiting(), as_staff(shop.reviewer)
    offered = {int(item.value) for item in client.get(f"/desk/refunds/{request.number}").context["dialogs"].assignees}
    assert {shop.colleague.pk, shop.manager.pk} <= offered
    assert not {shop.cashier.pk, shop.finance.pk} & offered
    foreign = make_staff(make_merchant(), "manager")
    for nobody in (str(shop.cashier.pk), str(foreign.pk), "", "x", "9" * 30):
        assert _post(client, request, "reassign", staff=nobody) == 422
    assert _post(client, request, "reassign", staff=shop.colleague.pk) == 302
    assert RefundRequest.objects.get(pk=request.pk).claimed_by == shop.colleague
    # It is the colleague's now; only a manager may take it away.
    assert _post(client, request, "reassign", staff=shop.manager.pk) == 403
    assert _post(as_staff(shop.manager), request, "reassign", staff=shop.reviewer.pk) == 302
    assert AuditEvent.objects.filter(action="refund.reassign").count() == 2


def test_payout_whose_account_takes_no_calls_is_given_up_on_its_page(shop: Shop, as_staff: SignIn) -> None:
    request = make_request(make_sale(shop.merchant), 1_200)
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    barred = Refused(code="account_unusable", message="", retry=Retry.AFTER_MENDING, remedy="check_keys")
    payouts.settle(
        [Answer(claimed.execution_id, request.pk, claimed.account_id, barred, "answer", turn=claimed.turn)], at=now
    )
    request = RefundRequest.objects.get(pk=request.pk)
    path = f"/desk/refunds/{request.number}"
    assert "give-up-leg" not in as_staff(shop.reviewer).get(path).content.decode()
    client = as_staff(shop.finance)
    assert "Give this payout up" in client.get(path).content.decode()
    client.post(f"{path}/give-up-leg", {"version": request.version, "leg": "1"})
    request = RefundRequest.objects.get(pk=request.pk)
    assert request.state == "failed"
    shown = client.get(path).content.decode()
    assert "nothing was paid under this number" in shown
    assert "gave up waiting for the channel account" in shown
    assert "Give this payout up" not in shown
