"""Payouts that a person sees to: by hand, again, elsewhere, or whose end is unknown."""

from __future__ import annotations

import re
from typing import Any

from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.models import Role
from refunds.models import Execution, RefundRequest
from refunds.states import Route
from tests import pictures
from tests.refunds import hand
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh, text_of

_REFUND = "/desk/refunds/<str:number>"


@case("POST", f"{_REFUND}/retry")
def retry(stage: Stage) -> None:
    done = stage.act(Role.FINANCE, stage.failed(), "retry", confirmed="1")
    assert done.state == "approved"


@case("POST", f"{_REFUND}/give-up-leg")
def give_up_leg(stage: Stage) -> None:
    done = stage.act(Role.FINANCE, stage.half_paid(), "give-up-leg", leg="2", text="顾客不要了")
    assert (done.state, done.refunded_fen) == ("refunded", 20_000)


@case("POST", f"{_REFUND}/move-leg")
def move_leg(stage: Stage) -> None:
    account = {"payee_holder": "王敏", "payee_account": "6222000012345678", "payee_bank": "工商银行"}
    request = stage.half_paid()
    stage.act(Role.FINANCE, request, "move-leg", leg="2", route="bank_transfer", consent="1", **account)
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


@case("GET", f"{_REFUND}/send-elsewhere")
def send_elsewhere_form(stage: Stage) -> None:
    request = stage.stuck()
    assert "card_number" in stage.get(Role.FINANCE, f"/desk/refunds/{request.number}/send-elsewhere")


@case("POST", f"{_REFUND}/send-elsewhere")
def send_elsewhere(stage: Stage) -> None:
    request = stage.stuck()
    card = {"bank_type": "ICBC_DEBIT", "card_number": hand.ACCOUNT_NO, "holder_name": "王敏"}
    stage.act(Role.FINANCE, request, "send-elsewhere", payee="customer_card", confirmed="1", **card)
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
    seen = stage.act(Role.FINANCE, request, "end-unknown", files=pictures.upload(), paid_at=paid_at, **typed)
    assert seen.state == "unknown"
    assert AuditEvent.objects.get(action="refund.end_proposed").data["channel_refund_no"] == "5030"


@case("POST", f"{_REFUND}/end-unknown/confirm")
def confirm_what_the_portal_shows(stage: Stage) -> None:
    request = stage.found_in_portal(paid=True)
    done = stage.act(Role.OWNER, request, "end-unknown/confirm", confirmed="1")
    assert (done.state, done.executions.get().proof_source) == ("refunded", "portal")


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
