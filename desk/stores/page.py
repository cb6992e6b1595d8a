"""What the pages of stores show."""

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext, pgettext

from desk.access import Scope
from desk.addresses import with_query
from desk.filters import Option
from desk.forms import FormField, text
from desk.settings.layout import Cell, Fact, Facts, Form, Row, SettingsPage, Table, form, settings_crumb
from desk.templatetags.desk_format import when_minute
from merchants.models import Store


def stores_page(*, scope: Scope) -> SettingsPage:
    found = scope.stores().annotate(tills=Count("terminals"))
    table = Table(
        title=gettext("Stores"),
        columns=[gettext("Store"), gettext("State"), gettext("Store phone"), gettext("Address"), gettext("Tills")],
        rows=[
            Row(
                cells=[
                    Cell(text=store.name, sub=[store.code], url=reverse("desk:store", args=[store.code])),
                    _standing(store),
                    Cell(text=store.phone),
                    Cell(text=store.address),
                    Cell(text=str(store.tills), url=with_query(reverse("desk:terminals"), store=store.code)),
                ],
                muted=store.closed_at is not None,
            )
            for store in found
        ],
        nothing=gettext("No stores yet"),
        empty=gettext("Open the first one: sales, tills and refunds belong to a store."),
        icon="store",
    )
    new = form(
        "open",
        title=gettext("Open a store"),
        url=reverse("desk:stores"),
        button=gettext("Open the store"),
        fields=[
            text("code", gettext("Store code"), required=True, hint=gettext("As your tills report it: S001")),
            *_described(None),
        ],
    )
    return SettingsPage(
        title=gettext("Stores"),
        sub=gettext("Customers read name and phone. Opening hours have a page of their own."),
        crumbs=[settings_crumb()],
        tables=[table],
        forms=[new],
    )


def store_page(*, store: Store) -> SettingsPage:
    facts = Facts(
        title=gettext("As it is"),
        facts=[
            Fact(gettext("Store code"), Cell(text=store.code)),
            Fact(gettext("State"), _standing(store)),
            Fact(
                gettext("Opening hours"),
                Cell(text=store.opening_hours or gettext("set them"), url=reverse("desk:hours")),
            ),
            Fact(
                gettext("Tills"),
                Cell(text=str(store.terminals.count()), url=with_query(reverse("desk:terminals"), store=store.code)),
            ),
        ],
    )
    change = form(
        "change",
        title=gettext("What customers read"),
        url=reverse("desk:store", args=[store.code]),
        button=gettext("Save"),
        fields=_described(store),
    )
    return SettingsPage(
        title=store.name,
        sub=store.address,
        crumbs=[settings_crumb(), Option(label=gettext("Stores"), url=reverse("desk:stores"))],
        facts=[facts],
        forms=[change, _end_form(store)],
    )


def _end_form(store: Store) -> Form:
    if store.closed_at is not None:
        return form(
            "reopen",
            title=gettext("Open it again"),
            url=reverse("desk:store-reopen", args=[store.code]),
            button=gettext("Open the store again"),
            tone="",
        )
    return form(
        "close",
        title=gettext("Close it"),
        url=reverse("desk:store-close", args=[store.code]),
        button=gettext("Close the store"),
        note=gettext(
            "Sales that are paid from now on are not taken for it. Its refunds go on; it can be opened again."
        ),
        tone="danger",
    )


def _described(store: Store | None) -> list[FormField]:
    return [
        text("name", gettext("Display name"), store.name if store else "", required=True),
        text("phone", gettext("Store phone"), store.phone if store else "", hint=gettext("Customers call it")),
        text("address", gettext("Address"), store.address if store else ""),
    ]


def _standing(store: Store) -> Cell:
    if store.closed_at is None:
        return Cell(text=pgettext("store", "open"), tone="ok", icon="circle-check")
    return Cell(text=pgettext("store", "closed"), icon="ban", sub=[when_minute(store.closed_at)])
