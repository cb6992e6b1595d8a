"""A refund that the channel cannot deliver goes to another account."""

from __future__ import annotations

import time

import pytest
from django.test import Client
from django.utils import timezone

from core.audit.models import AuditEvent
from merchants.models import Staff
from refunds.models import Approval, Execution, RefundRequest
from refunds.payouts.loop import drain
from simulators.kit.testing import RunningSimulator
from terminals.models import Transaction
from tests.factories import make_account, make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db(transaction=True)

_CARD = "6222021234567890123"


@pytest.fixture
def stuck(wechat: RunningSimulator) -> RefundRequest:
    """A refund that ended ABNORMAL at the channel."""
    merchant = make_merchant()
    account = make_account(merchant, wechat.account, first_query_s=0.05)
    sale = make_sale(merchant, 10_000, channel_account=account)
    payment = {"order_no": sale.order_no, "transaction_no": sale.channel_transaction_no, "amount_fen": 10_000}
    wechat.control("POST", "/payments", payment)
    wechat.control("POST", "/faults", {"operation": "refund", "fault": "abnormal", "times": 1})
    request = make_request(sale, 1_200)
    _drain_until(request, lambda: Execution.objects.get(request=request).needs_attention)
    return request


def _drain_until(request: RefundRequest, reached: object) -> None:
    assert callable(reached)
    until = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < until
        Execution.objects.filter(request=request, due_at__isnull=False).update(due_at=timezone.now())
        drain()
        time.sleep(0.05)


def _browser(staff: Staff) -> Client:
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _form(**fields: str) -> dict[str, str]:
    return {
        "payee": "customer_card",
        "bank_type": "ICBC_DEBIT",
        "card_number": _CARD,
        "holder_name": "王敏",
        "confirmed": "1",
        **fields,
    }


def test_finance_sends_it_to_the_customers_other_card_and_no_number_stays_behind(stuck: RefundRequest) -> None:
    finance = _browser(make_staff(stuck.merchant, "finance"))
    address = f"/desk/refunds/{stuck.number}/send-elsewhere"
    assert "send-elsewhere" in finance.get(f"/desk/refunds/{stuck.number}").content.decode()
    answer = finance.post(address, _form())
    assert answer.status_code == 302, answer.content.decode()
    _drain_until(stuck, lambda: RefundRequest.objects.get(pk=stuck.pk).state == "refunded")
    written = AuditEvent.objects.get(action="refund.send_elsewhere")
    assert written.data["card_last4"] == _CARD[-4:]
    assert _CARD not in str(list(Execution.objects.values())) + str(list(AuditEvent.objects.values()))


def test_incomplete_payee_is_refused_and_changes_nothing(stuck: RefundRequest) -> None:
    finance = _browser(make_staff(stuck.merchant, "finance"))
    answer = finance.post(f"/desk/refunds/{stuck.number}/send-elsewhere", _form(card_number="12"))
    assert answer.status_code == 422
    assert _CARD not in answer.content.decode()
    assert Execution.objects.get(request=stuck).needs_attention


def test_payee_that_was_not_compared_is_sent_nowhere(stuck: RefundRequest) -> None:
    finance = _browser(make_staff(stuck.merchant, "finance"))
    answer = finance.post(f"/desk/refunds/{stuck.number}/send-elsewhere", _form(confirmed=""))
    assert answer.status_code == 422
    assert _CARD not in answer.content.decode()
    assert Execution.objects.get(request=stuck).needs_attention
    assert not AuditEvent.objects.filter(action="refund.send_elsewhere").exists()


@pytest.mark.parametrize("role", ["cashier", "reviewer"])
def test_only_finance_and_managers_may(stuck: RefundRequest, role: str) -> None:
    answer = _browser(make_staff(stuck.merchant, role)).post(f"/desk/refunds/{stuck.number}/send-elsewhere", _form())
    assert answer.status_code == 403


# The approval is a row alone.
@pytest.mark.breaks_invariants
@pytest.mark.parametrize("part", ["asked for it", "approved it", "rang it up"])
def test_send_elsewhere_when_the_card_is_typed_in_by_who_had_a_hand_in_it_is_forbidden(
    stuck: RefundRequest, part: str
) -> None:
    manager = make_staff(stuck.merchant, "manager")
    if part == "asked for it":
        RefundRequest.objects.filter(pk=stuck.pk).update(staff=manager)
    elif part == "approved it":
        Approval.objects.create(
            request=stuck, staff=manager, decision="approve", tier="manager", version=2, at=timezone.now()
        )
    else:
        Transaction.objects.filter(pk=stuck.transaction_id).update(cashier=manager.username.upper())
    before = list(Execution.objects.values())

    answer = _browser(manager).post(f"/desk/refunds/{stuck.number}/send-elsewhere", _form())

    assert answer.status_code == 403
    assert not AuditEvent.objects.filter(action="refund.send_elsewhere").exists()
    assert list(Execution.objects.values()) == before


def test_another_merchants_refund_is_not_found(stuck: RefundRequest) -> None:
    stranger = _browser(make_staff(make_merchant(), "finance"))
    assert stranger.post(f"/desk/refunds/{stuck.number}/send-elsewhere", _form()).status_code == 404


def test_payout_that_is_not_stuck_cannot_be_redirected(stuck: RefundRequest) -> None:
    Execution.objects.filter(request=stuck).update(needs_attention=False)
    answer = _browser(make_staff(stuck.merchant, "finance")).post(
        f"/desk/refunds/{stuck.number}/send-elsewhere", _form()
    )
    assert answer.status_code == 422
