"""A merchant's own wording of its messages: written in versions, tried out, and put in the place of the built-in one."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from core.audit.models import AuditEvent
from core.audit.record import record
from core.errors import Conflict, wrong
from core.personal_data import mask_email, mask_phone
from core.phones import NotAPhone, phone_number
from core.plain_text import plain_text
from merchants.models import MessageWording
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds.models.notification import Medium
from refunds.telling import carrying
from refunds.telling.carriers import DeliveryFailed, Text

#: What own words may name, as the message's context has it.
PLACEHOLDERS = (
    *("merchant", "store", "store_phone", "number", "amount", "destination", "arrives_by", "due"),
    *("headline", "reject_reason", "message", "failure", "part", "rest"),
)
LANGUAGES = ("zh-hans", "en")
#: Characters: an SMS of three parts, and a page of mail.
LONGEST = {Medium.SMS.value: 200, Medium.EMAIL.value: 2000}
#: The media that are worded here; other carriers have texts that their providers approved.
MEDIA = tuple(LONGEST)
_NAMED = re.compile(r"\{(\w+)\}")
_TESTED = "message.test"
_TESTS_AN_HOUR = 20


class WordingChanged(Conflict):
    """Somebody else wrote a version meanwhile."""

    code = "wording_changed"


class TooManyTests(Conflict):
    """Test messages are for trying a wording, not for writing to people."""

    code = "too_many_tests"


class NotSent(Conflict):
    """The carrier did not take the test message."""

    code = "test_not_sent"


def in_force(*, merchant_id: int, event: str, language: str, medium: str) -> MessageWording | None:
    """The last version; None where nobody wrote one. Its text may be empty."""
    found = MessageWording.objects.filter(merchant_id=merchant_id, event=event, language=language, medium=medium)
    return found.order_by("-version").first()


def filled(text: str, context: Mapping[str, object]) -> str:
    """Own words with what they name; what the message does not have is left out."""
    return _NAMED.sub(lambda name: str(context.get(name[1], "")) if name[1] in PLACEHOLDERS else name[0], text)


def checked(*, medium: str, text: str) -> str:
    """The words as they are kept. Raises ``Invalid``."""
    text = plain_text(text)
    if len(text) > LONGEST[medium]:
        raise wrong("text", code="wording_too_long")
    if set(_NAMED.findall(text)) - set(PLACEHOLDERS):
        raise wrong("text", code="unknown_placeholder")
    return text


@transaction.atomic
def write(
    *, event: str, language: str, medium: str, text: str, after: int, by: Principal, at: datetime
) -> MessageWording:
    """A new version, by who has seen version ``after`` (0: the built-in words). Raises ``Forbidden``, ``Invalid`` and
    ``WordingChanged``.
    """
    check_may(Act.SET_WORDING, by=by)
    check_may(Act.SET_WORDING, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    text = checked(medium=medium, text=text)
    version = MessageWording(
        merchant_id=by.acting_for,
        event=event,
        language=language,
        medium=medium,
        version=after + 1,
        text=text,
        written_by_id=by.acting_staff,
        written_at=at,
    )
    last = in_force(merchant_id=by.acting_for, event=event, language=language, medium=medium)
    if (last.version if last else 0) != after:
        raise WordingChanged("another version was written meanwhile")
    try:
        with transaction.atomic():
            version.save(force_insert=True)
    except IntegrityError as error:
        raise WordingChanged("another version was written meanwhile") from error
    _record("message.wording", version.pk, by, at, event, medium, language=language, version=version.version)
    return version


def send_test(*, event: str, medium: str, text: Text, recipient: str, by: Principal, at: datetime) -> str:
    """Send the words to somebody of one's own, to see how they arrive. Call it outside of any transaction.

    Returns the recipient, masked. Raises ``Forbidden``, ``Invalid``, ``TooManyTests`` and ``NotSent``.
    """
    check_may(Act.SET_WORDING, by=by)
    check_may(Act.SET_WORDING, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))
    try:
        if medium == Medium.SMS:
            recipient = phone_number(recipient)
        else:
            validate_email(recipient)
    except NotAPhone as error:
        raise wrong("recipient", code="invalid_phone") from error
    except ValidationError as error:
        raise wrong("recipient", code="invalid_email") from error
    sent = AuditEvent.objects.filter(
        merchant_id=by.acting_for, actor_kind="staff", actor_id=by.actor.id, at__gt=at - timedelta(hours=1)
    )
    if sent.filter(action=_TESTED).count() >= _TESTS_AN_HOUR:
        raise TooManyTests("enough test messages for an hour")
    masked = mask_phone(recipient) if medium == Medium.SMS else mask_email(recipient)
    # Before it is sent: what leaves is in the trail, whatever the carrier says.
    _record(_TESTED, by.acting_staff, by, at, event, medium, to=masked)
    try:
        own = carrying.contracts({by.acting_for})
        carrying.choose(own[by.acting_for], medium=medium, text=text, at=at).carrier.send(
            recipient=recipient, text=text
        )
    except DeliveryFailed as error:
        raise NotSent(str(error)) from error
    return masked


def _record(
    action: str, object_id: object, by: Principal, at: datetime, event: str, medium: str, **more: object
) -> None:
    record(
        merchant_id=by.acting_for,
        by=by.actor,
        action=action,
        object_type="message_wording",
        object_id=object_id,
        at=at,
        data={"event": event, "medium": medium, **more},
    )
