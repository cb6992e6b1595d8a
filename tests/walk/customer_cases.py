"""What a customer applies for and says by themselves, and the desk's list of what has to be answered."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

from django.utils import timezone

from merchants.models import Role
from merchants.principals import of_staff
from refunds.follow_up import reports
from refunds.models import CustomerReport, Evidence, Execution, Payee, RefundRequest
from refunds.review import deciding
from refunds.states import RejectReason
from refunds.telling import carrying, tracking
from refunds.telling.tracking import Receipt
from terminals.models import Transaction
from tests import pictures
from tests.factories import of_customer
from tests.refunds import hand
from tests.refunds.telling.test_one_time import Mailbox
from tests.walk.cases import case
from tests.walk.stage import Stage, fresh, text_of

_TASKS = "/desk/tasks"
#: Nobody else's: codes to one phone are few.
_PHONE = "13800007301"


# --- applying ---------------------------------------------------------------------------------------------------------


def _receipt(stage: Stage) -> tuple[Transaction, str]:
    """A sale, and where the code on its receipt leads."""
    sale = stage.sale(payer_phone=_PHONE)
    return sale, f"/r/apply/{tracking.apply_token(Receipt(sale.store_id, sale.pk))}"


def _told(stage: Stage) -> tuple[Transaction, str, Mailbox, Any]:
    """Two facts of the sale are told, and a code went to its phone."""
    box, (sale, path) = Mailbox(), _receipt(stage)
    with mock.patch.object(carrying, "carrier_for", return_value=box):
        answer = stage.nobody().post(path, {"order_no": sale.order_no, "amount": "339.80"})
    assert answer.status_code == 200, text_of(answer)[:3000]
    return sale, path, box, answer


@case("GET", "/r/apply/<str:token>")
def apply_form(stage: Stage) -> None:
    sale, path = _receipt(stage)
    answer = stage.nobody().get(path)
    page = text_of(answer)
    assert (answer.status_code, 'name="order_no"' in page, sale.order_no in page) == (200, True, False)


@case("POST", "/r/apply/<str:token>")
def tell_two_facts(stage: Stage) -> None:
    _, _, box, answer = _told(stage)
    page = text_of(answer)
    assert ('name="ticket"' in page, _PHONE in page) == (True, False)
    assert [recipient for recipient, _ in box.sent] == [_PHONE]
    assert not RefundRequest.objects.exists()


@case("POST", "/r/apply/<str:token>/send")
def apply(stage: Stage) -> None:
    sale, path, box, answer = _told(stage)
    (ticket,) = set(re.findall(r'name="ticket" value="([^"]+)"', text_of(answer)))
    form = {"ticket": ticket, "code": box.code, "amount": "12", "reason": "quality", "consent": "1"}
    client = stage.nobody()
    # A link that is only opened sends nothing.
    assert client.get(f"{path}/send", form).status_code == 405
    assert not RefundRequest.objects.exists()
    sent = client.post(f"{path}/send", {**form, "description": "面板开裂", "files": pictures.upload()})
    assert sent.status_code == 302, text_of(sent)[:3000]
    request = RefundRequest.objects.get()
    assert (request.transaction_id, request.amount_fen, request.customer_phone) == (sale.pk, 1_200, _PHONE)
    assert Evidence.objects.get().request == request
    assert request.number in text_of(client.get(sent["Location"]))


# --- behind the link --------------------------------------------------------------------------------------------------


def _rejected(stage: Stage) -> RefundRequest:
    request = stage.in_review()
    deciding.reject(
        request_id=request.pk,
        by=of_staff(stage.person(Role.REVIEWER)),
        at=timezone.now(),
        version=request.version,
        reason=RejectReason.GOODS_USED,
        message="外壳有明显的使用痕迹",
    )
    return fresh(request)


@case("POST", "/r/<str:token>/arrived")
def has_arrived(stage: Stage) -> None:
    answer = stage.nobody().post(stage.link(stage.paid(), "/arrived"))
    assert (answer.status_code, CustomerReport.objects.get().kind) == (302, "arrived")


@case("POST", "/r/<str:token>/missing")
def is_missing(stage: Stage) -> None:
    request = stage.paid()
    answer = stage.nobody().post(stage.link(request, "/missing"))
    report = CustomerReport.objects.get()
    assert (answer.status_code, report.kind, report.is_open) == (302, "not_arrived", False)
    # The channel was asked once more, and shows that it has paid.
    reference = Execution.objects.get().channel_refund_no
    assert [(proof["reference"], proof["seen"]) for proof in report.proofs] == [(reference, ["channel"])]
    assert reference in text_of(stage.nobody().get(stage.link(request)))


@case("POST", "/r/<str:token>/appeal")
def appeal(stage: Stage) -> None:
    request = _rejected(stage)
    form = {"message": "开箱时就裂了", "files": pictures.upload()}
    answer = stage.nobody().post(stage.link(request, "/appeal"), form)
    assert (answer.status_code, fresh(request).state, request.evidence.count()) == (302, "in_review", 1)
    report = CustomerReport.objects.get()
    assert (report.kind, report.words) == ("appeal", "开箱时就裂了")


def _account_asked(stage: Stage) -> tuple[RefundRequest, Mailbox, Any]:
    """The account that paid is closed, and a code went to the customer's phone."""
    request = stage.failed()
    Execution.objects.update(failure_remedy="other_route")
    Transaction.objects.filter(pk=request.transaction_id).update(payer_phone=_PHONE)
    return request, *_code(stage, request)


