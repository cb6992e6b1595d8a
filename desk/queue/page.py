"""What the review desk shows. Amounts in fen; an empty address hides its control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext

from desk import filters, people, verdicts
from desk.access import Scope
from desk.addresses import refund as refund_url
from desk.addresses import with_query
from desk.filters import Menu
from desk.keyset import Capped
from desk.people import Person, person
from desk.queue.listing import DeskList
from desk.queue.saved_views import VIEWS, counts
from desk.queue.setting_up import SettingUp
from desk.queue.summary import Empty, Summary
from desk.queue.trouble import Trouble
from desk.refund.offered import refusal_of
from desk.refund.page import Dialogs, Refund
from desk.refunds.export import export_url
from desk.rows import Pager, alerts, late, stamp, target_s
from desk.templatetags.desk_format import yuan
from merchants.models import Staff
from merchants.rights import Act
from refunds.facts import plans
from refunds.models import Evidence, RefundRequest
from refunds.review import decidable
from refunds.states import UNDECIDED, Reason, State
from refunds.telling import legs


@dataclass(frozen=True, slots=True)
class Leads:
    """Where a row leads: its page, its preview, the desk with it selected, the desk after a decision."""

    url: str
    pane_url: str
    select_url: str
    return_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRow:
    """``blocked`` says why this person may not decide it, ``why`` why it waits for a person; ``theirs``: to work on, no colleague
    does.
    """

    number: str
    leads: Leads
    current: bool
    channels: Sequence[str]
    store_name: str
    reason_label: Promise | str
    evidence_count: int
    amount_fen: int
    paid_fen: int
    decision: str
    tier: int
    state: str
    state_label: Promise | str
    due_at: datetime | None
    target_s: int
    paused: bool
    alerts: Sequence[str]
    owner: Person | None
    viewers: Sequence[str]
    stamp: str
    why: str
    blocked: str
    theirs: bool

    @property
    def extent_label(self) -> str:
        if self.amount_fen == self.paid_fen:
            return gettext("in full")
        return gettext("of %(paid)s paid") % {"paid": yuan(self.paid_fen)}


@dataclass(frozen=True, slots=True)
class Tab:
    """A saved view; a ``hot`` count is one that must not wait."""

    label: Promise | str
    url: str
    count: Capped
    hot: bool
    current: bool


@dataclass(frozen=True, slots=True)
class Sort:
    label: str
    url: str
    ascending: bool

    @property
    def icon(self) -> str:
        return "arrow-up" if self.ascending else "arrow-down"


@dataclass(frozen=True, slots=True)
class BulkAction:
    action: str
    label: str
    icon: str
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """The views, the list and what is selected in it. ``troubles``, ``selected``, ``dialogs``
    and ``setting_up`` are for the whole page only."""

    now: datetime
    view_label: Promise | str
    views: Sequence[Tab]
    filters: Sequence[Menu]
    has_filters: bool
    clear_filters_url: str
    sort: Sort
    claim_next_url: str
    export_url: str
    rows: Sequence[QueueRow]
    pager: Pager
    summary: Summary
    empty: Empty
    bulk_actions: Sequence[BulkAction]
    troubles: Sequence[Trouble] = ()
    selected: Refund | None = None
    return_to: str = ""
    dialogs: Dialogs | None = None
    setting_up: SettingUp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PanePage:
    """The preview alone."""

    now: datetime
    selected: Refund
    return_to: str
    dialogs: Dialogs


def queue_page(
    *,
    wanted: DeskList,
    rows: Sequence[QueueRow],
    pager: Pager,
    query: QueryDict,
    scope: Scope,
    at: datetime,
    summary: Summary,
    empty: Empty,
) -> QueuePage:
    """The list and what stands around it, nothing selected."""
    path, descending = reverse("desk:queue"), wanted.order.descending
    counted = counts(scope=scope, at=at)
    return QueuePage(
        now=at,
        view_label=wanted.view.label,
        views=[
            Tab(
                view.label,
                with_query(path, view=view.name if view is not VIEWS[0] else ""),
                counted[view.name],
                view.urgent and counted[view.name] > 0,
                view is wanted.view,
            )
            for view in VIEWS
        ],
        filters=filters.menus(wanted.filters, query, path),
        has_filters=filters.any_chosen(wanted.filters, query) or bool(query.get("q")),
        clear_filters_url=with_query(path, view=query.get("view", ""), sort=query.get("sort", "")),
        sort=Sort(
            gettext("Time left, longest first") if descending else gettext("Time left, shortest first"),
            with_query(path, query, sort="" if descending else "-due"),
            not descending,
        ),
        claim_next_url=reverse("desk:claim-next") if scope.may(Act.CLAIM) else "",
        export_url=export_url(query, scope, view=wanted.view.name),
        rows=rows,
        pager=pager,
        summary=summary,
        empty=empty,
        bulk_actions=_bulk_actions() if scope.may(Act.CLAIM) else (),
    )


def _bulk_actions() -> list[BulkAction]:
    return [
        BulkAction("approve", gettext("Approve"), "check", "A"),
        BulkAction("reject", gettext("Reject"), "x", "R"),
        BulkAction("claim", gettext("Claim"), "hand", "C"),
        BulkAction("release", gettext("Release"), "undo-2"),
    ]


def queue_rows(
    requests: Sequence[RefundRequest], *, scope: Scope, at: datetime, query: QueryDict, wanted: str, takes: bool
) -> list[QueueRow]:
    """The rows, of which the one ``wanted`` is current; else, where somebody ``takes`` one, the first that is this person's to
    work on, and no colleague's.
    """
    ids = [request.pk for request in requests]
    undecidable = decidable.undecidable(requests=requests, by=scope.by, at=at)
    scope.known["undecidable"] = {pk: undecidable.get(pk) for pk in ids}
    refused = {pk: refusal_of(why.code, roles=why.roles) for pk, why in undecidable.items()}
    counted = Evidence.objects.filter(request_id__in=ids).order_by().values_list("request_id").annotate(Count("pk"))
    evidence: Mapping[UUID, int] = dict(counted)
    looking = people.viewers(request_ids=ids, but=scope.staff, at=at)
    free = [request for request in requests if _is_theirs(request, scope.staff, refused)]
    taken = people.taken(free, but=scope.staff, at=at)
    free = [request for request in free if request.pk not in taken]
    theirs = [request.number for request in free]
    selected = wanted
    if takes and not any(request.number == wanted for request in requests):
        selected = _first(free, scope=scope, at=at)
    following = _following(requests, theirs)
    payments = plans.payments_of(requests)
    return [
        QueueRow(
            number=request.number,
            leads=leads(request.number, query, following=following[request.number]),
            current=request.number == selected,
            channels=legs.channels_of(request, payments.get(request.pk, ())),
            store_name=request.store.name,
            reason_label=Reason(request.reason).label,
            evidence_count=evidence.get(request.pk, 0),
            amount_fen=request.approved_fen or request.amount_fen,
            paid_fen=sum(one.amount_fen for one in payments.get(request.pk, [request.transaction])),
            decision=request.verdict["decision"],
            tier=verdicts.tier_level(request),
            state=request.state,
            state_label=State(request.state).label,
            due_at=request.due_at if request.state in UNDECIDED else None,
            target_s=target_s(request),
            paused=request.paused_at is not None and request.state in UNDECIDED,
            alerts=alerts(request, at=at),
            owner=person(request.claimed_by),
            viewers=looking.get(request.pk, []),
            stamp=stamp(request),
            why=verdicts.why(request.verdict["rules"]) if request.state in UNDECIDED else late(request, at=at),
            blocked=refused.get(request.pk, ""),
            theirs=request.number in theirs,
        )
        for request in requests
    ]


def _first(free: Sequence[RefundRequest], *, scope: Scope, at: datetime) -> str:
    """The first that no colleague is given at the same moment; "" for none."""
    mine = (one.number for one in free if people.take_next(one, staff=scope.staff, at=at))
    return next(mine, "")


def _is_theirs(request: RefundRequest, staff: Staff, refused: Mapping[UUID, str]) -> bool:
    """Whether nothing keeps this person from working on it: neither a rule nor a colleague who does."""
    return request.claimed_by_id in (None, staff.pk) and request.pk not in refused


def _following(requests: Sequence[RefundRequest], theirs: Sequence[str]) -> dict[str, str]:
    """For every row the next one that is this person's to work on, "" for none."""
    following, after = {}, ""
    for request in reversed(requests):
        following[request.number] = after
        if request.number in theirs:
            after = request.number
    return following


def leads(number: str, query: QueryDict, *, following: str) -> Leads:
    """``following`` is the refund with which the desk goes on after a decision."""
    desk, cursor = reverse("desk:queue"), query.get("c", "")
    return Leads(
        url=with_query(refund_url(number), query),
        pane_url=with_query(refund_url(number, "pane"), query, c=cursor, next=following),
        select_url=with_query(desk, query, c=cursor, selected=number),
        return_to=with_query(desk, query, c=cursor, selected=following),
    )
