"""What the pages of a key's mandate and of the switches show."""

from collections.abc import Sequence
from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext

from core.calendar import SHANGHAI
from core.money import yuan
from desk.access import Scope
from desk.filters import Choice, Option, choices
from desk.forms import FormField, checks, choice, flag, hidden, text
from desk.settings.layout import Cell, Form, Row, SettingsPage, Table, form
from desk.templatetags.desk_format import when_minute
from merchants import mandates
from merchants.mandates import Mandate
from merchants.models import ApiKey, Store
from refunds.states import Reason, Route

_MOMENT = timedelta(microseconds=1)
#: What the form says for the whole merchant; no store has such a code.
ALL = "*"


def mandate_page(*, scope: Scope, key: ApiKey) -> SettingsPage:
    url = reverse("desk:api-key-mandate", args=[key.pk])
    limits = form(
        "limit",
        title=gettext("What it may ask for"),
        url=url,
        button=gettext("Save"),
        fields=_fields(mandates.read(key.mandate) or Mandate(), stores=list(scope.stores())),
        note=gettext(
            "What is empty limits nothing. Day and 30 days count all that it asks for: what is cancelled gives no room back."
        ),
    )
    is_stopped = key.stopped_at is not None
    stop = form(
        "stop",
        title=gettext("Let it go on") if is_stopped else gettext("Stop it"),
        url=reverse("desk:api-key-stop", args=[key.pk]),
        button=gettext("Let the key go on") if is_stopped else gettext("Stop the key"),
        fields=[text("note", gettext("Why"))],
        note=gettext("A stopped key may nothing, within a second everywhere. It can go on as it was."),
        tone="" if is_stopped else "danger",
    )
    notes = [
        Cell(text=gettext("Stopped since %(time)s") % {"time": when_minute(key.stopped_at)}, tone="warn", icon="ban")
    ]
    return SettingsPage(
        title=gettext("Mandate of %(name)s") % {"name": key.name},
        sub=f"{key.prefix}…",
        crumbs=[_crumb()],
        notes=notes if is_stopped else [],
        wide_forms=[limits],
        forms=[stop],
    )


def stops_page(*, scope: Scope) -> SettingsPage:
    merchant, stores = scope.staff.merchant, list(scope.stores())
    whole = [(ALL, gettext("All keys"), merchant.keys_stopped_at)] if scope.store_ids is None else []
    places = [*whole, *((store.code, store.name, store.keys_stopped_at) for store in stores)]
    running = [Choice(code, name) for code, name, stopped_at in places if stopped_at is None]
    stopped = [Choice(code, name) for code, name, stopped_at in places if stopped_at is not None]
    table = Table(
        title=gettext("Stopped keys"),
        columns=[gettext("Keys of"), gettext("Since")],
        rows=[
            Row(cells=[Cell(text=name, tone="warn", icon="ban"), Cell(text=when_minute(stopped_at))])
            for _, name, stopped_at in places
            if stopped_at is not None
        ],
        nothing=gettext("Nothing is stopped"),
        empty=gettext("If a key is lost or misused, stop the keys of its store, or all of them."),
        icon="key-round",
    )
    return SettingsPage(
        title=gettext("Stop keys"),
        sub=gettext("Of one store or of all, within a second everywhere. What was asked for before goes on."),
        crumbs=[_crumb()],
        tables=[table],
        forms=[
            *_switch("stop", running, gettext("Stop"), gettext("Stop the keys"), "danger"),
            *_switch("resume", stopped, gettext("Let them go on"), gettext("Let the keys go on"), ""),
        ],
    )


def _switch(name: str, places: Sequence[Choice], title: str, button: str, tone: str) -> list[Form]:
    if not places:
        return []
    fields = [
        choice("which", gettext("Keys of"), places),
        text("note", gettext("Why")),
        hidden("act", name),
    ]
    url = reverse("desk:api-key-stops")
    return [form(name, title=title, url=url, button=button, fields=fields, tone=tone)]


def _crumb() -> Option:
    return Option(label=gettext("API keys"), url=reverse("desk:api-keys"))


def _fields(limits: Mandate, *, stores: Sequence[Store]) -> list[FormField]:
    def money(name: str, label: str) -> FormField:
        fen = getattr(limits, name)
        return text(name, label, "" if fen is None else yuan(fen), kind="money")

    hours = "" if limits.hours is None else "-".join(f"{one:%H:%M}" for one in limits.hours)
    ends = "" if limits.expires_at is None else f"{(limits.expires_at - _MOMENT).astimezone(SHANGHAI):%Y-%m-%d}"
    return [
        money("max_fen", gettext("One refund at most")),
        money("max_fen_day", gettext("One day at most")),
        money("max_fen_customer_30d", gettext("One customer in 30 days at most")),
        checks("reasons", gettext("Reasons"), choices(Reason.choices), sorted(limits.reasons)),
        checks("routes", gettext("Routes"), choices(Route.choices), sorted(limits.routes)),
        checks(
            "stores", gettext("Stores"), [Choice(store.code, store.name) for store in stores], sorted(limits.stores)
        ),
        text("hours", gettext("Hours"), hours, hint=gettext("Like 09:00-21:00; it may end on the next day")),
        text("expires_at", gettext("Last day"), ends, kind="date"),
        flag("always_review", gettext("A person decides each"), on=limits.always_review),
        flag("on_behalf_of_required", gettext("Each request says for whom it is"), on=limits.on_behalf_of_required),
    ]
