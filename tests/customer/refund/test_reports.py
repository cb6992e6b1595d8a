"""What the page offers after the decision: has it arrived, an appeal, help; and what it answers to all that can be sent."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from customer.refund import view
from merchants import principals
from merchants.models import Role
from merchants.principals import of_staff
from payment_channels.contract import Unknown
from refunds.facts import conditions
from refunds.models import CustomerReport, Execution, Payee, RefundRequest
from refunds.payouts import proving, ways_back
from refunds.review import deciding
from refunds.telling import carrying, one_time, tracking
from terminals.models import Transaction
from tests import pictures
from tests.customer.conftest import Staged
from tests.customer.refund.test_page import read
from tests.customer.refund.test_view import fresh, post
from tests.factories import make_staff
from tests.reconciliation.test_arrivals import done
from tests.refunds import hand
from tests.refunds.payouts.test_doubt import Scripted
from tests.refunds.telling.test_one_time import Mailbox

pytestmark = pytest.mark.django_db


def _channel_says(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    monkeypatch.setattr(proving, "adapter_for", lambda *_: Scripted(queries=[outcome]))


def test_missing_money_is_shown_with_proof_and_a_sentence_for_the_bank_in_both_languages(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = staged("refunded")
    payout = request.executions.get()
    Transaction.objects.update(funding="debit_card")
    Execution.objects.update(paid_to="")
    _channel_says(monkeypatch, done(payout))
    assert "No, it is not there" in read(request)

    response = post(request, "missing")

    assert response.status_code == 302
    page = Client().get(response["Location"]).content.decode()
    assert page.count(payout.channel_refund_no) >= 3
    assert "Please look for a refund of ¥268.00 that WeChat Pay paid on" in page
    assert "请查找一笔 ¥268.00 的退款" in page
    assert "My bank has not found it" in page


def test_missing_money_that_went_to_a_balance_is_not_looked_for_at_a_bank(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = staged("refunded")
    Transaction.objects.update(funding="balance")
    _channel_says(monkeypatch, done(request.executions.get()))
    page = Client().get(post(request, "missing")["Location"]).content.decode()
    assert "It went to your balance with WeChat Pay" in page
    assert "Please look for a refund" not in page


def test_missing_money_that_nothing_proves_is_looked_for_by_a_person(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = staged("refunded")
    _channel_says(monkeypatch, Unknown(code="timeout", message=""))

    post(request, "missing")

    page = read(request)
    assert "Somebody at the store is looking for your money" in page
    assert request.executions.get().channel_refund_no not in page
    assert "No, it is not there" not in page


def test_a_proof_is_hidden_once_the_channel_has_contradicted_itself(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = staged("refunded")
    payout = request.executions.get()
    _channel_says(monkeypatch, done(payout))
    post(request, "missing")
    type(request.transaction).objects.filter(pk=request.transaction_id).update(held_at=timezone.now())

    assert payout.channel_refund_no not in read(request)


def test_money_that_is_there_is_said_once(staged: Staged) -> None:
    request = staged("follow_up")

    assert post(request, "arrived").status_code == 302

    page = read(request)
    assert "You have the money" in page
    assert "/missing" not in page
    assert CustomerReport.objects.get().kind == "arrived"


@pytest.mark.parametrize("state", ["in_review", "executing", "rejected"])
@pytest.mark.parametrize("what", ["arrived", "missing"])
def test_nothing_has_arrived_before_it_is_paid(staged: Staged, state: str, what: str) -> None:
    request = staged(state)
    assert f"/{what}" not in read(request)
    response = post(request, what)
    assert response.status_code == 422
    assert "nothing can have arrived" in response.content.decode()
    assert not CustomerReport.objects.exists()


def test_a_rejection_says_what_was_not_met_and_is_appealed_against_once(staged: Staged) -> None:
    request = staged("rejected")
    assert "You can appeal once" in read(request)

    response = post(request, "appeal", message="<script>alert(1)</script>有新证据", files=[pictures.upload()])

    assert response.status_code == 302
    page = Client().get(response["Location"]).content.decode()
    assert "Your appeal has arrived" in page
    assert "<script>alert" not in page
    assert fresh(request).state == "in_review"
    again = post(request, "appeal", message="?")
    assert again.status_code == 422
    assert "You have appealed before" in again.content.decode()
    deciding.reject(
        request_id=request.pk,
        by=of_staff(make_staff(request.merchant, Role.MANAGER)),
        at=timezone.now(),
        version=fresh(request).version,
        reason="no_proof",
        message="No receipt.",
    )
    # No second one is promised.
    assert "looked at again" not in read(request)


def test_an_appeal_without_words_keeps_everything_as_it_was(staged: Staged) -> None:
    request = staged("rejected")
    assert post(request, "appeal", message="  ").status_code == 422
    assert fresh(request).state == "rejected"
    assert not CustomerReport.objects.exists()


def test_what_guards_the_merchant_is_not_told(staged: Staged) -> None:
    request = staged("rejected")
    rules = [
        {"code": code, "passed": False, "hard": False, "actual": "9", "limit": "1"}
        for code in ("filing_window", "same_destination", "near_limit")
    ]
    RefundRequest.objects.filter(pk=request.pk).update(verdict={**request.verdict, "rules": rules})
    page = read(request)
    assert "What your request did not meet" in page
    assert "in 30 days" not in page
    assert "cashier" not in page


def test_help_is_asked_for_and_its_answer_read(staged: Staged) -> None:
    request = staged("in_review")
    assert post(request, "help", message="").status_code == 422
    assert not CustomerReport.objects.exists()

    assert post(request, "help", message="可以改成现金吗？").status_code == 302

    assert "somebody answers by" in read(request)
    CustomerReport.objects.update(closed_at=timezone.now(), closed_by="张", outcome="<b>不可以</b>")
    page = read(request)
    assert "不可以" in page
    assert "<b>不" not in page


@pytest.mark.parametrize("what", ["arrived", "missing", "appeal", "help"])
def test_what_is_sent_is_throttled_and_ends_with_the_link(
    staged: Staged, settings: Settings, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    cache.clear()
    monkeypatch.setattr(view, "SENT", 0)
    request = staged("refunded")
    assert post(request, what, message="?").status_code == 429
    token = tracking.token_for(request.pk)
    with time_machine.travel(timezone.now() + timedelta(days=settings.TRACKING_LINK_DAYS + 1)):
        assert Client().post(f"/r/{token}/{what}").status_code == 410
    assert Client().post(f"/r/{token[:-2]}AA/{what}").status_code == 404
    assert Client().get(f"/r/{token}/{what}").status_code == 405
    assert not CustomerReport.objects.exists()


@pytest.mark.parametrize("state", ["in_review", "rejected", "refunded"])
def test_the_page_stays_small(staged: Staged, state: str) -> None:
    assert len(read(staged(state)).encode()) <= 60_000


def test_another_account_is_named_where_the_old_one_is_closed(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    request, box = staged("failed"), Mailbox()
    cache.clear()
    monkeypatch.setattr(carrying, "carrier_for", lambda _medium: box)
    assert "Name another account of yours" in read(request)
    assert "payee_account" not in read(request)
    asked = post(request, "code").content.decode()
    (ticket,) = set(re.findall(r'name="ticket" value="([^"]+)"', asked))
    assert [to for to, _ in box.sent] == [conditions.phone_to_show(fresh(request))]
    typed = {"payee_holder": "王小敏", "payee_account": "12", "payee_bank": "工商银行", "consent": "1"}
    typed |= {"ticket": ticket, "code": box.code}

    refused = post(request, "account", **typed)

    assert refused.status_code == 422
    assert ticket in refused.content.decode()
    assert "account" in refused.content.decode().split('role="alert"')[1][:200]
    # This merchant pays no transfers: the customer is told to call, and nothing has changed.
    assert post(request, "account", **{**typed, "payee_account": "6222021234567890123"}).status_code == 422
    assert fresh(request).state == "failed"
    assert "6222021234567890123" not in read(request)


@pytest.mark.parametrize("what", ["no code", "wrong code", "code of another sale"])
def test_an_account_is_not_named_by_who_has_only_the_link(
    staged: Staged, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    request, box = staged("failed"), Mailbox()
    cache.clear()
    monkeypatch.setattr(carrying, "carrier_for", lambda _medium: box)
    about = uuid4() if what == "code of another sale" else request.transaction_id
    ticket = one_time.send(
        phone=conditions.phone_to_show(request),
        transaction_id=about,
        merchant=request.merchant,
        language="en",
        at=timezone.now(),
    )
    code = {"no code": "", "wrong code": str(int(box.code[::-1]) + 1)}.get(what, box.code)
    typed = {"payee_holder": "王小敏", "payee_account": hand.ACCOUNT_NO, "payee_bank": "工商银行", "consent": "1"}
    answer = post(request, "account", **typed, ticket=ticket if what != "no code" else "", code=code)
    assert (answer.status_code, fresh(request).state, fresh(request).route) == (422, "failed", "original")
    assert not Payee.objects.exists()


def test_a_customer_has_their_data_erased_once_it_is_over(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    request, box = staged("rejected"), Mailbox()
    cache.clear()
    monkeypatch.setattr(carrying, "carrier_for", lambda _medium: box)
    assert post(request, "erase").status_code == 422
    assert fresh(request).customer_phone
    post(request, "appeal", message="有新证据", files=[pictures.upload()])
    (ticket,) = set(re.findall(r'name="ticket" value="([^"]+)"', post(request, "code").content.decode()))
    under_way = post(request, "erase", sure="1", ticket=ticket, code=box.code)
    assert under_way.status_code == 422
    assert fresh(request).customer_phone

    ways_back.cancel(request_id=request.pk, by=principals.SYSTEM, at=timezone.now())
    # Others have the link as well: it takes the phone.
    assert post(request, "erase", sure="1").status_code == 422
    assert fresh(request).customer_phone
    asked = post(request, "code").content.decode()
    (ticket,) = set(re.findall(r'name="ticket" value="([^"]+)"', asked))
    assert "We send a code to 138 **** " not in asked
    assert post(request, "erase", ticket=ticket, code=box.code).status_code == 422
    assert post(request, "erase", sure="1", ticket=ticket, code=box.code).status_code == 302

    gone = fresh(request)
    assert (gone.customer_phone, gone.customer_email, gone.description) == ("", "", "")
    assert CustomerReport.objects.get().words == ""
    assert gone.evidence.count() == 0
    assert "Refund no." in read(request)
    assert post(request, "erase", sure="1").status_code == 302
