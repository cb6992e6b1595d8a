"""API keys: issued and shown once, rotated, revoked. Owners and managers only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext

from core.errors import Conflict, DomainError, Invalid, existing
from desk import words
from desk.access import ALL_STORES, Scope, staff_page
from desk.filters import Choice
from desk.rendering import done, render_page
from merchants import api_keys as keys
from merchants.models import ApiKey, KeyScope, Store
from merchants.rights import Act, gives

#: What the form says for the whole merchant; no store has such a code.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class KeyRow:
    """``state`` is ``used``, ``ending`` (rotated, still valid), ``expired`` or ``revoked``."""

    key: ApiKey
    state: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key, shown this once; ``signing_secret`` is "" where requests need not be signed."""

    row: ApiKey
    key: str
    signing_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeysPage:
    """``all_stores`` is what the form sends for all of them, "" where this person may not."""

    rows: Sequence[KeyRow]
    issued: Issued | None
    scopes: Sequence[Choice]
    stores: Sequence[Store]
    all_stores: str
    form_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyConfirmPage:
    """``act`` is ``rotate`` or ``revoke``; ``nothing_to_do`` says that it was done before."""

    key: ApiKey
    state: str
    act: str
    nothing_to_do: bool
    overlaps: Sequence[Choice]
    chosen_overlap: str
    form_error: str


def api_keys_page(*, scope: Scope, at: datetime, issued: Issued | None, form_error: str) -> ApiKeysPage:
    found = keys_of(scope).defer("signing_secret").select_related("store", "created_by")
    # Those that work come first.
    ordered = found.order_by(F("revoked_at").asc(nulls_first=True), F("expires_at").desc(nulls_first=True), "-pk")
    labels = {
        KeyScope.TRANSACTIONS_WRITE: gettext("report sales"),
        KeyScope.TRANSACTIONS_CORRECT: gettext("set right what was reported of a sale"),
        KeyScope.TRANSACTIONS_READ: gettext("read sales"),
        KeyScope.REFUNDS_WRITE: gettext("submit and decide refunds"),
        KeyScope.REFUNDS_READ: gettext("read refunds"),
        KeyScope.PAYOUTS_WRITE: gettext("confirm payouts made by hand"),
        KeyScope.ANALYTICS_READ: gettext("read figures"),
        KeyScope.WEBHOOKS_WRITE: gettext("manage webhooks"),
    }
    return ApiKeysPage(
        rows=[KeyRow(key, _state(key, at)) for key in ordered[:_SHOWN]],
        issued=issued,
        scopes=[Choice(item.value, labels[item]) for item in KeyScope if gives(item, by=scope.by)],
        stores=list(scope.stores()),
        all_stores=ALL_STORES if scope.store_ids is None else "",
        form_error=form_error,
    )


def confirm_page(*, key: ApiKey, act: str, at: datetime, chosen_overlap: str, form_error: str) -> KeyConfirmPage:
    labels = {
        "0": gettext("not at all: the old key is dead at once"),
        "1h": gettext("one hour"),
        "24h": gettext("24 hours"),
        "7d": gettext("seven days"),
    }
    state = _state(key, at)
    return KeyConfirmPage(
        key=key,
        state=state,
        act=act,
        nothing_to_do=state in ("revoked", "expired") or (state == "ending" and act == "rotate"),
        overlaps=[Choice(value, labels[value]) for value in keys.OVERLAPS],
        chosen_overlap=chosen_overlap,
        form_error=form_error,
    )


def keys_of(scope: Scope) -> QuerySet[ApiKey]:
    """The keys that this person may know of."""
    return scope.by.in_stores(ApiKey.objects.filter(merchant_id=scope.staff.merchant_id))


def _state(key: ApiKey, at: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None:
        return "ending" if key.expires_at > at else "expired"
    return "used"


@staff_page(Act.MANAGE_KEYS)
def api_keys(request: HttpRequest, scope: Scope) -> HttpResponse:
    """The list; a POST issues a key and shows it this one time."""
    if request.method != "POST":
        return _page(request, scope)
    try:
        issued = _issue(request, scope)
    except (Invalid, keys.ScopeAboveOwn) as error:
        return _page(request, scope, form_error=words.short(error), status=words.status(error))
    return _page(request, scope, issued=issued)


def _issue(request: HttpRequest, scope: Scope) -> Issued:
    name = request.POST.get("name", "").strip()[:80]
    if not name:
        raise Invalid("a key needs a name", code="name_required")
    store = scope.store_or_all(request.POST.get("store", ""))
    return Issued(
        *keys.issue(
            merchant=scope.staff.merchant,
            name=name,
            scopes=request.POST.getlist("scopes"),
            by=scope.by,
            at=timezone.now(),
            store=store,
            all_stores=store is None,
            signed=bool(request.POST.get("signed")),
        )
    )


@staff_page(Act.MANAGE_KEYS)
def rotate(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """What rotating means for this key; a POST with its name does it and shows the new one this one time."""
    key = _key(scope, key_id)
    if request.method != "POST":
        return _confirmation(request, key, "rotate")
    try:
        issued = Issued(
            *keys.rotate(
                key=key,
                by=scope.by,
                at=timezone.now(),
                typed_name=request.POST.get("typed_name", ""),
                # What is no choice is refused as one that is not offered.
                overlap=keys.OVERLAPS.get(request.POST.get("overlap", ""), timedelta.max),
            )
        )
    except (Invalid, Conflict, keys.ScopeAboveOwn) as error:
        return _confirmation(request, _key(scope, key_id), "rotate", error)
    return _page(request, scope, issued=issued)


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
    return done(request, gettext("%(name)s is revoked.") % {"name": key.name}, "desk:api-keys")


def _key(scope: Scope, key_id: int) -> ApiKey:
    return existing(keys_of(scope).filter(pk=key_id).first(), "key")


def _confirmation(request: HttpRequest, key: ApiKey, act: str, error: DomainError | None = None) -> HttpResponse:
    """The second step: what is about to happen to which key, and its name to be typed."""
    page = confirm_page(
        key=key,
        act=act,
        at=timezone.now(),
        chosen_overlap=request.POST.get("overlap", "24h"),
        form_error=words.short(error) if error else "",
    )
    return render_page(request, "desk/api_key_confirm.html", page, status=words.status(error) if error else 200)


def _page(
    request: HttpRequest, scope: Scope, *, issued: Issued | None = None, form_error: str = "", status: int = 200
) -> HttpResponse:
    page = api_keys_page(scope=scope, at=timezone.now(), issued=issued, form_error=form_error)
    return render_page(request, "desk/api_keys.html", page, status=status)
