"""One-time codes: sent, counted, used once."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from django.core.cache import cache
from django.utils import timezone
from uuid_utils.compat import uuid7

from refunds.telling import carrying, one_time
from refunds.telling.carriers import DeliveryFailed, Text
from refunds.telling.one_time import BeingTakenIn, CodeNotSent, CodeWrong, Held, TooManyCodes
from tests.factories import make_merchant

PHONE = "13800006021"


class Mailbox:
    """What an SMS carrier was given."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails, self.sent = fails, list[tuple[str, str]]()

    def send(self, *, recipient: str, text: Text) -> str:
        if self.fails:
            raise DeliveryFailed("away")
        self.sent.append((recipient, text.body))
        return "accepted"

    @property
    def code(self) -> str:
        found = re.search(r"\d{6}", self.sent[-1][1])
        assert found is not None
        return found[0]


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    box = Mailbox()
    monkeypatch.setattr(carrying, "carrier_for", lambda _medium: box)
    return box


Send = Callable[[], tuple[str, UUID]]


@pytest.fixture
def send(mailbox: Mailbox, redis_is_empty: None, db: None) -> Send:
    merchant = make_merchant()

    def sent(sale: UUID | None = None) -> tuple[str, UUID]:
        about = sale or UUID(str(uuid7()))
        ticket = one_time.send(
            phone=PHONE, transaction_id=about, merchant=merchant, language="zh-hans", at=timezone.now()
        )
        return ticket, about

    return sent


@pytest.fixture
def redis_is_empty() -> None:
    cache.clear()


def test_check_when_code_is_right_says_whose_phone_it_is(send: Send, mailbox: Mailbox) -> None:
    ticket, sale = send()
    assert mailbox.sent[-1][0] == PHONE
    assert "【测试商户" in mailbox.sent[-1][1]
    assert one_time.check(ticket=ticket, code=f" {mailbox.code} ") == Held(sale, PHONE)


@pytest.mark.parametrize("code", ["", "000000", "abc", "１２３"])
def test_check_when_code_is_wrong_five_times_takes_not_even_the_right_one(
    send: Send, mailbox: Mailbox, code: str
) -> None:
    ticket, _ = send()
    wrong = code if code != mailbox.code else "000001"
    for _ in range(5):
        with pytest.raises(CodeWrong):
            one_time.check(ticket=ticket, code=wrong)
    with pytest.raises(CodeWrong):
        one_time.check(ticket=ticket, code=mailbox.code)


def test_check_when_ticket_is_another_or_over_is_refused(send: Send, mailbox: Mailbox) -> None:
    ticket, _ = send()
    first = mailbox.code
    other, _ = send()
    with pytest.raises(CodeWrong):
        one_time.check(ticket=other, code=first if first != mailbox.code else "x")
    cache.clear()
    with pytest.raises(CodeWrong):
        one_time.check(ticket=ticket, code=first)


def test_send_when_there_were_many_makes_wait_and_sends_nothing(send: Send, mailbox: Mailbox) -> None:
    for _ in range(3):
        send()
    with pytest.raises(TooManyCodes) as refused:
        send()
    assert refused.value.facts["retry_after_s"] > 0
    assert len(mailbox.sent) == 3


def test_send_when_carrier_is_away_keeps_nothing(send: Send, mailbox: Mailbox) -> None:
    mailbox.fails = True
    with pytest.raises(CodeNotSent):
        send()


def test_begin_is_for_one_form_at_a_time_and_knows_what_came_of_it(redis_is_empty: None) -> None:
    made = UUID(str(uuid7()))
    assert one_time.begin("t") is None
    with pytest.raises(BeingTakenIn):
        one_time.begin("t")
    one_time.end("t", request_id=None)
    assert one_time.begin("t") is None
    one_time.end("t", request_id=made)
    assert one_time.begin("t") == made
