"""What the pages of messages show."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext

from desk.access import Scope
from desk.addresses import with_query
from desk.filters import Option
from desk.forms import FormField, hidden, text
from desk.notices import event_label
from desk.settings.layout import Cell, Fact, Facts, Row, SettingsPage, Table, form, settings_crumb
from desk.templatetags.desk_format import when_minute
from merchants.models import MessageWording
from refunds.models.notification import Medium
from refunds.telling import own_words, wording
from refunds.telling.own_words import LANGUAGES, MEDIA, PLACEHOLDERS
from refunds.telling.wording import EVENTS

_NAMES = {"zh-hans": "中文", "en": "English"}


@dataclass(frozen=True, slots=True)
class Which:
    """One message: for an event, by a medium, in a language."""

    event: str
    medium: str
    language: str

    @property
    def is_one(self) -> bool:
        return self.event in EVENTS and self.medium in MEDIA and self.language in LANGUAGES

    @property
    def label(self) -> str:
        return f"{Medium(self.medium).label} · {_NAMES[self.language]}"

    def url(self, page: str = "message") -> str:
        return reverse(f"desk:{page}", args=[self.event, self.medium, self.language])


def messages_page(*, scope: Scope) -> SettingsPage:
    written = MessageWording.objects.filter(merchant_id=scope.staff.merchant_id).order_by("version")
    own = {(one.event, one.medium, one.language): one for one in written.only("event", "medium", "language", "text")}
    kinds = [(medium, language) for medium in MEDIA for language in LANGUAGES]
    table = Table(
        title=gettext("Message wording"),
        columns=[gettext("When"), *(Which("", medium, language).label for medium, language in kinds)],
        rows=[
            Row(
                cells=[
                    Cell(text=event_label(event), sub=[wording.headline(event)]),
                    *(_cell(Which(event, *kind), own.get((event, *kind))) for kind in kinds),
                ]
            )
            for event in EVENTS
        ],
        icon="message-square-text",
    )
    return SettingsPage(
        title=gettext("Message wording"),
        sub=gettext("What customers are told, and when. Without words of your own it is the built-in wording."),
        crumbs=[settings_crumb()],
        tables=[table],
    )


def message_page(*, scope: Scope, which: Which, tried: str | None = None, again: int = 0) -> SettingsPage:
    """One message: how it reads, its versions. ``tried`` are words that are not stored, to be looked at; ``again`` is the older
    version whose words these are to be.
    """
    versions = list(
        MessageWording.objects.filter(
            merchant_id=scope.staff.merchant_id, event=which.event, medium=which.medium, language=which.language
        )
        .select_related("written_by")
        .order_by("-version")[:50]
    )
    stored, last = (versions[0].text, versions[0].version) if versions else ("", 0)
    older = next((one for one in versions[1:] if one.version == again), None)
    if older is not None and tried is None:
        tried = older.text
    shown = stored if tried is None else tried
    read = wording.example(
        event=which.event, medium=which.medium, language=which.language, merchant=scope.staff.merchant, own=shown
    )
    facts = [Fact(gettext("Text"), Cell(text="", sub=read.body.splitlines()))]
    if read.subject:
        facts.insert(0, Fact(gettext("Subject"), Cell(text=read.subject)))
    facts.append(Fact(gettext("Characters"), Cell(text=str(len(read.body)))))
    table = Table(
        title=gettext("Versions"),
        columns=[gettext("Version"), gettext("Words"), gettext("Written by")],
        rows=[
            Row(
                cells=[
                    Cell(text=str(one.version)),
                    Cell(text="" if one.text else gettext("the built-in wording"), sub=one.text.splitlines()),
                    Cell(text=one.written_by.name, sub=[when_minute(one.written_at)]),
                ],
                links=[]
                if one.version == last
                else [Option(label=gettext("Use again"), url=with_query(which.url(), version=str(one.version)))],
            )
            for one in versions
        ],
        nothing=gettext("No words of your own yet"),
        empty=gettext("Customers read the built-in wording until you write your own; every version stays here."),
        icon="message-square-text",
    )
    names = gettext(", ").join(f"{{{name}}}" for name in PLACEHOLDERS)
    words = FormField(
        name="text",
        label=gettext("Your words"),
        kind="long",
        values=(shown,) if shown else (),
        hint=gettext("Empty: the built-in wording. These stand for what it is about: %(names)s") % {"names": names},
    )
    forms = [
        form(
            "wording",
            title=gettext("Your words"),
            url=which.url(),
            button=gettext("Use these words"),
            fields=[words, hidden("after", str(last))],
            also=[Option(label=gettext("Preview the words"), url=which.url("message-preview"))],
        ),
        form(
            "test",
            title=gettext("Send it to yourself"),
            url=which.url("message-test"),
            button=gettext("Send a test"),
            fields=[
                text(
                    "recipient",
                    gettext("Phone number") if which.medium == Medium.SMS else gettext("E-mail address"),
                    required=True,
                )
            ],
            note=gettext("What is stored is sent, about a refund that never was. It is in the audit trail."),
            tone="",
        ),
    ]
    return SettingsPage(
        title=event_label(which.event),
        sub=which.label,
        crumbs=[settings_crumb(), Option(label=gettext("Message wording"), url=reverse("desk:messages"))],
        notes=[] if older is None else [_of_older(older)],
        facts=[Facts(title=gettext("How it reads"), facts=facts)],
        tables=[table],
        forms=forms,
    )


def _of_older(one: MessageWording) -> Cell:
    said = gettext("These are the words of version %(number)s. Nothing is stored before you press “Use these words”.")
    return Cell(text=said % {"number": one.version}, tone="info", icon="info")


def _cell(which: Which, own: MessageWording | None) -> Cell:
    about = f"{event_label(which.event)} · {which.label}"
    if own is None or not own.text:
        return Cell(text=gettext("built-in"), url=which.url(), about=about)
    return Cell(text=gettext("your own"), url=which.url(), about=about)


def stored_text(*, scope: Scope, which: Which) -> str:
    """The merchant's own words; "" where there are none."""
    found = own_words.in_force(
        merchant_id=scope.staff.merchant_id, event=which.event, language=which.language, medium=which.medium
    )
    return found.text if found else ""
