"""Every act of every page of the desk."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from unittest import mock

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.utils import timezone

from analytics.models import Shadow, Trial
from core.audit.models import AuditCheckpoint, AuditEvent, AuditVerification
from desk.exports import making
from desk.policy_draft import form
from merchants import saved_views
from merchants.models import (
    ApiKey,
    CalendarDay,
    ChannelRuleChange,
    Delegation,
    Grace,
    Merchant,
    PolicyDraft,
    PolicyReview,
    PolicyVersion,
    Role,
    SavedView,
    Store,
)
from merchants.policies import drafting
from merchants.policies.drafting import Written
from merchants.policies.rules import read_rules
from merchants.principals import of_staff
from reconciliation.models import Bill, Difference, FundStatement
from refunds.models import (
    Approval,
    Execution,
    ListExport,
    Notification,
    PendingDecision,
    RefundBatch,
    RefundRequest,
    SecondLook,
    Shift,
    StaffNotice,
)
from refunds.review import deciding, exporting, second_look
from refunds.rules.proof import findings
from refunds.states import Route
from refunds.telling import outbox, wording
from terminals.models import Terminal, Transaction
from tests import pictures
from tests.reconciliation.world import DAY, counts
from tests.refunds import hand
from tests.said import said
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh, text_of

_DAY = "/desk/reconciliation/<str:account>/<day:day>"
_REFUND = "/desk/refunds/<str:number>"


def _act(stage: Stage, role: str, request: RefundRequest, action: str, **form: Any) -> RefundRequest:
    """One of a refund's buttons; the refund as it is afterwards."""
    stage.post(role, f"/desk/refunds/{request.number}/{action}", version=request.version, **form)
    return fresh(request)


# --- looking ----------------------------------------------------------------------------------------------------------


@case("GET", "/desk")
def queue(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.REVIEWER, "/desk")


@case("GET", "/desk/start")
def start(stage: Stage) -> None:
    answer = stage.browser(Role.FINANCE).get("/desk/start")
    assert (answer.status_code, answer["Location"]) == (302, "/desk?view=trouble")


@case("GET", "/desk/search")
def search(stage: Stage) -> None:
    request = stage.in_review()
    answer = stage.browser(Role.CASHIER).get("/desk/search", {"q": request.number})
    assert answer["Location"] == f"/desk/refunds/{request.number}"


@case("GET", "/desk/refunds")
def refunds(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.CASHIER, "/desk/refunds", q=request.number, state="in_review")


@case("GET", "/desk/refunds.csv")
def refunds_csv(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.FINANCE, "/desk/refunds.csv")
    assert AuditEvent.objects.get(action="refund.export").data["rows"] == 1


@case("GET", _REFUND)
def refund(stage: Stage) -> None:
    request = stage.paid()
    assert "王*" in stage.get(Role.REVIEWER, f"/desk/refunds/{request.number}")


@case("GET", f"{_REFUND}/pane")
def pane(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.REVIEWER, f"/desk/refunds/{request.number}/pane")


@case("GET", f"{_REFUND}/progress")
def progress(stage: Stage) -> None:
    request = stage.in_review()
    path = f"/desk/refunds/{request.number}/progress"
    assert "progress" in stage.get(Role.REVIEWER, path, stamp=f"{request.version}-0")


@case("GET", f"{_REFUND}/voucher")
def voucher(stage: Stage) -> None:
    request = stage.paid()
    assert request.number in stage.get(Role.CASHIER, f"/desk/refunds/{request.number}/voucher")


@case("GET", f"{_REFUND}/evidence/<uuid:evidence_id>")
def picture(stage: Stage) -> None:
    request = stage.in_review()
    piece = stage.picture_of(request)
    for size in ("", "?size=small"):
        answer = stage.browser(Role.REVIEWER).get(f"/desk/refunds/{request.number}/evidence/{piece.pk}{size}")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
        assert answer.content.startswith(b"\xff\xd8")


@case("POST", f"{_REFUND}/reveal")
def reveal(stage: Stage) -> None:
    request = stage.in_review(phone="13800006021")
    answer = stage.post(Role.FINANCE, f"/desk/refunds/{request.number}/reveal", expect=200)
    assert "13800006021" in text_of(answer)
    assert AuditEvent.objects.filter(action="refund.reveal").count() == 1


@case("GET", "/desk/transactions")
def transactions(stage: Stage) -> None:
    sale = stage.sale()
    assert sale.order_no in stage.get(Role.CASHIER, "/desk/transactions")


@case("GET", "/desk/transactions/<uuid:transaction_id>")
def transaction(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.CASHIER, f"/desk/transactions/{request.transaction_id}")


@case("POST", "/desk/transactions/<uuid:transaction_id>/correct")
def correct_sale(stage: Stage) -> None:
    sale = stage.sale()
    path = f"/desk/transactions/{sale.pk}"
    stage.post(Role.FINANCE, f"{path}/correct", cashier="C009", reason="录错收银员", seen="")
    assert AuditEvent.objects.get(action="transaction.correct").data["after"] == {"cashier": "C009"}
    assert "录错收银员" in stage.get(Role.CASHIER, path)


@case("GET", "/desk/analytics")
def analytics(stage: Stage) -> None:
    stage.paid()
    assert "¥268" in stage.get(Role.REVIEWER, "/desk/analytics", period="today")


@case("GET", "/desk/analytics.csv")
def analytics_csv(stage: Stage) -> None:
    stage.paid()
    assert "268.00" in stage.get(Role.FINANCE, "/desk/analytics.csv", period="today")


@case("GET", "/desk/notifications")
def notifications(stage: Stage) -> None:
    stage.in_review()
    outbox.write_notifications(at=timezone.now())
    assert "w***@example.com" in stage.get(Role.REVIEWER, "/desk/notifications")


@case("GET", "/desk/notifications/<int:notification_id>/resend")
def resend_form(stage: Stage) -> None:
    stage.in_review()
    outbox.write_notifications(at=timezone.now())
    message = Notification.objects.order_by("pk")[0]
    assert "w***@example.com" in stage.get(Role.REVIEWER, f"/desk/notifications/{message.pk}/resend")


@case("POST", "/desk/notifications/<int:notification_id>/resend")
def resend(stage: Stage) -> None:
    stage.in_review()
    outbox.write_notifications(at=timezone.now())
    Notification.objects.update(state="dead", attempts=6)
    message = Notification.objects.order_by("pk")[0]
    stage.post(Role.REVIEWER, f"/desk/notifications/{message.pk}/resend", confirmed="1")
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("pending", 0)


# --- asking for a refund ----------------------------------------------------------------------------------------------


def _new(stage: Stage, page: str) -> dict[str, Any]:
    (key,) = re.findall(r'name="idempotency_key" value="([^"]+)"', page)
    return {"idempotency_key": key, "amount": "12.00", "reason": "quality", "consent": "1", "note": "面板开裂"}


