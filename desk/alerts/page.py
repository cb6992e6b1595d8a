"""What the page of alerts shows. Of an address, its name and kind; it is a key to the group."""

from django.urls import reverse
from django.utils.translation import gettext

from desk.access import Scope
from desk.carriers.page import LANGUAGE_NAMES
from desk.filters import Choice, Option, choices
from desk.forms import FormField, checks, choice, flag, text
from desk.settings.layout import Cell, Fact, Facts, Row, SettingsPage, Table, form, settings_crumb
from integrations import alerts
from integrations.models import AlertAddress, AlertKind


def alerts_page(*, scope: Scope) -> SettingsPage:
    table = Table(
        title=gettext("Who is told"),
        columns=[gettext("What it is called"), gettext("Quiet hours"), gettext("State")],
        rows=[
            Row(
                cells=[
                    Cell(text=one.name, sub=[str(one.get_kind_display()), *_told(one)]),
                    Cell(text=_quiet(one)),
                    _standing(one),
                ],
                links=[Option(label=gettext("Open"), url=reverse("desk:alert-address", args=[one.pk]))],
            )
            for one in alerts.addresses_of(scope.by)
        ],
        nothing=gettext("Nobody is told yet"),
        empty=gettext("Add a group, or a mail address: the provider's support can be one."),
        icon="bell-ring",
    )
    events = [Choice(name, str(event.label)) for name, event in alerts.EVENTS.items()]
    hint = gettext("The whole address that the group's robot shows, or a mail address")
    add = form(
        "add",
        title=gettext("Add an address"),
        url=reverse("desk:alerts"),
        button=gettext("Add"),
        fields=[
            choice("kind", gettext("Kind"), choices(AlertKind.choices)),
            text("name", gettext("What it is called"), required=True),
            FormField(name="address", label=gettext("Address"), kind="secret", hint=hint, required=True),
            FormField(name="secret", label=gettext("Secret that it signs with (DingTalk)"), kind="secret"),
            choice("language", gettext("Language"), choices(LANGUAGE_NAMES.items())),
            checks("events", gettext("Of what"), events),
            text("quiet_from", gettext("Quiet from (22:00)")),
            text("quiet_until", gettext("Quiet until (07:00)")),
        ],
        note=gettext("The address is sealed and never shown again."),
    )
    return SettingsPage(
        title=gettext("Alerts"),
        sub=gettext("Who is told of trouble, once while it lasts."),
        crumbs=[settings_crumb()],
        tables=[table],
        forms=[add],
    )


def alert_address_page(*, address: AlertAddress) -> SettingsPage:
    here = [address.pk]
    facts = [
        Fact(gettext("Of what"), Cell(text="", sub=_told(address))),
        Fact(gettext("Language"), Cell(text=LANGUAGE_NAMES[address.language])),
        Fact(gettext("Quiet hours"), Cell(text=_quiet(address))),
        Fact(gettext("State"), _standing(address)),
    ]
    test = form("test", title=gettext("Send a test"), url=reverse("desk:alert-address-test", args=here))
    remove = form(
        "remove",
        title=gettext("Remove the address"),
        url=reverse("desk:alert-address-remove", args=here),
        fields=[flag("confirmed", gettext("It is told nothing more"))],
        tone="danger",
    )
    return SettingsPage(
        title=address.name,
        sub=str(address.get_kind_display()),
        crumbs=[settings_crumb(), Option(label=gettext("Alerts"), url=reverse("desk:alerts"))],
        facts=[Facts(title=gettext("As it is"), facts=facts)],
        forms=[test, remove],
    )


def _told(one: AlertAddress) -> list[str]:
    return [str(alerts.EVENTS[event].label) for event in one.events]


def _quiet(one: AlertAddress) -> str:
    if one.quiet_from is None or one.quiet_until is None:
        return gettext("none")
    return f"{one.quiet_from:%H:%M} – {one.quiet_until:%H:%M}"


def _standing(one: AlertAddress) -> Cell:
    if one.last_error:
        return Cell(text=gettext("does not take messages"), tone="bad", icon="circle-alert", sub=[one.last_error])
    return Cell(text=gettext("in use"), tone="ok", icon="circle-check")
