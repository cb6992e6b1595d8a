"""What the page of the audit trail shows."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.audit import checkpoints, keys, notes
from core.audit.actors import ActorKind
from core.audit.models import AuditCheckpoint, AuditEvent, AuditVerification
from core.audit.verifying import Breach
from core.numbers import refund_number
from core.spreadsheets import Columns, cell, csv_lines, name, table
from desk import filters, keyset, rows
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.audit.acts import GROUPS, words
from desk.filters import Choice, Filter, Narrowed
from desk.refund import timeline
from desk.rows import Pager
from desk.templatetags.desk_format import when
from merchants import audit_trail
from merchants.audit_trail import REFUND
from merchants.models import Staff
from refunds.models import RefundRequest

_PAGE = 50
_NEWEST = keyset.Order("at", descending=True)
_BESIDE = "beside"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """``data`` is what the event carries, as it is stored; ``subject_url`` "" where there is no page of it."""

    event: AuditEvent
    who: str
    who_url: str
    what: str
    detail: str
    act_url: str
    subject: str
    subject_url: str
    data: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at the chain has found, up to which place, whose hash is ``head``."""

    last_seq: int
    head: str
    findings: Sequence[Breach]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """``recent`` is what was just looked at, ``whole`` the last verification of everything that was asked for."""

    narrowed: Narrowed
    rows: Sequence[EventRow]
    pager: Pager
    total: keyset.Capped
    export_url: str
    export_most: int
    recent: Verified | None
    whole: AuditVerification | None
    whole_findings: Sequence[Breach]
    error: str
    checkpoint: AuditCheckpoint | None
    public_key: str
    holder: str


def audit_page(*, scope: Scope, query: QueryDict, recent: Verified | None = None, error: str = "") -> AuditPage:
    path = reverse("desk:audit")
    chosen, found = narrowed(query, scope=scope)
    shown = keyset.page(found, order=_NEWEST, cursor=query.get("c", ""), size=_PAGE)
    total = keyset.count(found)
    whole = audit_trail.last_verification(by=scope.by)
    return AuditPage(
        narrowed=filters.narrowed(chosen, query, path),
        rows=list(_rows(notes.told(shown.rows), query, path)),
        pager=rows.pager(shown, total=total, path=path, query=query),
        total=total,
        export_url=with_query(reverse("desk:audit-csv"), query),
        export_most=audit_trail.MOST_ROWS,
        recent=recent,
        whole=whole,
        whole_findings=[Breach(scope.staff.merchant_id, *one) for one in whole.findings] if whole else [],
        error=error,
        checkpoint=audit_trail.checkpoints_of(by=scope.by).order_by("-pk").first(),
        public_key=checkpoints.public_key(keys.ring().current),
        holder=scope.staff.merchant.checkpoints_to,
    )


def narrowed(query: QueryDict, *, scope: Scope) -> tuple[list[Filter], QuerySet[AuditEvent]]:
    """The filters, and the events that they, the refund's number and the days leave."""
    chosen = [_person(scope), _act(query)]
    found = filters.apply(audit_trail.events_of(by=scope.by), chosen, query)
    if text := query.get("q", "").strip():
        found = found.filter(object_id__in=_subjects(text, scope))
    return chosen, filters.within_days(found, "at", query)


def _subjects(text: str, scope: Scope) -> list[str]:
    """What a number names: a refund's own, else the id of whatever was changed."""
    number = refund_number(text)
    if not number:
        return [text[:40]]
    return [str(pk) for pk in scope.requests().filter(number=number).values_list("pk", flat=True)]


def _person(scope: Scope) -> Filter:
    staff = Staff.objects.filter(merchant_id=scope.staff.merchant_id).order_by("-is_active", "name", "pk")
    people = {str(pk): name for pk, name in staff.values_list("pk", "name")[:200]}
    kinds = {
        ActorKind.API_KEY.value: gettext("API keys"),
        ActorKind.CUSTOMER.value: gettext("Customers"),
        ActorKind.CHANNEL.value: gettext("Channels"),
        ActorKind.SYSTEM.value: gettext("Policy and system"),
    }

    def condition(value: str) -> Q:
        return Q(actor_kind=value) if value in kinds else Q(actor_kind=ActorKind.STAFF.value, actor_id=value)

    return Filter("who", gettext("Person"), [Choice(*pair) for pair in [*people.items(), *kinds.items()]], condition)


def _act(query: QueryDict) -> Filter:
    """By what it is about; an act itself, as a row links to it, is a choice once it is chosen."""
    choices = [Choice(_BESIDE, gettext("Everything but refunds"))]
    choices += [Choice(group, str(label)) for group, label in GROUPS.items()]
    exact = query.get("act", "")
    if "." in exact:
        label, _ = words(AuditEvent(action=exact[:60]))
        choices.append(Choice(exact, label))

    def condition(value: str) -> Q:
        if value == _BESIDE:
            return ~Q(object_type=REFUND)
        about = Q(action=value) if "." in value else Q(action__startswith=f"{value}.")
        # Said so, an index does that leaves out what there is most of.
        return about if value.startswith("refund") else about & ~Q(object_type=REFUND)

    return Filter("act", gettext("Act"), choices, condition)


def _rows(events: Sequence[AuditEvent], query: QueryDict, path: str) -> Iterator[EventRow]:
    numbers = _numbers(events)
    for event in events:
        what, detail = words(event)
        number = numbers.get(event.object_id, "")
        who = event.actor_id if event.actor_kind == ActorKind.STAFF else event.actor_kind
        yield EventRow(
            event=event,
            who=timeline.actor(event) or gettext("System"),
            who_url=with_query(path, query, who=who),
            what=what,
            detail=detail,
            act_url=with_query(path, query, act=event.action),
            subject=number or _subject(event),
            subject_url=refund_url(number) if number else "",
            data=json.dumps(event.data, ensure_ascii=False, indent=1, sort_keys=True) if event.data else "",
        )


def _numbers(events: Iterable[AuditEvent]) -> dict[str, str]:
    ids = {UUID(event.object_id) for event in events if event.object_type == REFUND}
    found = RefundRequest.objects.filter(pk__in=ids).values_list("pk", "number")
    return {str(pk): number for pk, number in found}


def _subject(event: AuditEvent) -> str:
    """What the event itself calls it, as far as it does."""
    named = ("terminal", "name", "account", "store", "code", "order_no", "number", "title")
    return next((str(event.data[key]) for key in named if isinstance(event.data.get(key), str) and event.data[key]), "")


def lines(found: QuerySet[AuditEvent]) -> Iterator[str]:
    """The file line by line, newest first."""
    rows = found.order_by("-at", "-pk").iterator(chunk_size=1_000)
    some = iter(lambda: notes.told(islice(rows, 1_000)), [])
    return csv_lines(table(COLUMNS, chain.from_iterable(some)))


#: What the file shows.
COLUMNS: Columns = (
    (_("Time"), lambda event: when(event.at)),
    (_("Kind of actor"), lambda event: cell(event.actor_kind)),
    (_("Who"), lambda event: name(timeline.actor(event) or event.actor_name)),
    (_("Act"), lambda event: cell(event.action)),
    (_("In words"), lambda event: cell(" ".join(part for part in words(event) if part))),
    (_("About"), lambda event: cell(event.object_type)),
    (_("Id"), lambda event: name(event.object_id)),
    (_("Data"), lambda event: cell(json.dumps(event.data, ensure_ascii=False, sort_keys=True))),
    (_("Event"), lambda event: str(event.pk)),
)
