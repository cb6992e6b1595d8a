"""Messages to customers as the pages show them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.translation import override

from desk.notices import event_label, notice, receipt, trouble
from refunds.models import Notification
from refunds.states import State

NOW = timezone.now()


def _message(state: str, **fields: object) -> Notification:
    return Notification(
        event="approved",
        medium="sms",
        masked_recipient="138****6021",
        state=state,
        created_at=NOW,
        last_error="no route",
        **fields,
    )


@pytest.mark.parametrize(("state", "tone", "note"), [("pending", "", "no route"), ("dead", "bad", "no route")])
def test_notice_when_it_is_not_sent_says_why(state: str, tone: str, note: str) -> None:
    shown = notice(_message(state))
    assert (shown.tone, shown.note, shown.at) == (tone, note, NOW)


def test_notice_when_it_is_sent_has_the_time_of_that_and_no_old_error() -> None:
    shown = notice(_message("sent", sent_at=NOW + timedelta(minutes=1)))
    assert (shown.tone, shown.note, shown.at) == ("ok", "", NOW + timedelta(minutes=1))


def test_event_when_it_is_no_state_is_told_as_it_is() -> None:
    assert event_label("refunded") == str(State.REFUNDED.label)
    assert event_label("deadline_near") == "deadline_near"


@pytest.mark.parametrize(
    ("stored", "carrier", "said"),
    [
        ("accepted", "", "taken by the provider"),
        ("demo", "", "taken by the provider"),
        ("accepted", "wechat", "taken by the provider"),
        ("1234^0", "aliyun", "taken by the provider · 1234^0"),
        ("sandbox: nobody was sent anything", "", "sandbox: nobody was sent anything"),
    ],
)
def test_receipt_is_told_in_words_and_only_a_providers_number_as_it_is(stored: str, carrier: str, said: str) -> None:
    with override("en"):
        assert receipt(_message("sent", receipt=stored, carrier=carrier)) == said
    with override("zh-hans"):
        assert "accepted" not in receipt(_message("sent", receipt=stored, carrier=carrier))
        assert receipt(_message("sent", receipt=stored, delivered_at=NOW)).startswith("已送达")


@pytest.mark.parametrize(
    ("stored", "english", "chinese"),
    [
        ("SMTP: refused [550]", "The mail server refused the address ([550])", "邮件服务器拒收该地址 ([550])"),
        ("SMTP: SMTPServerDisconnected", "The mail server did not take it (SMTPServerDisconnected)", None),
        ("no template for approved", "The provider has no template for this message", "服务商没有此消息的模板"),
        ("Aliyun: isv.MOBILE_NUMBER_ILLEGAL", "The provider refused it (isv.MOBILE_NUMBER_ILLEGAL)", None),
        ("the provider does not answer", "The provider does not answer", "服务商无应答"),
        ("what nobody has written yet", "what nobody has written yet", "what nobody has written yet"),
        ("", "", ""),
    ],
)
def test_trouble_is_told_in_the_readers_language_with_the_providers_code(
    stored: str, english: str, chinese: str | None
) -> None:
    with override("en"):
        assert trouble(stored) == english
    with override("zh-hans"):
        assert chinese is None or trouble(stored) == chinese
