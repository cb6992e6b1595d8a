"""API keys: issued and shown once, rotated, revoked. Owners and managers only."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from core.errors import Conflict, DomainError, Invalid, NotFound
from desk import words
from desk.access import Scope, staff_page
from merchants import api_keys as keys
from merchants.models import ApiKey, KeyScope
from merchants.rights import Act

#: What the form says for the whole merchant; no store has such a code.
ALL_STORES = "*"


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.MANAGE_KEYS)
def api_keys(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST issues a key and shows it this one time."""
    if request.method != "POST":
        return _page(request, scope)
    try:
        issued = _issue(request, scope)
    except Invalid as error:
        return _page(request, scope, form_error=words.short(error), status=422)
    return _page(request, scope, issued=issued)


def _issue(request: HttpRequest, scope: Scope) -> tuple[ApiKey, str, str]:
    name = request.POST.get("name", "").strip()[:80]
    if not name:
        raise Invalid("a key needs a name", code="name_required")
    # A key for the whole merchant is asked for by name: a store that was forgotten or is not known is never all of them.
    chosen = request.POST.get("store", "")
    all_stores = chosen == ALL_STORES and scope.store_ids is None
    store = None if all_stores else scope.stores().filter(code=chosen).first()
    if store is None and not all_stores:
        raise Invalid("the key must belong to one of your stores", code="unknown_store")
    return keys.issue(
        merchant=scope.staff.merchant,
        name=name,
        scopes=request.POST.getlist("scopes"),
        by=scope.by,
        at=timezone.now(),
        store=store,
        all_stores=all_stores,
        signed=bool(request.POST.get("signed")),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.MANAGE_KEYS)
def rotate(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """What rotating means for this key; a POST with its name does it and shows the new one this one time."""
    key = _key(scope, key_id)
    if request.method != "POST":
        return _confirmation(request, key, "rotate")
    try:
        issued = keys.rotate(
            key=key,
            by=scope.by,
            at=timezone.now(),
            typed_name=request.POST.get("typed_name", ""),
            overlap=_overlap(request.POST.get("overlap", "")),
        )
    except (Invalid, Conflict) as error:
        return _confirmation(request, _key(scope, key_id), "rotate", error)
    return _page(request, scope, issued=issued)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_page(Act.MANAGE_KEYS)
def revoke(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """What revoking means for this key; a POST with its name does it."""
    key = _key(scope, key_id)
    if request.method != "POST":
        return _confirmation(request, key, "revoke")
    try:
        keys.revoke(key=key, by=scope.by, at=timezone.now(), typed_name=request.POST.get("typed_name", ""))
    except Invalid as error:
        return _confirmation(request, key, "revoke", error)
    messages.success(request, gettext("%(name)s is revoked.") % {"name": key.name})
    return redirect("desk:api-keys")


def _overlap(chosen: str) -> timedelta:
    found = keys.OVERLAPS.get(chosen)
    if found is None:
        raise Invalid("choose one of the overlaps", code="unknown_overlap")
    return found


def _confirmation(request: HttpRequest, key: ApiKey, act: str, error: DomainError | None = None) -> HttpResponse:
    """The second step: what is about to happen to which key, and its name to be typed."""
    now = timezone.now()
    context = {
        "now": now,
        "key": key,
        "state": _state(key, now),
        "act": act,
        "overlaps": [{"value": value, "label": _overlap_label(value)} for value in keys.OVERLAPS],
        "chosen_overlap": request.POST.get("overlap", "24h"),
        "form_error": words.short(error) if error else "",
    }
    status = words.status(error) if error else 200
    return render(request, "desk/api_key_confirm.html", context, status=status)


def _overlap_label(value: str) -> str:
    return {
        "0": gettext("not at all: the old key is dead at once"),
        "1h": gettext("one hour"),
        "24h": gettext("24 hours"),
        "7d": gettext("seven days"),
    }[value]


def _state(key: ApiKey, now: datetime) -> str:
    """``used``, ``ending`` (rotated, still valid), ``expired`` or ``revoked``."""
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None:
        return "ending" if key.expires_at > now else "expired"
    return "used"


def _key(scope: Scope, key_id: int) -> ApiKey:
    found = _keys(scope).filter(pk=key_id).first()
    if found is None:
        raise NotFound("there is no such key")
    return found


def _keys(scope: Scope) -> QuerySet[ApiKey]:
    rows = ApiKey.objects.filter(merchant_id=scope.staff.merchant_id)
    return rows if scope.store_ids is None else rows.filter(store_id__in=scope.store_ids)


def _page(
    request: HttpRequest,
    scope: Scope,
    *,
    issued: tuple[ApiKey, str, str] | None = None,
    form_error: str = "",
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    found = _keys(scope).defer("signing_secret").select_related("store", "created_by")
    # Those that work come first.
    rows = found.order_by(F("revoked_at").asc(nulls_first=True), F("expires_at").desc(nulls_first=True), "-pk")[:200]
    context = {
        "now": now,
        "rows": [{"key": key, "state": _state(key, now)} for key in rows],
        "issued": {"name": issued[0].name, "key": issued[1], "signing_secret": issued[2]} if issued else None,
        "scopes": [{"value": item.value, "label": _label(item)} for item in KeyScope],
        "stores": scope.stores(),
        "all_stores": ALL_STORES if scope.store_ids is None else "",
        "form_error": form_error,
    }
    return render(request, "desk/api_keys.html", context, status=status)


def _label(permission: KeyScope) -> str:
    return {
        KeyScope.TRANSACTIONS_WRITE: gettext("report sales"),
        KeyScope.TRANSACTIONS_CORRECT: gettext("set right what was reported of a sale"),
        KeyScope.TRANSACTIONS_READ: gettext("read sales"),
        KeyScope.REFUNDS_WRITE: gettext("submit and decide refunds"),
        KeyScope.REFUNDS_READ: gettext("read refunds"),
        KeyScope.PAYOUTS_WRITE: gettext("confirm payouts made by hand"),
        KeyScope.ANALYTICS_READ: gettext("read figures"),
        KeyScope.WEBHOOKS_WRITE: gettext("manage webhooks"),
    }[permission]
