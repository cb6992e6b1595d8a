"""Something is out of order: what it affects, what its provider promised and answered, an apology to those affected, and an end
with cause and prevention. What happens again and again is a lesson for the policy, or for another provider.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from core.audit.record import record_of
from core.errors import Conflict, Invalid, existing
from core.personal_data import search_hash
from core.plain_text import one_line
from merchants import channels, rights
from merchants.principals import Principal
from merchants.rights import Act, Subject
from refunds import lifecycle
from refunds.facts import conditions
from refunds.lifecycle import Move
from refunds.models import Apology, Execution, Incident, Notification, RefundRequest
from refunds.models.incident import IncidentCause, IncidentState
from refunds.models.notification import APOLOGY
from refunds.states import Reason, State
from terminals.models import Transaction
from terminals.reporting import CLOCKS_DIFFER, store_named, terminal_named

#: By then it should be closed, until its provider promises another time.
DUE_AFTER = timedelta(days=1)
#: So many refunds wait for one answer at most, and they are asked for because of a fault.
MAX_WAITING = 200
_FAULTS = (Reason.SYSTEM_FAULT, Reason.NETWORK_FAULT, Reason.OPERATOR_ERROR)
#: As many are told at once; who affects more is narrowed down first.
MAX_TOLD = 5_000
#: What has so many incidents in that time has them again and again.
CHRONIC_COUNT, LESSONS_OF = 3, timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is out of order. Without ``store`` it is everywhere; without ``ended_at`` it lasts."""

    title: str
    began_at: datetime
    ended_at: datetime | None = None
    store: str = ""
    terminal: str = ""
    channel: str = ""
    error_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What the provider was asked, and what it promised."""

    provider: str
    ticket_no: str = ""
    promised_at: datetime | None = None
    cost_fen: int | None = None


@dataclass(frozen=True, slots=True)
class Apologies:
    """People: who is told (or would be), who was told before, and of whom no phone or address is known."""

    people: int
    before: int
    unreachable: int


@dataclass(frozen=True, slots=True)
class Lesson:
    """What closed incidents have in common: a cause, or a provider. ``chronic``: another provider or an expert is due."""

    cause: str
    provider: str
    incidents: int
    cost_fen: int
    chronic: bool
    preventions: Sequence[str]


@transaction.atomic
def open_incident(*, problem: Problem, by: Principal, at: datetime) -> Incident:
    """Open one. Raises ``Forbidden`` or ``Invalid``."""
    rights.check_may(Act.REPORT_INCIDENT, by=by)
    store = store_named(problem.store, by=by) if problem.store else None
    rights.check_may(
        Act.REPORT_INCIDENT, by=by, subject=Subject(merchant_id=by.acting_for, store_id=store.pk if store else None)
    )
    title = one_line(problem.title, limit=120)
    if not title:
        raise Invalid("say what is out of order", code="message_required")
    if problem.channel and problem.channel not in channels.known():
        raise Invalid("no such way of payment", code="unknown_channel")
    if problem.terminal and store is None:
        raise Invalid("a till is one of a store", code="unknown_terminal")
    _check_span(problem.began_at, problem.ended_at, at)
    incident = Incident.objects.create(
        merchant_id=by.acting_for,
        store=store,
        terminal=terminal_named(problem.terminal, store=store) if store else None,
        channel=problem.channel,
        error_code=one_line(problem.error_code, limit=60),
        title=title,
        began_at=problem.began_at,
        ended_at=problem.ended_at,
        owner_id=by.staff_id,
        due_at=at + DUE_AFTER,
        opened_by=by.name[:80],
        opened_at=at,
    )
    _record(incident, "open", by=by, at=at, title=title)
    return incident


def find(*, incident_id: int, by: Principal, act: Act = Act.REPORT_INCIDENT, lock: bool = False) -> Incident:
    """The incident, for one who may do this. Raises ``Forbidden``, or ``NotFound``, also for another merchant's or store's."""
    rights.check_may(act, by=by)
    rows = incidents_of(by=by).filter(pk=incident_id)
    incident = existing((rows.select_for_update(of=("self",)) if lock else rows).first(), "incident")
    rights.check_may(act, by=by, subject=Subject(merchant_id=incident.merchant_id, store_id=incident.store_id))
    return incident


def incidents_of(*, by: Principal) -> QuerySet[Incident]:
    """The incidents that this principal may know of, the newest first."""
    rows = Incident.objects.filter(merchant_id=by.acting_for).select_related("store", "terminal", "owner")
    return by.in_stores(rows).order_by("-opened_at", "-pk")


def affected_sales(incident: Incident) -> QuerySet[Transaction]:
    """The sales of its place and span; none where an error of refunds is meant."""
    if incident.error_code:
        return Transaction.objects.none()
    span = {"paid_at__gte": incident.began_at} | ({"paid_at__lt": incident.ended_at} if incident.ended_at else {})
    return Transaction.objects.filter(**_place(incident), **span).order_by("-paid_at", "-pk")


def affected_refunds(incident: Incident) -> QuerySet[RefundRequest]:
    """The refunds that were asked for or sent out within its span, of its place and error."""
    payouts = Execution.objects.filter(request=OuterRef("pk"))
    sent = payouts.filter(first_sent_at__gte=incident.began_at)
    asked = Q(created_at__gte=incident.began_at)
    if incident.ended_at:
        sent, asked = sent.filter(first_sent_at__lt=incident.ended_at), asked & Q(created_at__lt=incident.ended_at)
    failed = Q(Exists(sent.filter(failure_code=incident.error_code)))
    within = failed if incident.error_code else asked | Q(Exists(sent))
    return RefundRequest.objects.filter(within, **_place(incident)).order_by("-created_at", "-pk")


@transaction.atomic
def ask_provider(
    *, incident_id: int, ticket: Ticket, refunds_wait: bool = False, by: Principal, at: datetime
) -> Incident:
    """Keep the provider's ticket; it is due by then. ``refunds_wait``: refunds in review for which it is to blame wait for the
    answer, at most until an answer is owed to the customer. Raises ``Forbidden``, ``NotFound``, ``Conflict`` or ``Invalid``.
    """
    incident = _open(incident_id, by)
    provider = one_line(ticket.provider, limit=80)
    if not provider:
        raise Invalid("say who the provider is", code="message_required")
    if ticket.cost_fen is not None and ticket.cost_fen < 0:
        raise Invalid("a cost is not below zero", code="amount_invalid")
    incident.state, incident.provider = IncidentState.WAITING, provider
    incident.ticket_no, incident.cost_fen = one_line(ticket.ticket_no, limit=60), ticket.cost_fen
    incident.promised_at, incident.due_at = ticket.promised_at, ticket.promised_at or incident.due_at
    incident.save(update_fields=["state", "provider", "ticket_no", "promised_at", "cost_fen", "due_at"])
    promised = ticket.promised_at.isoformat() if ticket.promised_at else None
    waiting = _let_wait(incident, by=by, at=at) if refunds_wait else 0
    told = {"ticket_no": incident.ticket_no, "promised_at": promised, "cost_fen": ticket.cost_fen, "waiting": waiting}
    _record(incident, "ask", by=by, at=at, **told)
    return incident


@transaction.atomic
def note_answer(*, incident_id: int, words: str, by: Principal, at: datetime) -> Incident:
    """Keep what the provider answered. Raises as ``ask_provider`` does."""
    incident = _open(incident_id, by)
    words = one_line(words, limit=500)
    if not words:
        raise Invalid("say what was answered", code="message_required")
    incident.answers = [*incident.answers, {"at": at.isoformat(), "by": by.name[:80], "words": words}]
    incident.save(update_fields=["answers"])
    _end_waiting(incident, by=by, at=at)
    _record(incident, "answer", by=by, at=at, words=words)
    return incident


@transaction.atomic
def apologise(*, incident_id: int, dry_run: bool, by: Principal, at: datetime) -> Apologies:
    """Write to everybody whose refund it affected, each person once however often this is done; ``dry_run`` only counts. Raises
    as ``ask_provider`` does, also for more than ``MAX_TOLD`` refunds.
    """
    incident = _open(incident_id, by)
    fields = ("merchant_id", "customer_phone", "customer_email", "customer_locale")
    refunds = list(affected_refunds(incident).only(*fields)[: MAX_TOLD + 1])
    if len(refunds) > MAX_TOLD:
        raise Invalid("too many are affected; narrow the incident down", code="too_many_affected")
    told = {bytes(person) for person in incident.apologies.values_list("person", flat=True)}
    found: dict[bytes, RefundRequest] = {}
    unreachable = 0
    for refund in refunds:
        contact = refund.customer_phone or refund.customer_email.lower()
        if contact:
            found.setdefault(search_hash("apology", contact), refund)
        else:
            unreachable += 1
    new = {person: refund for person, refund in found.items() if person not in told}
    result = Apologies(len(new), len(found) - len(new), unreachable)
    if dry_run or not new:
        return result
    Apology.objects.bulk_create(
        Apology(incident=incident, request=refund, person=person, at=at) for person, refund in new.items()
    )
    Notification.objects.bulk_create(
        message
        for refund in new.values()
        for message in Notification.of(refund, event=APOLOGY, version=incident.pk, at=at)
    )
    _record(incident, "apologise", by=by, at=at, people=result.people, unreachable=unreachable)
    lifecycle.ring_after_commit([lifecycle.NOTIFY])
    return result


@transaction.atomic
def close(
    *, incident_id: int, cause: str, prevention: str, ended_at: datetime | None = None, by: Principal, at: datetime
) -> Incident:
    """End it, with why it happened and what keeps it from happening again; it ended ``ended_at``, else now."""
    incident = _open(incident_id, by)
    prevention = one_line(prevention, limit=500)
    if cause not in IncidentCause.values or not prevention:
        raise Invalid("an incident closes with its cause and what prevents it", code="cause_required")
    _end_waiting(incident, by=by, at=at)
    incident.ended_at = ended_at or incident.ended_at or at
    _check_span(incident.began_at, incident.ended_at, at)
    incident.state, incident.cause, incident.prevention = IncidentState.CLOSED, cause, prevention
    incident.closed_by, incident.closed_at = by.name[:80], at
    incident.save(update_fields=["state", "cause", "prevention", "ended_at", "closed_by", "closed_at"])
    _record(incident, "close", by=by, at=at, cause=cause)
    return incident


def lessons(*, by: Principal, at: datetime) -> list[Lesson]:
    """What the closed incidents of the last 90 days have in common, the most frequent first. Raises ``Forbidden``."""
    rights.check_may(Act.REPORT_INCIDENT, by=by)
    closed = incidents_of(by=by).filter(state=IncidentState.CLOSED, closed_at__gte=at - LESSONS_OF)
    groups = closed.order_by().values("cause", "provider").annotate(n=Count("pk")).order_by("-n", "cause", "provider")
    found = []
    for group in groups:
        same = closed.filter(cause=group["cause"], provider=group["provider"])
        costs = [cost or 0 for cost in same.values_list("cost_fen", flat=True)]
        said = list(dict.fromkeys(same.values_list("prevention", flat=True)))[:3]
        chronic = group["n"] >= CHRONIC_COUNT
        found.append(Lesson(group["cause"], group["provider"], group["n"], sum(costs), chronic, said))
    return found


def _let_wait(incident: Incident, *, by: Principal, at: datetime) -> int:
    """Those that nobody else works on, and of which this person may ask for more; how many."""
    mine = Q(claimed_by=None) | Q(claimed_by=by.staff_id)
    found = affected_refunds(incident).filter(mine, state=State.IN_REVIEW, reason__in=_FAULTS, due_at__gt=at)
    ids = list(found.filter(pending_decision=None).values_list("pk", flat=True)[:MAX_WAITING])
    locked = lifecycle.lock_requests(ids).values()
    able = [one for one in locked if conditions.may(Act.REQUEST_INFO, by=by, request=one, at=at)]
    return _move("ask_vendor", able, State.IN_REVIEW, incident, by=by, at=at)


def _end_waiting(incident: Incident, *, by: Principal, at: datetime) -> None:
    """Whoever knows more now decides: the refunds that waited are in review again."""
    ids = affected_refunds(incident).filter(state=State.WAITING_VENDOR).values_list("pk", flat=True)
    _move("vendor_answers", lifecycle.lock_requests(ids).values(), State.WAITING_VENDOR, incident, by=by, at=at)


def _move(
    transition: str, requests: Iterable[RefundRequest], state: State, incident: Incident, *, by: Principal, at: datetime
) -> int:
    data = {"incident": str(incident), "provider": incident.provider}
    moves = [Move(one.pk, transition, by.actor, at, data=data) for one in requests if one.state == state]
    return len(lifecycle.advance_many(moves))


def _open(incident_id: int, by: Principal) -> Incident:
    incident = find(incident_id=incident_id, by=by, act=Act.HANDLE_INCIDENT, lock=True)
    if incident.state == IncidentState.CLOSED:
        raise Conflict("the incident is closed", code="case_state")
    return incident


def _place(incident: Incident) -> dict[str, object]:
    place = {"store_id": incident.store_id, "terminal_id": incident.terminal_id, "channel": incident.channel}
    return {"merchant_id": incident.merchant_id} | {name: value for name, value in place.items() if value}


def _check_span(began_at: datetime, ended_at: datetime | None, at: datetime) -> None:
    if began_at > at + CLOCKS_DIFFER or (ended_at is not None and not began_at < ended_at <= at + CLOCKS_DIFFER):
        raise Invalid("an incident begins before it ends, and not in the future", code="span_invalid")


def _record(incident: Incident, action: str, *, by: Principal, at: datetime, **data: object) -> None:
    record_of(incident, by=by.actor, action=f"incident.{action}", at=at, data=data)
