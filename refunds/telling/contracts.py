"""A merchant's contracts with providers of messages: set up, switched, given their approved texts, tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from core.audit.models import AuditEvent
from core.audit.record import record, record_of
from core.errors import Conflict, NotFound, wrong
from core.phones import NotAPhone, phone_number
from core.plain_text import one_line, plain_text
from merchants.models import Merchant, MessageCarrier, MessageOrder
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may
from refunds import lifecycle
from refunds.models import Notification
from refunds.models.notification import APOLOGY, NotificationState
from refunds.telling import carrying, wording
from refunds.telling.carriers import DeliveryFailed
from refunds.telling.one_time import CODE
from refunds.telling.own_words import LANGUAGES, PLACEHOLDERS, NotSent, TooManyTests
from refunds.telling.providers.contract import Provider, Template
from refunds.telling.providers.registry import PROVIDERS

#: What a template may be of. Apologies go by the installation's carriers, or by a template like all the rest.
EVENTS = (*wording.EVENTS, CODE)
NAMES = (*PLACEHOLDERS, "url", "token", "code")
_LONGEST, _MOST_POSITION = 500, 9
_TESTS_AN_HOUR = 20


class CarrierNotInstalled(Conflict):
    """The provider's SDK is an extra, which this installation has not."""

    code = "carrier_not_installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """``given`` are the contract's fields; a secret that is left out stays as it is."""

    given: Mapping[str, str]
    enabled: bool
    position: int


def provider(kind: str) -> Provider:
    """Raises ``NotFound``."""
    if kind not in PROVIDERS:
        raise NotFound("there is no such provider")
    return PROVIDERS[kind]


def found(*, kind: str, by: Principal) -> MessageCarrier | None:
    """The merchant's contract; None: it has none. Raises ``Forbidden`` and ``NotFound``."""
    _check(by)
    return MessageCarrier.objects.filter(merchant_id=by.acting_for, kind=provider(kind).kind).first()


@transaction.atomic
def set_contract(*, kind: str, wanted: Wanted, by: Principal, at: datetime) -> MessageCarrier:
    """Enter or change a contract. What waited for it goes out now. Raises ``Forbidden``, ``NotFound``, ``Invalid`` and
    ``CarrierNotInstalled``.
    """
    _check(by)
    its = provider(kind)
    if not its.is_installed:
        raise CarrierNotInstalled("the provider's SDK is not installed")
    Merchant.objects.select_for_update(no_key=True).get(pk=by.acting_for)
    row = found(kind=kind, by=by) or MessageCarrier(merchant_id=by.acting_for, kind=kind)
    before = row.settings
    given = {name: one_line(wanted.given.get(name, ""), limit=200) for name in its.fields}
    after = {name: given[name] or (before.get(name, "") if name in its.secrets else "") for name in its.fields}
    for name in sorted(set(wanted.given) - set(its.fields)):
        raise wrong(name, code="unknown_field")
    for name in its.fields:
        if not after[name] and name not in its.optional:
            raise wrong(name, code="required")
    if not 1 <= wanted.position <= _MOST_POSITION:
        raise wrong("position", code="invalid_choice")
    row.set_settings(after)
    row.enabled, row.position = wanted.enabled, wanted.position
    row.failures, row.failing_since, row.paused_until, row.trouble = 0, None, None, ""
    row.save()
    changed = sorted(name for name in its.fields if after[name] != before.get(name, ""))
    _record(row, "save", by, at, changed=changed, enabled=row.enabled, position=row.position)
    waiting = Notification.objects.filter(
        merchant_id=by.acting_for, medium=its.medium, state=NotificationState.PENDING, attempts__gt=0, due_at__gt=at
    )
    if waiting.update(due_at=at):
        lifecycle.ring_after_commit([lifecycle.NOTIFY])
    return row


@transaction.atomic
def set_template(
    *, kind: str, event: str, language: str, template: Template, by: Principal, at: datetime
) -> MessageCarrier:
    """The text that the provider has approved for an event; an empty id takes it away: the event does not go this way.

    Raises ``Forbidden``, ``NotFound`` and ``Invalid``.
    """
    row = _locked(kind, by)
    if event not in EVENTS or language not in LANGUAGES or (event == CODE and provider(kind).medium != "sms"):
        raise NotFound("there is no such message")
    key, text = f"{event}/{language}", plain_text(template.text)
    if len(text) > _LONGEST:
        raise wrong("text", code="wording_too_long")
    if set(template.names) - set(NAMES):
        raise wrong("text", code="unknown_placeholder")
    if template.id and not text:
        raise wrong("text", code="required")
    row.templates.pop(key, None)
    if template.id:
        row.templates[key] = {"id": one_line(template.id, limit=80), "text": text}
    row.save(update_fields=["templates"])
    _record(row, "template", by, at, event=event, language=language, template=template.id)
    return row


