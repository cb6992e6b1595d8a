"""What the pages of webhooks show."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from desk.access import ALL_STORES, Scope
from desk.filters import Choice
from integrations import endpoints, feed
from integrations.models import DeliveryState, WebhookDelivery, WebhookEndpoint
from merchants.models import Store

#: What the form says for the whole merchant; no store has such a code.
_SHOWN = 50


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """``state`` is ``on``, ``failing``, ``off`` or ``given_up`` (switched off by the system)."""

    endpoint: WebhookEndpoint
    state: str
    waiting: int
    secret: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    at: datetime
    status: int
    ms: int
    said: str


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """``state`` is ``delivered``, ``failed`` or ``waiting``."""

    delivery: WebhookDelivery
    state: str
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhooksPage:
    """``issued`` has the secret of a new endpoint, shown this once; ``all_stores`` is "" where this person may not."""

    rows: Sequence[EndpointRow]
    issued: EndpointRow | None
    stores: Sequence[Store]
    all_stores: str
    types: Sequence[str]
    typed_url: str
    chosen: Collection[str]
    form_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookPage:
    """One endpoint; ``issued`` is its new secret, shown this once."""

    row: EndpointRow
    issued: EndpointRow | None
    deliveries: Sequence[DeliveryRow]
    only_failed: bool
    shown: int
    overlaps: Sequence[Choice]
    form_error: str


def webhooks_page(
    *, scope: Scope, issued: EndpointRow | None, typed_url: str, chosen: Collection[str], form_error: str
) -> WebhooksPage:
    return WebhooksPage(
        rows=[endpoint_row(one) for one in endpoints.endpoints_of(scope.by)],
        issued=issued,
        stores=list(scope.stores()),
        all_stores=ALL_STORES if scope.store_ids is None else "",
        types=feed.TYPES,
        typed_url=typed_url,
        chosen=chosen,
        form_error=form_error,
    )


def webhook_page(
    *, endpoint: WebhookEndpoint, issued: EndpointRow | None, only_failed: bool, form_error: str
) -> WebhookPage:
    log = endpoints.log_of(endpoint)
    if only_failed:
        log = log.filter(state=DeliveryState.FAILED)
    return WebhookPage(
        row=endpoint_row(endpoint),
        issued=issued,
        deliveries=[_delivery_row(one) for one in log[:_SHOWN]],
        only_failed=only_failed,
        shown=_SHOWN,
        overlaps=[
            Choice("24h", gettext("24 hours")),
            Choice("1h", gettext("one hour")),
            Choice("7d", gettext("seven days")),
            Choice("0", gettext("not at all: the old one is dead at once")),
        ],
        form_error=form_error,
    )


def endpoint_row(endpoint: WebhookEndpoint, *, secret: str = "") -> EndpointRow:
    state = "failing" if endpoint.failing_since else "on"
    if not endpoint.enabled:
        state = "given_up" if endpoint.disabled_at else "off"
    waiting = endpoint.deliveries.filter(state__in=[DeliveryState.PENDING, DeliveryState.SENDING]).count()
    return EndpointRow(endpoint, state, waiting, secret)


def _delivery_row(delivery: WebhookDelivery) -> DeliveryRow:
    states = {DeliveryState.DELIVERED: "delivered", DeliveryState.FAILED: "failed"}
    attempts = [Attempt(at, one["status"], one["ms"], one["said"]) for one in delivery.log if (at := _at(one["at"]))]
    return DeliveryRow(delivery, states.get(DeliveryState(delivery.state), "waiting"), attempts[::-1])


def _at(text: str) -> datetime | None:
    return parse_datetime(text)
