"""Endpoints of webhooks: kept by those who may, each with a secret of its own that is shown once."""

import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from core.audit.record import record_of
from core.errors import Conflict, FieldError, Invalid, existing
from integrations import feed
from integrations.addresses import look_up
from integrations.models import DeliveryState, Style, WebhookDelivery, WebhookEndpoint
from merchants.api_keys import DEFAULT_OVERLAP, OVERLAPS
from merchants.models import Merchant, Store
from merchants.principals import Principal
from merchants.rights import Act, Subject, check_may

MOST = 20
TEST = "webhook.test"


class EndpointDisabled(Conflict):
    """Nothing is sent to it until it is enabled again."""

    code = "webhook_endpoint_disabled"


#: Who may know of events, by how their types begin.
_READ_BY: Mapping[str, Act] = {
    "refund_request.": Act.READ_REFUNDS,
    "batch.": Act.READ_REFUNDS,
    "transaction.": Act.READ_SALES,
    "policy.": Act.SEE_POLICY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an endpoint is to be; None: as it is."""

    url: str | None = None
    types: Sequence[str] | None = None
    style: str | None = None
    enabled: bool | None = None


def endpoints_of(by: Principal) -> QuerySet[WebhookEndpoint]:
    """The endpoints that this principal keeps, by age. Raises ``Forbidden``."""
    check_may(Act.MANAGE_WEBHOOKS, by=by)
    return by.in_stores(
        WebhookEndpoint.objects.filter(merchant_id=by.acting_for).select_related("store").order_by("pk")
    )


def endpoint_of(*, endpoint_id: int, by: Principal, lock: bool = False) -> WebhookEndpoint:
    """One of them. Raises ``Forbidden``, also to a key that may not read what is sent there, or ``NotFound``."""
    found = endpoints_of(by).filter(pk=endpoint_id)
    row = existing((found.select_for_update(of=("self",), no_key=True) if lock else found).first(), "endpoint")
    check_may(Act.MANAGE_WEBHOOKS, by=by, subject=Subject(merchant_id=row.merchant_id, store_id=row.store_id))
    _check_reads(row, by)
    return row


def _check_reads(row: WebhookEndpoint, by: Principal) -> None:
    """An endpoint is told no more than who keeps it may read, nor is its log. Raises ``Forbidden``."""
    for start, act in _READ_BY.items():
        if not row.types or any(one.startswith(start) for one in row.types):
            check_may(act, by=by)


def given_up(by: Principal) -> int:
    """How many of them were switched off because they did not answer."""
    return endpoints_of(by).filter(enabled=False, disabled_at__isnull=False).count()


def store_for(by: Principal) -> int | None:
    """The store of an endpoint whose maker names none: their only one. None: all. Raises ``Invalid``."""
    if by.stores is None:
        return None
    if len(by.stores) != 1:
        raise Invalid(
            "say for which of your stores",
            code="unknown_store",
            errors=[FieldError("store", "unknown_store")],
        )
    return next(iter(by.stores))


def add(
    *,
    wanted: Wanted,
    by: Principal,
    at: datetime,
    store: Store | None = None,
    before_commit: Callable[[WebhookEndpoint], None] = lambda row: None,
) -> WebhookEndpoint:
    """Call this URL from now on. The row's ``secret`` is to be shown this once. Raises ``Forbidden``, ``Invalid``,
    ``AddressRefused``.
    """
    check_may(Act.MANAGE_WEBHOOKS, by=by)
    store_id = store.pk if store else store_for(by)
    check_may(Act.MANAGE_WEBHOOKS, by=by, subject=Subject(merchant_id=by.acting_for, store_id=store_id))
    # A name is looked up before the transaction, not in it.
    look_up(wanted.url or "")
    with transaction.atomic():
        Merchant.objects.select_for_update().get(pk=by.acting_for)
        if WebhookEndpoint.objects.filter(merchant_id=by.acting_for).count() >= MOST:
            raise Invalid(f"a merchant has at most {MOST} endpoints", code="too_many_webhook_endpoints")
        row = WebhookEndpoint(
            merchant_id=by.acting_for, store_id=store_id, created_by=by.name[:80], created_at=at, secret=_new_secret()
        )
        _write(row, wanted)
        _check_reads(row, by)
        row.save()
        _record(row, "add", by, at)
        before_commit(row)
    return row


def change(*, endpoint_id: int, wanted: Wanted, by: Principal, at: datetime) -> WebhookEndpoint:
    """Another URL, other types, on or off. Switched on again it begins with the next event; ``recover`` sends the rest."""
    endpoint_of(endpoint_id=endpoint_id, by=by)
    if wanted.url is not None:
        look_up(wanted.url)
    with transaction.atomic():
        row = endpoint_of(endpoint_id=endpoint_id, by=by, lock=True)
        _write(row, wanted)
        _check_reads(row, by)
        if wanted.enabled or wanted.url is not None:
            row.failures, row.failing_since, row.paused_until = 0, None, None
        if wanted.enabled:
            row.disabled_at = None
        row.save()
        if not row.enabled:
            drop_waiting(row)
        _record(row, "change", by, at)
    return row


@transaction.atomic
def remove(*, endpoint_id: int, by: Principal, at: datetime) -> None:
    """Its deliveries are forgotten with it."""
    row = endpoint_of(endpoint_id=endpoint_id, by=by, lock=True)
    _record(row, "remove", by, at)
    row.delete()


@transaction.atomic
def rotate(*, endpoint_id: int, by: Principal, at: datetime, overlap: timedelta = DEFAULT_OVERLAP) -> WebhookEndpoint:
    """A new secret, to be shown this once. The one before signs beside it for ``overlap``, one of ``OVERLAPS``."""
    row = endpoint_of(endpoint_id=endpoint_id, by=by, lock=True)
    if overlap not in OVERLAPS.values():
        raise Invalid("choose one of the overlaps", code="unknown_overlap")
    row.previous_secret, row.previous_until = row.secret, at + overlap
    row.secret = _new_secret()
    row.save()
    _record(row, "rotate", by, at, valid_until=row.previous_until.isoformat())
    return row


@transaction.atomic
def test(*, endpoint_id: int, by: Principal, at: datetime) -> WebhookDelivery:
    """Send an event that never happened, to this endpoint alone. Raises ``EndpointDisabled``."""
    row = _enabled(endpoint_id, by)
    webhook_id = f"test_{secrets.token_hex(8)}"
    delivery = WebhookDelivery.objects.create(
        merchant_id=row.merchant_id,
        endpoint=row,
        webhook_id=webhook_id,
        type=TEST,
        object_id=webhook_id,
        sequence=0,
        due_at=at,
        created_at=at,
    )
    WebhookEndpoint.objects.filter(pk=row.pk).update(paused_until=None)
    _record(row, "test", by, at)
    return delivery


@transaction.atomic
def replay(*, endpoint_id: int, delivery_id: int, by: Principal, at: datetime) -> WebhookDelivery:
    """Send one again, whatever became of it. Raises ``EndpointDisabled``."""
    row = _enabled(endpoint_id, by)
    delivery = existing(row.deliveries.select_for_update().filter(pk=delivery_id).first(), "delivery")
    _again(row.deliveries.filter(pk=delivery.pk), at)
    WebhookEndpoint.objects.filter(pk=row.pk).update(paused_until=None)
    _record(row, "replay", by, at, webhook_id=delivery.webhook_id)
    delivery.refresh_from_db()
    return delivery


_MISSING = """
INSERT INTO integrations_webhookdelivery (merchant_id, endpoint_id, event_id, webhook_id, type, object_id, sequence, state,
                                          attempts, due_at, body, log, created_at)
SELECT e.merchant_id, %(endpoint)s, e.id, 'evt_' || e.id, e.type, e.object_id, e.sequence, 'pending', 0, %(at)s, '', '[]', %(at)s
  FROM integrations_feedevent e
 WHERE e.merchant_id = %(merchant)s AND e.created_at >= %(since)s AND (%(types)s::text[] = '{}' OR e.type = ANY (%(types)s))
   AND (%(store)s::bigint IS NULL OR e.store_id IS NULL OR e.store_id = %(store)s)
ON CONFLICT (endpoint_id, webhook_id) DO NOTHING
"""


@transaction.atomic
def recover(*, endpoint_id: int, since: datetime, by: Principal, at: datetime, delivered_too: bool = False) -> int:
    """Send what has happened since and did not arrive: given up, waiting for its next attempt, or never sent because it was
    switched off; ``delivered_too``: everything. Returns how many wait now. Raises ``EndpointDisabled``.
    """
    row = _enabled(endpoint_id, by)
    wanted = row.deliveries.filter(event__created_at__gte=since)
    _again(wanted if delivered_too else wanted.exclude(state=DeliveryState.DELIVERED), at)
    with connection.cursor() as cursor:
        cursor.execute(
            _MISSING,
            {
                "endpoint": row.pk,
                "merchant": row.merchant_id,
                "since": since,
                "types": list(row.types),
                "store": row.store_id,
                "at": at,
            },
        )
    WebhookEndpoint.objects.filter(pk=row.pk).update(paused_until=None)
    count = wanted.filter(state=DeliveryState.PENDING).count()
    _record(row, "recover", by, at, since=since.isoformat(), count=count)
    return count


def log_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """Its deliveries, the last queued first."""
    return endpoint.deliveries.select_related("event").order_by("-pk")


def drop_waiting(endpoint: WebhookEndpoint) -> None:
    """Give up what waits: the endpoint is off, and what is asked for later is asked for by ``recover``."""
    waiting = endpoint.deliveries.filter(state__in=[DeliveryState.PENDING, DeliveryState.SENDING])
    waiting.update(state=DeliveryState.FAILED, due_at=None)


def _again(deliveries: QuerySet[WebhookDelivery], at: datetime) -> None:
    # One that is on its way is left to its lease.
    deliveries.exclude(state=DeliveryState.SENDING).update(
        state=DeliveryState.PENDING, attempts=0, due_at=at, delivered_at=None
    )


def _enabled(endpoint_id: int, by: Principal) -> WebhookEndpoint:
    row = endpoint_of(endpoint_id=endpoint_id, by=by, lock=True)
    if not row.enabled:
        raise EndpointDisabled("the endpoint is switched off: enable it first")
    return row


def _write(row: WebhookEndpoint, wanted: Wanted) -> None:
    if wanted.url is not None:
        row.url = wanted.url
    if wanted.types is not None:
        if unknown := set(wanted.types) - set(feed.TYPES):
            raise Invalid(
                f"there is no event of the type {sorted(unknown)[0]}",
                code="unknown_event_type",
                errors=[FieldError("types", "unknown_event_type")],
            )
        row.types = sorted(set(wanted.types))
    if wanted.style is not None:
        row.style = Style(wanted.style)
    if wanted.enabled is not None:
        row.enabled = wanted.enabled


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _record(row: WebhookEndpoint, act: str, by: Principal, at: datetime, **data: Any) -> None:
    record_of(
        row,
        by=by.actor,
        action=f"webhook_endpoint.{act}",
        at=at,
        data={"url": row.url, "types": list(row.types), "style": row.style, "enabled": row.enabled, **data},
    )