@transaction.atomic
def remove(*, kind: str, by: Principal, at: datetime) -> None:
    """Forget it with its keys and templates. Raises ``Forbidden`` and ``NotFound``."""
    row = _locked(kind, by)
    _record(row, "remove", by, at)
    row.delete()


def send_test(*, kind: str, event: str, language: str, recipient: str, by: Principal, at: datetime) -> str:
    """Send one template, about a refund that never was, to somebody of one's own. Call it outside of any transaction.

    Returns what was sent. Raises ``Forbidden``, ``NotFound``, ``Invalid``, ``TooManyTests`` and ``NotSent``.
    """
    row = found(kind=kind, by=by)
    if row is None or f"{event}/{language}" not in row.templates:
        raise NotFound("there is no such template")
    if provider(kind).medium == "sms":
        try:
            recipient = phone_number(recipient)
        except NotAPhone as error:
            raise wrong("recipient", code="invalid_phone") from error
    recipient = one_line(recipient, limit=100)
    if not recipient:
        raise wrong("recipient", code="required")
    tests = AuditEvent.objects.filter(
        merchant_id=by.acting_for, action="message_carrier.test", at__gt=at - timedelta(hours=1)
    )
    if tests.count() >= _TESTS_AN_HOUR:
        raise TooManyTests("enough test messages for an hour")
    merchant = Merchant.objects.get(pk=by.acting_for)
    text = wording.example(
        event=APOLOGY if event == CODE else event, medium="sms", language=language, merchant=merchant, own=""
    )
    text = wording.for_template(text, key=f"{event}/{language}")
    # Before it is sent: what leaves is in the trail, whatever the provider says.
    _record(row, "test", by, at, event=event, language=language)
    try:
        carrying.made(row).send(recipient=recipient, text=text)
    except DeliveryFailed as error:
        carrying.note([(row, error)], at=at)
        raise NotSent(str(error)) from error
    carrying.note([(row, None)], at=at)
    return carrying.templates_of(row)[text.key].filled(text.values)


@transaction.atomic
def set_order(*, event: str, language: str, order: str, by: Principal, at: datetime) -> MessageOrder:
    """By which media customers are told of an event, and in which order. Raises ``Forbidden``, ``NotFound`` and ``Invalid``."""
    _check(by)
    if event not in wording.NOTIFIED or language not in LANGUAGES:
        raise NotFound("there is no such message")
    if order not in carrying.ORDERS:
        raise wrong("order", code="invalid_choice")
    row, _ = MessageOrder.objects.update_or_create(
        merchant_id=by.acting_for, event=event, language=language, defaults={"order": order}
    )
    data = {"event": event, "language": language, "order": order}
    record(
        merchant_id=by.acting_for,
        by=by.actor,
        action="message_carrier.order",
        object_type="message_order",
        object_id=row.pk,
        at=at,
        data=data,
    )
    return row


def orders_of(by: Principal) -> list[MessageOrder]:
    """The orders that were chosen. Raises ``Forbidden``."""
    _check(by)
    return list(MessageOrder.objects.filter(merchant_id=by.acting_for).order_by("event", "language"))


def _check(by: Principal) -> None:
    check_may(Act.CHANGE_CREDENTIALS, by=by)
    check_may(Act.CHANGE_CREDENTIALS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=None))


def _locked(kind: str, by: Principal) -> MessageCarrier:
    _check(by)
    rows = MessageCarrier.objects.select_for_update(no_key=True)
    row = rows.filter(merchant_id=by.acting_for, kind=provider(kind).kind).first()
    if row is None:
        raise NotFound("there is no contract with this provider")
    return row


def _record(row: MessageCarrier, act: str, by: Principal, at: datetime, **data: object) -> None:
    """Names of fields, never what stands in them."""
    record_of(row, by=by.actor, action=f"message_carrier.{act}", at=at, data={"kind": row.kind, **data})