@case("GET", "/desk/new")
def new_form(stage: Stage) -> None:
    sale = stage.sale()
    assert sale.order_no in stage.get(Role.CASHIER, "/desk/new", q=sale.order_no)


@case("POST", "/desk/new")
def new(stage: Stage) -> None:
    sale = stage.sale()
    form = _new(stage, stage.get(Role.CASHIER, "/desk/new", sale=str(sale.pk)))
    stage.post(Role.CASHIER, "/desk/new", **form, sale=str(sale.pk), files=pictures.upload())
    request = RefundRequest.objects.get()
    assert (request.state, request.amount_fen, request.evidence.count()) == ("approved", 1_200, 1)


@case("POST", "/desk/new/quote")
def quote(stage: Stage) -> None:
    form = {"sale": str(stage.sale().pk), "amount": "268", "reason": "quality", "consent": "1"}
    answer = stage.post(Role.CASHIER, "/desk/new/quote", **form, expect=200)
    assert "A reviewer decides" in text_of(answer)


# --- deciding ---------------------------------------------------------------------------------------------------------


@case("POST", "/desk/claim-next")
def claim_next(stage: Stage) -> None:
    request = stage.in_review()
    stage.post(Role.REVIEWER, "/desk/claim-next")
    assert fresh(request).claimed_by == stage.person(Role.REVIEWER)


@case("POST", "/desk/bulk")
def bulk(stage: Stage) -> None:
    requests = [stage.in_review() for _ in range(2)]
    keys = [f"{request.number}@{request.version}" for request in requests]
    dry = stage.post(Role.REVIEWER, "/desk/bulk", action="approve", keys=keys, expect=200)
    assert "536.00" in text_of(dry)
    assert not Approval.objects.exists()
    stage.post(Role.REVIEWER, "/desk/bulk", action="approve", keys=keys, confirm="1")
    assert [fresh(request).state for request in requests] == ["approved", "approved"]


@case("POST", f"{_REFUND}/approve")
def approve(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.in_review(), "approve", amount="268.00", comment="核对无误")
    assert (done.state, done.approved_fen) == ("approved", 26_800)


@case("POST", f"{_REFUND}/look")
def look(stage: Stage) -> None:
    path = f"/desk/refunds/{stage.in_review().number}/look"
    stage.post(Role.REVIEWER, path, expect=200)
    assert stage.person(Role.REVIEWER).name in text_of(stage.post(Role.MANAGER, path, expect=200))
    stage.post(Role.REVIEWER, path, left="1", expect=204)
    assert stage.person(Role.REVIEWER).name not in text_of(stage.post(Role.MANAGER, path, expect=200))


def _notice(stage: Stage) -> StaffNotice:
    """The manager is named in a note."""
    by, manager = of_staff(stage.person(Role.REVIEWER)), stage.person(Role.MANAGER)
    deciding.add_note(request_id=stage.in_review().pk, by=by, at=timezone.now(), text=f"@{manager.name} 请看")
    return StaffNotice.objects.get(staff=manager)


@case("GET", "/desk/notices")
def staff_notices(stage: Stage) -> None:
    assert _notice(stage).request.number in stage.get(Role.MANAGER, "/desk/notices")


@case("GET", "/desk/notices/bell")
def bell(stage: Stage) -> None:
    _notice(stage)
    assert "1 unread" in stage.get(Role.MANAGER, "/desk/notices/bell")


@case("POST", "/desk/notices/<int:notice_id>")
def read_notice(stage: Stage) -> None:
    notice = _notice(stage)
    stage.post(Role.MANAGER, f"/desk/notices/{notice.pk}")
    assert StaffNotice.objects.get().read_at


@case("POST", "/desk/notices/read")
def read_all_notices(stage: Stage) -> None:
    _notice(stage)
    stage.post(Role.MANAGER, "/desk/notices/read")
    assert StaffNotice.objects.get().read_at


@case("POST", f"{_REFUND}/undo")
def undo(stage: Stage) -> None:
    request = stage.in_review()
    with override_settings(UNDO_S=10):
        _act(stage, Role.REVIEWER, request, "approve", amount="268.00")
    assert PendingDecision.objects.filter(pk=request.pk).exists()
    done = _act(stage, Role.REVIEWER, request, "undo")
    assert (done.state, done.version, PendingDecision.objects.exists()) == ("in_review", request.version, False)


def _second_look(stage: Stage) -> SecondLook:
    """Of what a manager approved, with a picture."""
    request = stage.in_review()
    stage.picture_of(request)
    with mock.patch.object(second_look, "SHARE_BP", 10_000):
        by = of_staff(stage.person(Role.MANAGER))
        deciding.approve(request_id=request.pk, by=by, at=timezone.now(), version=request.version)
    return SecondLook.objects.get(request=request)


@case("GET", "/desk/second-looks")
def second_looks(stage: Stage) -> None:
    look = _second_look(stage)
    text = stage.get(Role.REVIEWER, "/desk/second-looks")
    assert (f"/desk/second-looks/{look.pk}" in text, look.request.number in text) == (True, False)


@case("POST", "/desk/second-looks/<int:look_id>")
def answer_second_look(stage: Stage) -> None:
    look = _second_look(stage)
    stage.post(Role.REVIEWER, f"/desk/second-looks/{look.pk}", decision="reject", note="看不清")
    look.refresh_from_db()
    assert (look.disagrees, fresh(look.request).state) == (True, "approved")


@case("GET", "/desk/second-looks/<int:look_id>/evidence/<uuid:evidence_id>")
def second_look_evidence(stage: Stage) -> None:
    look = _second_look(stage)
    path = f"/desk/second-looks/{look.pk}/evidence/{look.request.evidence.get().pk}"
    assert stage.browser(Role.REVIEWER).get(path).status_code == 200


@case("POST", f"{_REFUND}/reject")
def reject(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.in_review(), "reject", reason_code="no_proof", message="没有小票")
    assert (done.state, done.message_to_customer) == ("rejected", "没有小票")


@case("POST", f"{_REFUND}/info")
def info(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.in_review(), "info", items="photo", message="请拍清楚一些")
    assert done.state == "needs_info"


@case("POST", f"{_REFUND}/extend")
def extend(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.in_review(), "extend", until=_in_days(3), reason="送检", consent="1")
    assert done.extended_until == done.due_at


@case("POST", f"{_REFUND}/ask-goods")
def ask_goods(stage: Stage) -> None:
    done = _act(
        stage, Role.REVIEWER, stage.in_review(), "ask-goods", due_at=_in_days(3), way="parcel", message="请带包装"
    )
    assert (done.state, done.goods_returns.get().way) == ("waiting_goods", "parcel")


