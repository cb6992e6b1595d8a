"""What the pages of carriers show. Of a contract, only the fields that are no secret."""

from collections.abc import Mapping

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from desk.access import Scope
from desk.filters import Choice, Option, choices
from desk.forms import FormField, choice, flag, text
from desk.notices import event_label
from desk.settings.layout import Cell, Fact, Facts, Form, Row, SettingsPage, Table, form, settings_crumb
from desk.templatetags.desk_format import when_minute
from merchants.models import MessageCarrier
from refunds.models.notification import Medium
from refunds.telling import carrying, contracts, wording
from refunds.telling.one_time import CODE
from refunds.telling.own_words import LANGUAGES
from refunds.telling.providers.contract import Provider
from refunds.telling.providers.registry import PROVIDERS

LANGUAGE_NAMES = {"zh-hans": "中文", "en": "English"}
LABELS: Mapping[str, Promise | str] = {
    "secret_id": "SecretId",
    "secret_key": "SecretKey",
    "sdk_app_id": "SdkAppId",
    "signature": _("Signature, as it was approved"),
    "region": _("Region; empty: ap-guangzhou"),
    "access_key_id": "AccessKey ID",
    "access_key_secret": "AccessKey Secret",
    "appid": _("AppID of the mini program"),
    "secret": "AppSecret",
    "page": _("Page that the message opens"),
}
ORDER_LABELS: Mapping[str, Promise] = {
    "usual": _("WeChat, else SMS; e-mail as well"),
    "one": _("One message: WeChat, else SMS, else e-mail"),
    "mail_first": _("One message: e-mail, else WeChat, else SMS"),
    "sms_first": _("One message: SMS, else e-mail"),
}


def carriers_page(*, scope: Scope) -> SettingsPage:
    own = {row.kind: row for row in MessageCarrier.objects.filter(merchant_id=scope.staff.merchant_id)}
    table = Table(
        title=gettext("Carriers"),
        columns=[gettext("Provider"), gettext("Carries"), gettext("State"), gettext("Templates")],
        rows=[
            Row(
                cells=[
                    Cell(text=str(one.label), url=reverse("desk:carrier", args=[kind])),
                    Cell(text=str(Medium(one.medium).label)),
                    standing(one, own.get(kind)),
                    Cell(text=str(len(own[kind].templates)) if kind in own else ""),
                ]
            )
            for kind, one in PROVIDERS.items()
        ],
        icon="send",
    )
    chosen = carrying.orders({scope.staff.merchant_id})
    names = {chains: name for name, chains in carrying.ORDERS.items()}
    usual = carrying.ORDERS[carrying.USUAL]
    orders = Table(
        title=gettext("By which medium first"),
        columns=[gettext("When"), *(LANGUAGE_NAMES[language] for language in LANGUAGES)],
        rows=[
            Row(
                cells=[
                    Cell(text=event_label(event)),
                    *(
                        Cell(
                            text=str(ORDER_LABELS[names[chosen.get((scope.staff.merchant_id, event, language), usual)]])
                        )
                        for language in LANGUAGES
                    ),
                ]
            )
            for event in sorted(wording.NOTIFIED)
        ],
        icon="list-ordered",
    )
    order = form(
        "order",
        title=gettext("Change the order"),
        url=reverse("desk:carriers"),
        fields=[
            choice("event", gettext("When"), [Choice(event, event_label(event)) for event in sorted(wording.NOTIFIED)]),
            choice("language", gettext("Language"), choices(LANGUAGE_NAMES.items())),
            choice("order", gettext("Which way"), choices(ORDER_LABELS.items())),
        ],
        note=gettext("A medium that gives up a message hands it to the next one."),
    )
    return SettingsPage(
        title=gettext("Carriers"),
        sub=gettext("Who takes messages to customers. One that does not answer delays messages, never a refund."),
        crumbs=[settings_crumb()],
        tables=[table, orders],
        forms=[order],
    )


