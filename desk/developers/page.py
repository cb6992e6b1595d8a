"""What the page for developers shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Max, Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from core import tenant_wall
from core.codes import CODES
from desk import filters, keyset, rows
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_one
from desk.filters import Choice, Filter, Menu, Option
from desk.rows import Pager
from integrations import request_log, sandbox
from integrations.models import RequestLogEntry, WebhookDelivery
from integrations.sandbox_clock import Standing, standing_of
from merchants.models import ApiKey
from merchants.rights import Act
from refunds.models import RefundRequest

_PAGE = 25
_NEWEST = keyset.Order("at", descending=True)
_GROUPS = 20
#: What of the page is the sandbox's, as the address says it.
TEST = "test"
#: How far the sandbox's clock moves on in one go, as REST has it; the API takes any other way.
ADVANCES = {
    "PT1H": timedelta(hours=1),
    "P1D": timedelta(days=1),
    "P3D": timedelta(days=3),
    "P7D": timedelta(days=7),
    "P15D": timedelta(days=15),
    "P30D": timedelta(days=30),
    "P90D": timedelta(days=90),
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Calls that were answered with the same problem. ``remedy`` "" where the title says it all; ``url`` shows them."""

    code: str
    title: str
    remedy: str
    call: str
    count: int
    last: RequestLogEntry
    url: str


@dataclass(frozen=True, slots=True)
class CallRow:
    """``tone`` is ``ok``, ``warn`` or ``bad``; the addresses are "" where there is nothing to see."""

    entry: RequestLogEntry
    key: str
    tone: str
    number: str
    refund_url: str
    deliveries_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DevelopersPage:
    """``clock`` None: there is no sandbox yet; ``advances`` are how far it may be moved on. ``issued`` is a new test key, shown
    this once. ``may_make``: this person may make keys for the whole merchant.
    """

    modes: Sequence[Option]
    is_test: bool
    clock: Standing | None
    advances: Sequence[Choice]
    test_keys: Sequence[ApiKey]
    issued: str
    may_make: bool
    form_error: str
    troubles: Sequence[Trouble]
    filters: Sequence[Menu]
    has_filters: bool
    clear_filters_url: str
    rows: Sequence[CallRow]
    pager: Pager


def developers_page(*, scope: Scope, query: QueryDict, issued: str = "", form_error: str = "") -> DevelopersPage:
    path, own = reverse("desk:developers"), scope.staff.merchant_id
    twin = sandbox.of_merchant(own)
    is_test = query.get("mode") == TEST
    merchant_id = own if not is_test else twin.pk if twin else 0
    # Of the sandbox, nothing stands behind the merchant's wall.
    with tenant_wall.outside():
        found = request_log.entries(by=scope.by, merchant_id=merchant_id)
        names = _names(merchant_id)
        chosen = _filters(query, names)
        narrowed = filters.apply(found, chosen, query)
        shown = keyset.page(narrowed, order=_NEWEST, cursor=query.get("c", ""), size=_PAGE)
        total = keyset.count(narrowed)
        troubles = _troubles(found, query, path)
        calls = _rows(shown.rows, names, is_test=is_test, scope=scope)
        test_keys = list(sandbox.keys(by=scope.by))
    return DevelopersPage(
        modes=[
            Option(label=gettext("Live"), url=path, current=not is_test),
            Option(label=gettext("Sandbox"), url=f"{path}?mode={TEST}", current=is_test),
        ],
        is_test=is_test,
        clock=standing_of(twin) if twin else None,
        advances=[Choice(code, _how_far(way)) for code, way in ADVANCES.items()],
        test_keys=test_keys,
        issued=issued,
        may_make=scope.store_ids is None,
        form_error=form_error,
        troubles=troubles,
        filters=filters.menus(chosen, query, path),
        has_filters=filters.any_chosen(chosen, query),
        clear_filters_url=f"{path}?mode={TEST}" if is_test else path,
        rows=calls,
        pager=rows.pager(shown, total=total, path=path, query=query),
    )


def _how_far(way: timedelta) -> str:
    if way.days:
        return ngettext("%(n)s day", "%(n)s days", way.days) % {"n": way.days}
    hours = way.seconds // 3600
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}


def _names(merchant_id: int) -> Mapping[int, str]:
    keys = ApiKey.objects.filter(merchant_id=merchant_id).order_by("-pk")
    return {pk: f"{name} ({prefix}…)" for pk, name, prefix in keys.values_list("pk", "name", "prefix")[:200]}


def _filters(query: QueryDict, names: Mapping[int, str]) -> list[Filter]:
    results = [Choice("failed", gettext("Only problems")), Choice("fault", gettext("Faults of ours"))]
    code = query.get("code", "")
    return [
        Filter(
            "result", gettext("Result"), results, lambda one: ~Q(code="") if one == "failed" else Q(status__gte=500)
        ),
        Filter("key", gettext("Key"), [Choice(str(pk), name) for pk, name in names.items()], lambda one: Q(key_id=one)),
        Filter("code", gettext("Problem"), [Choice(code, code)] if code in CODES else [], lambda one: Q(code=one)),
    ]


def _troubles(found: QuerySet[RequestLogEntry], query: QueryDict, path: str) -> list[Trouble]:
    groups = found.exclude(code="").values("code", "method", "path").annotate(n=Count("pk"), last_id=Max("pk"))
    several = list(groups.order_by("-last_id")[:_GROUPS])
    last = found.in_bulk([one["last_id"] for one in several])
    return [
        Trouble(
            code=one["code"],
            title=str(CODES[one["code"]].title) if one["code"] in CODES else one["code"],
            remedy=str(CODES[one["code"]].remedy or "") if one["code"] in CODES else "",
            call=f"{one['method']} {one['path']}",
            count=one["n"],
            last=last[one["last_id"]],
            url=with_one(path, query, "code", one["code"]),
        )
        for one in several
    ]


def _rows(found: Sequence[RequestLogEntry], names: Mapping[int, str], *, is_test: bool, scope: Scope) -> list[CallRow]:
    about = {one.object_id for one in found if len(one.object_id) == 36}
    numbers = {} if is_test else {str(pk): number for pk, number in _numbers(about)}
    sent = {}
    if scope.may(Act.MANAGE_WEBHOOKS) and not is_test:
        deliveries = WebhookDelivery.objects.filter(merchant_id=scope.staff.merchant_id, object_id__in=about)
        sent = dict(deliveries.order_by("pk").values_list("object_id", "endpoint_id"))
    return [
        CallRow(
            entry=one,
            key=names.get(one.key_id, ""),
            tone="ok" if one.status < 400 else "warn" if one.status < 500 else "bad",
            number=numbers.get(one.object_id, ""),
            refund_url=refund_url(numbers[one.object_id]) if one.object_id in numbers else "",
            deliveries_url=reverse("desk:webhook", args=[sent[one.object_id]]) if one.object_id in sent else "",
        )
        for one in found
    ]


def _numbers(about: set[str]) -> QuerySet[RefundRequest, tuple[object, str]]:
    return RefundRequest.objects.filter(pk__in=about).order_by("pk").values_list("pk", "number")