@case("POST", f"{_REFUND}/call-off")
def call_off_goods(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.asked_for_goods(), "call-off")
    assert done.goods_returns.get().state == "called_off"


@case("POST", f"{_REFUND}/send-goods")
def send_goods(stage: Stage) -> None:
    done = _act(stage, Role.CASHIER, stage.asked_for_goods(), "send-goods", carrier="顺丰", parcel_no="SF12345")
    assert done.goods_returns.get().parcel_no == "SF12345"


@case("POST", f"{_REFUND}/receive-goods")
def receive_goods(stage: Stage) -> None:
    done = _act(stage, Role.CASHIER, stage.asked_for_goods(), "receive-goods", carrier="", parcel_no="")
    assert done.goods_returns.get().state == "received"


@case("GET", f"{_REFUND}/inspect")
def inspect_page(stage: Stage) -> None:
    assert "What becomes of them" in stage.get(Role.REVIEWER, f"/desk/refunds/{stage.goods_here().number}/inspect")


@case("POST", f"{_REFUND}/inspect")
def inspect(stage: Stage) -> None:
    request = stage.goods_here()
    line = request.goods_returns.get().lines.get()
    form = {
        f"quantity-{line.pk}-0": "1",
        f"condition-{line.pk}-0": "used",
        f"disposition-{line.pk}-0": "restock",
        "proposed": "200.00",
        "finding": "有使用痕迹",
        "files": pictures.upload(),
    }
    done = _act(stage, Role.REVIEWER, request, "inspect", **form)
    assert (done.state, done.goods_returns.get().proposed_fen, done.evidence.count()) == ("verifying", 20_000, 1)


@case("GET", f"{_REFUND}/return-slip")
def return_slip(stage: Stage) -> None:
    request = stage.goods_here()
    assert request.number in stage.get(Role.CASHIER, f"/desk/refunds/{request.number}/return-slip")


@case("POST", f"{_REFUND}/offer")
def offer(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.in_review(), "offer", kind="exchange", message="换一台")
    assert (done.state, done.offers.get().kind) == ("in_review", "exchange")


@case("POST", f"{_REFUND}/answer-offer")
def answer_offer(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.offered(), "answer-offer", accepted="1", new_order_no="B0001")
    assert (done.state, done.offers.get().new_order_no) == ("cancelled", "B0001")


@case("POST", f"{_REFUND}/name-order")
def name_order(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.offered(taken=True), "name-order", new_order_no="B0001")
    assert done.offers.get().new_order_no == "B0001"


@case("POST", f"{_REFUND}/claim")
def claim(stage: Stage) -> None:
    done = _act(stage, Role.REVIEWER, stage.in_review(), "claim")
    assert done.claimed_by == stage.person(Role.REVIEWER)


@case("POST", f"{_REFUND}/release")
def release(stage: Stage) -> None:
    assert _act(stage, Role.REVIEWER, stage.claimed(), "release").claimed_by is None


@case("POST", f"{_REFUND}/reassign")
def reassign(stage: Stage) -> None:
    colleague = stage.person(Role.MANAGER)
    assert _act(stage, Role.REVIEWER, stage.claimed(), "reassign", staff=colleague.pk).claimed_by == colleague


@case("POST", f"{_REFUND}/cancel")
def cancel(stage: Stage) -> None:
    request = stage.in_review(by=stage.person(Role.CASHIER))
    assert _act(stage, Role.CASHIER, request, "cancel", message="顾客不退了").state == "cancelled"


@case("POST", f"{_REFUND}/retry")
def retry(stage: Stage) -> None:
    done = _act(stage, Role.FINANCE, stage.failed(), "retry", confirmed="1")
    assert done.state == "approved"


@case("POST", f"{_REFUND}/give-up-leg")
def give_up_leg(stage: Stage) -> None:
    done = _act(stage, Role.FINANCE, stage.half_paid(), "give-up-leg", leg="2", text="顾客不要了")
    assert (done.state, done.refunded_fen) == ("refunded", 20_000)


@case("POST", f"{_REFUND}/move-leg")
def move_leg(stage: Stage) -> None:
    account = {"payee_holder": "王敏", "payee_account": "6222000012345678", "payee_bank": "工商银行"}
    request = stage.half_paid()
    _act(stage, Role.FINANCE, request, "move-leg", leg="2", route="bank_transfer", consent="1", **account)
    assert request.legs.get(sequence=2).route == "bank_transfer"


@case("POST", f"{_REFUND}/adopt")
def adopt_from_the_portal(stage: Stage) -> None:
    """WeChat Pay does not say how much was refunded: the statement will."""
    request = stage.failed()
    Execution.objects.filter(request=request).update(failure_remedy="refunded_elsewhere")
    form = {"version": str(request.version)}
    answer = stage.browser(Role.FINANCE).post(f"/desk/refunds/{request.number}/adopt", form)
    assert answer.status_code == 409
    assert RefundRequest.objects.get(pk=request.pk).state == "failed"


@case("POST", "/desk/transactions/<uuid:transaction_id>/ask")
def ask_channel(stage: Stage) -> None:
    sale = stage.sale()
    stage.post(Role.CASHIER, f"/desk/transactions/{sale.pk}/ask")
    assert Transaction.objects.get(pk=sale.pk).payment_word == "paid"


@case("POST", "/desk/transactions/<uuid:transaction_id>/adopt")
def adopt_of_sale(stage: Stage) -> None:
    # Nothing was refunded in the stand-in's portal.
    sale = stage.sale()
    stage.post(Role.FINANCE, f"/desk/transactions/{sale.pk}/adopt")
    assert not RefundRequest.objects.filter(transaction=sale).exists()


@case("POST", "/desk/transactions/<uuid:transaction_id>/end-hold")
def end_hold(stage: Stage) -> None:
    sale = stage.sale()
    Transaction.objects.filter(pk=sale.pk).update(held_at=stage.now())
    stage.post(Role.FINANCE, f"/desk/transactions/{sale.pk}/end-hold", finding="not_paid", note="已与渠道核对")
    assert Transaction.objects.get(pk=sale.pk).held_at is None


@case("POST", f"{_REFUND}/resubmit")
def resubmit(stage: Stage) -> None:
    request = stage.asked_for_more()
    done = _act(stage, Role.REVIEWER, request, "resubmit", text="照片已补", amount="200.00", consent="1")
    assert (done.amount_fen, done.description, done.state in {"in_review", "approved"}) == (20_000, "照片已补", True)


@case("POST", f"{_REFUND}/evidence")
def add_evidence(stage: Stage) -> None:
    done = _act(stage, Role.CASHIER, stage.in_review(), "evidence", files=pictures.upload(), text="面板")
    assert done.evidence.get().note == "面板"