def carrier_page(*, scope: Scope, provider: Provider) -> SettingsPage:
    """One provider: its contract, its approved texts, a test."""
    row = MessageCarrier.objects.filter(merchant_id=scope.staff.merchant_id, kind=provider.kind).first()
    here, stored = [provider.kind], row.settings if row else {}
    fields = [
        FormField(
            name=name,
            label=str(LABELS[name]),
            kind="secret" if name in provider.secrets else "text",
            values=(stored[name],) if stored.get(name) and name not in provider.secrets else (),
            required=name not in provider.optional and not (row and name in provider.secrets),
        )
        for name in provider.fields
    ]
    places = [Choice(str(n), str(n)) for n in range(1, 10)]
    wide = [
        form(
            "contract",
            title=gettext("Contract"),
            url=reverse("desk:carrier", args=here),
            button=gettext("Save"),
            fields=[
                *fields,
                choice("position", gettext("Asked as number"), places, str(row.position if row else 1)),
                flag("enabled", gettext("In use"), on=row is None or row.enabled),
            ],
            note=gettext("Secrets are sealed and never shown again; one that is left empty stays as it is."),
        )
    ]
    forms: list[Form] = []
    if row is not None:
        wide.append(_template_form(provider))
        forms = _acts(provider, row)
    notes = []
    if not provider.is_installed:
        said = gettext("Its library is an extra that this installation has not: requirements-carriers.txt.")
        notes.append(Cell(text=said, tone="warn", icon="circle-alert"))
    facts = [Fact(gettext("Carries"), Cell(text=str(Medium(provider.medium).label)))]
    facts.append(Fact(gettext("State"), standing(provider, row)))
    return SettingsPage(
        title=str(provider.label),
        sub=gettext("Only texts that the provider has approved go this way."),
        crumbs=[settings_crumb(), Option(label=gettext("Carriers"), url=reverse("desk:carriers"))],
        notes=notes,
        facts=[Facts(title=gettext("As it is"), facts=facts)],
        tables=[_templates(row)] if row is not None else [],
        wide_forms=wide,
        forms=forms,
    )


def _template_form(provider: Provider) -> Form:
    events = {event: _label(event) for event in contracts.EVENTS if event != CODE or provider.medium == Medium.SMS}
    names = gettext(", ").join(f"{{{name}}}" for name in contracts.NAMES)
    hint = gettext("The text as it was approved, with these in the place of its variables: %(names)s") % {
        "names": names
    }
    if provider.medium == Medium.WECHAT:
        hint = gettext("A line for each field, such as amount1=¥{amount}. These can be named: %(names)s") % {
            "names": names
        }
    return form(
        "template",
        title=gettext("Enter a template"),
        url=reverse("desk:carrier-template", args=[provider.kind]),
        button=gettext("Save the template"),
        fields=[
            choice("event", gettext("When"), choices(events.items())),
            choice("language", gettext("Language"), choices(LANGUAGE_NAMES.items())),
            text("id", gettext("Template's id; empty takes it away")),
            FormField(name="text", label=gettext("Text"), kind="long", hint=hint),
        ],
        tone="",
    )


def _acts(provider: Provider, row: MessageCarrier) -> list[Form]:
    here, found = [provider.kind], []
    kept = {key: f"{_label(key.partition('/')[0])} · {LANGUAGE_NAMES[key.partition('/')[2]]}" for key in row.templates}
    if kept:
        to = gettext("Phone number") if provider.medium == Medium.SMS else gettext("OpenID")
        found.append(
            form(
                "test",
                title=gettext("Send it to yourself"),
                url=reverse("desk:carrier-test", args=here),
                button=gettext("Send a test"),
                fields=[
                    choice("key", gettext("Template"), choices(kept.items())),
                    text("recipient", to, required=True),
                ],
                note=gettext("About a refund that never was. It is in the audit trail."),
                tone="",
            )
        )
    found.append(
        form(
            "remove",
            title=gettext("Remove the contract"),
            url=reverse("desk:carrier-remove", args=here),
            fields=[flag("confirmed", gettext("Its keys and templates are forgotten"))],
            tone="danger",
        )
    )
    return found


def _templates(row: MessageCarrier) -> Table:
    return Table(
        title=gettext("Templates"),
        columns=[gettext("When"), gettext("Template's id"), gettext("Text")],
        rows=[
            Row(
                cells=[
                    Cell(text=_label(key.partition("/")[0]), sub=[LANGUAGE_NAMES[key.partition("/")[2]]]),
                    Cell(text=one["id"]),
                    Cell(text="", sub=one["text"].splitlines()),
                ]
            )
            for key, one in sorted(row.templates.items())
        ],
        nothing=gettext("No templates yet"),
        empty=gettext(
            "Providers send only what they have approved. Name its template here; without one nothing goes this way."
        ),
        icon="message-square-text",
    )


def standing(provider: Provider, row: MessageCarrier | None) -> Cell:
    if row is None:
        missing = not provider.is_installed
        return Cell(text=gettext("not installed") if missing else gettext("not set up"), icon="circle-dashed")
    if not row.enabled:
        return Cell(text=gettext("out of use"), icon="ban")
    if row.failing_since is not None:
        since = gettext("since %(when)s") % {"when": when_minute(row.failing_since)}
        return Cell(text=gettext("does not take messages"), tone="bad", icon="circle-alert", sub=[row.trouble, since])
    if row.trouble:
        return Cell(text=gettext("refuses some"), tone="warn", icon="circle-alert", sub=[row.trouble])
    return Cell(text=gettext("in use"), tone="ok", icon="circle-check")


def _label(event: str) -> str:
    return gettext("One-time code") if event == CODE else event_label(event)
