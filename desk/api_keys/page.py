"""The list of keys, and the second step before one is rotated or revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet
from django.utils.translation import gettext

from desk.access import Scope
from desk.filters import Choice
from merchants import api_keys as keys
from merchants.models import ApiKey, KeyScope, Store

#: What the form says for the whole merchant; no store has such a code.
ALL_STORES = "*"
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
        scopes=[Choice(item.value, labels[item]) for item in KeyScope],
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
    rows = ApiKey.objects.filter(merchant_id=scope.staff.merchant_id)
    return rows if scope.store_ids is None else rows.filter(store_id__in=scope.store_ids)


def _state(key: ApiKey, at: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None:
        return "ending" if key.expires_at > at else "expired"
    return "used"
