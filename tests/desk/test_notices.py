"""Messages to customers as the pages show them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from desk.notices import event_label, notice
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
