"""Messages to customers as the pages show them."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from refunds.models import Notification
from refunds.models.notification import APOLOGY, ARRIVAL_CHANGED, NotificationState
from refunds.states import State

_TONES = {
    NotificationState.PENDING: "",
    NotificationState.SENT: "ok",
    NotificationState.DEAD: "bad",
    NotificationState.REPLACED: "warn",
}

#: What a stored trouble begins with, and what it says to people; what the provider itself said of it stands behind.
_TROUBLES = (
    ("SMTP: refused", _("The mail server refused the address")),
    ("SMTP:", _("The mail server did not take it")),
    ("SMS:", _("The SMS service did not take it")),
    ("SMS_OUTBOX_URL", _("No SMS service is set up")),
    ("no template for", _("The provider has no template for this message")),
    ("the provider does not answer", _("The provider does not answer")),
    ("the provider's SDK", _("The provider's software is not installed")),
    ("the message cannot be rendered", _("The message could not be written")),
    ("Aliyun:", _("The provider refused it")),
    ("Tencent:", _("The provider refused it")),
    ("WeChat:", _("The provider refused it")),
)
#: Said whole by the words above.
_SAID = ("SMS_OUTBOX_URL", "the provider", "the message", "no template for")


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
        note=trouble(notification.last_error) if state is not NotificationState.SENT else "",
        text=notification.text,
    )


def event_label(event: str) -> str:
    """The state of which the customer was told, an apology, or a new day."""
    if event == APOLOGY:
        return gettext("Apology")
    if event == ARRIVAL_CHANGED:
        return gettext("Comes later")
    return str(State(event).label) if event in State.values else event


def trouble(stored: str) -> str:
    """Why a message did not go out, in the reader's language, with the provider's own code behind it."""
    for beginning, said in _TROUBLES:
        if stored.startswith(beginning):
            rest = "" if beginning.startswith(_SAID) else stored.removeprefix(beginning).strip()
            return f"{said} ({rest})" if rest else str(said)
    return stored


def receipt(notification: Notification) -> str:
    """What is known of a message that was sent: ``arrived``, ``taken by the provider``, with its number where it gave one."""
    if notification.delivered_at is not None:
        said = gettext("arrived")
    elif notification.receipt.startswith("sandbox:"):
        said = gettext("sandbox: nobody was sent anything")
    else:
        said = gettext("taken by the provider")
    # Mail servers, WeChat and the local outbox give none; they only say that they took it.
    number = notification.receipt if notification.carrier and notification.receipt != "accepted" else ""
    return f"{said} · {number}" if number else said
