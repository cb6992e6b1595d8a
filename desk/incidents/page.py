"""Incidents: the list with its form and the lessons, and one incident with what can be done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import get_language

from core.calendar import SHANGHAI
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.filters import Choice
from desk.keyset import CAP, Capped
from desk.templatetags.desk_format import yuan_plain
from merchants import channels
from merchants.rights import Act
from refunds.follow_up import incidents
from refunds.follow_up.incidents import Apologies, Lesson
from refunds.models import Incident, RefundRequest
from refunds.models.incident import IncidentCause, IncidentState
from refunds.models.notification import APOLOGY, Medium
from refunds.telling import own_words, wording
from terminals.models import Terminal, Transaction

_SHOWN, _AFFECTED_SHOWN = 100, 20
_TYPED = ("provider", "ticket_no", "promised_at", "cost", "words", "cause", "prevention", "ended_at")
CHANNELS = ("wechat", "alipay", "unionpay", "cash")


@dataclass(frozen=True, slots=True)
class Row:
    incident: Incident
    url: str
    place: str
    owner: str
    late: bool


@dataclass(frozen=True, slots=True)
class Learned:
    lesson: Lesson
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsPage:
    """``typed`` is what the form had, empty at first. ``draft_url`` starts a draft of the policy, for who may."""

    rows: Sequence[Row]
    lessons: Sequence[Learned]
    draft_url: str
    stores: Sequence[Choice]
    terminals: Sequence[str]
    channels: Sequence[Choice]
    typed: Mapping[str, str]
    form_error: str


@dataclass(frozen=True, slots=True)
class Affected:
    refund: RefundRequest
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """``may_handle`` shows the forms of an open one. ``told``: people who were written to; ``would``: what a dry run found, and
    ``words`` what they would read, as a text message; ``words_url`` changes that, for who may.
    """

    incident: Incident
    place: str
    owner: str
    channel: str
    late: bool
    may_handle: bool
    sales: Sequence[Transaction]
    sales_count: Capped
    refunds: Sequence[Affected]
    refunds_count: Capped
    told: int
    would: Apologies | None
    words: str
    words_url: str
    answers: Sequence[tuple[datetime, str, str]]
    causes: Sequence[Choice]
    typed: Mapping[str, str]
    form_error: str


def incidents_page(*, scope: Scope, at: datetime, typed: Mapping[str, str], form_error: str) -> IncidentsPage:
    stores = list(scope.stores())
    tills = Terminal.objects.filter(store__in=stores).order_by("code").values_list("code", flat=True)
    return IncidentsPage(
        rows=[
            Row(one, reverse("desk:incident", args=[one.pk]), _place(one), _owner(one), _is_late(one, at))
            for one in incidents.incidents_of(by=scope.by)[:_SHOWN]
        ],
        lessons=[
            Learned(lesson, str(IncidentCause(lesson.cause).label)) for lesson in incidents.lessons(by=scope.by, at=at)
        ],
        draft_url=reverse("desk:policy-draft-start") if scope.may(Act.DRAFT_POLICY) else "",
        stores=[Choice(store.code, store.name) for store in stores],
        terminals=sorted(set(tills)),
        channels=[Choice(code, channels.label(code)) for code in CHANNELS],
        typed=typed,
        form_error=form_error,
    )


def incident_page(
    incident: Incident,
    *,
    scope: Scope,
    at: datetime,
    typed: Mapping[str, str] | None = None,
    would: Apologies | None = None,
    form_error: str = "",
) -> IncidentPage:
    refunds, sales = incidents.affected_refunds(incident), incidents.affected_sales(incident)
    return IncidentPage(
        incident=incident,
        place=_place(incident),
        owner=_owner(incident),
        channel=channels.label(incident.channel) if incident.channel else "",
        late=_is_late(incident, at),
        may_handle=scope.may(Act.HANDLE_INCIDENT) and incident.state != IncidentState.CLOSED,
        sales=list(sales.select_related("store")[:_AFFECTED_SHOWN]),
        sales_count=Capped(sales.order_by()[: CAP + 1].count()),
        refunds=[Affected(one, refund_url(one.number)) for one in refunds.select_related("store")[:_AFFECTED_SHOWN]],
        refunds_count=Capped(refunds.order_by()[: CAP + 1].count()),
        told=incident.apologies.count(),
        would=would,
        words=_words(scope) if would and would.people else "",
        words_url=_words_url() if scope.may(Act.SET_WORDING) else "",
        answers=[(datetime.fromisoformat(one["at"]), one["by"], one["words"]) for one in incident.answers],
        causes=[Choice(cause.value, str(cause.label)) for cause in IncidentCause],
        typed={**dict.fromkeys(_TYPED, ""), **_known(incident), **(typed or {})},
        form_error=form_error,
    )


def _known(incident: Incident) -> dict[str, str]:
    """The provider's ticket as its form has it: whoever changes one thing of it keeps the others."""
    promised, cost = incident.promised_at, incident.cost_fen
    return {
        "provider": incident.provider,
        "ticket_no": incident.ticket_no,
        "promised_at": "" if promised is None else f"{promised.astimezone(SHANGHAI):%Y-%m-%d %H:%M}",
        "cost": yuan_plain(cost),
    }


def _words_url() -> str:
    return reverse("desk:message", args=[APOLOGY, Medium.SMS, wording.language_of(get_language() or "")])


def _words(scope: Scope) -> str:
    """What those who are written to read, in the language of whoever looks."""
    language = get_language() or ""
    own = own_words.in_force(
        merchant_id=scope.staff.merchant_id, event=APOLOGY, medium=Medium.SMS, language=wording.language_of(language)
    )
    text = wording.example(
        event=APOLOGY,
        medium=Medium.SMS,
        language=wording.language_of(language),
        merchant=scope.staff.merchant,
        own=own.text if own else "",
    )
    return text.body


def _place(incident: Incident) -> str:
    parts = [incident.store.name if incident.store else "", incident.terminal.code if incident.terminal else ""]
    return " · ".join(part for part in parts if part)


def _owner(incident: Incident) -> str:
    return incident.owner.name if incident.owner else incident.opened_by


def _is_late(incident: Incident, at: datetime) -> bool:
    return incident.state != IncidentState.CLOSED and incident.due_at < at
