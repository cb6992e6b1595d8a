"""What keys may do, and the switches that stop them. Owners and managers only."""

from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from core.calendar import SHANGHAI
from core.errors import FieldError, Invalid, existing
from desk import forms
from desk.access import Scope, staff_page, staff_posts
from desk.api_keys.view import keys_of
from desk.mandate.page import ALL, mandate_page, stops_page
from desk.settings.layout import take
from merchants import api_keys, mandates
from merchants.mandates import MandateInvalid
from merchants.models import ApiKey, Merchant, Store
from merchants.rights import Act
from merchants.stores import store_by_code


@staff_page(Act.MANAGE_KEYS)
def mandate(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """What a key may ask for; a POST limits it anew."""
    key = _key(scope, key_id)

    def change() -> str:
        api_keys.set_mandate(key=key, mandate=mandates.read(_typed(request)), by=scope.by, at=timezone.now())
        return gettext("Saved.")

    return take(
        request,
        form="limit",
        act=change,
        page=lambda: mandate_page(scope=scope, key=key),
        back=reverse("desk:api-key-mandate", args=[key_id]),
    )


@staff_posts(Act.MANAGE_KEYS)
def stop(request: HttpRequest, scope: Scope, key_id: int) -> HttpResponse:
    """Stop a key, or let a stopped one go on."""
    key = _key(scope, key_id)

    def switch() -> str:
        _stop(request, scope, key, stopped=key.stopped_at is None)
        return gettext("The key goes on.") if key.stopped_at else gettext("The key is stopped.")

    return take(
        request,
        form="stop",
        act=switch,
        page=lambda: mandate_page(scope=scope, key=key),
        back=reverse("desk:api-key-mandate", args=[key_id]),
    )


@staff_page(Act.MANAGE_KEYS)
def stops(request: HttpRequest, scope: Scope) -> HttpResponse:
    """Whose keys are stopped; a POST stops those of a store, or all, or lets them go on."""

    def switch() -> str:
        code, stopped = request.POST.get("which", ""), request.POST.get("act") != "resume"
        which = scope.staff.merchant if code == ALL else store_by_code(code, by=scope.by)
        _stop(request, scope, which, stopped=stopped)
        return gettext("The keys are stopped.") if stopped else gettext("The keys go on.")

    return take(
        request,
        form="resume" if request.POST.get("act") == "resume" else "stop",
        act=switch,
        page=lambda: stops_page(scope=scope),
        back=reverse("desk:api-key-stops"),
    )


def _stop(request: HttpRequest, scope: Scope, which: ApiKey | Store | Merchant, *, stopped: bool) -> None:
    api_keys.stop(which=which, by=scope.by, at=timezone.now(), stopped=stopped, note=request.POST.get("note", ""))


def _key(scope: Scope, key_id: int) -> ApiKey:
    return existing(keys_of(scope).select_related("store").filter(pk=key_id, revoked_at=None).first(), "key")


def _typed(request: HttpRequest) -> dict[str, Any]:
    """The form as a mandate is sent. Raises ``MandateInvalid`` with the fields that cannot be read."""
    said: dict[str, Any] = {name: request.POST.getlist(name) for name in ("reasons", "routes", "stores")}
    said |= {name: request.POST.get(name) == "1" for name in ("always_review", "on_behalf_of_required")}
    wrong = []
    for name in ("max_fen", "max_fen_day", "max_fen_customer_30d"):
        if typed := request.POST.get(name, "").strip():
            try:
                said[name] = forms.amount_fen(typed)
            except Invalid:
                wrong.append(name)
    if typed := request.POST.get("hours", "").strip():
        begins, _, ends = typed.replace("–", "-").partition("-")
        said["hours"] = {"from": begins.strip(), "to": ends.strip()}
    if typed := request.POST.get("expires_at", "").strip():
        try:
            last = datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=SHANGHAI)
        except ValueError:
            wrong.append("expires_at")
        else:
            said["expires_at"] = (last + timedelta(days=1)).isoformat()
    if wrong:
        errors = [FieldError(f"mandate.{name}", "mandate_invalid", "cannot be read") for name in wrong]
        raise MandateInvalid("the mandate cannot be understood", errors=errors)
    return said