@case("POST", f"{_REFUND}/note")
def note(stage: Stage) -> None:
    _act(stage, Role.REVIEWER, stage.in_review(), "note", text="已电话联系")
    assert said(AuditEvent.objects.get(action="refund.note"))["note"] == "已电话联系"


@case("GET", f"{_REFUND}/send-elsewhere")
def send_elsewhere_form(stage: Stage) -> None:
    request = stage.stuck()
    assert "card_number" in stage.get(Role.FINANCE, f"/desk/refunds/{request.number}/send-elsewhere")


@case("POST", f"{_REFUND}/send-elsewhere")
def send_elsewhere(stage: Stage) -> None:
    request = stage.stuck()
    card = {"bank_type": "ICBC_DEBIT", "card_number": hand.ACCOUNT_NO, "holder_name": "王敏"}
    _act(stage, Role.FINANCE, request, "send-elsewhere", payee="customer_card", confirmed="1", **card)
    assert not request.executions.get().needs_attention
    assert AuditEvent.objects.get(action="refund.send_elsewhere").data["card_last4"] == hand.ACCOUNT_NO[-4:]


@case("GET", f"{_REFUND}/end-unknown")
def end_unknown_form(stage: Stage) -> None:
    request = stage.lost()
    assert "channel_refund_no" in stage.get(Role.FINANCE, f"/desk/refunds/{request.number}/end-unknown")


@case("POST", f"{_REFUND}/end-unknown")
def say_what_the_portal_shows(stage: Stage) -> None:
    request = stage.lost()
    typed = {"shows": "paid", "channel_refund_no": "5030", "note": "后台可见"}
    paid_at = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    seen = _act(stage, Role.FINANCE, request, "end-unknown", files=pictures.upload(), paid_at=paid_at, **typed)
    assert seen.state == "unknown"
    assert AuditEvent.objects.get(action="refund.end_proposed").data["channel_refund_no"] == "5030"


@case("POST", f"{_REFUND}/end-unknown/confirm")
def confirm_what_the_portal_shows(stage: Stage) -> None:
    request = stage.found_in_portal(paid=True)
    done = _act(stage, Role.OWNER, request, "end-unknown/confirm", confirmed="1")
    assert (done.state, done.executions.get().proof_source) == ("refunded", "portal")


# --- paying by hand ---------------------------------------------------------------------------------------------------


@case("GET", "/desk/by-hand")
def by_hand(stage: Stage) -> None:
    request = stage.by_hand()
    assert request.number in stage.get(Role.FINANCE, "/desk/by-hand")


@case("GET", "/desk/by-hand/<str:number>")
def pay_by_hand_form(stage: Stage) -> None:
    request = stage.by_hand()
    assert "reference_no" in stage.get(Role.FINANCE, f"/desk/by-hand/{request.number}")


@case("POST", "/desk/by-hand/<str:number>")
def pay_by_hand(stage: Stage) -> None:
    request = stage.by_hand()
    form: dict[str, Any] = {
        "version": request.version,
        "paid": "yes",
        "reference_no": "0042",
        "paid_at": timezone.localtime().strftime("%Y-%m-%dT%H:%M"),
        "drawer": "POS-01",
    }
    path = f"/desk/by-hand/{request.number}"
    shown = text_of(stage.post(Role.FINANCE, path, **form, expect=200))
    assert fresh(request).state == "manual_pending"
    (confirmation,) = set(re.findall(r'name="confirmation" value="([^"]+)"', shown))
    stage.post(Role.FINANCE, path, confirmation=confirmation, files=pictures.upload())
    done = fresh(request)
    assert (done.state, done.evidence.count()) == ("refunded", 1)


@case("POST", "/desk/by-hand/<str:number>/reveal")
def reveal_payee(stage: Stage) -> None:
    request = stage.by_hand(Route.BANK_TRANSFER)
    answer = stage.post(Role.FINANCE, f"/desk/by-hand/{request.number}/reveal", expect=200)
    assert hand.ACCOUNT.holder_name in text_of(answer)


# --- API keys ---------------------------------------------------------------------------------------------------------