def _code(stage: Stage, request: RefundRequest) -> tuple[Mailbox, Any]:
    """What was sent to the customer's phone, and the page after it."""
    box = Mailbox()
    with mock.patch.object(carrying, "carrier_for", return_value=box):
        return box, stage.nobody().post(stage.link(request, "/code"))


@case("POST", "/r/<str:token>/code")
def send_code(stage: Stage) -> None:
    request, box, answer = _account_asked(stage)
    assert (answer.status_code, [to for to, _ in box.sent]) == (200, [_PHONE])
    assert "138 **** 7301" in text_of(answer)
    assert _PHONE not in text_of(answer)
    assert fresh(request).state == "failed"


@case("POST", "/r/<str:token>/account")
def name_account(stage: Stage) -> None:
    request, box, sent = _account_asked(stage)
    (ticket,) = set(re.findall(r'name="ticket" value="([^"]+)"', text_of(sent)))
    form = {"payee_holder": "王小敏", "payee_account": hand.ACCOUNT_NO, "payee_bank": "工商银行", "consent": "1"}
    # Staff have the link as well, and not the phone.
    refused = stage.nobody().post(stage.link(request, "/account"), form)
    assert (refused.status_code, fresh(request).state) == (422, "failed")
    answer = stage.nobody().post(stage.link(request, "/account"), {**form, "ticket": ticket, "code": box.code})
    again = fresh(request)
    assert (answer.status_code, again.state, again.route) == (302, "in_review", "bank_transfer")
    assert Payee.objects.get().account_no == hand.ACCOUNT_NO
    assert hand.ACCOUNT_NO not in text_of(stage.nobody().get(stage.link(request)))


@case("POST", "/r/<str:token>/erase")
def erase(stage: Stage) -> None:
    request = _rejected(stage)
    stage.picture_of(request)
    Transaction.objects.filter(pk=request.transaction_id).update(payer_phone=_PHONE)
    box, sent = _code(stage, request)
    (ticket,) = set(re.findall(r'name="ticket" value="([^"]+)"', text_of(sent)))
    refused = stage.nobody().post(stage.link(request, "/erase"), {"sure": "1"})
    assert (refused.status_code, fresh(request).evidence.count()) == (422, 1)
    answer = stage.nobody().post(stage.link(request, "/erase"), {"sure": "1", "ticket": ticket, "code": box.code})
    gone = fresh(request)
    assert (answer.status_code, gone.customer_phone, gone.customer_email, gone.customer_name) == (302, "", "", "")
    assert (gone.amount_fen, gone.evidence.count()) == (26_800, 0)


@case("POST", "/r/<str:token>/help")
def ask_help(stage: Stage) -> None:
    request = stage.in_review()
    answer = stage.nobody().post(stage.link(request, "/help"), {"message": "可以改成现金吗？"})
    report = CustomerReport.objects.get()
    assert (answer.status_code, report.words, report.is_open) == (302, "可以改成现金吗？", True)


# --- the desk's list of them ------------------------------------------------------------------------------------------


def _asked(stage: Stage) -> CustomerReport:
    """A customer has a question that nobody has answered."""
    request = stage.in_review()
    by, at = of_customer(request), timezone.now()
    return reports.help_wanted(request_id=request.pk, words="什么时候到账？", by=by, at=at)


@case("GET", _TASKS)
def task_list(stage: Stage) -> None:
    report = _asked(stage)
    page = stage.get(Role.REVIEWER, _TASKS)
    assert report.request.number in page
    assert "什么时候到账？" in page


@case("POST", f"{_TASKS}/<int:report_id>/take")
def take_task(stage: Stage) -> None:
    stage.post(Role.REVIEWER, f"{_TASKS}/{_asked(stage).pk}/take")
    assert CustomerReport.objects.get().owner == stage.person(Role.REVIEWER)


@case("POST", f"{_TASKS}/<int:report_id>/close")
def close_task(stage: Stage) -> None:
    report = _asked(stage)
    stage.post(Role.REVIEWER, f"{_TASKS}/{report.pk}/close", outcome="三天内到账")
    closed = CustomerReport.objects.get()
    assert (closed.is_open, closed.outcome) == (False, "三天内到账")
    assert "三天内到账" in text_of(stage.nobody().get(stage.link(report.request)))
