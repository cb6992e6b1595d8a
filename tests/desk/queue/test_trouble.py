"""The desk says so when a channel is down, short or silent."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from desk.queue.trouble import troubles
from merchants.models import Merchant
from payment_channels.contract import Refused, Retry, Unknown
from refunds import payouts
from refunds.payouts import Answer, settle
from refunds.payouts.breaker import OPENS_AFTER, Breakers
from tests.factories import make_merchant, make_request, make_sale, make_staff

pytestmark = pytest.mark.django_db


def _desk(merchant: Merchant) -> str:
    client = Client()
    client.force_login(make_staff(merchant, "reviewer"), backend="django.contrib.auth.backends.ModelBackend")
    return client.get("/desk").content.decode()


def test_nothing_is_said_while_all_is_well() -> None:
    assert 'role="status"><span class="ch' not in _desk(make_merchant())


def test_short_balance_is_said_with_the_amount() -> None:
    merchant = make_merchant()
    make_request(make_sale(merchant), 1_200)
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    short = Refused(code="NOT_ENOUGH", message="余额不足", retry=Retry.AFTER_TOP_UP)
    settle([Answer(claimed.execution_id, claimed.request_id, claimed.account_id, short, "answer")], at=now)
    assert "12.00" in _desk(merchant)


@pytest.mark.parametrize("throttled", [False, True])
def test_channel_that_asks_to_come_later_is_said_after_minutes_and_asked_less_and_less(throttled: bool) -> None:
    merchant = make_merchant()
    request = make_request(make_sale(merchant), 1_200)
    at = start = timezone.now()
    retry = Retry.SAME_NUMBER if throttled else Retry.LATER
    later = Refused(code="37", message="操作过于频繁", retry=retry, throttled=throttled)
    while at < start + timedelta(minutes=20):
        (claimed,) = payouts.claim(limit=1, at=at)
        settle([Answer(claimed.execution_id, claimed.request_id, claimed.account_id, later, "answer")], at=at)
        assert (troubles(merchant_id=merchant.pk, at=at) == []) is (at - start <= timedelta(minutes=5))
        payout = request.executions.get()
        assert payout.due_at is not None
        at = payout.due_at
    (trouble,) = troubles(merchant_id=merchant.pk, at=at)
    assert "12.00" in trouble.text
    assert (payout.state, payout.sends < 20) == ("held", True)


def test_refused_keys_are_said_with_the_amount_and_not_as_silence() -> None:
    merchant = make_merchant()
    make_request(make_sale(merchant), 1_200)
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    wrong_key = Refused(code="SIGN_ERROR", message="签名错误", retry=Retry.AFTER_MENDING, remedy="check_keys")
    settle([Answer(claimed.execution_id, claimed.request_id, claimed.account_id, wrong_key, "answer")], at=now)
    (trouble,) = troubles(merchant_id=merchant.pk, at=now)
    assert trouble.tone == "bad"
    assert "12.00" in trouble.text
    assert trouble.text in _desk(merchant)


def test_open_circuit_is_said_and_closes_with_the_first_answer() -> None:
    merchant = make_merchant()
    make_sale(merchant)
    account = merchant.channel_accounts.get()
    breakers = Breakers()
    for _ in range(OPENS_AFTER):
        breakers.note(account.pk, Unknown(code="timeout", message=""))
    assert breakers.open_accounts() == [account.pk]
    assert 'class="banner bad"' in _desk(merchant)
    breakers.note(account.pk, Unknown(code="PROCESSING", message="", accepted=True))
    assert breakers.open_accounts() == []
    assert 'class="banner bad"' not in _desk(merchant)


def test_open_circuit_lets_one_probe_through_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    breakers = Breakers()
    for _ in range(OPENS_AFTER):
        breakers.note(7, Unknown(code="connection", message=""))
    assert breakers.due_probes() == []
    moment = time.monotonic() + 11
    monkeypatch.setattr("refunds.payouts.breaker.time.monotonic", lambda: moment)
    assert breakers.due_probes() == [7]
    assert breakers.due_probes() == []


def test_another_merchants_trouble_is_not_shown() -> None:
    theirs = make_merchant()
    make_request(make_sale(theirs), 1_200)
    now = timezone.now()
    (claimed,) = payouts.claim(limit=1, at=now)
    silent = Unknown(code="timeout", message="")
    settle([Answer(claimed.execution_id, claimed.request_id, claimed.account_id, silent, "answer")], at=now)
    assert troubles(merchant_id=make_merchant().pk, at=now + timedelta(hours=1)) == []
    assert len(troubles(merchant_id=theirs.pk, at=now + timedelta(hours=1))) == 1
