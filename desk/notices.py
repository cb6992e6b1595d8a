"""Messages to customers as the pages show them."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext

from refunds.models import Notification
from refunds.models.notification import APOLOGY, ARRIVAL_CHANGED, NotificationState
from refunds.states import State

_TONES = {
    NotificationState.PENDING: "",
    NotificationState.SENT: "ok",
    NotificationState.DEAD: "bad",
    NotificationState.REPLACED: "warn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a customer was told, or not: then ``note`` says why."""

    kind: str
    title: str
    recipient_masked: str
    state_label: Promise | str
    tone: str
    at: datetime
    note: str
    text: str


def notice(notification: Notification) -> Notice:
    state = NotificationState(notification.state)
    return Notice(
        kind=notification.medium,
        title=event_label(notification.event),
        recipient_masked=notification.masked_recipient,
        state_label=state.label,
        tone=_TONES[state],
        at=notification.sent_at or notification.created_at,
        note=notification.last_error if state is not NotificationState.SENT else "",
        text=notification.text,
    )


def event_label(event: str) -> str:
    """The state of which the customer was told, an apology, or a new day."""
    if event == APOLOGY:
        return gettext("Apology")
    if event == ARRIVAL_CHANGED:
        return gettext("Comes later")
    return str(State(event).label) if event in State.values else event