def _in_days(days: int) -> str:
    return timezone.localtime(timezone.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def _graced(stage: Stage) -> Grace:
    form: dict[str, Any] = {
        "starts_at": _in_days(-1),
        "ends_at": _in_days(1),
        "hours": "72",
        "reason": "台风",
        "all_stores": "1",
    }
    stage.post(Role.MANAGER, "/desk/hours/grace", **form)
    return Grace.objects.get()


@case("GET", "/desk/hours")
def hours(stage: Stage) -> None:
    assert 'name="day-6"' in stage.get(Role.MANAGER, "/desk/hours")


@case("POST", "/desk/hours/stores/<str:code>")
def store_hours(stage: Stage) -> None:
    form: dict[str, Any] = {"day-0": "09:00-18:00"}
    stage.post(Role.MANAGER, "/desk/hours/stores/S001", **form)
    assert Store.objects.get(code="S001").hours["week"][0] == "09:00-18:00"


@case("POST", "/desk/hours/days")
def calendar_day(stage: Stage) -> None:
    stage.post(Role.MANAGER, "/desk/hours/days", date="2027-02-06", kind="holiday")
    assert CalendarDay.objects.get().kind == "holiday"


@case("POST", "/desk/hours/grace")
def declare_grace(stage: Stage) -> None:
    assert _graced(stage).hours == 72


@case("POST", "/desk/hours/grace/<int:grace_id>/end")
def end_grace(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"/desk/hours/grace/{_graced(stage).pk}/end")
    assert Grace.objects.get().ended_by is not None


@case("GET", "/desk/api-keys")
def api_keys(stage: Stage) -> None:
    stage.issued()
    assert "till" in stage.get(Role.OWNER, "/desk/api-keys")


@case("POST", "/desk/api-keys")
def issue_key(stage: Stage) -> None:
    form: dict[str, Any] = {"name": "收银台", "scopes": ["refunds:read"], "store": "S001"}
    answer = stage.post(Role.OWNER, "/desk/api-keys", **form, expect=200)
    assert "rd_live_" in text_of(answer)
    assert ApiKey.objects.get().name == "收银台"


@case("GET", "/desk/api-keys/<int:key_id>/rotate")
def rotate_key_form(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert "typed_name" in stage.get(Role.OWNER, f"/desk/api-keys/{row.pk}/rotate")


@case("GET", "/desk/api-keys/<int:key_id>/revoke")
def revoke_key_form(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert "typed_name" in stage.get(Role.OWNER, f"/desk/api-keys/{row.pk}/revoke")


@case("POST", "/desk/api-keys/<int:key_id>/rotate")
def rotate_key(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    form = {"typed_name": row.name, "overlap": "24h"}
    answer = stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/rotate", **form, expect=200)
    assert "rd_live_" in text_of(answer)
    assert ApiKey.objects.count() == 2


@case("POST", "/desk/api-keys/<int:key_id>/revoke")
def revoke_key(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/revoke", typed_name=row.name)
    row.refresh_from_db()
    assert row.revoked_at is not None


@case("GET", "/desk/api-keys/<int:key_id>/mandate")
def mandate_form(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    assert "max_fen_day" in stage.get(Role.OWNER, f"/desk/api-keys/{row.pk}/mandate")


@case("POST", "/desk/api-keys/<int:key_id>/mandate")
def set_mandate(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/mandate", max_fen="200")
    row.refresh_from_db()
    assert row.mandate == {"max_fen": 20_000}


@case("POST", "/desk/api-keys/<int:key_id>/stop")
def stop_key(stage: Stage) -> None:
    row, _key, _secret = stage.issued()
    stage.post(Role.OWNER, f"/desk/api-keys/{row.pk}/stop")
    row.refresh_from_db()
    assert row.stopped_at is not None


@case("GET", "/desk/api-keys/stops")
def stops(stage: Stage) -> None:
    assert "S001" in stage.get(Role.OWNER, "/desk/api-keys/stops")


@case("POST", "/desk/api-keys/stops")
def stop_keys(stage: Stage) -> None:
    stage.post(Role.OWNER, "/desk/api-keys/stops", which="*", act="stop")
    stage.merchant.refresh_from_db()
    assert stage.merchant.keys_stopped_at is not None


# --- batches ----------------------------------------------------------------------------------------------------------


@case("GET", "/desk/batches")
def batches(stage: Stage) -> None:
    assert stage.batch().name in stage.get(Role.FINANCE, "/desk/batches")


@case("GET", "/desk/batches/<int:batch_id>")
def batch(stage: Stage) -> None:
    found = stage.batch()
    assert "¥12.00" in stage.get(Role.FINANCE, f"/desk/batches/{found.pk}")


@case("POST", "/desk/batches/<int:batch_id>/confirm")
def confirm_batch(stage: Stage) -> None:
    found = stage.batch()
    stage.post(Role.OWNER, f"/desk/batches/{found.pk}/confirm", window_minutes="0")
    found.refresh_from_db()
    assert found.state == "confirmed"


def _export(stage: Stage) -> ListExport:
    by = of_staff(stage.person(Role.FINANCE))
    return exporting.ask(page="refunds", query="", form="csv", language="en", by=by, at=stage.now())


@case("POST", "/desk/new/scan")
def new_scan(stage: Stage) -> None:
    stage.post(Role.CASHIER, "/desk/new/scan", files=pictures.upload())


@case("GET", "/desk/exports")
def exports(stage: Stage) -> None:
    _export(stage)
    assert "CSV" in stage.get(Role.FINANCE, "/desk/exports")


@case("POST", "/desk/exports/ask")
def exports_ask(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/exports/ask", page="transactions", query="days=7", form="xlsx")
    assert ListExport.objects.get().state == "waiting"


@case("GET", "/desk/exports/<int:export_id>")
def export_file(stage: Stage) -> None:
    request, made = stage.paid(), _export(stage)
    making.work()
    assert request.number in stage.get(Role.FINANCE, f"/desk/exports/{made.pk}")


@case("POST", "/desk/exports/<int:export_id>/cancel")
def export_cancel(stage: Stage) -> None:
    made = _export(stage)
    stage.post(Role.FINANCE, f"/desk/exports/{made.pk}/cancel")
    assert ListExport.objects.get().state == "cancelled"


@case("POST", "/desk/views")
def view_save(stage: Stage) -> None:
    stage.post(Role.CASHIER, "/desk/views", page="refunds", name="mine", query="days=today")
    assert SavedView.objects.get().query == "days=today"


@case("POST", "/desk/views/<int:view_id>/remove")
def view_remove(stage: Stage) -> None:
    by = of_staff(stage.person(Role.CASHIER))
    view = saved_views.keep(page="refunds", name="mine", query="", by=by)
    stage.post(Role.CASHIER, f"/desk/views/{view.pk}/remove")
    assert not SavedView.objects.exists()


@case("GET", "/desk/imports")
def imports(stage: Stage) -> None:
    assert stage.import_file().name in stage.get(Role.FINANCE, "/desk/imports")


@case("POST", "/desk/imports/add")
def import_add(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/imports/add", kind="sales", file=SimpleUploadedFile("w.csv", b"a,b\n1,2\n"))
    assert RefundBatch.objects.get().state == "mapping"


@case("GET", "/desk/imports/<int:batch_id>")
def import_columns(stage: Stage) -> None:
    assert "4.2E+27" in stage.get(Role.FINANCE, f"/desk/imports/{stage.import_file().pk}")


@case("POST", "/desk/imports/<int:batch_id>/columns")
def import_name_columns(stage: Stage) -> None:
    found = stage.import_file()
    columns = {"order_no": "order", "channel_transaction_no": "number", "amount": "paid", "paid_at": "at"}
    said: dict[str, Any] = {**columns, "same.channel": "wechat", "same.store": "S001"}
    stage.post(Role.FINANCE, f"/desk/imports/{found.pk}/columns", **said)
    found.refresh_from_db()
    assert found.state == "reading"


@case("GET", "/desk/imports/<int:batch_id>/failed")
def import_failed(stage: Stage) -> None:
    found = stage.import_file(read=True)
    assert "4.2E+27" in stage.get(Role.FINANCE, f"/desk/imports/{found.pk}/failed?as=csv")


@case("POST", "/desk/batches/<int:batch_id>/cancel")
def cancel_batch(stage: Stage) -> None:
    found = stage.batch()
    stage.post(Role.FINANCE, f"/desk/batches/{found.pk}/cancel")
    found.refresh_from_db()
    assert found.state == "cancelled"


# --- the policy -------------------------------------------------------------------------------------------------------

_DRAFT = "/desk/policy/drafts/<int:draft_id>"


@case("GET", "/desk/policy")
def policy(stage: Stage) -> None:
    assert "¥200.00" in stage.get(Role.CASHIER, "/desk/policy")


@case("GET", "/desk/policy/versions/<int:number>")
def policy_version(stage: Stage) -> None:
    assert "¥200.00" in stage.get(Role.CASHIER, "/desk/policy/versions/1")


@case("POST", "/desk/policy/reviewed")
def review_policy(stage: Stage) -> None:
    stage.post(Role.OWNER, "/desk/policy/reviewed", months="3", note="无变化")
    assert PolicyReview.objects.get().months == 3


@case("POST", "/desk/policy/rule-changes")
def add_rule_change(stage: Stage) -> None:
    change: dict[str, Any] = {
        "channel": "wechat",
        "effective_date": "2026-12-01",
        "text": "间隔一分钟",
        "source": "官网公告",
    }
    stage.post(Role.REVIEWER, "/desk/policy/rule-changes", **change)
    assert "间隔一分钟" in stage.get(Role.CASHIER, "/desk/policy")


@case("POST", "/desk/policy/rule-changes/<int:change_id>/seen")
def see_rule_change(stage: Stage) -> None:
    add_rule_change(stage)
    change = ChannelRuleChange.objects.get()
    stage.post(Role.CASHIER, f"/desk/policy/rule-changes/{change.pk}/seen")
    assert change.readings.count() == 2


@case("POST", "/desk/policy/drafts")
def start_draft(stage: Stage) -> None:
    stage.post(Role.MANAGER, "/desk/policy/drafts")
    assert PolicyDraft.objects.get().state == "open"


@case("GET", _DRAFT)
def policy_draft(stage: Stage) -> None:
    assert "¥150.00" in stage.get(Role.OWNER, f"/desk/policy/drafts/{stage.draft().pk}")


@case("POST", _DRAFT)
def save_draft(stage: Stage) -> None:
    draft = stage.draft()
    values = form.values_of(Written(name="新策略", rules=draft.rules, guides=draft.guides))
    sent: dict[str, Any] = {name: list(texts) for name, texts in values.items()}
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}", revision=draft.revision, **sent)
    assert PolicyDraft.objects.get().name == "新策略"


@case("POST", f"{_DRAFT}/ask")
def ask_to_publish(stage: Stage) -> None:
    draft = stage.draft()
    stage.person(Role.OWNER)
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}/ask", revision=draft.revision, reason="客诉", when="now")
    assert PolicyDraft.objects.get().state == "asked"


@case("POST", f"{_DRAFT}/publish")
def publish_draft(stage: Stage) -> None:
    draft = stage.draft(asked=True)
    stage.post(Role.OWNER, f"/desk/policy/drafts/{draft.pk}/publish", revision=draft.revision, confirmed="1")
    assert PolicyVersion.objects.filter(merchant=stage.merchant).latest("number").draft == draft


@case("POST", f"{_DRAFT}/discard")
def discard_draft(stage: Stage) -> None:
    draft = stage.draft()
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}/discard", revision=draft.revision)
    assert PolicyDraft.objects.get().state == "discarded"


@case("GET", f"{_DRAFT}/proof")
@case("POST", f"{_DRAFT}/trials")
@case("POST", f"{_DRAFT}/trials/<int:trial_id>/cancel")
def try_a_draft(stage: Stage) -> None:
    stage.in_review()
    draft, today = stage.draft(), timezone.localdate()
    path = f"/desk/policy/drafts/{draft.pk}"
    stage.post(Role.MANAGER, f"{path}/trials", since=str(today - timedelta(days=1)), until=str(today))
    trial = Trial.objects.get()
    stage.get(Role.MANAGER, f"{path}/proof")
    stage.post(Role.MANAGER, f"{path}/trials/{trial.pk}/cancel")
    assert Trial.objects.get().state == "cancelled"


@case("POST", f"{_DRAFT}/proof/repair")
def repair_a_draft(stage: Stage) -> None:
    by, draft = of_staff(stage.person(Role.MANAGER)), stage.draft()
    reasons = draft.rules["reasons"]
    rules = {**draft.rules, "reasons": {**reasons, "quality": {**reasons["quality"], "window_days": 2}}}
    written = Written(name=draft.name, rules=rules, guides={})
    draft = drafting.write(draft_id=draft.pk, revision=draft.revision, written=written, by=by, at=timezone.now())
    found = next(one for one in findings(read_rules(rules)) if one.code == "below_statute")
    path = f"/desk/policy/drafts/{draft.pk}/proof/repair"
    form = {"revision": draft.revision, "code": found.code, "path": found.path}
    assert stage.browser(Role.MANAGER).post(path, form).status_code == 302
    assert PolicyDraft.objects.get().rules["reasons"]["quality"]["window_days"] >= 7


@case("POST", f"{_DRAFT}/shadows")
@case("POST", f"{_DRAFT}/shadows/<int:shadow_id>/stop")
def let_a_draft_ride_along(stage: Stage) -> None:
    path = f"/desk/policy/drafts/{stage.draft().pk}/shadows"
    stage.post(Role.MANAGER, path, days="3")
    stage.post(Role.MANAGER, f"{path}/{Shadow.objects.get().pk}/stop")
    assert Shadow.objects.get().stopped_at is not None


@case("GET", "/desk/deputies")
@case("POST", "/desk/deputies")
@case("POST", "/desk/deputies/<int:delegation_id>/revoke")
def name_a_deputy(stage: Stage) -> None:
    absent, deputy, now = stage.person(Role.MANAGER), stage.person(Role.REVIEWER), timezone.localtime()
    times: dict[str, Any] = {
        "starts_at": f"{now:%Y-%m-%dT%H:%M}",
        "ends_at": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
    }
    stage.post(Role.OWNER, "/desk/deputies", absent=absent.pk, deputy=deputy.pk, limit="", **times)
    row = Delegation.objects.get()
    assert deputy.name in stage.get(Role.OWNER, "/desk/deputies")
    stage.post(Role.OWNER, f"/desk/deputies/{row.pk}/revoke")
    assert Delegation.objects.get().revoked_at is not None


@case("GET", "/desk/at-till/<str:token>")
@case("POST", "/desk/at-till/<str:token>")
def decide_at_the_till(stage: Stage) -> None:
    request = stage.in_review()
    body = {"terminal": "POS-01", "version": request.version, "amount_fen": request.amount_fen}
    shown = stage.call("POST", f"refund-requests/{request.pk}/till-authorisations", body, expect=201)
    path = "/desk/at-till/" + shown["url"].rsplit("/", 1)[1]
    assert request.number in stage.get(Role.MANAGER, path)
    stage.post(Role.MANAGER, path, decision="approve")
    assert fresh(request).approved_fen == request.amount_fen


@case("GET", "/desk/shifts")
@case("POST", "/desk/shifts")
@case("GET", "/desk/shifts/<int:shift_id>")
@case("POST", "/desk/shifts/<int:shift_id>")
def run_shift(stage: Stage) -> None:
    till = stage.merchant.stores.order_by("pk")[0].terminals.get(code="POS-01")
    stage.post(Role.CASHIER, "/desk/shifts", terminal=till.pk, float="100")
    shift = Shift.objects.get()
    assert "POS-01" in stage.get(Role.CASHIER, "/desk/shifts")
    path = f"/desk/shifts/{shift.pk}"
    assert "100.00" in stage.get(Role.CASHIER, path)
    stage.post(Role.CASHIER, path, counted="99", expect=422)
    stage.post(Role.CASHIER, path, counted="99", note="short by one")
    assert Shift.objects.get().counted_fen == 9_900


@case("POST", f"{_DRAFT}/catch-up")
def catch_up(stage: Stage) -> None:
    draft = stage.draft()
    stage.post(Role.MANAGER, f"/desk/policy/drafts/{draft.pk}/catch-up", revision=draft.revision)
    assert AuditEvent.objects.filter(action="policy.draft_catch_up").count() == 1


# --- reconciliation ---------------------------------------------------------------------------------------------------


@case("GET", "/desk/reconciliation")
def reconciliation(stage: Stage) -> None:
    stage.compared()
    assert DAY.isoformat() in stage.get(Role.FINANCE, "/desk/reconciliation")


@case("POST", "/desk/reconciliation/add")
def add_statement(stage: Stage) -> None:
    stage.moved_on_the_day()
    form: dict[str, Any] = {"account": stage.account.code, "date": DAY.isoformat(), "file": stage.statement()}
    answer = stage.post(Role.FINANCE, "/desk/reconciliation/add", **form)
    assert answer["Location"] == stage.day_path
    assert counts(stage.day) == {"matched": 1}


@case("GET", _DAY)
def day(stage: Stage) -> None:
    stage.compared(portal=True)
    assert "¥32.00" in stage.get(Role.FINANCE, stage.day_path)


@case("GET", f"{_DAY}.csv")
def day_csv(stage: Stage) -> None:
    stage.compared(portal=True)
    assert "PORTAL20260001" in stage.get(Role.FINANCE, f"{stage.day_path}.csv")


@case("POST", f"{_DAY}/upload")
def upload_statement(stage: Stage) -> None:
    stage.moved_on_the_day(portal=True)
    stage.post(Role.FINANCE, f"{stage.day_path}/upload", file=stage.statement())
    assert counts(stage.day) == {"matched": 1, "channel_only": 1}
    # The same file again is no other version, a longer one is.
    stage.post(Role.FINANCE, f"{stage.day_path}/upload", file=stage.statement())
    assert Bill.objects.count() == 1
    stage.moved_on_the_day()
    stage.post(Role.FINANCE, f"{stage.day_path}/upload", file=stage.statement())
    assert (Bill.objects.count(), counts(stage.day)) == (2, {"matched": 2, "channel_only": 1})


@case("POST", f"{_DAY}/download")
def fetch_statement(stage: Stage) -> None:
    stage.moved_on_the_day()
    stage.post(Role.FINANCE, f"{stage.day_path}/download")
    assert counts(stage.day) == {"matched": 1}
    # The account's money beside it.
    assert FundStatement.objects.get().out_fen == 1_200
    stage.moved_on_the_day()
    stage.post(Role.FINANCE, f"{stage.day_path}/download")
    assert counts(stage.day) == {"matched": 2}


@case("POST", f"{_DAY}/close")
def close_day(stage: Stage) -> None:
    stage.compared()
    stage.post(Role.FINANCE, f"{stage.day_path}/close", confirmed="1")
    assert stage.day.state == "closed"


@case("POST", f"{_DAY}/reopen")
def reopen_day(stage: Stage) -> None:
    close_day(stage)
    stage.post(Role.FINANCE, f"{stage.day_path}/reopen", note="渠道补发账单")
    assert stage.day.state == "open"


@case("POST", "/desk/reconciliation/differences/<int:difference_id>/resolve")
def resolve(stage: Stage) -> None:
    found = stage.difference()
    path = f"/desk/reconciliation/differences/{found.pk}/resolve"
    stage.post(Role.FINANCE, path, resolution="channel_error", note="已报渠道")
    assert Difference.objects.get(pk=found.pk).resolution == "channel_error"


@case("POST", "/desk/reconciliation/differences/<int:difference_id>/assign")
def assign(stage: Stage) -> None:
    found = stage.difference()
    path = f"/desk/reconciliation/differences/{found.pk}/assign"
    stage.post(Role.FINANCE, path, owner=stage.person(Role.FINANCE).pk)
    assert Difference.objects.get(pk=found.pk).owner == stage.person(Role.FINANCE)


@case("POST", "/desk/reconciliation/differences/<int:difference_id>/adopt")
def adopt(stage: Stage) -> None:
    found = stage.difference()
    stage.post(
        Role.FINANCE, f"/desk/reconciliation/differences/{found.pk}/adopt", note="店长在商户平台退的", confirmed="1"
    )
    assert RefundRequest.objects.get(reason="operator_error").refunded_fen == 2_000


# --- settings and the trail -------------------------------------------------------------------------------------------

_SETTINGS = "/desk/settings"


@case("GET", _SETTINGS)
def settings(stage: Stage) -> None:
    assert "Tills" in stage.get(Role.OWNER, _SETTINGS)


@case("GET", f"{_SETTINGS}/stores")
def stores(stage: Stage) -> None:
    assert "S001" in stage.get(Role.OWNER, f"{_SETTINGS}/stores")


@case("POST", f"{_SETTINGS}/stores")
def open_store(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_SETTINGS}/stores", code="S002", name="西湖店", phone="", address="")
    assert Store.objects.get(code="S002").merchant == stage.merchant


@case("GET", f"{_SETTINGS}/stores/<str:code>")
def store(stage: Stage) -> None:
    assert "S001" in stage.get(Role.OWNER, f"{_SETTINGS}/stores/S001")


@case("POST", f"{_SETTINGS}/stores/<str:code>")
def change_store(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_SETTINGS}/stores/S001", name="西湖店", phone="", address="")
    assert Store.objects.get(code="S001").name == "西湖店"


@case("POST", f"{_SETTINGS}/stores/<str:code>/close")
@case("POST", f"{_SETTINGS}/stores/<str:code>/reopen")
def close_and_reopen_store(stage: Stage) -> None:
    for act, is_closed in (("close", True), ("reopen", False)):
        stage.post(Role.OWNER, f"{_SETTINGS}/stores/S001/{act}")
        assert (Store.objects.get(code="S001").closed_at is not None) == is_closed


@case("GET", f"{_SETTINGS}/terminals")
def tills(stage: Stage) -> None:
    assert "POS-01" in stage.get(Role.MANAGER, f"{_SETTINGS}/terminals")


@case("POST", f"{_SETTINGS}/terminals")
def register_till(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_SETTINGS}/terminals", code="POS-09", name="", store="S001")
    assert Terminal.objects.get(code="POS-09").refunds_enabled


@case("POST", f"{_SETTINGS}/terminals/newest")
def newest_software(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_SETTINGS}/terminals/newest", version="5.0")
    stage.merchant.refresh_from_db()
    assert stage.merchant.newest_software_version == "5.0"


_TILL = f"{_SETTINGS}/terminals/<int:terminal_id>"


def _till() -> str:
    return f"{_SETTINGS}/terminals/{Terminal.objects.get().pk}"


@case("GET", _TILL)
def till(stage: Stage) -> None:
    assert "POS-01" in stage.get(Role.MANAGER, _till())


@case("POST", _TILL)
def change_till(stage: Stage) -> None:
    stage.post(Role.MANAGER, _till(), name="西门", store="S001", next_service_date="2027-03-01")
    assert Terminal.objects.get().name == "西门"


@case("POST", f"{_TILL}/refunds")
def switch_till(stage: Stage) -> None:
    stage.post(Role.MANAGER, f"{_till()}/refunds", reason="盘点")
    assert Terminal.objects.get().refunds_off_reason == "盘点"


@case("GET", "/desk/audit")
def audit(stage: Stage) -> None:
    request = stage.in_review()
    assert request.number in stage.get(Role.FINANCE, "/desk/audit")


@case("GET", "/desk/audit.csv")
def audit_csv(stage: Stage) -> None:
    request = stage.in_review()
    assert str(request.pk) in stage.get(Role.FINANCE, "/desk/audit.csv")


def _checkpoint(stage: Stage) -> None:
    AuditCheckpoint.objects.create(
        merchant_id=stage.merchant.pk, seq=0, body="{}", signatures={}, key_id="-", at=timezone.now()
    )


@case("GET", "/desk/audit/chain.jsonl")
def audit_chain(stage: Stage) -> None:
    _checkpoint(stage)
    assert '{"body":"{}","signatures":{}}' in stage.get(Role.FINANCE, "/desk/audit/chain.jsonl")


@case("GET", "/desk/audit/checkpoint.json")
def audit_checkpoint(stage: Stage) -> None:
    _checkpoint(stage)
    assert stage.get(Role.FINANCE, "/desk/audit/checkpoint.json") == '{"body":"{}","signatures":{}}'


@case("POST", "/desk/audit/holder")
def audit_holder(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/audit/holder", mail="auditor@example.com")
    assert Merchant.objects.get(pk=stage.merchant.pk).checkpoints_to == "auditor@example.com"


@case("POST", "/desk/audit/verify")
def verify_audit(stage: Stage) -> None:
    stage.in_review()
    answer = stage.post(Role.FINANCE, "/desk/audit/verify", expect=200)
    assert "Nothing was changed" in text_of(answer)


@case("POST", "/desk/audit/verify-whole")
def verify_audit_whole(stage: Stage) -> None:
    stage.post(Role.FINANCE, "/desk/audit/verify-whole")
    assert AuditVerification.objects.get().ended_at is None


_ACCOUNTS = f"{_SETTINGS}/channel-accounts"
_ACCOUNT = f"{_ACCOUNTS}/<str:code>"


@case("GET", _ACCOUNTS)
def channel_accounts(stage: Stage) -> None:
    assert stage.account.code in stage.get(Role.OWNER, _ACCOUNTS)


@case("GET", f"{_ACCOUNTS}/new/<str:channel>")
def new_channel_account(stage: Stage) -> None:
    assert "api_v3_key" not in stage.get(Role.OWNER, f"{_ACCOUNTS}/new/alipay")


@case("POST", f"{_ACCOUNTS}/new/<str:channel>")
def open_channel_account(stage: Stage) -> None:
    given: dict[str, Any] = stage.account.credentials
    stage.post(Role.OWNER, f"{_ACCOUNTS}/new/wechat", **given, store="*", replaces="1")
    stage.account.refresh_from_db()
    assert not stage.account.is_active


@case("GET", _ACCOUNT)
def channel_account(stage: Stage) -> None:
    assert "mchid" in stage.get(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}")


@case("POST", _ACCOUNT)
def change_contract(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}", max_partials="7")
    stage.account.refresh_from_db()
    assert stage.account.profile.max_partials == 7


@case("POST", f"{_ACCOUNT}/credentials")
def rotate_credentials(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}/credentials", api_v3_key="n" * 32, overlap="24h")
    stage.account.refresh_from_db()
    assert stage.account.credentials["api_v3_key"] == "n" * 32


@case("POST", f"{_ACCOUNT}/test")
def try_connection(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{stage.account.code}/test")
    stage.account.refresh_from_db()
    assert stage.account.test_word == "works"


@case("POST", f"{_ACCOUNT}/close")
def close_channel_account(stage: Stage) -> None:
    code = stage.account.code
    stage.post(Role.OWNER, f"{_ACCOUNTS}/{code}/close", typed=code)
    stage.account.refresh_from_db()
    assert not stage.account.is_active


_MESSAGES = f"{_SETTINGS}/messages"
_MESSAGE = f"{_MESSAGES}/<str:event>/<str:medium>/<str:language>"
_PAID_SMS = f"{_MESSAGES}/refunded/sms/en"


@case("GET", _MESSAGES)
def messages(stage: Stage) -> None:
    assert "built-in" in stage.get(Role.OWNER, _MESSAGES)


@case("GET", _MESSAGE)
def message(stage: Stage) -> None:
    assert "268.00" in stage.get(Role.OWNER, _PAID_SMS)


@case("POST", _MESSAGE)
def word_message(stage: Stage) -> None:
    stage.post(Role.OWNER, _PAID_SMS, text="¥{amount} is back", after="0")
    request = stage.paid()
    assert "¥268.00 is back" in wording.words(event="refunded", medium="sms", locale="en", request=request).body


@case("POST", f"{_MESSAGE}/preview")
def preview_message(stage: Stage) -> None:
    answer = stage.post(Role.OWNER, f"{_PAID_SMS}/preview", text="¥{amount} is back", expect=200)
    assert "¥268.00 is back" in text_of(answer)


@case("POST", f"{_MESSAGE}/test")
def send_test_message(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_MESSAGES}/refunded/email/en/test", recipient="owner@example.com")
    assert AuditEvent.objects.get(action="message.test").data["to"] == "o***@example.com"


@case("GET", f"{_SETTINGS}/personal-data")
def personal_data(stage: Stage) -> None:
    assert "1095" in stage.get(Role.OWNER, f"{_SETTINGS}/personal-data")


@case("POST", f"{_SETTINGS}/personal-data")
def change_term(stage: Stage) -> None:
    stage.post(Role.OWNER, f"{_SETTINGS}/personal-data", days="400")
    stage.merchant.refresh_from_db()
    assert stage.merchant.retention_days == 400


@case("POST", f"{_SETTINGS}/personal-data/erase")
def erase_person(stage: Stage) -> None:
    request = stage.in_review(phone="13800006021")
    _act(stage, Role.MANAGER, request, "cancel")
    form: dict[str, Any] = {"phone": "138 0000 6021", "again": "13800006021", "reason": "本人要求"}
    stage.post(Role.OWNER, f"{_SETTINGS}/personal-data/erase", **form)
    assert fresh(request).customer_phone == ""
