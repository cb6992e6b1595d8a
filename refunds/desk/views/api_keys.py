"""API keys: issued and shown once, rotated, revoked. Owners and managers only."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from core.errors import DomainError, Invalid, NotFound
from merchants import api_keys as keys
from merchants.models import ApiKey
from merchants.models import Scope as Permission
from merchants.rights import Act
from refunds.desk import words
from refunds.desk.access import Scope, staff_page

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


@require_POST
@staff_page(Act.MANAGE_KEYS)
def rotate(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """A new key in place of the old one, which is dead from this moment."""
    key = _key(scope, key_id)
    if key.revoked_at is not None:
        messages.error(request, gettext("A revoked key cannot be renewed. Issue a new one."))
        return redirect("desk:api-keys")
    return _page(request, scope, issued=keys.rotate(key=key, by=scope.by, at=timezone.now()))


@require_POST
@staff_page(Act.MANAGE_KEYS)
def revoke(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """The key is dead from now on."""
    key = _key(scope, key_id)
    try:
        keys.revoke(key=key, by=scope.by, at=timezone.now())
    except DomainError as error:
        messages.error(request, words.short(error))
    else:
        messages.success(request, gettext("%(name)s is revoked.") % {"name": key.name})
    return redirect("desk:api-keys")


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
    rows = (
        _keys(scope).defer("signing_secret").select_related("store", "created_by").order_by("revoked_at", "-pk")[:200]
    )
    context = {
        "now": timezone.now(),
        "keys": rows,
        "issued": {"name": issued[0].name, "key": issued[1], "signing_secret": issued[2]} if issued else None,
        "scopes": [{"value": item.value, "label": _label(item)} for item in Permission],
        "stores": scope.stores(),
        "all_stores": ALL_STORES if scope.store_ids is None else "",
        "form_error": form_error,
    }
    return render(request, "desk/api_keys.html", context, status=status)


def _label(permission: Permission) -> str:
    return {
        Permission.TRANSACTIONS_WRITE: gettext("report sales"),
        Permission.TRANSACTIONS_READ: gettext("read sales"),
        Permission.REFUNDS_WRITE: gettext("submit and decide refunds"),
        Permission.REFUNDS_READ: gettext("read refunds"),
        Permission.PAYOUTS_WRITE: gettext("confirm payouts made by hand"),
        Permission.ANALYTICS_READ: gettext("read figures"),
        Permission.WEBHOOKS_WRITE: gettext("manage webhooks"),
    }[permission]
