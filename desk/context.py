"""What surrounds every staff page: navigation with counts, the merchant, the person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, gettext

from desk import people
from desk.access import Scope, scope_of_request
from desk.by_hand import count
from desk.keyset import Capped
from desk.queues import counts
from merchants.models import Role
from merchants.rights import Act
from reconciliation import days
from terminals.models import Terminal

_REFUND_PAGES = "/desk/refunds/"
_SHORT = {"en": "EN", "zh-hans": "中"}


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Nothing is read before a template asks: fragments and public pages cost nothing."""
    return {"shell": SimpleLazyObject(lambda: _shell(request))}


def languages() -> list[dict[str, str]]:
    """The languages other than the one in use."""
    current = get_language()
    return [
        {"code": code, "label": label, "short": _SHORT.get(code, code)}
        for code, label in settings.LANGUAGES
        if code != current
    ]


def _shell(request: HttpRequest) -> dict[str, Any] | None:
    scope, now = scope_of_request(request), timezone.now()
    if scope is None:
        return None
    staff = scope.staff
    numbers = counts(scope=scope, at=now) if scope.may(Act.SEE_QUEUE) else {}
    waits_by_hand = count(scope) if scope.may(Act.PAY_CASH) or scope.may(Act.PAY_BY_HAND) else None
    groups = _groups(scope, numbers, request.path, waits_by_hand, _unresolved(scope))
    stores = scope.stores().count()
    return {
        "merchant_name": staff.merchant.name,
        "scope_label": _scope_label(scope, stores),
        "store_summary": gettext("%(stores)s stores · %(terminals)s tills")
        % {"stores": stores, "terminals": Terminal.objects.filter(store__in=scope.stores()).count()},
        "staff": {**people.named(pk=staff.pk, name=staff.name), "role_label": Role(staff.role).label},
        "groups": groups,
        "tabs": _tabs(groups),
        "search_url": reverse("desk:search"),
        "query": request.GET.get("q", "") if request.path == reverse("desk:search") else "",
        "logout_url": reverse("logout"),
        "languages": languages(),
        "now": now,
    }


def _scope_label(scope: Scope, stores: int) -> str:
    if scope.store_ids is None:
        return gettext("All stores")
    names = list(scope.stores().values_list("name", flat=True)[:1])
    return names[0] if stores == 1 and names else gettext("%(n)s stores") % {"n": stores}


def _groups(
    scope: Scope, numbers: Mapping[str, Capped], path: str, waits_by_hand: Capped | None, unresolved: Capped | None
) -> list[dict[str, Any]]:
    """Only what this person may open, and only what there is."""
    may_pay = waits_by_hand is not None
    work = [
        # A refund's page belongs to the queue for those who work in it, to the list for the others.
        _item("queue", gettext("Review queue"), "inbox", path, count=numbers.get("waiting"), within=_REFUND_PAGES)
        if scope.may(Act.SEE_QUEUE)
        else None,
        _item("new", gettext("New refund"), "circle-plus", path),
        _item("refunds", gettext("All refunds"), "receipt-text", path, within="" if scope.may(Act.SEE_QUEUE) else None),
        _item("transactions", gettext("Transactions"), "search", path),
        _item("by-hand", gettext("To pay by hand"), "hand-coins", path, count=waits_by_hand) if may_pay else None,
    ]
    figures = [
        _item("analytics", gettext("Refund analytics"), "chart-column", path) if scope.may(Act.SEE_ANALYTICS) else None,
    ]
    money = [
        _item("reconciliation", gettext("Reconciliation"), "scale", path, count=unresolved, hot=True)
        if scope.may(Act.SEE_RECONCILIATION)
        else None,
    ]
    settings_ = [
        _item("notifications", gettext("Notifications"), "bell", path) if scope.may(Act.SEE_QUEUE) else None,
        _item("api-keys", gettext("API keys"), "key-round", path) if scope.may(Act.MANAGE_KEYS) else None,
    ]
    groups = [
        (gettext("Refunds"), work),
        (gettext("Analysis"), figures),
        (gettext("Finance"), money),
        (gettext("Settings"), settings_),
    ]
    return [
        {"label": label, "items": [item for item in items if item is not None]}
        for label, items in groups
        if any(item is not None for item in items)
    ]


def _unresolved(scope: Scope) -> Capped | None:
    """Differences that wait for somebody; None where there are none, or where the page is not for this person."""
    if not scope.may(Act.SEE_RECONCILIATION):
        return None
    waiting = days.open_differences(merchant_id=scope.staff.merchant_id)
    return Capped(waiting) if waiting else None


def _item(
    name: str,
    label: str,
    icon: str,
    path: str,
    *,
    count: Capped | None = None,
    hot: bool = False,
    within: str | None = None,
) -> dict[str, Any] | None:
    """A page's entry; None while there is no such page. ``within`` is where else it is current, by default below itself.

    A ``hot`` count is money that somebody has to look after.
    """
    try:
        url = reverse(f"desk:{name}")
    except NoReverseMatch:
        return None
    below = f"{url}/" if within is None else within
    current = path == url or bool(below and path.startswith(below))
    return {"label": label, "url": url, "icon": icon, "count": count, "hot": hot, "current": current}


def _tabs(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The phone's bar: the first four pages."""
    return [item for group in groups for item in group["items"]][:4]
