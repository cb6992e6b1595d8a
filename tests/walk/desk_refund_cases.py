"""A refund's page and its sale's: what is shown, and what is done there beside deciding."""

from __future__ import annotations

from core.audit.models import AuditEvent
from merchants.models import Role
from terminals.models import Transaction
from tests import pictures
from tests.said import said
from tests.walk.cases import case
from tests.walk.stage import Stage, text_of

_REFUND = "/desk/refunds/<str:number>"


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


@case("POST", f"{_REFUND}/cancel")
def cancel(stage: Stage) -> None:
    request = stage.in_review(by=stage.person(Role.CASHIER))
    assert stage.act(Role.CASHIER, request, "cancel", message="顾客不退了").state == "cancelled"


@case("POST", "/desk/transactions/<uuid:transaction_id>/ask")
def ask_channel(stage: Stage) -> None:
    sale = stage.sale()
    stage.post(Role.CASHIER, f"/desk/transactions/{sale.pk}/ask")
    assert Transaction.objects.get(pk=sale.pk).payment_word == "paid"


@case("POST", "/desk/transactions/<uuid:transaction_id>/end-hold")
def end_hold(stage: Stage) -> None:
    sale = stage.sale()
    Transaction.objects.filter(pk=sale.pk).update(held_at=stage.now())
    stage.post(Role.FINANCE, f"/desk/transactions/{sale.pk}/end-hold", finding="not_paid", note="已与渠道核对")
    assert Transaction.objects.get(pk=sale.pk).held_at is None


@case("POST", f"{_REFUND}/resubmit")
def resubmit(stage: Stage) -> None:
    request = stage.asked_for_more()
    done = stage.act(Role.REVIEWER, request, "resubmit", text="照片已补", amount="200.00", consent="1")
    assert (done.amount_fen, done.description, done.state in {"in_review", "approved"}) == (20_000, "照片已补", True)


@case("POST", f"{_REFUND}/evidence")
def add_evidence(stage: Stage) -> None:
    done = stage.act(Role.CASHIER, stage.in_review(), "evidence", files=pictures.upload(), text="面板")
    assert done.evidence.get().note == "面板"


@case("POST", f"{_REFUND}/note")
def note(stage: Stage) -> None:
    stage.act(Role.REVIEWER, stage.in_review(), "note", text="已电话联系")
    assert said(AuditEvent.objects.get(action="refund.note"))["note"] == "已电话联系"
